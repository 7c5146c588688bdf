// Thresholds of labels that no other cut points beat, on the data at hand.

import { checkOrder, readBits, readScores } from '../entries/labels.ts';
import { NOT_NEGATIVE, readChoice, readOptions } from '../entries/options.ts';
import { internals as lib } from '../index.ts';
import type { Tensor, TensorInput } from '../values/types.ts';
import { compareProducts } from './fractions.ts';

/** What false positives and false negatives cost. */
export interface Costs {
  /** Of a yes that is wrong. */
  readonly falsePositive: number;
  /** Of a no that is wrong. */
  readonly falseNegative: number;
}

/** Options of `tuneThresholds`. */
export interface TuneThresholdsOptions {
  /** 'f1' (default): each label's F1, so their mean too; 'microF1': the F1 of all labels together; 'cost': what mistakes cost. */
  readonly metric?: 'f1' | 'microF1' | 'cost' | undefined;
  /** What mistakes cost; required by 'cost'. */
  readonly costs?: Costs | undefined;
  /** Labels with fewer positives take `fallback`. Default 1. */
  readonly minSupport?: number | undefined;
  /** The threshold of labels that are too rare to tune. Default 0.5. */
  readonly fallback?: number | undefined;
}

/** What `tuneThresholds` returns. */
export interface TunedThresholds {
  /** One per label [L]: positive means score ≥ threshold. */
  readonly thresholds: Tensor<Float64Array>;
  /** What is reached on these data: the mean F1, the micro F1, or the mean cost of a decision. */
  readonly value: number;
  /** The F1, or mean cost, of each label [L]. */
  readonly perLabel: Tensor<Float64Array>;
}

/** The scores of a label, ascending. */
interface Column {
  readonly positives: Float64Array;
  readonly negatives: Float64Array;
}

/** A threshold, and how many of a label are then true positives and predicted at all. */
interface Cut {
  readonly threshold: number;
  readonly hits: number;
  readonly predicted: number;
}

const METRICS = ['f1', 'microF1', 'cost'] as const;

/** Every cut of a label, by descending threshold. */
function* cutsOf({ positives, negatives }: Column): Generator<Cut> {
  let p = positives.length;
  let n = negatives.length;
  const hits = (): number => positives.length - p;
  const predicted = (): number => hits() + negatives.length - n;
  const top = Math.max(positives[p - 1] ?? -1 / 0, negatives[n - 1] ?? -1 / 0);
  // a score of Infinity is positive under any threshold
  if (top < 1 / 0) yield { threshold: 1 / 0, hits: 0, predicted: 0 };
  while (p > 0 || n > 0) {
    const score = Math.max(positives[p - 1] ?? -1 / 0, negatives[n - 1] ?? -1 / 0);
    while (p > 0 && positives[p - 1] === score) p--;
    while (n > 0 && negatives[n - 1] === score) n--;
    const threshold =
      p === 0 && n === 0 ? -1 / 0 : between(Math.max(positives[p - 1] ?? -1 / 0, negatives[n - 1] ?? -1 / 0), score);
    yield { threshold, hits: hits(), predicted: predicted() };
  }
}

/** The middle of two scores; the upper one where there is none between them. */
function between(low: number, high: number): number {
  const middle = low / 2 + high / 2;
  return middle > low && middle <= high ? middle : high;
}

/** What a fixed threshold does to a label. */
function cutAt({ positives, negatives }: Column, threshold: number): Cut {
  const above = (scores: Float64Array): number => scores.reduce((n, score) => n + Number(score >= threshold), 0);
  const hits = above(positives);
  return { threshold, hits, predicted: hits + above(negatives) };
}

/** Whether a threshold is nearer to ½ than another; of infinite ones +Infinity is. */
function nearer(a: number, b: number): boolean {
  const [da, db] = [Math.abs(a - 0.5), Math.abs(b - 0.5)];
  if (da === db && da === 1 / 0) return a > b;
  return da < db || (da === db && a < b);
}

/** The best cut by an order; of equally good ones the nearest to ½. */
function bestOf(column: Column, compare: (a: Cut, b: Cut) => number): Cut {
  let best: Cut | undefined;
  for (const cut of cutsOf(column)) {
    const order = best === undefined ? 1 : compare(cut, best);
    if (order > 0 || (order === 0 && nearer(cut.threshold, (best as Cut).threshold))) best = cut;
  }
  return best ?? { threshold: 1 / 0, hits: 0, predicted: 0 };
}

