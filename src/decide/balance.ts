// Weights and shifts for classes and labels that are not equally frequent.

import { NOT_NEGATIVE, POSITIVE, readOptions, readRow, rowOf, UNIT } from '../entries/options.ts';
import { internals as lib } from '../index.ts';
import type { Tensor, TensorInput } from '../values/types.ts';
import { normalized } from './normalized.ts';

/** Options of `classBalancedWeights`. */
export interface ClassBalancedOptions {
  /** β in [0, 1]: 0 weighs all classes alike, 1 by inverse frequency. Default 0.9999. */
  readonly beta?: number | undefined;
}

/** Options of `distributionBalancedWeights`. */
export interface DistributionBalancedOptions {
  /** How many samples have each label [L]. Default: counted in `labels`. */
  readonly counts?: TensorInput | undefined;
  /** α: the least weight. Default 0.1. */
  readonly alpha?: number | undefined;
  /** β: how steeply weights follow. Default 10. */
  readonly beta?: number | undefined;
  /** μ: where the middle is. Default 0.2. */
  readonly mu?: number | undefined;
}

/** Options of `logPriors`. */
export interface LogPriorsOptions {
  /** τ: multiplies the logarithms. Default 1. */
  readonly tau?: number | undefined;
}

/**
 * Class-balanced weights (1 − β)/(1 − β^n): the inverse of the effective number of samples of each class, for option `weight` of
 * class losses.
 *
 * The weights add up to the number of classes that have samples; a class without any gets 0. Source: Cui et al. 2019.
 *
 * @param counts - Samples of each class [C].
 * @param options - `beta` (0.9999, in [0, 1]: 0 weighs all alike, 1 by inverse frequency).
 * @returns A tensor [C].
 * @throws RangeError for a negative count and beta outside [0, 1]; TypeError for the wrong kind.
 * @example
 * import { classBalancedWeights } from 'lossmith/decide';
 * classBalancedWeights([900, 90, 10], { beta: 0.99 }).data; // => [0.22836…, 0.38359…, 2.38804…]
 */
export const classBalancedWeights: (counts: TensorInput, options?: ClassBalancedOptions) => Tensor<Float64Array> =
  /* @__PURE__ */ lib.guard((counts: TensorInput, options?: ClassBalancedOptions) => {
    const name = 'classBalancedWeights';
    const { beta = 0.9999 } = readOptions(name, options, ['beta']);
    const base = lib.readNumber(beta, `${name}: beta`, UNIT);
    const samples = readRow(counts, `${name}: counts`, NOT_NEGATIVE);
    const log = Math.log(base);
    // 1 − β^n without cancellation; both limits of β
    const effective = (n: number): number => {
      if (base === 1) return n;
      return base === 0 ? 1 : Math.expm1(n * log) / Math.expm1(log);
    };
    const weights = samples.map((n) => (n === 0 ? 0 : 1 / effective(n)));
    return rowOf(
      normalized(
        weights,
        samples.reduce((present, n) => present + Number(n > 0), 0),
      ),
    );
  });

/**
 * Distribution-balanced weights of many labels, one for each sample and label, for option `weight` of `bceWithLogits`.
 *
 * A sample with several labels is drawn by each of them; r = (1/n_k) / Σ_{j of the sample} (1/n_j) makes up for that, and the weight
 * is α + σ(β·(r − μ)). A sample without labels has r = 0. Source: Wu et al. 2020 (the re-balanced weighting; without the
 * negative-tolerant regularization).
 *
 * @param labels - 0/1 labels [N, L].
 * @param options - `counts` ([L], how many samples of the training set have each label; default counted in `labels`), `alpha`
 * (0.1), `beta` (10), `mu` (0.2 for COCO, 0.3 for VOC).
 * @returns A tensor [N, L].
 * @throws RangeError for labels that are not 0 or 1, for another shape, and for a label that is there but counted 0 times;
 * TypeError for the wrong kind.
 * @example
 * import { distributionBalancedWeights } from 'lossmith/decide';
 * distributionBalancedWeights([[1, 0], [1, 1]]).data; // => [1.09966…, 1.10000…, 0.89139…, 1.09068…]
 */
