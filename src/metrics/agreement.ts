// How often predictions agree with targets, and by how much they miss.

import { readOptions } from '../entries/options.ts';
import { IGNORING, type Ignoring, type Pair, PREDICTIONS, readIgnored, readPair } from '../entries/pairs.ts';
import type { Merging } from '../entries/results.ts';
import { internals as lib } from '../index.ts';
import type { TensorInput } from '../values/types.ts';
import { merging, type Ratio, ratio } from './ratio.ts';

/** A metric of predictions and targets that is a mean. */
type Compare<N extends string> = Merging<
  (predicted: TensorInput, target: TensorInput, options?: Ignoring) => Ratio<N>,
  Ratio<N>
>;

/** Adds up what each element that counts has. */
function total(
  { first, second, length }: Pair,
  ignored: (value: number) => boolean,
  of: (predicted: number, target: number) => number,
): [number, number] {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < length; i++) {
    const target = second[i] as number;
    if (ignored(target)) continue;
    sum += of(first[i] as number, target);
    count++;
  }
  return [sum, count];
}

/** A mean over elements. */
const elementwise =
  <N extends string>(name: N, of: (predicted: number, target: number) => number) =>
  (predicted: TensorInput, target: TensorInput, options?: Ignoring): Ratio<N> => {
    const ignored = readIgnored(name, readOptions(name, options, IGNORING));
    const pair = readPair(name, PREDICTIONS, predicted, target);
    return ratio(name, ...total(pair, ignored, of));
  };

/**
 * The share of predictions that are right, element by element.
 *
 * Of many labels this says little where most are absent: see `subsetAccuracy` and `precisionRecallF1`. Over nothing it is NaN.
 * Source: scikit-learn's accuracy_score of flattened arrays.
 *
 * @param predicted - Class indices or label values of any shape (of logits: `argmax(logits)`).
 * @param target - The same of the same shape.
 * @param options - `ignoreIndex` (-100: the target value that marks an ignored sample), `ignoreValue` (another one, NaN allowed).
 * @returns `{ accuracy, sum, count }`: right predictions and predictions that count, which add up over shards;
 * `accuracy.merge(results)` adds them up.
 * @throws RangeError for unequal shapes; TypeError for the wrong kind.
 * @example
 * import { accuracy } from 'lossmith/metrics';
 * accuracy([2, 0, 1], [2, 1, 1]); // => { accuracy: 0.666667, sum: 2, count: 3 }
 */
export const accuracy: Compare<'accuracy'> = /* @__PURE__ */ merging(
  'accuracy',
  /* @__PURE__ */ elementwise('accuracy', (predicted, target) => Number(predicted === target)),
);

/**
 * The Hamming loss: the share of labels that are wrong. For one label it is 1 − accuracy.
 *
 * Source: scikit-learn's hamming_loss.
 *
 * @param predicted - Labels, e.g. 0/1 [N, L] (of logits: `predictLabels(logits)`).
 * @param target - The same of the same shape.
 * @param options - `ignoreIndex` (-100), `ignoreValue`.
 * @returns `{ hamming, sum, count }`: wrong labels and labels that count; `hamming.merge(results)` adds them up.
 * @throws RangeError for unequal shapes; TypeError for the wrong kind.
 * @example
 * import { hamming } from 'lossmith/metrics';
 * hamming([[1, 0, 0, 1]], [[1, 1, 0, 1]]).hamming; // => 0.25
 */
export const hamming: Compare<'hamming'> = /* @__PURE__ */ merging(
  'hamming',
  /* @__PURE__ */ elementwise('hamming', (predicted, target) => Number(predicted !== target)),
);

/**
 * The mean of |prediction − target|: of ordered classes how many classes a prediction is off on average.
 *
 * Source: scikit-learn's mean_absolute_error.
 *
 * @param predicted - Class indices, label values or predictions of any shape.
 * @param target - The same of the same shape.
 * @param options - `ignoreIndex` (-100), `ignoreValue`.
 * @returns `{ meanAbsoluteError, sum, count }`; `meanAbsoluteError.merge(results)` adds them up.
 * @throws RangeError for unequal shapes; TypeError for the wrong kind.
 * @example
 * import { meanAbsoluteError } from 'lossmith/metrics';
 * meanAbsoluteError([-1, 0, 1], [1, 0, 0]).meanAbsoluteError; // => 1
 */
