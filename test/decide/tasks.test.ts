// Weights of tasks: the formulas of their papers, and what they are for.

import { describe, expect, it } from 'vitest';
import { dynamicWeightAverage, gradNorm } from '../../src/decide/index.ts';
import { componentCrossEntropy } from '../../src/index.ts';
import { unsafe } from '../errors/case.ts';
import { averaged, gradNormLoss } from '../reference/decide/balance.ts';
import { below, between, pick } from '../reference/random.ts';
import { often } from './seeded.ts';

const total = (weights: ArrayLike<number>): number => Array.from(weights).reduce((a, b) => a + b, 0);

describe('dynamicWeightAverage', () => {
  often('is a softmax of how fast each loss fell', (random) => {
    const tasks = 1 + below(random, 5);
    const temperature = pick(random, [0.5, 2, 10]);
    const draw = (): number[] => Array.from({ length: tasks }, () => between(random, 0.1, 4));
    const average = dynamicWeightAverage({ tasks, temperature });
    expect([...average.weights]).toEqual(new Array(tasks).fill(1));
    let before = draw();
    expect([...average.update(before)]).toEqual(new Array(tasks).fill(1));
    for (let t = 0; t < 4; t++) {
      const now = draw();
      const old = before;
      const truth = averaged(
        now.map((loss, i) => loss / (old[i] ?? 1)),
        temperature,
      );
      const weights = average.update(now);
      expect(average.weights).toBe(weights);
      truth.forEach((w, i) => {
        expect(weights[i]).toBeCloseTo(w, 12);
      });
      expect(total(weights)).toBeCloseTo(tasks, 12);
      before = now;
    }
  });

  it('takes component losses as they come, and losses that reach 0', () => {
    const average = dynamicWeightAverage({ tasks: 2 });
    const components = [
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ];
    average.update(componentCrossEntropy([[1, 0, 0, 0]], [0], { components }).componentLosses);
    expect(total(average.update([0, 0.5]))).toBeCloseTo(2, 12);
    expect([...average.update([0, 0.5])]).toEqual([1, 1]);
    expect([...average.update([0.1, 0.5])]).toEqual([2, 0]); // from 0 to more: infinitely much slower
  });
});

describe('gradNorm', () => {
  often('goes down the gradient of its own loss', (random) => {
    const tasks = 2 + below(random, 4);
    const [alpha, learningRate] = [between(random, 0, 2), 1e-4];
    const draw = (): number[] => Array.from({ length: tasks }, () => between(random, 0.5, 3));
    const first = draw();
    const balance = gradNorm({ tasks, alpha, learningRate });
    balance.update(first, new Array(tasks).fill(0)); // no gradients: the weights stay
    const weights = [...balance.weights];
    expect(weights).toEqual(new Array(tasks).fill(1));
    const [losses, norms] = [draw(), draw()];
    const fallen = losses.map((loss, i) => loss / (first[i] ?? 1));
    const at = (w: readonly number[]): number => gradNormLoss(w, weights, norms, fallen, alpha);
    const moved = weights.map((w, i) => {
      const step = (by: number): number => at(weights.map((each, k) => (k === i ? each + by : each)));
      return w - (learningRate * (step(1e-6) - step(-1e-6))) / 2e-6;
    });
    const by = tasks / total(moved);
    balance.update(losses, norms);
    moved.forEach((w, i) => {
      expect(balance.weights[i]).toBeCloseTo(w * by, 9);
    });
  });

  it('brings the weighted norms of equally fast tasks together', () => {
    const balance = gradNorm({ tasks: 3 });
    const norms = [4, 1, 0.5];
    for (let t = 0; t < 4000; t++) balance.update([1, 1, 1], norms);
    const weighted = norms.map((norm, i) => norm * (balance.weights[i] ?? 0));
    expect(Math.max(...weighted) / Math.min(...weighted)).toBeLessThan(1.5);
    expect(total(balance.weights)).toBeCloseTo(3, 9);
    expect(Math.min(...balance.weights)).toBeGreaterThanOrEqual(0);
  });
});

describe('messages', () => {
  const average = dynamicWeightAverage({ tasks: 2 });
  const balance = gradNorm({ tasks: 2 });
  it.each([
    [
      () => dynamicWeightAverage(unsafe({})),
      TypeError,
      'dynamicWeightAverage: tasks is missing, expected the number of losses',
    ],
    [() => dynamicWeightAverage(unsafe(undefined)), TypeError, 'dynamicWeightAverage: tasks is missing'],
    [
      () => dynamicWeightAverage({ tasks: 0 }),
      RangeError,
      'dynamicWeightAverage: tasks is 0, expected an integer above 0',
    ],
    [
      () => dynamicWeightAverage({ tasks: 2, temperature: 0 }),
      RangeError,
      'temperature is 0, expected a finite number above 0',
    ],
    [
      () => average.update([1]),
      RangeError,
      'dynamicWeightAverage.update: losses has 1 values, expected 2, one per task',
    ],
    [() => average.update([1, Number.NaN]), RangeError, 'losses[1] is NaN, expected a finite number of 0 or more'],
    [() => balance.update([1, 1]), TypeError, 'gradNorm.update: norms is missing, expected one norm per task'],
    [() => balance.update([1, 1], [1, -1]), RangeError, 'gradNorm.update: norms[1] is -1'],
    [() => gradNorm({ tasks: 1.5 }), RangeError, 'gradNorm: tasks is 1.5, expected an integer above 0'],
    [() => gradNorm(unsafe({ tasks: 1, lr: 1 })), TypeError, 'gradNorm: unknown option "lr"'],
  ])('%#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});
