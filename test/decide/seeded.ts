/** Random cases of the entries beside the main one: the seed and the number of runs are those of test/property.ts. */
import fc from 'fast-check';
import { it } from 'vitest';
import { type Tensor, tensor } from '../../src/index.ts';
import { normal, type Random, randomFrom } from '../reference/random.ts';

const RUNS = Number(process.env.FC_RUNS ?? 60);
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20240607), numRuns: RUNS, includeErrorInReport: true });

/** Runs a check with many sources of random numbers. */
export const often = (name: string, run: (random: Random) => void): void => {
  it(name, () => {
    fc.assert(fc.property(fc.nat(), (seed) => run(randomFrom(seed))));
  });
};

/** A tensor of normal numbers. */
export const normals = (random: Random, shape: readonly number[]): Tensor => {
  const length = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float32Array.from({ length }, () => normal(random, 1)),
    shape,
  );
};
