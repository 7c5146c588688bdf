/** Weights that repeat every few elements: every loss that has them, over several chunks, against its reference. */
import { describe, expect, it } from 'vitest';
import { createEngine } from '../src/index.ts';
import { callOf, type FormName, formNames } from './library.ts';
import { expectSameGradients, PlacedCall, placements } from './placement.ts';
import { expectReference, pick } from './property.ts';
import { drawBroadcastWeight, withInput } from './reference/draws.ts';
import { isRefused, type Problem, references, type Tensor64 } from './reference/index.ts';
import { type Random, randomFrom } from './reference/random.ts';

/** Kernels sum by chunks of so many elements (assembly/elements/walk.ts). */
const CHUNK = 32768;

const weighted = formNames.filter((op) => references[op].options.weight === drawBroadcastWeight);

/** Weights by their place; where one is 0, the input may hold anything. */
const kinds = {
  random: (random: Random) => Math.fround(0.25 + 2 * random()),
  'random but for a 0': (random: Random, i: number) => (i === 0 ? 0 : Math.fround(0.25 + 2 * random())),
  '1 but for a 3': (_: Random, i: number) => (i === 0 ? 3 : 1),
};

/** A problem whose weights are `period` values of a kind. */
function repeating(random: Random, op: FormName, rows: number, period: number, kind: keyof typeof kinds): Problem {
  const { draw, targets } = references[op];
  const drawn = draw(random, [rows, period], undefined, targets[0]);
  const data = Float64Array.from({ length: period }, (_, i) => kinds[kind](random, i));
  const reduction = pick(random, ['mean', 'sum'] as const);
  const problem = { ...drawn, options: { ...drawn.options, reduction, weight: { data, shape: [period] } } };
  const odd = withInput(problem, (x, i) => (data[i % period] === 0 ? pick(random, [x, Number.NaN, 1e30]) : x));
  return isRefused(references[op], odd) ? problem : odd;
}

describe.each(weighted)('%s', (op: FormName) => {
  const random = randomFrom(11);
  for (const period of [1, 2, 3, 4, 5, 8, 12, 14, 32, 33]) {
    for (const kind of ['random', 'random but for a 0', '1 but for a 3'] as const) {
      it(`with weights of ${period} values, ${kind}`, () => {
        for (const rows of [1, 67]) expectReference(op, repeating(random, op, rows, period, kind), 8);
      });
    }
  }

  it('over chunks, the last of which ends amid a vector', () => {
    const rows = Math.ceil((CHUNK + 4097) / 5) | 1;
    expectReference(op, repeating(random, op, rows, 5, 'random'), 8);
  });

  it('that the caller wrote out for all elements, of which a chunk has no whole number of periods', () => {
    const period = 12;
    const n = CHUNK + 7 * period + 2;
    const problem = repeating(random, op, 1, n, 'random');
    const weight = problem.options.weight as Tensor64;
    const data = weight.data.map((_, i) => weight.data[i % period]!);
    const full = { ...problem, options: { ...problem.options, weight: { ...weight, data } } };
    expectReference(op, full, 8);
    // which arrays are cut into blocks for, tensors not
    const { loss, input, target, options } = callOf(op, full);
    const placed = new PlacedCall(createEngine(), { op, input, target, options }, placements.tensors!);
    const [got, expected] = [placed.loss(placed.input, placed.target, placed.options), loss(input, target, options)];
    expectSameGradients(op, got, expected);
    expect(got.loss).toBe(expected.loss);
  });
});
