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

/** A block holds 32,768 values. */
const shapes: Readonly<Record<string, readonly [readonly number[], number]>> = {
  'more columns than a block': [[1, 2, 17_000], 1],
  'many short rows': [[12_000, 3], 1],
};

describe('blocks', () => {
  const pairs = formNames.flatMap((op) =>
    Object.entries(shapes).map(([where, [shape, axis]], i) => [op, where, shape, axis, i] as const),
  );
  const cases = sampled(pairs, 0.25);

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

describe('rows longer than a block', () => {
  const C = 70_001;
  const data = Float32Array.from({ length: 3 * C }, (_, i) => Math.sin(i));
  // the largest logit stands in another block for each row
  for (const [row, at] of [5, 40_000, 70_000].entries()) data[row * C + at] = 9;

  it('have the maximum of all blocks, and gradients of 0 where they are ignored', () => {
    const input = { inputs: { input: { data: Float64Array.from(data), shape: [3, C] } } };
    const target = { data: Float64Array.of(5, 2, -100), shape: [3] };
    for (const options of [{}, { zLoss: 0.01 }, { labelSmoothing: 0.1, reduction: 'sum' as const }]) {
      expectReference('crossEntropy', { inputs: { ...input.inputs, target }, options }, 4);
    }
    const out = new Float32Array(3 * C).fill(7);
    createEngine().crossEntropy({ data, shape: [3, C] }, [5, 2, -100], { out });
    expect(out.subarray(2 * C).every((g) => g === 0)).toBe(true);
  });

  it.each(sampled([0, 1], 0.5))('and class axes that are cut, with random options: %i', (seed) => {
    for (const [shape, axis] of [
      [[2, 40_000], 1],
      [[1, 34_000, 2], 1],
    ] as const) {
      expectReference('crossEntropy', problemFor(randomFrom(seed), 'crossEntropy', shape, axis), 8);
    }
  });

  it.each([5, 40_000, C - 1])('are finite where only one block is large: %i', (at) => {
    const row = new Float32Array(C).fill(-200);
    row[at] = 300;
    const { loss } = createEngine().crossEntropy({ data: row, shape: [1, C] }, [0]);
    expect(loss).toBe(500);
  });
});
