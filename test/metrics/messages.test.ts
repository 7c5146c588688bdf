// What metrics say of arguments that are wrong.

import { describe, expect, it } from 'vitest';
import { tensor } from '../../src/index.ts';
import {
  accuracy,
  brier,
  calibration,
  confusion,
  ndcg,
  negativeLogLikelihood,
  offBy,
  precisionRecallF1,
  psndcgAtK,
  pspAtK,
  quadraticKappa,
  rocAuc,
  subsetAccuracy,
} from '../../src/metrics/index.ts';
import { unsafe } from '../errors/case.ts';

describe('messages', () => {
  it.each([
    [
      () => accuracy([[1, 2]], [1, 2, 3]),
      RangeError,
      'accuracy: target has 3 values, expected 2, the shape of predicted',
    ],
    [() => accuracy(tensor([1, 2, 3, 4], [2, 2]), tensor([1, 2], [2])), RangeError, 'of logits give argmax(logits)'],
    [() => accuracy(unsafe('x'), [1]), TypeError, 'accuracy: predicted is "x"'],
    [() => accuracy([1], [1], unsafe({ ignore: 1 })), TypeError, 'accuracy: unknown option "ignore"'],
    [() => accuracy([1], [1], { ignoreIndex: 0.5 }), RangeError, 'accuracy: ignoreIndex is 0.5, expected an integer'],
    [() => subsetAccuracy([1], [1]), RangeError, 'subsetAccuracy: predicted has shape [1], expected rows of labels'],
    [() => offBy([1], [1], 0), RangeError, 'offBy: k is 0, expected a number above 0'],
    [() => confusion([0.5], [1]), RangeError, 'confusion: predicted[0] is 0.5, expected an integer'],
    [() => confusion([3], [1], { classes: 3 }), RangeError, 'confusion: predicted[0] is 3, expected one of 0, 1, 2'],
    [() => confusion([1], [1], { labels: [1, 1] }), RangeError, 'confusion: labels has 1 twice'],
    [() => confusion([1], [1], { labels: [1], classes: 2 }), RangeError, 'confusion: labels has 1 values, expected 2'],
    [() => confusion.merge([]), RangeError, 'confusion.merge: results is empty'],
    [
      () => confusion.merge([confusion([0], [0]), confusion([1], [1])]),
      RangeError,
      'results[1] has other classes than results[0]',
    ],
    [
      () => quadraticKappa.merge([unsafe(3)]),
      TypeError,
      'quadraticKappa.merge: results[0] is 3, expected a result of quadraticKappa',
    ],
    [
      () => precisionRecallF1([[1, 2]], [[1, 0]]),
      RangeError,
      'precisionRecallF1: predicted[1] is 2, expected labels of 0 or 1 for [1, 2]; for class values give classes or labels',
    ],
    [
      () => precisionRecallF1([1], [1], { average: unsafe('binary') }),
      RangeError,
      "average is \"binary\", expected one of 'micro', 'macro'",
    ],
    [() => precisionRecallF1([1], [1], { zeroDivision: 2 }), RangeError, 'zeroDivision is 2, expected 0, 1 or NaN'],
    [
      () => precisionRecallF1.merge([precisionRecallF1([1], [1]), precisionRecallF1([2], [2])]),
      RangeError,
      'other classes',
    ],
    [() => brier([1.5], [1]), RangeError, 'brier: probabilities[0] is 1.5, outside [0, 1]'],
    [() => brier([0.5], [2]), RangeError, 'brier: target[0] is 2, outside [0, 1]'],
    [() => brier([[0.5, 0.5]], [2]), RangeError, 'brier: target[0] is 2, outside [0, 2) (ignoreIndex -100)'],
    [
      () => brier([[0.5, 0.5]], [0, 1]),
      RangeError,
      'brier: target has 2 values, expected 1, one class index per sample',
    ],
    [() => calibration([0.5], [0.5]), RangeError, 'calibration: target[0] is 0.5, expected 0 or 1'],
    [() => calibration([[0.5, Number.NaN]], [0]), RangeError, 'calibration: probabilities[1] is NaN, outside [0, 1]'],
    [() => calibration([0.5], [1], { bins: 0 }), RangeError, 'calibration: bins is 0, expected an integer above 0'],
    [
      () => calibration.merge([calibration([0.5], [1]), calibration([0.5], [1], { bins: 3 })]),
      RangeError,
      'results[1] has 3 bins, expected 15',
    ],
    [() => negativeLogLikelihood([[1, 2]], [2]), RangeError, 'negativeLogLikelihood: target[0] is 2, outside [0, 2)'],
    [
      () => negativeLogLikelihood([[1, 2]], [1], { engine: unsafe({}) }),
      TypeError,
      'negativeLogLikelihood: engine is an object (Object), expected one that createEngine made',
    ],
    [
      () => negativeLogLikelihood.merge([unsafe({ count: 1 })]),
      TypeError,
      'negativeLogLikelihood.merge: results[0].sum is undefined, expected a number',
    ],
    [() => rocAuc([Number.NaN], [1]), RangeError, 'rocAuc: scores[0] is NaN'],
    [() => rocAuc([1], [2]), RangeError, 'rocAuc: target[0] is 2, expected 0 or 1'],
    [() => rocAuc(3, 1), RangeError, 'rocAuc: scores has shape [], expected [N, L] or [L]'],
    [() => ndcg([[1]], [[-1]]), RangeError, 'ndcg: relevance[0] is -1, expected a finite number of 0 or more'],
    [() => ndcg([[1]], [[1]], { k: 0 }), RangeError, 'ndcg: k is 0'],
    [() => pspAtK([[1]], [[1]], unsafe({ k: 1 })), TypeError, 'pspAtK: propensities is missing'],
    [() => pspAtK([[1]], [[1]], unsafe(undefined)), TypeError, 'pspAtK: k is missing'],
    [
      () => pspAtK([[1, 2]], [[1, 0]], { k: 1, propensities: [1] }),
      RangeError,
      'pspAtK: propensities has 1 values, expected 2, one per label',
    ],
    [
      () => psndcgAtK([[1]], { indices: [1], offsets: [0, 1] }, { k: 1, propensities: [1] }),
      RangeError,
      'psndcgAtK: target.indices[0] is 1, outside [0, 1)',
    ],
  ])('%#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});
