// What metrics say of arguments that are wrong.

import { describe, expect, it } from 'vitest';
import { tensor } from '../../src/index.ts';
import {
  accuracy,
  averagePrecision,
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

describe('scores that are NaN', () => {
  const p = { k: 1, propensities: [0.5, 0.5] };

  it('where nothing counts change nothing', () => {
    expect(rocAuc([Number.NaN, 1, 0], [-100, 1, 0])).toBe(1);
    expect(
      averagePrecision(
        [
          [Number.NaN, 1],
          [0, 2],
        ],
        [
          [-1, 1],
          [1, 0],
        ],
        { ignoreValue: -1, average: 'micro' },
      ),
    ).toBe(averagePrecision([1, 0, 2], [1, 1, 0]));
    expect(ndcg([Number.NaN, 1, 2], [-100, 3, 0]).ndcg).toBe(ndcg([1, 2], [3, 0]).ndcg);
    expect(pspAtK([[Number.NaN, 1]], [[-100, 1]], p).pspAtK).toBe(1);
    expect(psndcgAtK([[Number.NaN, 1]], [[-100, 1]], p).psndcgAtK).toBe(1);
  });

  it('are refused elsewhere', () => {
    const calls = [rocAuc, averagePrecision, ndcg].map((metric) => () => metric([0, Number.NaN], [-100, 1]));
    for (const call of [...calls, () => pspAtK([[0, Number.NaN]], [[-100, 1]], p)]) {
      expect(call).toThrow(/scores\[1\] is NaN, which no order has a place for$/);
    }
  });
});

describe('many classes', () => {
  const [predicted, target] = [
    [0, 199_999, 7],
    [0, 199_999, 8],
  ];

  it('have scores in the memory of the classes, not of their pairs', () => {
    const { f1, support } = precisionRecallF1(predicted, target, { classes: 200_000, average: 'none' });
    expect([f1.data[0], f1.data[7], f1.data[199_999], support.data[8]]).toEqual([1, 0, 1, 1]);
  });

  it('whose pairs are more than memory holds are refused by name', () => {
    const options = { classes: 200_000 };
    const rest = 'the matrix of 200000 classes has 40000000000 values, more than there is memory for';
    expect(() => confusion(predicted, target, options)).toThrow(new RangeError(`confusion: ${rest}`));
    expect(() => quadraticKappa(predicted, target, options)).toThrow(new RangeError(`quadraticKappa: ${rest}`));
  });
});

it('results of shards that are none are refused by name', () => {
  const wrong = (name: string, rest: string): TypeError => new TypeError(`${name}.merge: results[0]${rest}`);
  const none = 'expected the counts of a result';
  expect(() => precisionRecallF1.merge([unsafe({})])).toThrow(
    wrong('precisionRecallF1', `.truePositives is undefined, ${none}`),
  );
  expect(() => confusion.merge([unsafe({})])).toThrow(wrong('confusion', ` is an object (Object), ${none}`));
  expect(() => quadraticKappa.merge([unsafe({ confusion: {} })])).toThrow(
    wrong('quadraticKappa', ` is an object (Object), ${none}`),
  );
  const first = confusion([0, 1], [1, 1], { classes: 2 });
  const second = { ...first, data: first.data.slice(0, 1) };
  expect(() => confusion.merge([first, second])).toThrow(
    /^confusion.merge: results\[1\] has other classes than results\[0\]/,
  );
});
