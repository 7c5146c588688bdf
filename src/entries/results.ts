// Results of shards that become one.

import { internals as lib } from '../index.ts';

/** A function whose results for shards make the result for all of them. */
export type Merging<F, R> = F & {
  /**
   * The result for all shards.
   *
   * @param results - The results for the shards, in a fixed order where every bit counts.
   * @returns The result, as for all samples at once but for rounding.
   */
  merge(results: readonly R[]): R;
};

/** A list of results of shards. */
export function readResults<R extends object>(name: string, results: readonly R[]): readonly R[] {
  if (!Array.isArray(results)) {
    throw new TypeError(`${name}: results is ${lib.describe(results)}, expected an array of results`);
  }
  return Array.from(results as readonly unknown[], (result, i) => {
    if (typeof result === 'object' && result !== null) return result as R;
    throw new TypeError(
      `${name}: results[${i}] is ${lib.describe(result)}, expected a result of ${name.split('.')[0]}`,
    );
  });
}

/** A number of a result. */
export function readSum(value: unknown, where: string): number {
  if (typeof value === 'number') return value;
  throw new TypeError(`${where} is ${lib.describe(value)}, expected a number`);
}

/** The counts that a result holds as a tensor. */
export function readCounts(value: unknown, where: string): Float64Array {
  const { data } = (value ?? {}) as { readonly data?: unknown };
  if (lib.isTyped(data)) return data as Float64Array;
  throw new TypeError(`${where} is ${lib.describe(value)}, expected the counts of a result`);
}

/** The sum and the count of all results. */
export function addUp(
  name: string,
  results: readonly { readonly sum: number; readonly count: number }[],
): { sum: number; count: number } {
  let sum = 0;
  let count = 0;
  for (const [i, result] of readResults(name, results).entries()) {
    sum += readSum(result.sum, `${name}: results[${i}].sum`);
    count += readSum(result.count, `${name}: results[${i}].count`);
  }
  return { sum, count };
}
