// Which class was taken for which.

import { readOptions } from '../entries/options.ts';
import { type Ignoring, PREDICTIONS, readIgnored, readPair } from '../entries/pairs.ts';
import { type Merging, readCounts, readResults } from '../entries/results.ts';
import { internals as lib } from '../index.ts';
import type { Tensor, TensorInput } from '../values/types.ts';
import { type Classes, eachPair, presentValues, readClassValues } from './counts.ts';

/** Options of `confusion` and `quadraticKappa`. */
export interface ConfusionOptions extends Classes, Ignoring {}

/** Counts [C, C]: rows are targets, columns predictions. */
export interface Confusion extends Tensor<Float64Array> {
  /** The value of each class. */
  readonly labels: readonly number[];
}

/** What `quadraticKappa` returns. */
export interface KappaResult {
  /** 1 − Σ(i − j)²·observed / Σ(i − j)²·expected. */
  readonly quadraticKappa: number;
  /** What it follows from, which adds up over shards. */
  readonly confusion: Confusion;
}

const KNOWN = ['classes', 'labels', 'ignoreIndex', 'ignoreValue'] as const;

function count(name: string, predicted: TensorInput, target: TensorInput, options?: ConfusionOptions): Confusion {
  const given = readOptions(name, options, KNOWN);
  const ignored = readIgnored(name, given);
  const { first, second } = readPair(name, PREDICTIONS, predicted, target);
  const labels = readClassValues(name, given) ?? presentValues(name, first, second, ignored);
  const classes = labels.length;
  const data = lib.roomFor(classes ** 2, `${name}: the matrix of ${classes} classes`, Float64Array);
  eachPair(name, [first, second], ignored, labels, (row, column) => {
    const at = row * classes + column;
    data[at] = (data[at] as number) + 1;
  });
  return { data, shape: [classes, classes], labels };
}

function add(name: string, results: readonly Confusion[]): Confusion {
  const [first] = results;
  if (!first) throw new RangeError(`${name}: results is empty, expected at least one`);
  const data = new Float64Array(readCounts(first, `${name}: results[0]`).length);
  for (const [i, result] of results.entries()) {
    const { labels } = result;
    const own = readCounts(result, `${name}: results[${i}]`);
    if (own.length !== data.length || !Array.isArray(labels) || !lib.sameShape(labels, first.labels)) {
      throw new RangeError(
        `${name}: results[${i}] has other classes than results[0], expected option classes or labels`,
      );
    }
    own.forEach((n, at) => {
      data[at] = (data[at] as number) + n;
    });
  }
  return { ...first, data };
}

function kappaOf(confusion: Confusion): KappaResult {
  const { data, labels } = confusion;
  const classes = labels.length;
  const rows = new Float64Array(classes);
  const columns = new Float64Array(classes);
  let total = 0;
  data.forEach((n, at) => {
    const i = Math.floor(at / classes);
    const j = at % classes;
    rows[i] = (rows[i] as number) + n;
    columns[j] = (columns[j] as number) + n;
    total += n;
  });
  let seen = 0;
  let expected = 0;
  data.forEach((n, at) => {
    const i = Math.floor(at / classes);
    const j = at % classes;
    const weight = (i - j) ** 2;
    seen += weight * n;
    expected += (weight * (rows[i] as number) * (columns[j] as number)) / total;
  });
  return { quadraticKappa: expected > 0 ? 1 - seen / expected : Number.NaN, confusion };
}

/**
 * How often each class was predicted for each: counts [C, C], rows being targets and columns predictions.
 *
 * Source: scikit-learn's confusion_matrix. Without `classes` or `labels` the classes are the values that occur, in order; shards
 * need one of the two to add up.
 *
 * @param predicted - Class indices or label values of any shape (of logits: `argmax(logits)`).
 * @param target - The same of the same shape.
 * @param options - `classes` (C: values 0 … C − 1), `labels` (values in class order), `ignoreIndex` (-100), `ignoreValue`.
 * @returns A tensor [C, C] with `labels` beside; `confusion.merge(results)` adds shards up.
 * @throws RangeError for unequal shapes and for a value that is no class; TypeError for the wrong kind.
 * @example
 * import { confusion } from 'lossmith/metrics';
 * confusion([1, 0, 1, -1], [1, 1, 1, -1], { labels: [-1, 0, 1] }).data; // => [1, 0, 0, 0, 0, 0, 0, 1, 2]
 */
export const confusion: Merging<
  (predicted: TensorInput, target: TensorInput, options?: ConfusionOptions) => Confusion,
  Confusion
> = /* @__PURE__ */ Object.assign(
  /* @__PURE__ */ lib.guard((predicted: TensorInput, target: TensorInput, options?: ConfusionOptions) =>
    count('confusion', predicted, target, options),
  ),
  {
    merge: /* @__PURE__ */ lib.guard((results: readonly Confusion[]) =>
      add('confusion.merge', readResults('confusion.merge', results)),
    ),
  },
);

/**
 * Cohen's kappa with quadratic weights, for ordered classes: 1 − Σ w·O / Σ w·E with w = (i − j)², O the confusion and E what it would
 * be if predictions had nothing to do with targets.
 *
 * Classes are as far apart as their places in class order. Where nothing can disagree (one class alone) it is NaN.
 * Source: scikit-learn's cohen_kappa_score with weights='quadratic'.
 *
 * @param predicted - Class indices or label values of any shape.
 * @param target - The same of the same shape.
 * @param options - `classes`, `labels` (default: the values that occur; give one of the two, or classes that do not occur bring
 * their neighbours together), `ignoreIndex` (-100), `ignoreValue`.
 * @returns `{ quadraticKappa, confusion }`; `quadraticKappa.merge(results)` adds the confusions of shards up.
 * @throws RangeError for unequal shapes and for a value that is no class; TypeError for the wrong kind.
 * @example
 * import { quadraticKappa } from 'lossmith/metrics';
 * quadraticKappa([0, 1, 2, 2], [0, 1, 2, 1], { classes: 3 }).quadraticKappa; // => 0.8
 */
export const quadraticKappa: Merging<
  (predicted: TensorInput, target: TensorInput, options?: ConfusionOptions) => KappaResult,
  KappaResult
> = /* @__PURE__ */ Object.assign(
  /* @__PURE__ */ lib.guard((predicted: TensorInput, target: TensorInput, options?: ConfusionOptions) =>
    kappaOf(count('quadraticKappa', predicted, target, options)),
  ),
  {
    merge: /* @__PURE__ */ lib.guard((results: readonly KappaResult[]) => {
      const name = 'quadraticKappa.merge';
      return kappaOf(
        add(
          name,
          readResults(
            name,
            readResults(name, results).map((result) => result.confusion),
          ),
        ),
      );
    }),
  },
);