export const meanAbsoluteError: Compare<'meanAbsoluteError'> = /* @__PURE__ */ merging(
  'meanAbsoluteError',
  // of equal infinities the difference is no number
  /* @__PURE__ */ elementwise('meanAbsoluteError', (a, b) => (a === b ? 0 : Math.abs(a - b))),
);

/**
 * The share of predictions that are off by k or more: with k = 2 and classes negative, neutral, positive the share of those that
 * are on the wrong side.
 *
 * @param predicted - Class indices or label values of any shape.
 * @param target - The same of the same shape.
 * @param k - The least difference that counts, above 0. Default 2.
 * @param options - `ignoreIndex` (-100), `ignoreValue`.
 * @returns `{ offBy, sum, count }`; `offBy.merge(results)` adds them up.
 * @throws RangeError for unequal shapes and k of 0 or less; TypeError for the wrong kind.
 * @example
 * import { offBy } from 'lossmith/metrics';
 * offBy([-1, 0, 1, 1], [1, 0, 0, 1], 2).offBy; // => 0.25
 */
export const offBy: Merging<
  (predicted: TensorInput, target: TensorInput, k?: number, options?: Ignoring) => Ratio<'offBy'>,
  Ratio<'offBy'>
> = /* @__PURE__ */ merging(
  'offBy',
  (predicted: TensorInput, target: TensorInput, k = 2, options?: Ignoring): Ratio<'offBy'> => {
    const rule = { takes: 'a number above 0', test: (value: number) => value > 0 };
    const least = lib.readNumber(k, 'offBy: k', rule);
    return elementwise('offBy', (a, b) => Number(Math.abs(a - b) >= least))(predicted, target, options);
  },
);

/**
 * The share of samples whose labels are all right. Source: scikit-learn's accuracy_score of many labels.
 *
 * Labels that are ignored are not compared; a sample all of whose labels are ignored does not count.
 *
 * @param predicted - Labels [N, L], or more axes, of which the last has the labels.
 * @param target - The same of the same shape.
 * @param options - `ignoreIndex` (-100), `ignoreValue`.
 * @returns `{ subsetAccuracy, sum, count }`; `subsetAccuracy.merge(results)` adds them up.
 * @throws RangeError for unequal shapes and for fewer than two axes; TypeError for the wrong kind.
 * @example
 * import { subsetAccuracy } from 'lossmith/metrics';
 * subsetAccuracy([[1, 0], [1, 1]], [[1, 0], [0, 1]]).subsetAccuracy; // => 0.5
 */
export const subsetAccuracy: Compare<'subsetAccuracy'> = /* @__PURE__ */ merging(
  'subsetAccuracy',
  (predicted: TensorInput, target: TensorInput, options?: Ignoring): Ratio<'subsetAccuracy'> => {
    const name = 'subsetAccuracy';
    const ignored = readIgnored(name, readOptions(name, options, IGNORING));
    const { first, second, shape, length } = readPair(name, PREDICTIONS, predicted, target);
    const width = shape.at(-1) ?? 0;
    if (shape.length < 2) {
      throw new RangeError(`${name}: predicted has shape ${lib.show(shape)}, expected rows of labels, e.g. [N, L]`);
    }
    let sum = 0;
    let count = 0;
    for (let start = 0; start < length; start += width) {
      let compared = 0;
      let wrong = 0;
      for (let at = start; at < start + width; at++) {
        if (ignored(second[at] as number)) continue;
        compared++;
        if (first[at] !== second[at]) wrong++;
      }
      if (compared === 0) continue;
      count++;
      if (wrong === 0) sum++;
    }
    return ratio(name, sum, count);
  },
);
