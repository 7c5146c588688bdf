/** Linear heads get the same bits from one thread and from several, whatever the shape. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../src/threads/index.ts';
import { normal, randomFrom } from '../reference/random.ts';
import type { Engine } from '../tiers.ts';

let one: Engine;
let several: Engine;
beforeAll(async () => {
  one = createEngine();
  several = createEngine({ threads: 3 });
  await several.ready;
  expect(several.threads).toBe(3);
});
afterAll(() => {
  one.dispose();
  several.dispose();
});

/** Rows, columns of features, classes: products by columns and by rows, tiles that are not full, rows of logits longer than a block. */
const shapes: readonly (readonly [number, number, number])[] = [
  [301, 257, 43],
  [3, 700, 1009],
  [1, 1100, 4003],
  [2000, 130, 11],
  [9, 40, 31_001],
  [2, 5, 710_003],
];

const bits = (values: ArrayLike<number>): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

describe.each(shapes)('[%i, %i] → %i', (rows, depth, classes) => {
  const random = randomFrom(rows + depth);
  const data = (length: number): Float32Array => Float32Array.from({ length }, () => normal(random));
  const features = data(rows * depth);
  const weight = data(classes * depth);
  const bias = data(classes);
  const target = Int32Array.from({ length: rows }, () => Math.floor(random() * classes));

  it.each(['tensors', 'arrays'] as const)('gets the same bits from %s', (where) => {
    const run = (engine: Engine) => {
      const place = (values: Float32Array, shape: number[]) =>
        where === 'tensors' ? engine.from(values, shape) : { data: values.slice(), shape };
      const x = place(features, [rows, depth]);
      const parameters = { weight: place(weight, [classes, depth]), bias: place(bias, [classes]) };
      const step = engine.crossEntropy.linear.prepare(x, parameters, target, { labelSmoothing: 0.1 });
      const losses = [step(), step()];
      const gradients = Object.values(step.grad).map((tensor) => (tensor as { data: Float32Array }).data.slice());
      const { data: logits } = engine.linear(x, parameters);
      step.free();
      return { losses, gradients, logits: Float32Array.from(logits) };
    };
    const [here, there] = [run(one), run(several)];
    expect(there.losses).toEqual(here.losses);
    expect(Buffer.compare(bits(there.logits), bits(here.logits))).toBe(0);
    expect(here.gradients).toHaveLength(3);
    for (const [i, gradient] of here.gradients.entries()) {
      expect(Buffer.compare(bits(there.gradients[i] as Float32Array), bits(gradient)), `gradient ${i}`).toBe(0);
    }
  });
});