export const distributionBalancedWeights: (labels: TensorInput, options?: DistributionBalancedOptions) => Tensor =
  /* @__PURE__ */ lib.guard((labels: TensorInput, options?: DistributionBalancedOptions): Tensor => {
    const name = 'distributionBalancedWeights';
    const given = readOptions(name, options, ['counts', 'alpha', 'beta', 'mu']);
    const alpha = lib.readNumber(given.alpha ?? 0.1, `${name}: alpha`, NOT_NEGATIVE);
    const beta = lib.readNumber(given.beta ?? 10, `${name}: beta`, POSITIVE);
    const mu = lib.readNumber(given.mu ?? 0.2, `${name}: mu`, lib.FINITE);
    const operand = lib.readOperand(labels, `${name}: labels`);
    const shape = operand.shape ?? [operand.length];
    if (shape.length !== 2) throw new RangeError(`${name}: labels has shape ${lib.show(shape)}, expected [N, L]`);
    const [rows, width] = shape as [number, number];
    const data = operand.data as ArrayLike<number>;
    const found = new Float64Array(width);
    for (let at = 0; at < operand.length; at++) {
      const label = data[at] as number;
      if (label !== 0 && label !== 1) throw new RangeError(`${name}: labels[${at}] is ${label}, expected 0 or 1`);
      found[at % width] = (found[at % width] as number) + label;
    }
    const where = `${name}: counts`;
    const counts =
      given.counts === undefined ? found : readRow(given.counts, where, NOT_NEGATIVE, width, 'one per label');
    const none = counts.findIndex((n, l) => n === 0 && (found[l] as number) > 0);
    if (none >= 0) throw new RangeError(`${where}[${none}] is 0, but ${found[none]} of the samples have that label`);
    const weights = new Float32Array(operand.length);
    for (let i = 0; i < rows; i++) {
      let sum = 0;
      for (let l = 0; l < width; l++) if (data[i * width + l] === 1) sum += 1 / (counts[l] as number);
      for (let l = 0; l < width; l++) {
        const ratio = sum === 0 ? 0 : 1 / (counts[l] as number) / sum;
        weights[i * width + l] = alpha + 1 / (1 + lib.exponential(-beta * (ratio - mu)));
      }
    }
    return { data: weights, shape };
  });

/**
 * Logarithms of class frequencies, τ·log π: option `logitShift` of `crossEntropy` makes logit adjustment of them (train with the
 * shift, predict without it, and rare classes are not drowned).
 *
 * A class without samples has −Infinity, which takes it out of the softmax. Source: Menon et al. 2021, eq. 10.
 *
 * @param counts - Samples of each class [C].
 * @param options - `tau` (1).
 * @returns A tensor [C].
 * @throws RangeError for a negative count, or counts that are all 0; TypeError for the wrong kind.
 * @example
 * import { crossEntropy } from 'lossmith';
 * import { logPriors } from 'lossmith/decide';
 * const logitShift = logPriors([90, 10]);
 * logitShift.data; // => [-0.10536…, -2.30258…]
 * crossEntropy([[0.5, 0.5]], [1], { logitShift }).loss; // => 2.302585
 */
export const logPriors: (counts: TensorInput, options?: LogPriorsOptions) => Tensor<Float64Array> =
  /* @__PURE__ */ lib.guard((counts: TensorInput, options?: LogPriorsOptions) => {
    const name = 'logPriors';
    const { tau = 1 } = readOptions(name, options, ['tau']);
    const by = lib.readNumber(tau, `${name}: tau`, lib.FINITE);
    const samples = readRow(counts, `${name}: counts`, NOT_NEGATIVE);
    const total = samples.reduce((a, b) => a + b, 0);
    if (total === 0) throw new RangeError(`${name}: counts add up to 0, expected at least one sample`);
    // τ 0 is no shift, for a class without samples too
    return rowOf(samples.map((n) => (by === 0 ? 0 : by * Math.log(n / total))));
  });
