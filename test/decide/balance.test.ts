// Weights of classes and labels against their papers' formulas, and what they are for.

import { describe, expect, it } from 'vitest';
import {
  classBalancedWeights,
  distributionBalancedWeights,
  logPriors,
  propensities,
  propensityWeights,
} from '../../src/decide/index.ts';
import { bceWithLogits, crossEntropy } from '../../src/index.ts';
import { unsafe } from '../errors/case.ts';
import { classBalanced, distributionBalanced, propensity } from '../reference/decide/balance.ts';
import { below, between, chance, pick } from '../reference/random.ts';
import { often } from './seeded.ts';

const close = (got: ArrayLike<number>, wanted: readonly number[], digits = 1e-12): void => {
  expect(got.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    if (got[i] === value) return;
    expect(Math.abs((got[i] as number) - value), `[${i}] ${got[i]}, not ${value}`).toBeLessThanOrEqual(
      digits * Math.abs(value),
    );
  });
};

describe('classBalancedWeights', () => {
  often('are the inverse of the effective numbers', (random) => {
    const counts = Array.from({ length: 1 + below(random, 8) }, () => below(random, 300));
    counts[0] = 1 + below(random, 300);
    const beta = pick(random, [0, 0.9, 0.99, 0.999, 0.9999, 1]);
    close(classBalancedWeights(counts, { beta }).data, classBalanced(counts, beta), 1e-11);
  });

  it('keep their digits where β is near 1, and are 0 for a class that nobody has seen', () => {
    const { data } = classBalancedWeights([1, 2, 0], { beta: 1 - 1e-13 });
    close(data, [4 / 3, 2 / 3, 0], 1e-9);
    expect(classBalancedWeights([5, 5]).data).toEqual(Float64Array.of(1, 1));
  });

  it('are taken as they are by a loss', () => {
    const weight = classBalancedWeights([90, 10], { beta: 1 });
    const { loss } = crossEntropy(
      [
        [0, 0],
        [0, 0],
      ],
      [0, 1],
      { weight },
    );
    expect(loss).toBeCloseTo(Math.log(2), 6);
  });
});

describe('distributionBalancedWeights', () => {
  often('follow the ratio of what a sample is drawn for to what it is', (random) => {
    const width = 1 + below(random, 5);
    const labels = Array.from({ length: 1 + below(random, 6) }, () =>
      Array.from({ length: width }, () => Number(chance(random))),
    );
    const found = labels[0]?.map((_, l) => labels.reduce((n, row) => n + (row[l] ?? 0), 0)) ?? [];
    const given = chance(random) ? found.map((n) => n + 1 + below(random, 50)) : undefined;
    const parameters = [between(random, 0, 1), between(random, 1, 12), between(random, 0, 0.5)] as const;
    const [alpha, beta, mu] = parameters;
    const { data, shape } = distributionBalancedWeights(labels, {
      alpha,
      beta,
      mu,
      ...(given && { counts: given }),
    });
    expect(shape).toEqual([labels.length, width]);
    close(data, distributionBalanced(labels, given ?? found, parameters).flat(), 1e-6);
  });

  it('weigh the elements of bceWithLogits', () => {
    const labels = [
      [1, 0],
      [1, 1],
    ];
    const weight = distributionBalancedWeights(labels);
    const { sum } = bceWithLogits(
      [
        [0, 0],
        [0, 0],
      ],
      labels,
      { weight },
    );
    expect(sum).toBeCloseTo(weight.data.reduce((a, b) => a + b, 0) * Math.log(2), 5);
  });
});

describe('logPriors', () => {
  often('shift logits as if probabilities were multiplied by the frequencies', (random) => {
    const counts = Array.from({ length: 2 + below(random, 5) }, () => 1 + below(random, 100));
    const tau = pick(random, [0.5, 1, 2]);
    const logits = counts.map(() => between(random, -2, 2));
    const masses = logits.map((x, c) => Math.exp(x) * (counts[c] ?? 0) ** tau);
    const target = below(random, counts.length);
    const truth = -Math.log((masses[target] ?? 0) / masses.reduce((a, b) => a + b, 0));
    expect(crossEntropy([logits], [target], { logitShift: logPriors(counts, { tau }) }).loss).toBeCloseTo(truth, 5);
  });

  it('take a class out that has no samples', () => {
    const logitShift = logPriors([3, 0, 1]);
    expect(logitShift.data[1]).toBe(Number.NEGATIVE_INFINITY);
    expect(crossEntropy([[0, 50, 0]], [2], { logitShift }).loss).toBeCloseTo(Math.log(4), 6);
    expect(logPriors([3, 0], { tau: 0 }).data).toEqual(Float64Array.of(0, 0));
  });
});

