// How well scores order: ROC AUC and average precision of labels, NDCG of rows.

import { checkOrder, LEFT_OUT, readBits, readScores } from '../entries/labels.ts';
import { COUNT, readChoice, readOptions } from '../entries/options.ts';
import { type Ignoring, readIgnored } from '../entries/pairs.ts';
import type { Merging } from '../entries/results.ts';
import { internals as lib } from '../index.ts';
import type { Tensor, TensorInput } from '../values/types.ts';
import type { Average } from './precision.ts';
import { merging, type Ratio, ratio } from './ratio.ts';

/** Options of `rocAuc` and `averagePrecision`. */
export interface RankingOptions<A extends Average = Average> extends Ignoring {
  /**
   * Of labels [N, L]: 'macro' (default), the mean over labels; 'micro', all elements together; 'weighted', by positives;
   * 'none', one per label.
   */
  readonly average?: A | undefined;
}

/** Options of `ndcg`. */
export interface NdcgOptions extends Ignoring {
  /** How many places count. Default: all. */
  readonly k?: number | undefined;
}

type Ranked<A extends Average> = A extends 'none' ? Tensor<Float64Array> : number;

/** A metric of scores and 0/1 labels. */
export type Ranking = <A extends Average = 'macro'>(
  scores: TensorInput,
  target: TensorInput,
  options?: RankingOptions<A>,
) => Ranked<A>;

/** A score of one label from its elements by descending score; `ends` says behind which a tie ends. */
type Score = (labels: Uint8Array, ends: Uint8Array) => number;

const AVERAGES = ['macro', 'micro', 'weighted', 'none'] as const;

/** The labels of elements start, start + step, … by descending score, and where ties end. */
function ordered(
  data: ArrayLike<number>,
  bits: Uint8Array,
  start: number,
  step: number,
): [labels: Uint8Array, ends: Uint8Array] {
  const places: number[] = [];
  for (let at = start; at < bits.length; at += step) if (bits[at] !== LEFT_OUT) places.push(at);
  const score = (at: number): number => data[at] as number;
  // equal infinities have no difference
  places.sort((a, b) => (score(a) === score(b) ? 0 : score(b) - score(a)));
  const labels = Uint8Array.from(places, (at) => bits[at] as number);
  const ends = Uint8Array.from(places, (at, i) => {
    const next = places[i + 1];
    return Number(next === undefined || score(next) !== score(at));
  });
  return [labels, ends];
}

function averaged(name: string, score: Score): Ranking {
  const run = (scores: TensorInput, target: TensorInput, options?: RankingOptions): number | Tensor<Float64Array> => {
    const given = readOptions(name, options, ['average', 'ignoreIndex', 'ignoreValue']);
    const average = readChoice(given.average ?? AVERAGES[0], `${name}: average`, AVERAGES);
    const read = readScores(name, scores);
    const bits = readBits(name, 'target', target, read, readIgnored(name, given));
    checkOrder(name, read, (i) => bits[i] !== LEFT_OUT);
    const { data, shape, width } = read;
    if (shape.length === 1 || average === 'micro') return score(...ordered(data, bits, 0, 1));
    const own = Float64Array.from({ length: width }, (_, l) => score(...ordered(data, bits, l, width)));
    if (average === 'none') return { data: own, shape: [width] };
    const weights = own.map((_, l) => (average === 'macro' ? 1 : countOf(bits, l, width)));
    const total = weights.reduce((a, b) => a + b, 0);
    if (average === 'weighted' && total === 0) return 0;
    // a label that weighs nothing may have no score
    return own.reduce((sum, each, l) => (weights[l] === 0 ? sum : sum + each * (weights[l] as number)), 0) / total;
  };
  return lib.guard(run) as Ranking; // the average ties the result's type to the options
}

function countOf(bits: Uint8Array, start: number, step: number): number {
  let count = 0;
  for (let at = start; at < bits.length; at += step) count += Number(bits[at] === 1);
  return count;
}

/** The share of pairs of a positive and a negative that are in order; a tie counts half. */
function auc(labels: Uint8Array, ends: Uint8Array): number {
  let [positives, negatives, inOrder] = [0, 0, 0];
  let [tied, within] = [0, 0]; // positives and negatives of the tie at hand
  for (let i = 0; i < labels.length; i++) {
    if (labels[i] === 1) tied++;
    else within++;
    if (ends[i] === 0) continue;
    inOrder += within * (positives + tied / 2);
    positives += tied;
    negatives += within;
    tied = within = 0;
  }
  const pairs = positives * negatives;
  return pairs === 0 ? Number.NaN : inOrder / pairs;
}

/** Σ precision·(growth of recall), over the thresholds. */
function precisionOverRecall(labels: Uint8Array, ends: Uint8Array): number {
  let [hits, counted, sum] = [0, 0, 0];
  for (let i = 0; i < labels.length; i++) {
    hits += labels[i] as number;
    if (ends[i] === 0) continue;
    sum += (hits - counted) * (hits / (i + 1));
    counted = hits;
  }
  return hits === 0 ? 0 : sum / hits;
}

