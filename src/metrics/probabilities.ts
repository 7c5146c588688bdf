// How good probabilities are: likelihood, Brier score, calibration.

import { DEFAULT_IGNORE, IGNORED } from '../entries/classes.ts';
import { COUNT, readOptions } from '../entries/options.ts';
import { type Ignoring, readIgnored } from '../entries/pairs.ts';
import { type Merging, readResults, readSum } from '../entries/results.ts';
import { type ClassOptions, readClassed, readTargets } from '../entries/samples.ts';
import { internals as lib } from '../index.ts';
import type { EngineBase, TensorInput } from '../values/types.ts';
import { merging, type Ratio, ratio } from './ratio.ts';

/** Options of `negativeLogLikelihood`. */
export interface LikelihoodOptions extends ClassOptions {
  /** The target value that marks an ignored sample. Default -100. */
  readonly ignoreIndex?: number | undefined;
  /** Where to compute. Default: where the logits live, or the default engine. */
  readonly engine?: EngineBase | undefined;
}

/** Options of `brier`. */
export interface BrierOptions extends ClassOptions, Ignoring {}

/** Options of `calibration`. */
export interface CalibrationOptions extends ClassOptions, Ignoring {
  /** The number of bins of equal width. Default 15. */
  readonly bins?: number | undefined;
}

/** One bin of a reliability diagram. */
export interface CalibrationBin {
  /** Confidences in (low, high]; the first bin has 0 too. */
  readonly low: number;
  /** The upper end, which belongs to the bin. */
  readonly high: number;
  /** How many there are; it adds up over shards. */
  readonly count: number;
  /** Their sum, which adds up over shards. */
  readonly confidenceSum: number;
  /** How many were right; it adds up over shards. */
  readonly right: number;
  /** Their mean; NaN of an empty bin. */
  readonly confidence: number;
  /** The share that was right; NaN of an empty bin. */
  readonly accuracy: number;
}

/** What `calibration` returns. */
export interface Calibration {
  /** The expected calibration error: Σ count/n·|accuracy − confidence|. */
  readonly ece: number;
  /** From the lowest confidence to the highest. */
  readonly bins: readonly CalibrationBin[];
}

const CLASSED = ['axis', 'labels', 'ignoreIndex', 'ignoreValue'] as const;

function readProbability(value: number, where: () => string): number {
  if (value >= 0 && value <= 1) return value;
  throw new RangeError(`${where()} is ${value}, outside [0, 1]`);
}

/**
 * The mean negative log-likelihood of class indices under a softmax of logits: cross entropy as a metric (scikit-learn's log_loss,
 * natural logarithm, without clipping).
 *
 * @param logits - Logits [N, C], [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C].
 * @param target - Class indices (the logits' shape without the class axis).
 * @param options - `axis` (1; 0 for 1-D), `labels` (target values in class order), `ignoreIndex` (-100), `engine` (where the logits
 * live, or the default one).
 * @returns `{ negativeLogLikelihood, sum, count }`; `negativeLogLikelihood.merge(results)` adds shards up.
 * @throws RangeError for a target that is no class; TypeError for the wrong kind.
 * @example
 * import { negativeLogLikelihood } from 'lossmith/metrics';
 * negativeLogLikelihood([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]], [0, 2]).negativeLogLikelihood; // => 0.136618
 */
export const negativeLogLikelihood: Merging<
  (logits: TensorInput, target: TensorInput, options?: LikelihoodOptions) => Ratio<'negativeLogLikelihood'>,
  Ratio<'negativeLogLikelihood'>
> = /* @__PURE__ */ merging(
  'negativeLogLikelihood',
  (logits: TensorInput, target: TensorInput, options?: LikelihoodOptions) => {
    const name = 'negativeLogLikelihood';
    const { engine, ...given } = readOptions(name, options, ['axis', 'labels', 'ignoreIndex', 'engine']);
    const runtime = lib.runtimeOf(name, engine, [logits, target]);
    const { sum, count } = lib.forward(name, lib.likelihood, runtime, logits, target, { ...given, reduction: 'sum' });
    return ratio(name, sum, count);
  },
);

