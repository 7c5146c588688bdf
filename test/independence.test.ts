/** What a sample gets, bit for bit, does not depend on the samples beside it, nor on where a batch is cut. */
import { describe, expect, it } from 'vitest';
import { defaultEngine } from '../src/index.ts';
import {
  activations,
  asTensor,
  callOf,
  type FormName,
  float32,
  formNames,
  gradientsOf,
  type Tensor32,
} from './library.ts';
import { expectSame, expectSameGradients, expectSameLosses, PlacedCall, placements } from './placement.ts';
import { isRefused, type Problem, randomProblem, references } from './reference/index.ts';
import { layoutOf, readRow, rowStart, sizeOf } from './reference/layout.ts';
import { normal, pick, type Random, randomFrom } from './reference/random.ts';
import { isDivisible, takeRows } from './shards.ts';
import { axisFor } from './tiers.ts';

const bitsOf = ({ data }: Tensor32): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** Problems whose rows are sure, wide or have something in them that is no number, in turn. */
function problemOf(random: Random, op: FormName, shape: readonly number[], axis: number): Problem {
  const loss = references[op];
  const plain = randomProblem(random, loss, shape, axisFor(op, axis), pick(random, loss.targets));
  const changed = pick(random, Object.values(loss.spice))(random, plain);
  const { inputs, options } = isRefused(loss, changed) ? plain : changed;
  // a mean would tie the samples together
  return { inputs, options: { ...options, reduction: 'none', gradOutput: undefined, per: undefined } };
}

/** Samples, rows and columns, in tiles and as long rows. */
const shapes: readonly (readonly number[])[] = [
  [37, 3],
  [19, 4],
  [9, 90],
  [7, 170],
  [5, 7, 45],
  [6, 4, 3, 5],
];

describe.each(formNames)('%s', (op) => {
  const { family } = references[op];

  it.each(shapes.map((shape) => [shape] as const))('a row of %j alone gets what it gets among the others', (shape) => {
    const random = randomFrom(sizeOf(shape));
    const problem = problemOf(random, op, shape, 1);
    expect(isDivisible(op, shape, 1)).toBe(true);
    const run = (of: Problem) => {
      const { loss, input, target, options } = callOf(op, of);
      return loss(input, target, options);
    };
    const whole = run(problem);
    const { grad } = gradientsOf(whole);
    for (let row = 0; row < shape[0]!; row++) {
      const alone = run(takeRows(op, problem, [row]));
      for (const [mine, all] of [
        [gradientsOf(alone).grad, grad],
        [asTensor(alone.loss) as Tensor32, asTensor(whole.loss) as Tensor32],
      ] as const) {
        const size = mine.data.length;
        const there = { data: all.data.slice(row * size, (row + 1) * size), shape: mine.shape };
        expect(Buffer.compare(bitsOf(there), bitsOf(mine)), `row ${row}`).toBe(0);
      }
    }
  });

  it('is the same on arrays, which are cut into blocks, and on tensors', () => {
    const engine = defaultEngine();
    const shape = family === 'element' ? [3, 40_000] : [3, 21, 1000];
    const problem = problemOf(randomFrom(5), op, shape, 1);
    for (const reduction of ['none', 'mean'] as const) {
      const call = callOf(op, { inputs: problem.inputs, options: { ...problem.options, reduction } });
      const here = call.loss(call.input, call.target, call.options);
      const placed = new PlacedCall(engine, { op, ...call }, placements.tensors!);
      const there = placed.loss(placed.input, placed.target, placed.options);
      expectSameLosses(op, there, here);
      expectSameGradients(op, there, here);
      placed.free();
    }
  });
});

describe.each(['softmax', 'logSoftmax'] as const)('%s', (op) => {
  it.each(shapes.map((shape) => [shape] as const))(
    'a sample of %j alone gets what it gets among the others',
    (shape) => {
      const random = randomFrom(sizeOf(shape));
      const input = { data: Float64Array.from({ length: sizeOf(shape) }, () => normal(random, 4)), shape };
      const layout = layoutOf(shape, 1);
      const whole = Float64Array.from(activations[op](float32(input), { axis: 1 }).data);
      for (let i = 0; i < layout.samples; i++) {
        const row = float32({ data: readRow(input.data, layout, i), shape: [layout.classes] });
        const there = float32({ data: readRow(whole, layout, i), shape: [layout.classes] });
        expectSame(`sample at ${rowStart(layout, i)}`, there, activations[op](row));
      }
    },
  );
});