/** F1 = 2·hits/(positives + predicted), compared as fractions. */
const byF1 =
  (positives: number) =>
  (a: Cut, b: Cut): number =>
    compareProducts(a.hits, positives + b.predicted, b.hits, positives + a.predicted);

const f1Of = ({ positives }: Column, { hits, predicted }: Cut): number =>
  positives.length + predicted === 0 ? 0 : (2 * hits) / (positives.length + predicted);

/**
 * The cuts of the best micro F1 (Dinkelbach 1967): at a ratio 2H/D, Σ 2·hits·D − 2H·predicted is largest where each label's own part
 * is; the ratio of these cuts is the next one, and the last where it grows no more.
 */
function jointly(columns: readonly Column[], fixed: readonly (Cut | undefined)[]): Cut[] {
  const positives = columns.reduce((n, column) => n + column.positives.length, 0);
  let cuts = columns.map((column, l) => fixed[l] ?? bestOf(column, byF1(column.positives.length)));
  for (;;) {
    const hits = cuts.reduce((n, cut) => n + cut.hits, 0);
    const whole = positives + cuts.reduce((n, cut) => n + cut.predicted, 0);
    // hits·D − H·predicted of a against that of b, where terms keep their signs
    const compare = (a: Cut, b: Cut): number => {
      const [more, cost] = [a.hits - b.hits, a.predicted - b.predicted];
      const order = compareProducts(Math.abs(more), whole, hits, Math.abs(cost));
      if (more >= 0 && cost >= 0) return order;
      if (more <= 0 && cost <= 0) return -order;
      return more > 0 ? 1 : -1;
    };
    const next = columns.map((column, l) => fixed[l] ?? bestOf(column, compare));
    const nextHits = next.reduce((n, cut) => n + cut.hits, 0);
    const nextWhole = positives + next.reduce((n, cut) => n + cut.predicted, 0);
    cuts = next;
    if (compareProducts(nextHits, whole, hits, nextWhole) <= 0) return cuts;
  }
}

function columnsOf(name: string, scores: TensorInput, labels: TensorInput): { columns: Column[]; rows: number } {
  const read = readScores(name, scores);
  const { shape } = read;
  if (shape.length > 2) throw new RangeError(`${name}: scores has shape ${lib.show(shape)}, expected [N, L] or [N]`);
  const bits = readBits(name, 'labels', labels, read);
  checkOrder(name, read);
  const { data } = read;
  const [rows = 0, width = 1] = shape;
  const columns = Array.from({ length: width }, (_, l) => {
    let count = 0;
    for (let at = l; at < bits.length; at += width) count += bits[at] as number;
    const positives = new Float64Array(count);
    const negatives = new Float64Array(rows - count);
    for (let at = l, p = 0, n = 0; at < bits.length; at += width) {
      if (bits[at] === 1) positives[p++] = data[at] as number;
      else negatives[n++] = data[at] as number;
    }
    return { positives: positives.sort(), negatives: negatives.sort() };
  });
  return { columns, rows };
}

/** The threshold above which a calibrated probability is worth a yes. */
function readCosts(name: string, costs: Costs | undefined): readonly [number, number, number] {
  if (typeof costs !== 'object' || costs === null) {
    throw new TypeError(`${name}: costs is ${lib.describe(costs)}, expected { falsePositive, falseNegative }`);
  }
  const wrong = lib.readNumber(costs.falsePositive, `${name}: costs.falsePositive`, NOT_NEGATIVE);
  const missed = lib.readNumber(costs.falseNegative, `${name}: costs.falseNegative`, NOT_NEGATIVE);
  if (wrong + missed > 0) return [wrong, missed, wrong / (wrong + missed)];
  throw new RangeError(`${name}: costs are both 0, expected one above 0`);
}

const meanOf = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;

const row = (data: Float64Array): Tensor<Float64Array> => ({ data, shape: [data.length] });

