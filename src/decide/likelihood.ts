// How likely targets are under logits: log-probabilities, perplexity, and the temperature that fits best. No softmax is stored.

import { DEFAULT_IGNORE } from '../entries/classes.ts';
import { POSITIVE, readOptions } from '../entries/options.ts';
import { addUp, type Merging } from '../entries/results.ts';
import { type Classed, type ClassOptions, readClassed, readTargets } from '../entries/samples.ts';
import { internals as lib } from '../index.ts';
import type { Runtime } from '../machine/runtime.ts';
import type { EngineBase, Tensor, TensorInput } from '../values/types.ts';
import { survey } from './survey.ts';

/** Options of `fitTemperature`. */
export interface FitTemperatureOptions extends ClassOptions {
  /** The target value that marks an ignored sample. Default -100. */
  readonly ignoreIndex?: number | undefined;
  /** Where to compute. Default: where the logits live, or the default engine. */
  readonly engine?: EngineBase | undefined;
}

/** Options of `logProbOf` and `perplexity`. */
export interface LogProbOptions extends FitTemperatureOptions {
  /** T: logits are divided by it first. Default 1. */
  readonly temperature?: number | undefined;
}

/** What `perplexity` returns. */
export interface Perplexity {
  /** e^(sum/count); NaN where nothing counts. */
  readonly perplexity: number;
  /** Σ −log p, in float64. */
  readonly sum: number;
  /** Samples that were not ignored. */
  readonly count: number;
}

/** What `fitTemperature` returns. */
export interface FittedTemperature {
  /** Logits divided by it have the least negative log-likelihood. */
  readonly temperature: number;
  /** The mean negative log-likelihood at temperature 1. */
  readonly before: number;
  /** The mean negative log-likelihood at the fitted temperature. */
  readonly after: number;
}

const KNOWN = ['axis', 'labels', 'ignoreIndex', 'engine'] as const;

interface Scored {
  readonly classed: Classed;
  readonly targets: Int32Array;
  readonly runtime: Runtime;
}

/** Logits and the classes of their targets. */
function readScored(name: string, logits: TensorInput, target: TensorInput, given: FitTemperatureOptions): Scored {
  const classed = readClassed(name, 'logits', logits, given);
  const ignore = lib.readNumber(given.ignoreIndex ?? DEFAULT_IGNORE, `${name}: ignoreIndex`, lib.INTEGER);
  const targets = readTargets(name, target, classed, (value) => value === ignore, ignore);
  return { classed, targets, runtime: lib.runtimeOf(name, given.engine, [logits, target]) };
}

function likelihoods(name: string, logits: TensorInput, target: TensorInput, options?: LogProbOptions): Tensor {
  const given = readOptions(name, options, [...KNOWN, 'temperature']);
  const temperature = lib.readNumber(given.temperature ?? 1, `${name}: temperature`, POSITIVE);
  if (temperature === 1) {
    const { engine, axis, labels, ignoreIndex } = given;
    const runtime = lib.runtimeOf(name, engine, [logits, target]);
    const all = { axis, labels, ignoreIndex, reduction: 'none' } as const;
    const { loss } = lib.forward(name, lib.likelihood, runtime, logits, target, all);
    return { data: loss.data.map((value) => 0 - value), shape: loss.shape };
  }
  const { classed, targets, runtime } = readScored(name, logits, target, given);
  const data = new Float32Array(targets.length);
  survey({
    classed,
    runtime,
    kernel: 'logProb',
    outputs: 1,
    p0: 1 / temperature,
    indices: targets,
    collect: ({ sample, floats }) => data.set(floats(0), sample),
  });
  return { data, shape: classed.shape };
}

/**
 * The logarithm of the probability that a softmax of the logits gives to each target; 0 where the target is ignored.
 *
 * @param logits - Logits [N, C], [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C]; [C] for one sample.
 * @param target - Class indices (the logits' shape without the class axis).
 * @param options - `axis` (1; 0 for 1-D), `labels` (target values in class order), `ignoreIndex` (-100), `temperature` (1: logits are
 * divided by it), `engine` (where the logits live, or the default one).
 * @returns A tensor of the logits' shape without the class axis.
 * @throws RangeError for a target that is no class and a temperature of 0 or less; TypeError for the wrong kind.
 * @example
 * import { logProbOf } from 'lossmith/decide';
 * logProbOf([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]], [0, 2]).data; // => [-0.190908, -0.082328]
 */
export const logProbOf: (logits: TensorInput, target: TensorInput, options?: LogProbOptions) => Tensor =
  /* @__PURE__ */ lib.guard((logits: TensorInput, target: TensorInput, options?: LogProbOptions) =>
    likelihoods('logProbOf', logits, target, options),
  );

const perplexityOf = (sum: number, count: number): Perplexity => ({
  perplexity: count === 0 ? Number.NaN : lib.exponential(sum / count),
  sum,
  count,
});

/**
 * The perplexity of targets under a softmax of logits, e^(mean of −log p): how many equally likely classes would be as hard.
 *
 * Sums and counts of shards (batches, lines of a text) add up: `perplexity.merge(results)`.
 *
 * @param logits - Logits [N, C], [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C].
 * @param target - Class indices (the logits' shape without the class axis).
 * @param options - `axis` (1; 0 for 1-D), `labels`, `ignoreIndex` (-100), `temperature` (1), `engine`.
 * @returns `{ perplexity, sum, count }`, sum = Σ −log p over the samples that count; NaN where none does.
 * @throws RangeError for a target that is no class and a temperature of 0 or less; TypeError for the wrong kind.
 * @example
 * import { perplexity } from 'lossmith/decide';
 * perplexity([[0, 0, 0, 0], [0, 0, 0, 0]], [3, 1]).perplexity; // => 4
 */
