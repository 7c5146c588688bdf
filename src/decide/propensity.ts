// Labels that are missing more often the rarer they are: propensities, and the weights that make up for them.

import {
  NOT_NEGATIVE,
  POSITIVE,
  PROPENSITY,
  readChoice,
  readFlag,
  readOptions,
  readRow,
  rowOf,
} from '../entries/options.ts';
import { internals as lib } from '../index.ts';
import type { Tensor, TensorInput } from '../values/types.ts';
import { normalized } from './normalized.ts';

/** Options of `propensities`. */
export interface PropensitiesOptions {
  /** A: how fast the propensity of frequent labels grows. Default 0.55. */
  readonly A?: number | undefined;
  /** B: added to the counts. Default 1.5. */
  readonly B?: number | undefined;
}

/** Options of `propensityWeights`. */
export interface PropensityWeightsOptions {
  /** 'upper': 2/p − 1, the published bound (default); 'tight': 1/p, the least weight that bounds the unbiased loss. */
  readonly form?: 'upper' | 'tight' | undefined;
  /** Scales the weights so that they add up to the number of labels. Default false. */
  readonly normalize?: boolean | undefined;
}

/**
 * Propensities of labels: how likely a label that applies is there, 1/(1 + C·(n + B)^−A) with C = (log N − 1)·(B + 1)^A.
 *
 * A and B are 0.55 and 1.5 for most data, 0.5 and 0.4 for Wikipedia, 0.6 and 2.6 for Amazon.
 * Source: Jain, Prabhu & Varma 2016; pyxclib's compute_inv_propesity has their inverse.
 *
 * @param counts - Samples that have each label [L].
 * @param samples - The number N of samples, more than e.
 * @param options - `A` (0.55), `B` (1.5).
 * @returns A tensor [L] of numbers in (0, 1].
 * @throws RangeError for fewer than 3 samples and for a count that is negative or beyond the samples; TypeError for the wrong
 * kind.
 * @example
 * import { propensities } from 'lossmith/decide';
 * propensities([1, 10, 500], 1000).data; // => [0.14476…, 0.28151…, 0.75757…]
 */
export const propensities: (
  counts: TensorInput,
  samples: number,
  options?: PropensitiesOptions,
) => Tensor<Float64Array> = /* @__PURE__ */ lib.guard(
  (counts: TensorInput, samples: number, options?: PropensitiesOptions) => {
    const name = 'propensities';
    const given = readOptions(name, options, ['A', 'B']);
    const a = lib.readNumber(given.A ?? 0.55, `${name}: A`, POSITIVE);
    const b = lib.readNumber(given.B ?? 1.5, `${name}: B`, POSITIVE);
    const total = lib.readNumber(samples, `${name}: samples`, {
      takes: 'a finite number of 3 or more (log N has to be more than 1)',
      test: (value) => value >= 3 && value < 1 / 0,
    });
    const n = readRow(counts, `${name}: counts`, NOT_NEGATIVE);
    const beyond = n.findIndex((count) => count > total);
    if (beyond >= 0) {
      throw new RangeError(`${name}: counts[${beyond}] is ${n[beyond]}, expected at most ${total}, the samples`);
    }
    const c = (Math.log(total) - 1) * (b + 1) ** a;
    return rowOf(n.map((count) => 1 / (1 + c * (count + b) ** -a)));
  },
);

/**
 * Weights of positives that make `bceWithLogits` or `hinge` (its square too) an upper bound of the propensity-scored loss: pass
 * them as `posWeight`.
 *
 * Both forms bound the unbiased loss of `propensityScored` and, unlike it, are bounded below. Source: Qaraei, Schultheis, Gupta &
 * Babbar 2021 ('upper').
 *
 * @param p - Propensities [L], as `propensities` returns them.
 * @param options - `form` ('upper': 2/p − 1; 'tight': 1/p), `normalize` (false; true scales them to add up to L, as the official
 * code does).
 * @returns A tensor [L].
 * @throws RangeError for a propensity outside (0, 1]; TypeError for the wrong kind.
 * @example
 * import { bceWithLogits } from 'lossmith';
 * import { propensities, propensityWeights } from 'lossmith/decide';
 * const posWeight = propensityWeights(propensities([1, 10, 500], 1000));
 * posWeight.data; // => [12.81551…, 6.10429…, 1.63998…]
 * bceWithLogits([[0.1, -0.4, 2]], [[1, 0, 1]], { posWeight }).loss; // => 2.99315
 */
export const propensityWeights: (p: TensorInput, options?: PropensityWeightsOptions) => Tensor<Float64Array> =
  /* @__PURE__ */ lib.guard((p: TensorInput, options?: PropensityWeightsOptions) => {
    const name = 'propensityWeights';
    const given = readOptions(name, options, ['form', 'normalize']);
    const form = readChoice(given.form ?? 'upper', `${name}: form`, ['upper', 'tight']);
    const normalize = readFlag(given.normalize ?? false, `${name}: normalize`);
    const own = readRow(p, `${name}: p`, PROPENSITY);
    const weights = own.map((each) => (form === 'upper' ? 2 / each - 1 : 1 / each));
    return rowOf(normalize ? normalized(weights, weights.length) : weights);
  });
