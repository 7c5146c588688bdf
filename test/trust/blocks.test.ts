/**
 * Every loss where its operands are cut into blocks, against the float64 reference. Long class axes are those of crossEntropy
 * alone: the references of some other losses take the square of their classes.
 */
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../src/index.ts';
import { formNames } from '../library.ts';
import { expectReference, problemFor } from '../property.ts';
import { isRefused, references, type Tensor64, tensor64 } from '../reference/index.ts';
import { randomFrom } from '../reference/random.ts';
import { sampled } from '../sample.ts';

/** A block holds 32,768 values, a tile 64 samples. */
const shapes: Readonly<Record<string, readonly [readonly number[], number]>> = {
  'more columns than a block': [[1, 2, 17_000], 1],
  'many short rows': [[12_000, 3], 1],
  'lines of two': [[6000, 3, 2], 1],
  'lines of three': [[45, 6, 3], 1],
  'lines of twenty': [[7, 4, 20], 1],
};

describe('blocks', () => {
  const pairs = formNames.flatMap((op) =>
    Object.entries(shapes).map(([where, [shape, axis]], i) => [op, where, shape, axis, i] as const),
  );
  const cases = sampled(pairs, 0.1);

  it.each(cases)('of %s: %s', (op, _, shape, axis, seed) => {
    const problem = problemFor(randomFrom(100 + seed), op, shape, axis);
    if (!isRefused(references[op], problem)) expectReference(op, problem, 8);
  });
});

describe('operands that repeat, where the elements are cut into blocks', () => {
  const draw = (shape: readonly number[], low: number, high: number, seed: number): Tensor64 => {
    const random = randomFrom(seed);
    const size = shape.reduce((n, d) => n * d, 1);
    return tensor64(
      Float32Array.from({ length: size }, () => low + (high - low) * random()),
      shape,
    );
  };

  it.each([
    [
      [2, 2, 17_000],
      [2, 1, 17_000],
    ],
    [
      [2, 2, 17_000],
      [2, 2, 1],
    ],
    [
      [2, 3, 12_000],
      [1, 3, 1],
    ],
  ])('posWeight: %j by %j', (shape, own) => {
    const inputs = { input: draw(shape, -3, 3, 1), target: draw(shape, 0, 1, 2) };
    expectReference('bceWithLogits', { inputs, options: { posWeight: draw(own, 0.5, 2, 3) } }, 8);
  });

  it('variance: the gradient of a row is that of all its blocks', () => {
    const shape = [2, 34_000];
    const inputs = { input: draw(shape, -3, 3, 1), target: draw(shape, -3, 3, 2) };
    expectReference('gaussianNll', { inputs, options: { variance: draw([2, 1], 0.5, 2, 4) } }, 8);
  });
});

/** Rows of up to 196,608 classes keep their exponentials; longer ones go by blocks, cut by the host or by the kernel. */
describe('rows longer than what is kept', () => {
  const C = 200_001;
  const logits = Float32Array.from({ length: 2 * C }, (_, i) => Math.sin(i));
  // the largest logit stands in an early block
  logits[5] = 9;

  it('have the sums of all blocks, and gradients of 0 where they are ignored', () => {
    const input = { data: Float64Array.from(logits), shape: [2, C] };
    const target = { data: Float64Array.of(40_000, -100), shape: [2] };
    for (const options of [{}, { zLoss: 0.01, labelSmoothing: 0.1, reduction: 'sum' as const }]) {
      expectReference('crossEntropy', { inputs: { input, target }, options }, 4);
    }
    const out = new Float32Array(2 * C).fill(7);
    createEngine().crossEntropy({ data: logits, shape: [2, C] }, [5, -100], { out });
    expect(out.subarray(C).every((g) => g === 0)).toBe(true);
  });

  it.each(['arrays', 'tensors'])('have the maximum of all blocks, wherever it stands: %s', (where) => {
    const engine = createEngine();
    for (const at of [5, 40_000, 150_000, C - 1]) {
      const row = { data: new Float32Array(C).fill(-200), shape: [1, C] };
      row.data[at] = 300;
      const input = where === 'tensors' ? engine.from(row) : row;
      const hot = { data: new Float32Array(C), shape: [1, C] };
      hot.data[0] = 1;
      for (const target of [[0], hot]) {
        const { loss, grad } = engine.crossEntropy(input, target);
        expect(loss).toBe(500);
        expect([grad.data[0], grad.data[at], grad.data[1]]).toEqual([-1, 1, 0]);
      }
      const { data } = engine.softmax(input);
      expect([data[0], data[at]]).toEqual([0, 1]);
    }
  });
});

describe('class axes that are cut', () => {
  it.each(sampled([0, 1], 0.5))('with random options: %i', (seed) => {
    for (const [shape, axis] of [
      [[1, 200_000], 1],
      [[1, 70_000, 2], 1],
    ] as const) {
      expectReference('crossEntropy', problemFor(randomFrom(seed), 'crossEntropy', shape, axis), 8);
    }
  });
});
