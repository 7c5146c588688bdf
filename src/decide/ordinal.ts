// Decisions about ordered classes.

import { readChoice, readOptions, readRow } from '../entries/options.ts';
import { type ClassOptions, readClassed } from '../entries/samples.ts';
import { internals as lib } from '../index.ts';
import type { EngineBase, Tensor, TensorInput } from '../values/types.ts';
import { argmax } from './argmax.ts';
import { labelling } from './labelling.ts';
import { survey } from './survey.ts';

/** Options of `decodeOrdinal`. */
export interface DecodeOrdinalOptions extends ClassOptions {
  /** 'median' (default) makes the least absolute error, 'mean' the least squared one, 'mode' the fewest wrong. */
  readonly rule?: 'median' | 'mean' | 'mode' | undefined;
  /** The value of each class [C], ascending. Default 0 … C-1. */
  readonly values?: TensorInput | undefined;
  /** What a sample becomes whose softmax is no number. Default -1, with `labels` -100. */
  readonly invalid?: number | undefined;
  /** Where to compute. Default: where the logits live, or the default engine. */
  readonly engine?: EngineBase | undefined;
}

const RULES = ['median', 'mean', 'mode'] as const;

function readValues(name: string, values: TensorInput | undefined, classes: number): Float64Array {
  if (values === undefined) return Float64Array.from({ length: classes }, (_, c) => c);
  const own = readRow(values, `${name}: values`, lib.FINITE, classes);
  const bad = own.findIndex((value, c) => c > 0 && value <= (own[c - 1] as number));
  if (bad < 0) return own;
  throw new RangeError(
    `${name}: values[${bad}] is ${own[bad]}, expected more than ${own[bad - 1]}: classes are ordered`,
  );
}

/** The class whose value is nearest to the first one plus `offset`; of two the lower. */
function nearest(values: Float64Array, offset: number): number {
  const first = values[0] as number;
  let [low, high] = [0, values.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [left, right] = [values[middle] as number, values[middle + 1] as number];
    // the middle between two neighbours still goes to the lower
    if (offset - (left - first) <= right - first - offset) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * The class that the softmax of ordered classes says, by the error that is to be small.
 *
 * 'median': the first class whose cumulative probability reaches ½, which makes the least expected |error|. 'mean': the class whose
 * value is nearest to the expected value Σ p·v (of two the lower): squared error. 'mode': the most likely class. They differ where the
 * distribution is skewed or has two peaks. A sample whose softmax is no number (NaN, an infinite logit) has no median and no mean.
 *
 * @param logits - Logits [N, C], [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C]; [C] for one sample.
 * @param options - `rule` ('median'; 'mean', 'mode'), `values` ([C], ascending; 0 … C-1; of 'mean' alone), `labels` (values of the
 * result in class order), `axis` (1; 0 for 1-D), `invalid` (-1, with labels -100), `engine`.
 * @returns An Int32 tensor of the logits' shape without the class axis: class indices, or their labels.
 * @throws RangeError for values that do not ascend and for labels of another number than C; TypeError for the wrong kind.
 * @example
 * import { decodeOrdinal } from 'lossmith/decide';
 * const logits = [[1.2, 0.9, 0.2, 1.1]];
 * decodeOrdinal(logits).data; // => [1]
 * decodeOrdinal(logits, { rule: 'mean', values: [0, 1, 2, 10] }).data; // => [2]
 * decodeOrdinal(logits, { rule: 'mode', labels: [-1, 0, 1, 2] }).data; // => [-1]
 */
export const decodeOrdinal: (logits: TensorInput, options?: DecodeOrdinalOptions) => Tensor<Int32Array> =
  /* @__PURE__ */ lib.guard((logits: TensorInput, options?: DecodeOrdinalOptions): Tensor<Int32Array> => {
    const name = 'decodeOrdinal';
    const given = readOptions(name, options, ['rule', 'values', 'labels', 'axis', 'invalid', 'engine']);
    const rule = readChoice(given.rule ?? RULES[0], `${name}: rule`, RULES);
    const classed = readClassed(name, 'logits', logits, given);
    const { classes, labels, shape } = classed;
    const values = readValues(name, given.values, classes);
    const label = labelling(name, labels, given.invalid);
    if (rule === 'mode') {
      const { axis, invalid, engine } = given;
      return argmax(logits, { axis, labels, invalid, engine });
    }
    const data = new Int32Array(lib.sizeOf(shape)).fill(label(-1));
    if (classes === 0) return { data, shape };
    const first = values[0] as number;
    survey({
      classed,
      runtime: lib.runtimeOf(name, given.engine, [logits]),
      kernel: 'ordinal',
      outputs: 2,
      a: Float32Array.from(values, (value) => value - first),
      collect: ({ sample, ints, floats }) => {
        const medians = ints(0);
        if (rule === 'median') data.set(medians.map(label), sample);
        else {
          for (const [s, mean] of floats(1).entries()) {
            data[sample + s] = label(Number.isNaN(mean) ? -1 : nearest(values, mean));
          }
        }
      },
    });
    return { data, shape };
  });
