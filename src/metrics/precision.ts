// Precision, recall and F1, of classes and of many labels.

import { readChoice, readOptions } from '../entries/options.ts';
import { type Ignoring, type Pair, PREDICTIONS, readIgnored, readPair } from '../entries/pairs.ts';
import { readCounts, readResults } from '../entries/results.ts';
import { internals as lib } from '../index.ts';
import type { Tensor, TensorInput } from '../values/types.ts';
import { type Classes, eachPair, presentValues, readClassValues } from './counts.ts';

/** How scores of classes become one. */
export type Average = 'micro' | 'macro' | 'weighted' | 'none';

/** How `precisionRecallF1` averages. */
export interface AverageOptions<A extends Average = Average> {
  /** 'micro' (default): of all counts together; 'macro': the mean over classes; 'weighted': by support; 'none': one per class. */
  readonly average?: A | undefined;
  /** What 0/0 is: 0 (default), 1 or NaN, which averages leave out. */
  readonly zeroDivision?: number | undefined;
}

/** Options of `precisionRecallF1`. */
export interface PrecisionOptions<A extends Average = Average> extends AverageOptions<A>, Classes, Ignoring {}

/** Scores: numbers, or with average 'none' one for each class. */
export interface PrecisionResult<A extends Average = Average> {
  /** Shares of the predicted that are right. */
  readonly precision: A extends 'none' ? Tensor<Float64Array> : number;
  /** Shares of the targets that are found. */
  readonly recall: A extends 'none' ? Tensor<Float64Array> : number;
  /** 2·TP / (2·TP + FP + FN). */
  readonly f1: A extends 'none' ? Tensor<Float64Array> : number;
  /** Counts of each class [C], which add up over shards. */
  readonly truePositives: Tensor<Float64Array>;
  /** Predicted, and another class is right [C]. */
  readonly falsePositives: Tensor<Float64Array>;
  /** Right, and another class was predicted [C]. */
  readonly falseNegatives: Tensor<Float64Array>;
  /** How many targets each class has [C]. */
  readonly support: Tensor<Float64Array>;
  /** The value of each class; undefined where the classes are the columns of 0/1 labels. */
  readonly labels: readonly number[] | undefined;
}

type Counts = Pick<PrecisionResult, 'truePositives' | 'falsePositives' | 'falseNegatives' | 'labels'>;

const AVERAGES = ['micro', 'macro', 'weighted', 'none'] as const;
const AVERAGING = ['average', 'zeroDivision'] as const;
const KNOWN = [...AVERAGING, 'classes', 'labels', 'ignoreIndex', 'ignoreValue'] as const;

const row = (data: Float64Array): Tensor<Float64Array> => ({ data, shape: [data.length] });

const increment = (counts: Float64Array, c: number): void => {
  counts[c] = (counts[c] as number) + 1;
};

/** Counts of classes. */
function ofClasses(
  name: string,
  { first, second }: Pair,
  ignored: (value: number) => boolean,
  labels: readonly number[],
): Counts {
  const n = labels.length;
  const [hits, wrong, missed] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  eachPair(name, [first, second], ignored, labels, (target, predicted) => {
    if (target === predicted) increment(hits, target);
    else {
      increment(missed, target);
      increment(wrong, predicted);
    }
  });
  return { truePositives: row(hits), falsePositives: row(wrong), falseNegatives: row(missed), labels };
}

/** Counts of the columns of 0/1 labels. */
function ofLabels(name: string, { first, second, shape, length }: Pair, ignored: (value: number) => boolean): Counts {
  const n = shape.at(-1) ?? 0;
  const [hits, wrong, missed] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < length; i++) {
    const [predicted, target] = [first[i] as number, second[i] as number];
    if (ignored(target)) continue;
    for (const [what, value] of [
      ['predicted', predicted],
      ['target', target],
    ] as const) {
      if (value === 0 || value === 1) continue;
      const hint = '; for class values give classes or labels';
      throw new RangeError(
        `${name}: ${what}[${i}] is ${value}, expected labels of 0 or 1 for ${lib.show(shape)}${hint}`,
      );
    }
    const to = predicted === 1 ? (target === 1 ? hits : wrong) : missed;
    if (predicted === 1 || target === 1) increment(to, i % n);
  }
  return { truePositives: row(hits), falsePositives: row(wrong), falseNegatives: row(missed), labels: undefined };
}

const divide = (a: number, b: number, otherwise: number): number => (b === 0 ? otherwise : a / b);

/** The mean of what is a number; weights that are all 0 do not count. */
function mean(values: readonly number[], weights?: Float64Array): number {
  const kept = values.map((_, c) => c).filter((c) => !Number.isNaN(values[c]));
  const by = weights && kept.some((c) => weights[c] !== 0) ? weights : undefined;
  let sum = 0;
  let total = 0;
  for (const c of kept) {
    const weight = by ? (by[c] as number) : 1;
    sum += weight * (values[c] as number);
    total += weight;
  }
  return divide(sum, total, Number.NaN);
}

function scoresOf(counts: Counts, average: Average, zeroDivision: number): PrecisionResult {
  const [hits, wrong, missed] = [counts.truePositives.data, counts.falsePositives.data, counts.falseNegatives.data];
  const support = hits.map((n, c) => n + (missed[c] as number));
  const score = (tp: number, fp: number, fn: number): [number, number, number] => [
    divide(tp, tp + fp, zeroDivision),
    divide(tp, tp + fn, zeroDivision),
    divide(2 * tp, 2 * tp + fp + fn, zeroDivision),
  ];
  const sum = (data: Float64Array): number => data.reduce((a, b) => a + b, 0);
  const all = Array.from(hits, (n, c) => score(n, wrong[c] as number, missed[c] as number));
  const of = (k: 0 | 1 | 2): number | Tensor<Float64Array> => {
    if (average === 'micro') return score(sum(hits), sum(wrong), sum(missed))[k];
    const values = all.map((each) => each[k]);
    return average === 'none'
      ? row(Float64Array.from(values))
      : mean(values, average === 'weighted' ? support : undefined);
  };
  const result = { precision: of(0), recall: of(1), f1: of(2), ...counts, support: row(support) };
  return result as PrecisionResult; // the average says which they are
}

