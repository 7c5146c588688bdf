// Propensity-scored precision and NDCG of extreme labels.

import { checkOrder, largest, readPositives, readScores } from '../entries/labels.ts';
import { COUNT, PROPENSITY, readOptions, readRow } from '../entries/options.ts';
import { type Ignoring, readIgnored } from '../entries/pairs.ts';
import { type Merging, readResults, readSum } from '../entries/results.ts';
import { internals as lib } from '../index.ts';
import type { SparseTarget, TensorInput } from '../values/types.ts';

/** Options of `pspAtK` and `psndcgAtK`. */
export interface PropensityMetricOptions extends Ignoring {
  /** How many labels are predicted for each row. */
  readonly k: number;
  /** The propensity of each label [L] (`propensities` of lossmith/decide). */
  readonly propensities: TensorInput;
}

/** A ratio of two sums over all rows, not a mean of ratios. */
export type PropensityRatio<N extends string> = { readonly [K in N]: number } & {
  /** What the predictions gain. */
  readonly sum: number;
  /** What the best predictions would gain: the denominator. */
  readonly weightSum: number;
  /** Rows. */
  readonly count: number;
};

/** A propensity-scored metric. */
export type PropensityMetric<N extends string> = Merging<
  (scores: TensorInput, target: TensorInput | SparseTarget, options: PropensityMetricOptions) => PropensityRatio<N>,
  PropensityRatio<N>
>;

function ratioOf<N extends string>(name: N, sum: number, weightSum: number, count: number): PropensityRatio<N> {
  const value = weightSum === 0 ? Number.NaN : sum / weightSum;
  return { [name]: value, sum, weightSum, count } as PropensityRatio<N>;
}

/** A metric whose place `rank` (from 0) weighs `discount(rank)`. */
function scored<N extends string>(name: N, discount: (rank: number) => number): PropensityMetric<N> {
  const run = (
    scores: TensorInput,
    target: TensorInput | SparseTarget,
    options: PropensityMetricOptions,
  ): PropensityRatio<N> => {
    const given = readOptions(name, options, ['k', 'propensities', 'ignoreIndex', 'ignoreValue']);
    if (given.k === undefined) throw new TypeError(`${name}: k is missing, expected an integer above 0`);
    if (given.propensities === undefined) {
      throw new TypeError(`${name}: propensities is missing, expected a propensity for each label`);
    }
    const k = lib.readNumber(given.k, `${name}: k`, COUNT);
    const read = readScores(name, scores);
    const { rows, width } = read;
    const inverse = readRow(given.propensities, `${name}: propensities`, PROPENSITY, width, 'one per label').map(
      (p) => 1 / p,
    );
    const positives = readPositives(name, target, read, readIgnored(name, given));
    const { data } = read;
    checkOrder(name, read, (i) => positives.counts(Math.floor(i / width), i % width));
    let [sum, weightSum, count] = [0, 0, 0];
    for (let row = 0; row < rows; row++) {
      const best = largest(data, row * width, width, k, (column) => positives.counts(row, column));
      if (best.length === 0 && width > 0) continue;
      count += 1;
      const own = positives.of(row);
      const gains = own.map((l) => inverse[l] as number).sort((a, b) => b - a);
      for (const [rank, gain] of gains.slice(0, k).entries()) weightSum += gain * discount(rank);
      const right = new Set(own);
      for (const [rank, l] of best.entries()) {
        if (right.has(l)) sum += (inverse[l] as number) * discount(rank);
      }
    }
    return ratioOf(name, sum, weightSum, count);
  };
  const merge = (results: readonly PropensityRatio<N>[]): PropensityRatio<N> => {
    let [sum, weightSum, count] = [0, 0, 0];
    for (const [i, result] of readResults(`${name}.merge`, results).entries()) {
      const where = `${name}.merge: results[${i}]`;
      sum += readSum(result.sum, `${where}.sum`);
      weightSum += readSum(result.weightSum, `${where}.weightSum`);
      count += readSum(result.count, `${where}.count`);
    }
    return ratioOf(name, sum, weightSum, count);
  };
  return Object.assign(lib.guard(run), { merge: lib.guard(merge) });
}

/**
 * Propensity-scored precision at k: Σ 1/p over the right ones among the k labels of largest score, over the most that could be, both
 * summed over all rows.
 *
 * Of equal scores the first label is taken. Source: Jain, Prabhu & Varma 2016, normalized over the data set as pyxclib does.
 *
 * @param scores - Scores (logits do) [N, L].
 * @param target - 0/1 labels [N, L], or sparse positives `{ indices, offsets }`.
 * @param options - `k` and `propensities` [L], both required; `ignoreIndex` (-100), `ignoreValue`: a label of that value is as if it
 * were not there.
 * @returns `{ pspAtK, sum, weightSum, count }`; numerator and denominator add up over shards (`pspAtK.merge(results)`).
 * @throws RangeError for NaN scores, labels that are not 0 or 1 and propensities outside (0, 1]; TypeError for the wrong kind and
 * for a missing option.
 * @example
 * import { propensities } from 'lossmith/decide';
 * import { pspAtK } from 'lossmith/metrics';
 * const p = propensities([900, 20, 3], 1000);
 * pspAtK([[2, 1, 0], [1, 0, 3]], [[1, 1, 0], [1, 0, 1]], { k: 1, propensities: p }).pspAtK; // => 0.804911
 */
export const pspAtK: PropensityMetric<'pspAtK'> = /* @__PURE__ */ scored('pspAtK', () => 1);

/**
 * Propensity-scored NDCG at k: as `pspAtK`, but the label in place r (from 1) gains 1/(p·log2(r + 1)).
 *
 * Of equal scores the first label is taken. Source: Jain, Prabhu & Varma 2016, normalized over the data set. (pyxclib's psndcg
 * divides each row by the discounts of as many places as it has labels first.)
 *
 * @param scores - Scores (logits do) [N, L].
 * @param target - 0/1 labels [N, L], or sparse positives `{ indices, offsets }`.
 * @param options - `k` and `propensities` [L], both required; `ignoreIndex` (-100), `ignoreValue`: a label of that value is as if it
 * were not there.
 * @returns `{ psndcgAtK, sum, weightSum, count }`; numerator and denominator add up over shards (`psndcgAtK.merge(results)`).
 * @throws RangeError for NaN scores, labels that are not 0 or 1 and propensities outside (0, 1]; TypeError for the wrong kind and
 * for a missing option.
 * @example
 * import { psndcgAtK } from 'lossmith/metrics';
 * const options = { k: 2, propensities: [0.9, 0.5, 0.25] };
 * psndcgAtK([[2, 1, 0], [1, 0, 3]], [[1, 1, 0], [1, 0, 1]], options).psndcgAtK; // => 0.9…
 */
export const psndcgAtK: PropensityMetric<'psndcgAtK'> = /* @__PURE__ */ scored(
  'psndcgAtK',
  (rank) => 1 / Math.log2(rank + 2),
);