describe('propensities', () => {
  often('are those of Jain, Prabhu and Varma', (random) => {
    const samples = 3 + below(random, 1e6);
    const [a, b] = pick(random, [
      [0.55, 1.5],
      [0.5, 0.4],
      [0.6, 2.6],
    ] as const);
    const counts = Array.from({ length: 1 + below(random, 8) }, () => below(random, samples));
    const p = propensities(counts, samples, { A: a, B: b });
    close(
      p.data,
      counts.map((n) => propensity(n, samples, a, b)),
    );
    expect(p.data.every((each) => each > 0 && each < 1)).toBe(true);
    const [upper, tight] = [propensityWeights(p), propensityWeights(p, { form: 'tight' })];
    close(
      upper.data,
      Array.from(p.data, (each) => 2 / each - 1),
    );
    close(
      tight.data,
      Array.from(p.data, (each) => 1 / each),
    );
    const scaled = propensityWeights(p, { normalize: true }).data;
    expect(scaled.reduce((x, y) => x + y, 0)).toBeCloseTo(counts.length, 9);
    close(
      scaled.map((each) => each / (scaled[0] ?? 0)),
      Array.from(upper.data, (w) => w / (upper.data[0] ?? 0)),
    );
  });

  it('have the defaults of the paper', () => {
    close(propensities([7], 1000).data, [propensity(7, 1000, 0.55, 1.5)]);
  });
});

describe('messages', () => {
  it.each([
    [
      () => classBalancedWeights([1, -1]),
      RangeError,
      'classBalancedWeights: counts[1] is -1, expected a finite number of 0 or more',
    ],
    [
      () => classBalancedWeights([1], { beta: 1.5 }),
      RangeError,
      'classBalancedWeights: beta is 1.5, expected a number in [0, 1]',
    ],
    [() => classBalancedWeights(unsafe('x')), TypeError, 'classBalancedWeights: counts is "x"'],
    [() => classBalancedWeights([[1]]), RangeError, 'classBalancedWeights: counts has shape [1, 1], expected one axis'],
    [
      () => classBalancedWeights([1], unsafe({ bata: 1 })),
      TypeError,
      'unknown option "bata", expected one of beta; did you mean beta?',
    ],
    [() => classBalancedWeights([1], unsafe(3)), TypeError, 'classBalancedWeights: options is 3, expected an object'],
    [
      () => distributionBalancedWeights([[1, 0.5]]),
      RangeError,
      'distributionBalancedWeights: labels[1] is 0.5, expected 0 or 1',
    ],
    [
      () => distributionBalancedWeights([1, 0]),
      RangeError,
      'distributionBalancedWeights: labels has shape [2], expected [N, L]',
    ],
    [
      () => distributionBalancedWeights([[1, 0]], { counts: [0, 3] }),
      RangeError,
      'distributionBalancedWeights: counts[0] is 0, but 1 of the samples have that label',
    ],
    [
      () => distributionBalancedWeights([[1, 0]], { counts: [1] }),
      RangeError,
      'distributionBalancedWeights: counts has 1 values, expected 2, one per label',
    ],
    [() => logPriors([0, 0]), RangeError, 'logPriors: counts add up to 0, expected at least one sample'],
    [() => propensities([1], 2), RangeError, 'propensities: samples is 2, expected a finite number of 3 or more'],
    [() => propensities([5], 4), RangeError, 'propensities: counts[0] is 5, expected at most 4, the samples'],
    [() => propensities([1], 10, { B: -1 }), RangeError, 'propensities: B is -1, expected a finite number above 0'],
    [() => propensityWeights([0]), RangeError, 'propensityWeights: p[0] is 0, expected a number in (0, 1]'],
    [
      () => propensityWeights([1], { form: unsafe('lower') }),
      RangeError,
      "propensityWeights: form is \"lower\", expected one of 'upper', 'tight'",
    ],
    [() => propensityWeights([1], { form: unsafe(1) }), TypeError, 'propensityWeights: form is 1'],
    [
      () => propensityWeights([1], { normalize: unsafe(1) }),
      TypeError,
      'propensityWeights: normalize is 1, expected a boolean',
    ],
  ])('%#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});