function readAveraging(name: string, { average, zeroDivision }: AverageOptions): [Average, number] {
  const rule = { takes: '0, 1 or NaN', test: (value: number) => value === 0 || value === 1 || Number.isNaN(value) };
  return [
    readChoice(average ?? AVERAGES[0], `${name}: average`, AVERAGES),
    lib.readNumber(zeroDivision ?? 0, `${name}: zeroDivision`, rule),
  ];
}

function compute(predicted: TensorInput, target: TensorInput, options?: PrecisionOptions): PrecisionResult {
  const name = 'precisionRecallF1';
  const given = readOptions(name, options, KNOWN);
  const averaging = readAveraging(name, given);
  const ignored = readIgnored(name, given);
  const pair = readPair(name, PREDICTIONS, predicted, target);
  const values = readClassValues(name, given);
  if (values === undefined && pair.shape.length > 1) return scoresOf(ofLabels(name, pair, ignored), ...averaging);
  const labels = values ?? presentValues(name, pair.first, pair.second, ignored);
  return scoresOf(ofClasses(name, pair, ignored, labels), ...averaging);
}

function merge(results: readonly PrecisionResult[], options?: AverageOptions): PrecisionResult {
  const name = 'precisionRecallF1.merge';
  const averaging = readAveraging(name, readOptions(name, options, AVERAGING));
  const all = readResults(name, results);
  const [first] = all;
  if (!first) throw new RangeError(`${name}: results is empty, expected at least one`);
  const add = (key: 'truePositives' | 'falsePositives' | 'falseNegatives'): Tensor<Float64Array> => {
    const size = readCounts(first[key], `${name}: results[0].${key}`).length;
    const sums = new Float64Array(size);
    for (const [i, result] of all.entries()) {
      const data = readCounts(result[key], `${name}: results[${i}].${key}`);
      if (data.length !== size || String(result.labels) !== String(first.labels)) {
        throw new RangeError(
          `${name}: results[${i}] has other classes than results[0], expected option classes or labels`,
        );
      }
      data.forEach((n, c) => {
        sums[c] = (sums[c] as number) + n;
      });
    }
    return row(sums);
  };
  const [truePositives, falsePositives] = [add('truePositives'), add('falsePositives')];
  const counts = { truePositives, falsePositives, falseNegatives: add('falseNegatives'), labels: first.labels };
  return scoresOf(counts, ...averaging);
}

/** `precisionRecallF1` and how its results for shards become one. */
export interface PrecisionRecallF1 {
  /** See `precisionRecallF1`. */
  <A extends Average = 'micro'>(
    predicted: TensorInput,
    target: TensorInput,
    options?: PrecisionOptions<A>,
  ): PrecisionResult<A>;
  /**
   * The result for all shards, whose counts add up.
   *
   * @param results - The results for the shards.
   * @param options - `average` ('micro'), `zeroDivision` (0).
   * @returns The result for all of them.
   */
  merge<A extends Average = 'micro'>(
    results: readonly PrecisionResult[],
    options?: AverageOptions<A>,
  ): PrecisionResult<A>;
}

/**
 * Precision, recall and F1.
 *
 * Predictions with two axes or more are 0/1 labels, a score for each column; with one axis, or where `classes` or `labels` are
 * given, they are class values, a score for each class. Precision is tp/(tp + fp), recall tp/(tp + fn), F1 2·tp/(2·tp + fp + fn);
 * each is `zeroDivision` where its denominator is 0. Source: scikit-learn's precision_recall_fscore_support (1.9).
 *
 * @param predicted - 0/1 labels [N, L] (of logits: `predictLabels(logits)`), or class values (`argmax(logits)`).
 * @param target - The same of the same shape.
 * @param options - `average` ('micro'; 'macro', 'weighted' by support, 'none'), `zeroDivision` (0; 1, or NaN, which averages leave
 * out), `classes` (C: values 0 … C − 1) or `labels` (values in class order; default with one axis: those that occur), `ignoreIndex`
 * (-100), `ignoreValue`.
 * @returns `{ precision, recall, f1, truePositives, falsePositives, falseNegatives, support, labels }`; the counts [C] add up over
 * shards: `precisionRecallF1.merge(results, { average })`.
 * @throws RangeError for unequal shapes, labels that are not 0 or 1, and values that are no class; TypeError for the wrong kind.
 * @example
 * import { precisionRecallF1 } from 'lossmith/metrics';
 * const predicted = [[1, 0, 1], [1, 1, 0]];
 * const target = [[1, 0, 0], [1, 0, 0]];
 * precisionRecallF1(predicted, target).f1; // => 0.666667
 * precisionRecallF1(predicted, target, { average: 'none' }).f1.data; // => [1, 0, 0]
 * precisionRecallF1([2, 0, 1], [2, 1, 1], { average: 'macro' }).recall; // => 0.5
 */
export const precisionRecallF1: PrecisionRecallF1 = /* @__PURE__ */ Object.assign(/* @__PURE__ */ lib.guard(compute), {
  merge: /* @__PURE__ */ lib.guard(merge),
}) as PrecisionRecallF1; // the average ties the results' types to the options