function tune(scores: TensorInput, labels: TensorInput, options?: TuneThresholdsOptions): TunedThresholds {
  const name = 'tuneThresholds';
  const given = readOptions(name, options, ['metric', 'costs', 'minSupport', 'fallback']);
  const metric = readChoice(given.metric ?? METRICS[0], `${name}: metric`, METRICS);
  const least = lib.readNumber(given.minSupport ?? 1, `${name}: minSupport`, {
    takes: 'an integer of 0 or more',
    test: (value) => Number.isInteger(value) && value >= 0,
  });
  const fallback = lib.readNumber(given.fallback ?? 0.5, `${name}: fallback`, lib.FINITE);
  if (metric !== 'cost' && given.costs !== undefined) {
    throw new RangeError(`${name}: costs is given with metric '${metric}', expected metric 'cost'`);
  }
  const { columns, rows } = columnsOf(name, scores, labels);
  if (metric === 'cost') {
    const [wrong, missed, threshold] = readCosts(name, given.costs);
    const perLabel = Float64Array.from(columns, (column) => {
      const sorted = [column.positives, column.negatives];
      const bad = sorted.some((own) => (own[0] ?? 0) < 0 || (own.at(-1) ?? 0) > 1);
      if (bad) throw new RangeError(`${name}: scores are not in [0, 1], but costs need probabilities`);
      const { hits, predicted } = cutAt(column, threshold);
      return (wrong * (predicted - hits) + missed * (column.positives.length - hits)) / rows;
    });
    return { thresholds: row(perLabel.map(() => threshold)), value: meanOf(perLabel), perLabel: row(perLabel) };
  }
  const fixed = columns.map((column) => (column.positives.length < least ? cutAt(column, fallback) : undefined));
  const cuts =
    metric === 'microF1'
      ? jointly(columns, fixed)
      : columns.map((column, l) => fixed[l] ?? bestOf(column, byF1(column.positives.length)));
  const perLabel = Float64Array.from(columns, (column, l) => f1Of(column, cuts[l] as Cut));
  const sum = (of: (cut: Cut) => number): number => cuts.reduce((n, cut) => n + of(cut), 0);
  const whole = columns.reduce((n, column) => n + column.positives.length, 0) + sum((cut) => cut.predicted);
  const micro = whole === 0 ? 0 : (2 * sum((cut) => cut.hits)) / whole;
  return {
    thresholds: row(Float64Array.from(cuts, (cut) => cut.threshold)),
    value: metric === 'f1' ? meanOf(perLabel) : micro,
    perLabel: row(perLabel),
  };
}

/**
 * Thresholds for many labels, tuned on held-out scores: no other cut points do better on these data.
 *
 * 'f1' looks at each label by itself (one sort each), which makes the mean F1 largest too; 'microF1' at all labels together, by
 * Dinkelbach's method, also exact; 'cost' needs no tuning: a calibrated probability is worth a yes from c_FP/(c_FP + c_FN) on.
 * Candidates are −Infinity, the middles between neighbouring scores and +Infinity; of equally good ones the nearest to ½ is taken
 * (of two as near the lower one). F1 of a label that is never there nor predicted is 0. A few positives make a poor threshold:
 * raise `minSupport`, and look at both micro and macro F1, which may move in opposite directions.
 * Sources: Fan & Lin 2007; Lipton, Elkan & Narayanaswamy 2014; Elkan 2001; Dinkelbach 1967.
 *
 * @param scores - Scores [N, L], or [N] for one label; for 'cost' and for `predictLabels` they are probabilities.
 * @param labels - 0/1 labels of the same shape.
 * @param options - `metric` ('f1'; 'microF1', 'cost'), `costs` (`{ falsePositive, falseNegative }`, for 'cost' alone), `minSupport`
 * (1: a label with fewer positives takes `fallback` and counts), `fallback` (0.5).
 * @returns `{ thresholds, value, perLabel }`: positive means score ≥ threshold; `value` is the mean F1, the micro F1 or the mean cost
 * of a decision on these data, `perLabel` the F1 or mean cost of each.
 * @throws RangeError for NaN scores, labels that are not 0 or 1 and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { tuneThresholds } from 'lossmith/decide';
 * const scores = [[0.2, 0.9], [0.4, 0.7], [0.1, 0.8], [0.3, 0.2]];
 * const labels = [[0, 1], [1, 0], [0, 1], [1, 0]];
 * const { thresholds, value } = tuneThresholds(scores, labels);
 * thresholds.data; // => [0.25, 0.75]
 * value; // => 1
 */
export const tuneThresholds: (
  scores: TensorInput,
  labels: TensorInput,
  options?: TuneThresholdsOptions,
) => TunedThresholds = /* @__PURE__ */ lib.guard(tune);
