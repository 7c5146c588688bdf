// What decisions say of arguments that are wrong.

import { describe, expect, it } from 'vitest';
import {
  argmax,
  decodeFactorized,
  decodeOrdinal,
  logProbOf,
  perplexity,
  predictLabels,
  topK,
} from '../../src/decide/index.ts';
import { unsafe } from '../errors/case.ts';

describe('messages', () => {
  it.each([
    [() => argmax(3), RangeError, 'argmax: logits [] need a class axis, e.g. [3]'],
    [() => argmax([[1, 2]], { axis: 2 }), RangeError, 'argmax: axis is 2, expected an integer from -2 to 1 for [1, 2]'],
    [() => argmax([[1, 2]], { labels: [1] }), RangeError, 'argmax: labels has 1 values, expected 2, one per class'],
    [
      () => argmax([[1, 2]], { labels: [-100, 1] }),
      RangeError,
      'argmax: labels has -100, which marks a sample without a decision',
    ],
    [() => argmax([[1, 2]], { labels: [0, 1], invalid: 1 }), RangeError, 'argmax: labels has 1, which marks a sample'],
    [() => argmax([[1, 2]], { invalid: 0.5 }), RangeError, 'argmax: invalid is 0.5, expected an int32'],
    [
      () => argmax([[1, 2]], { labels: [0, 2 ** 40] }),
      RangeError,
      'argmax: labels is 1099511627776, expected an int32',
    ],
    [
      () => argmax([[1, 2]], unsafe({ dim: 1 })),
      TypeError,
      'argmax: unknown option "dim", expected one of axis, labels, invalid, engine; did you mean axis?',
    ],
    [
      () => argmax([[1, 2]], { engine: unsafe(3) }),
      TypeError,
      'argmax: engine is 3, expected one that createEngine made',
    ],
    [() => argmax(unsafe('x')), TypeError, 'argmax: logits is "x"'],
    [() => argmax(Uint16Array.of(1)), TypeError, 'argmax: logits is a Uint16Array, expected floats'],
    [() => topK([[1, 2]], 3), RangeError, 'topK: k is 3, expected at most 2, the classes'],
    [() => topK([[1, 2]], 0), RangeError, 'topK: k is 0, expected an integer above 0'],
    [() => logProbOf([[1, 2]], [2]), RangeError, 'logProbOf: target[0] is 2, outside [0, 2)'],
    [
      () => logProbOf([[1, 2]], [2], { temperature: 2 }),
      RangeError,
      'logProbOf: target[0] is 2, outside [0, 2) (ignoreIndex -100)',
    ],
    [() => logProbOf([[1, 2]], [[0.5, 0.5]]), RangeError, 'logProbOf: target holds class probabilities'],
    [
      () => logProbOf([[1, 2]], [0], { temperature: 0 }),
      RangeError,
      'logProbOf: temperature is 0, expected a finite number above 0',
    ],
    [
      () => logProbOf([[1, 2]], [0, 1], { temperature: 2 }),
      RangeError,
      'logProbOf: target has 2 values, expected 1, one class index per sample',
    ],
    [() => perplexity([[1, 2]], [5]), RangeError, 'perplexity: target[0] is 5, outside [0, 2)'],
    [() => perplexity.merge([unsafe({ sum: 1 })]), TypeError, 'perplexity.merge: results[0].count is undefined'],
    [
      () => predictLabels([[1, 2]], { thresholds: [0.5] }),
      RangeError,
      'predictLabels: thresholds has 1 values, expected 2, one per label',
    ],
    [
      () => predictLabels([[1, 2]], { thresholds: Number.NaN }),
      RangeError,
      'predictLabels: thresholds is NaN, expected a number',
    ],
    [
      () => predictLabels([[1, 2]], { thresholds: [0.5, Number.NaN] }),
      RangeError,
      'predictLabels: thresholds[1] is NaN',
    ],
    [
      () => decodeOrdinal([[1, 2]], { values: [2, 1] }),
      RangeError,
      'decodeOrdinal: values[1] is 1, expected more than 2: classes are ordered',
    ],
    [
      () => decodeOrdinal([[1, 2]], { values: [1] }),
      RangeError,
      'decodeOrdinal: values has 1 values, expected 2, one per class',
    ],
    [
      () => decodeOrdinal([[1, 2]], { rule: unsafe('max') }),
      RangeError,
      "decodeOrdinal: rule is \"max\", expected one of 'median', 'mean', 'mode'",
    ],
    [() => decodeFactorized({ logits: [[1, 2]], z: [Number.NaN] }), RangeError, 'decodeFactorized: z[0] is NaN'],
    [
      () => decodeFactorized({ logits: [[1, 2]], z: [1, 2] }),
      RangeError,
      'decodeFactorized: z has 2 values, expected 1, one per row',
    ],
    [
      () => decodeFactorized(unsafe([[1, 2]])),
      TypeError,
      'decodeFactorized: input is an array, expected an object { logits, z }',
    ],
  ])('%#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});
