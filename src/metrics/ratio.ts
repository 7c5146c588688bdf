// Metrics that are ratios of sums: what they return adds up over shards.

import { addUp, type Merging } from '../entries/results.ts';
import { internals as lib } from '../index.ts';

/** A mean: the sum that it is of, and what that was divided by. Both add up over shards. */
export type Ratio<N extends string> = { readonly [K in N]: number } & {
  /** The numerator, in float64. */
  readonly sum: number;
  /** The denominator. */
  readonly count: number;
};

/** The mean of a sum, by name; of nothing NaN. */
export function ratio<N extends string>(name: N, sum: number, count: number): Ratio<N> {
  return { [name]: count === 0 ? Number.NaN : sum / count, sum, count } as Ratio<N>;
}

/** Makes a metric of a function that returns a ratio. */
export function merging<N extends string, A extends unknown[]>(
  name: N,
  run: (...args: A) => Ratio<N>,
): Merging<(...args: A) => Ratio<N>, Ratio<N>> {
  const merge = (results: readonly Ratio<N>[]): Ratio<N> => {
    const { sum, count } = addUp(`${name}.merge`, results);
    return ratio(name, sum, count);
  };
  return Object.assign(lib.guard(run), { merge: lib.guard(merge) });
}