/**
 * The Brier score of probabilities, a mean of squared differences.
 *
 * With targets of the probabilities' own shape (0/1, or probabilities) it is the mean of (p − y)² over all elements; with class
 * indices it is Σ_c (p_c − y_c)² per sample, from 0 to 2, and the mean over samples. Source: Brier 1950; scikit-learn's
 * brier_score_loss (1.9: of classes with scale_by_half=False).
 *
 * @param probabilities - Probabilities of any shape; with class indices [N, C], [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C].
 * @param target - Labels of the same shape, or class indices (the shape without the class axis).
 * @param options - `axis` (1; 0 for 1-D), `labels` (target values in class order), `ignoreIndex` (-100), `ignoreValue`.
 * @returns `{ brier, sum, count }`; `brier.merge(results)` adds shards up.
 * @throws RangeError for probabilities outside [0, 1], shapes that do not fit and targets that are no class; TypeError for the
 * wrong kind.
 * @example
 * import { brier } from 'lossmith/metrics';
 * brier([0.9, 0.2], [1, 0]).brier; // => 0.025
 * brier([[0.7, 0.2, 0.1]], [0]).brier; // => 0.14
 */
export const brier: Merging<
  (probabilities: TensorInput, target: TensorInput, options?: BrierOptions) => Ratio<'brier'>,
  Ratio<'brier'>
> = /* @__PURE__ */ merging(
  'brier',
  (probabilities: TensorInput, target: TensorInput, options?: BrierOptions): Ratio<'brier'> => {
    const name = 'brier';
    const given = readOptions(name, options, CLASSED);
    let sum = 0;
    let count = 0;
    eachTarget(name, probabilities, target, given, {
      element(label, p, where) {
        const wanted = readProbability(label, where);
        sum += (p - wanted) ** 2;
        count++;
      },
      sample(own, classes, p) {
        for (let c = 0; c < classes; c++) sum += (p(c) - Number(c === own)) ** 2;
        count++;
      },
    });
    return ratio(name, sum, count);
  },
);

/** Probabilities and labels of one shape; undefined where targets have no class axis. */
function readElements(name: string, probabilities: TensorInput, target: TensorInput) {
  const p = lib.readOperand(probabilities, `${name}: probabilities`);
  const y = lib.readOperand(target, `${name}: target`);
  const flat = (shape: readonly number[] | undefined): boolean => shape === undefined || shape.length === 1;
  const same = p.shape && y.shape ? lib.sameShape(p.shape, y.shape) : flat(p.shape) && flat(y.shape);
  if (!same) return undefined;
  lib.fitExactly(y, p.shape ?? [p.length], () => 'the shape of probabilities');
  return { p: p.data as ArrayLike<number>, y: y.data as ArrayLike<number> };
}

/** What is done with a target: with the probability of a yes/no label, or with those of the classes, each of which is read when asked for. */
interface Uses {
  element(label: number, p: number, where: () => string): void;
  sample(own: number, classes: number, p: (c: number) => number): void;
}

/** Goes through targets that are not ignored: labels of the probabilities' own shape, or classes. */
function eachTarget(
  name: string,
  probabilities: TensorInput,
  target: TensorInput,
  given: ClassOptions & Ignoring,
  use: Uses,
): void {
  const ignored = readIgnored(name, given);
  const elements = readElements(name, probabilities, target);
  const read = (p: ArrayLike<number>, at: number): number =>
    readProbability(p[at] as number, () => `${name}: probabilities[${at}]`);
  if (elements) {
    const { p, y } = elements;
    for (let i = 0; i < p.length; i++) {
      const label = y[i] as number;
      if (!ignored(label)) use.element(label, read(p, i), () => `${name}: target[${i}]`);
    }
    return;
  }
  const classed = readClassed(name, 'probabilities', probabilities, given);
  const { outer, classes, inner } = classed;
  const targets = readTargets(name, target, classed, ignored, given.ignoreIndex ?? DEFAULT_IGNORE);
  const p = classed.operand.data as ArrayLike<number>;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      const own = targets[o * inner + i] as number;
      const start = o * classes * inner + i;
      if (own !== IGNORED) use.sample(own, classes, (c) => read(p, start + c * inner));
    }
  }
}

/** The sums of bins. */
class Bins {
  readonly #n: number;
  readonly #counts: Float64Array;
  readonly #confidences: Float64Array;
  readonly #right: Float64Array;

  constructor(n: number) {
    this.#n = n;
    this.#counts = new Float64Array(n);
    this.#confidences = new Float64Array(n);
    this.#right = new Float64Array(n);
  }

  add(bin: number, count: number, confidence: number, right: number): void {
    this.#counts[bin] = (this.#counts[bin] as number) + count;
    this.#confidences[bin] = (this.#confidences[bin] as number) + confidence;
    this.#right[bin] = (this.#right[bin] as number) + right;
  }