/**
 * The area under the ROC curve: the probability that a positive has a larger score than a negative, ties counting half.
 *
 * NaN where all labels are equal (and so of a mean that such a label is part of). Source: scikit-learn's roc_auc_score (1.9).
 *
 * @param scores - Scores (logits do) [N], or [N, L] for many labels.
 * @param target - 0/1 labels of the same shape.
 * @param options - `average` of labels [N, L] ('macro'; 'micro', 'weighted' by positives, 'none'); `ignoreIndex` (-100), `ignoreValue`:
 * a label of that value is as if it were not there.
 * @returns A number; for 'none' a tensor [L]. It is no ratio of sums: shards do not add up.
 * @throws RangeError for NaN scores, labels that are not 0 or 1, and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { rocAuc } from 'lossmith/metrics';
 * rocAuc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]); // => 0.75
 */
export const rocAuc: Ranking = /* @__PURE__ */ averaged('rocAuc', auc);

/**
 * Average precision: Σ (R_n − R_{n−1})·P_n over the thresholds, the area under the curve of precision and recall without
 * interpolation; equal scores are one threshold.
 *
 * 0 where there is no positive. Source: scikit-learn's average_precision_score (1.9).
 *
 * @param scores - Scores (logits do) [N], or [N, L] for many labels.
 * @param target - 0/1 labels of the same shape.
 * @param options - `average` of labels [N, L] ('macro'; 'micro', 'weighted' by positives, 'none'); `ignoreIndex` (-100), `ignoreValue`:
 * a label of that value is as if it were not there.
 * @returns A number; for 'none' a tensor [L]. It is no ratio of sums: shards do not add up.
 * @throws RangeError for NaN scores, labels that are not 0 or 1, and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { averagePrecision } from 'lossmith/metrics';
 * averagePrecision([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]); // => 0.833333
 */
export const averagePrecision: Ranking = /* @__PURE__ */ averaged('averagePrecision', precisionOverRecall);

/** Σ of discounts 1/log2(rank + 1) up to each rank, of which only the first k count. */
function discounts(width: number, k: number): Float64Array {
  let sum = 0;
  return Float64Array.from({ length: width + 1 }, (_, rank) => {
    if (rank > 0 && rank <= k) sum += 1 / Math.log2(rank + 1);
    return sum;
  });
}

/** The discounted gain of places in the order of their scores; those of a tie share what they gain. */
function gainOf(
  data: ArrayLike<number>,
  gains: ArrayLike<number>,
  places: readonly number[],
  upTo: Float64Array,
): number {
  const order = [...places];
  const score = (at: number): number => data[at] as number;
  order.sort((a, b) => (score(a) === score(b) ? 0 : score(b) - score(a)));
  let sum = 0;
  for (let from = 0; from < order.length; ) {
    let to = from;
    let gain = 0;
    while (to < order.length && score(order[to] as number) === score(order[from] as number)) {
      gain += gains[order[to] as number] as number;
      to++;
    }
    sum += (gain / (to - from)) * ((upTo[to] as number) - (upTo[from] as number));
    from = to;
  }
  return sum;
}

/**
 * Normalized discounted cumulative gain: Σ relevance/log2(rank + 1) in the order of the scores, over what the best order has, and
 * the mean over rows.
 *
 * Gains are linear; equal scores share their places; a row without relevance has 0. Source: scikit-learn's ndcg_score (1.9).
 *
 * @param scores - Scores [N, L], or [L] for one row.
 * @param relevance - Numbers of 0 or more, of the same shape.
 * @param options - `k` (how many places count; default all); `ignoreIndex` (-100), `ignoreValue`: an element of that relevance is as
 * if it were not there, and so is a row of them.
 * @returns `{ ndcg, sum, count }`; `ndcg.merge(results)` adds shards up.
 * @throws RangeError for NaN scores, negative relevance and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { ndcg } from 'lossmith/metrics';
 * ndcg([[0.1, 0.2, 0.3, 4, 70]], [[10, 0, 0, 1, 5]]).ndcg; // => 0.695694
 */
export const ndcg: Merging<
  (scores: TensorInput, relevance: TensorInput, options?: NdcgOptions) => Ratio<'ndcg'>,
  Ratio<'ndcg'>
> = /* @__PURE__ */ merging('ndcg', (scores: TensorInput, relevance: TensorInput, options?: NdcgOptions) => {
  const name = 'ndcg';
  const given = readOptions(name, options, ['k', 'ignoreIndex', 'ignoreValue']);
  const { k } = given;
  const ignored = readIgnored(name, given);
  const read = readScores(name, scores);
  const operand = lib.readOperand(relevance, `${name}: relevance`);
  lib.fitExactly(operand, read.shape, () => 'the shape of scores');
  const gains = operand.data as ArrayLike<number>;
  for (let i = 0; i < operand.length; i++) {
    const gain = gains[i] as number;
    if ((gain >= 0 && gain < 1 / 0) || ignored(gain)) continue;
    throw new RangeError(`${name}: relevance[${i}] is ${gain}, expected a finite number of 0 or more`);
  }
  checkOrder(name, read, (i) => !ignored(gains[i] as number));
  const { rows, width } = read;
  const upTo = discounts(width, k === undefined ? width : lib.readNumber(k, `${name}: k`, COUNT));
  let [sum, count] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const all = Array.from({ length: width }, (_, l) => row * width + l);
    const places = all.filter((at) => !ignored(gains[at] as number));
    if (places.length === 0 && width > 0) continue;
    count += 1;
    const best = gainOf(gains, gains, places, upTo);
    if (best > 0) sum += gainOf(read.data, gains, places, upTo) / best;
  }
  return ratio(name, sum, count);
});
