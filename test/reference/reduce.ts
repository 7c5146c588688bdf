import { sumOf } from './numeric.ts';
import type { ReferenceOptions, Tensor64 } from './types.ts';

/** How per-sample losses become the result, and what reaches each sample on the way back. */
export interface Reducer {
  /** Per-sample values (0 where ignored) to the loss. */
  loss(values: Float64Array, denominator: number): Tensor64;
  /** d(loss · gradOutput · scale) / d(value of the sample). */
  upstream(sample: number, denominator: number): number;
}

/**
 * none: l_i; sum: Σ l_i; mean: Σ l_i / denominator; batchmean: Σ l_i / batch.
 * A denominator of 0 counts as nothing: the mean is `emptyMean`, its gradient 0.
 *
 * @param shape shape of the loss without reduction
 * @param batch size of the first axis that is not the class axis
 */
export function reducerOf(options: ReferenceOptions, shape: readonly number[], batch: number): Reducer {
  const { reduction = 'mean', gradOutput = 1, scale = 1, emptyMean = 'nan' } = options;
  const empty = emptyMean === 'zero' ? 0 : Number.NaN;
  const gradAt = (i: number): number =>
    typeof gradOutput === 'number' ? gradOutput : gradOutput.data[reduction === 'none' ? i : 0]!;
  const divisor = (denominator: number): number => {
    if (reduction === 'mean') return denominator;
    return reduction === 'batchmean' ? batch : 1;
  };
  return {
    loss(values, denominator) {
      if (reduction === 'none') return { data: values.slice(), shape };
      const by = divisor(denominator);
      return { data: Float64Array.of(by === 0 ? empty : sumOf(values) / by), shape: [] };
    },
    upstream(sample, denominator) {
      const by = divisor(denominator);
      return by === 0 ? 0 : (gradAt(sample) * scale) / by;
    },
  };
}