  /** Counts one prediction, in the bin (low, high] of its confidence. */
  one(confidence: number, right: number): void {
    const n = this.#n;
    let bin = Math.min(n - 1, Math.max(0, Math.ceil(confidence * n) - 1));
    // the product is rounded; the edges are what counts
    if (bin > 0 && confidence <= bin / n) bin--;
    else if (bin < n - 1 && confidence > (bin + 1) / n) bin++;
    this.add(bin, 1, confidence, right);
  }

  get result(): Calibration {
    const n = this.#n;
    const total = this.#counts.reduce((a, b) => a + b, 0);
    let ece = 0;
    const bins = Array.from(this.#counts, (count, bin): CalibrationBin => {
      const [confidenceSum, right] = [this.#confidences[bin] as number, this.#right[bin] as number];
      if (count > 0) ece += Math.abs(right - confidenceSum) / total;
      const [confidence, accuracy] = [confidenceSum / count, right / count];
      return { low: bin / n, high: (bin + 1) / n, count, confidenceSum, right, confidence, accuracy };
    });
    return { ece: total === 0 ? Number.NaN : ece, bins };
  }
}

function calibrate(probabilities: TensorInput, target: TensorInput, options?: CalibrationOptions): Calibration {
  const name = 'calibration';
  const given = readOptions(name, options, [...CLASSED, 'bins']);
  const bins = new Bins(lib.readNumber(given.bins ?? 15, `${name}: bins`, COUNT));
  eachTarget(name, probabilities, target, given, {
    element(label, p, where) {
      if (label !== 0 && label !== 1) throw new RangeError(`${where()} is ${label}, expected 0 or 1`);
      bins.one(p, label);
    },
    sample(own, classes, p) {
      let best = 0;
      let top = p(0);
      for (let c = 1; c < classes; c++) {
        const each = p(c);
        if (each > top) [best, top] = [c, each];
      }
      bins.one(top, Number(best === own));
    },
  });
  return bins.result;
}

function mergeBins(results: readonly Calibration[]): Calibration {
  const name = 'calibration.merge';
  const all = readResults(name, results);
  const count = all[0]?.bins?.length;
  if (count === undefined) throw new RangeError(`${name}: results is empty, expected at least one with bins`);
  const sums = new Bins(count);
  for (const [i, { bins }] of all.entries()) {
    if (bins?.length !== count) {
      throw new RangeError(`${name}: results[${i}] has ${bins?.length} bins, expected ${count}, as results[0]`);
    }
    for (const [at, bin] of bins.entries()) {
      const where = `${name}: results[${i}].bins[${at}]`;
      const [n, confidence] = [
        readSum(bin.count, `${where}.count`),
        readSum(bin.confidenceSum, `${where}.confidenceSum`),
      ];
      sums.add(at, n, confidence, readSum(bin.right, `${where}.right`));
    }
  }
  return sums.result;
}

/**
 * How far confidences are from how often they are right: the expected calibration error and the bins of a reliability diagram.
 *
 * With class indices as targets the confidence of a sample is its largest probability (the first of equal ones), right where that
 * is the target's class. With 0/1 targets of the probabilities' own shape each is the confidence of a yes, right where the target
 * is 1. Bins have equal widths and hold (low, high]; 0 is in the first. Source: Guo et al. 2017.
 *
 * @param probabilities - Probabilities of any shape; with class indices [N, C], [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C].
 * @param target - Class indices (the shape without the class axis), or 0/1 labels of the same shape.
 * @param options - `bins` (15), `axis` (1; 0 for 1-D), `labels` (target values in class order), `ignoreIndex` (-100), `ignoreValue`.
 * @returns `{ ece, bins }`, each bin `{ low, high, count, confidenceSum, right, confidence, accuracy }`; `calibration.merge(results)`
 * adds the bins of shards up.
 * @throws RangeError for probabilities outside [0, 1] and targets that are no class; TypeError for the wrong kind.
 * @example
 * import { calibration } from 'lossmith/metrics';
 * calibration([[0.9, 0.1], [0.3, 0.7], [0.8, 0.2]], [0, 1, 1], { bins: 2 }).ece; // => 0.133333
 */
export const calibration: Merging<
  (probabilities: TensorInput, target: TensorInput, options?: CalibrationOptions) => Calibration,
  Calibration
> = /* @__PURE__ */ Object.assign(/* @__PURE__ */ lib.guard(calibrate), {
  merge: /* @__PURE__ */ lib.guard(mergeBins),
});