export const perplexity: Merging<
  (logits: TensorInput, target: TensorInput, options?: LogProbOptions) => Perplexity,
  Perplexity
> = /* @__PURE__ */ Object.assign(
  /* @__PURE__ */ lib.guard((logits: TensorInput, target: TensorInput, options?: LogProbOptions): Perplexity => {
    const name = 'perplexity';
    const given = readOptions(name, options, [...KNOWN, 'temperature']);
    if (given.temperature === undefined || given.temperature === 1) {
      const { engine, axis, labels, ignoreIndex } = given;
      const runtime = lib.runtimeOf(name, engine, [logits, target]);
      const all = { axis, labels, ignoreIndex, reduction: 'sum' } as const;
      const { sum, count } = lib.forward(name, lib.likelihood, runtime, logits, target, all);
      return perplexityOf(sum, count);
    }
    const temperature = lib.readNumber(given.temperature, `${name}: temperature`, POSITIVE);
    const { classed, targets, runtime } = readScored(name, logits, target, given);
    let sum = 0;
    const collect = ({ floats }: { floats(output: number): Float32Array }): void => {
      for (const log of floats(0)) sum -= log;
    };
    survey({ classed, runtime, kernel: 'logProb', outputs: 1, p0: 1 / temperature, indices: targets, collect });
    return perplexityOf(
      sum,
      targets.reduce((n, index) => n + Number(index >= 0), 0),
    );
  }),
  {
    merge: /* @__PURE__ */ lib.guard((results: readonly Perplexity[]): Perplexity => {
      const { sum, count } = addUp('perplexity.merge', results);
      return perplexityOf(sum, count);
    }),
  },
);

/** Temperatures from 1/LIMIT to LIMIT are looked at. */
const LIMIT = 10_000;
/** β is right to this share of itself. */
const CLOSE = 1e-8;

/**
 * The temperature T that makes the negative log-likelihood of logits/T least: one number, fitted on held-out logits, that takes
 * back over- or underconfidence without changing any argmax.
 *
 * The likelihood is convex in 1/T, so Newton steps between two bounds find the one minimum. Where every target has the largest logit
 * the least loss is at T = 0, and where logits say nothing at T = ∞; the fit stops at 10^−4 and 10^4. Source: Guo et al. 2017.
 *
 * @param logits - Held-out logits [N, C], [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C].
 * @param target - Class indices (the logits' shape without the class axis).
 * @param options - `axis` (1; 0 for 1-D), `labels`, `ignoreIndex` (-100), `engine`.
 * @returns `{ temperature, before, after }`: mean negative log-likelihoods at temperature 1 and at the fitted one.
 * @throws RangeError where no sample counts, where a target has probability 0 at any temperature, and for logits with NaN; TypeError
 * for the wrong kind.
 * @example
 * import { fitTemperature } from 'lossmith/decide';
 * const logits = [[8, 0, 0], [8, 0, 0], [0, 8, 0], [0, 0, 8]];
 * const { temperature, before, after } = fitTemperature(logits, [0, 1, 1, 2]);
 * temperature; // => 4.4649
 * before > after; // => true
 */
export const fitTemperature: (
  logits: TensorInput,
  target: TensorInput,
  options?: FitTemperatureOptions,
) => FittedTemperature = /* @__PURE__ */ lib.guard(
  (logits: TensorInput, target: TensorInput, options?: FitTemperatureOptions): FittedTemperature => {
    const name = 'fitTemperature';
    const { classed, targets, runtime } = readScored(name, logits, target, readOptions(name, options, KNOWN));
    const count = targets.reduce((n, index) => n + Number(index >= 0), 0);
    if (count === 0) throw new RangeError(`${name}: target has no sample that counts, expected at least one`);
    const at = (beta: number) =>
      survey({ classed, runtime, kernel: 'temperature', outputs: 0, p0: beta, indices: targets });
    const start = at(1);
    if (!Number.isFinite(start.sum)) {
      const why = Number.isNaN(start.sum) ? 'logits make no softmax (NaN or Infinity)' : 'a target has probability 0';
      throw new RangeError(`${name}: the negative log-likelihood is ${start.sum}, expected a finite number; ${why}`);
    }
    let [beta, best] = [1, { beta: 1, sum: start.sum }];
    let [low, high] = [1 / LIMIT, LIMIT];
    for (let step = 0, own = start; step < 100; step++) {
      if (own.sum <= best.sum) best = { beta, sum: own.sum };
      if (own.sideSum === 0) break;
      // the slope tells on which side the minimum is
      if (own.sideSum > 0) high = beta;
      else low = beta;
      const newton = beta * (1 - own.sideSum / own.weightSum);
      const next = newton > low && newton < high ? newton : Math.sqrt(low * high);
      if (Math.abs(next - beta) <= CLOSE * beta || high - low <= CLOSE * low) break;
      beta = next;
      own = at(beta);
    }
    return { temperature: 1 / best.beta, before: start.sum / count, after: best.sum / count };
  },
);
