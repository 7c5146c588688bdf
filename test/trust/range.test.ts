/** Values that leave float32 on the way to a result that is one. */
import { describe, expect, it } from 'vitest';
import { bceWithLogits, crossEntropy, mse, softmax } from '../../src/index.ts';
import type { FormName } from '../library.ts';
import { type Problem, type ReferenceOptions, tensor64 } from '../reference/index.ts';
import { expectReference, masked, problem } from './rows.ts';

describe('what is no float32 on the way, and is one in the end', () => {
  const at = (input: number[], target: number[], options: ReferenceOptions): Problem =>
    problem([input], [target], options);

  it.each<[string, FormName, Problem]>([
    [
      'mse, a square that a weight brings back',
      'mse',
      at([3e19, 1], [0, 1], { weight: tensor64([1e-3, 1], [1, 2]), reduction: 'none' }),
    ],
    ['mse, the mean of two', 'mse', at([1.5e19, 1.5e19], [0, 0], {})],
    [
      'bceWithLogits, weighed',
      'bceWithLogits',
      at([3e38, -3e38], [0, 1], { weight: tensor64([0.5, 0.5], [1, 2]), reduction: 'none' }),
    ],
    ['bceWithLogits, the mean of two', 'bceWithLogits', at([3e38, 3e38], [0, 0], {})],
    ['smoothing', 'crossEntropy', problem([[3e38, -3e38]], [0], { labelSmoothing: 0.1 })],
    [
      'smoothing with class weights',
      'crossEntropy',
      problem([[3e38, -3e38, 0]], [0], { labelSmoothing: 0.1, weight: tensor64([2, 1, 0.5]) }),
    ],
    ['zLoss', 'crossEntropy', problem([[3e19, 0]], [0], { zLoss: 1e-10 })],
    [
      'a component that a weight brings back',
      'componentCrossEntropy',
      problem([[3e38, -3e38]], [1], { components: [[0, 1]], weights: [1e-4] }),
    ],
    [
      'a joint term that a weight brings back',
      'componentCrossEntropy',
      problem([[3e38, -3e38]], [1], { components: [[0, 0]], jointWeight: 1e-4 }),
    ],
    [
      'a joint term of weighed samples that a weight brings back',
      'componentCrossEntropy',
      problem([[3e38, -3e38]], [1], { components: [[0, 0]], jointWeight: 1e-4, sampleWeight: tensor64([1.5]) }),
    ],
    [
      'a faint upstream gradient beside a large slope',
      'bceWithLogits',
      at([1, -1], [0.3, 0.7], { scale: 1e-42, posWeight: tensor64([1e30, 1e30], [1, 2]) }),
    ],
    [
      'dice of a class that is not predicted, beside a slope beyond float32',
      'dice',
      {
        inputs: {
          input: tensor64([0, 0, -1e30, 0, 0, 0], [3, 2]),
          target: tensor64([0, 0, 2 ** -100, 0, 0, 0], [3, 2]),
        },
        options: { smooth: 0, axis: 0, scale: 1e39 },
      },
    ],
    [
      'a weight beside the ratio of a sample that is surely wrong',
      'componentCrossEntropy',
      problem([[79.5, 0, 79.5, 0]], [1], { components: [[0, 1, 0, 1]], weights: [1e6] }),
    ],
    [
      'poissonNll of a rate whose inverse is no float32',
      'poissonNll',
      at([2 ** -140], [2 ** -100], { logInput: false, eps: 0 }),
    ],
    [
      'a number of labels that μ brings back',
      'factorizedMultiLabel',
      {
        inputs: { ...at([0, 1], [1, 0.5], {}).inputs, others: { z: tensor64([1e25]) } },
        options: { mu: 1e-20 },
      },
    ],
    [
      'a row of class probabilities that are 0 where classes are masked',
      'crossEntropy',
      at(
        Array.from({ length: 200 }, (_, c) => (c % 3 === 0 ? masked : c / 50)),
        Array.from({ length: 200 }, (_, c) => (c % 3 === 0 ? 0 : 1 / 133)),
        {},
      ),
    ],
    [
      'a row of class probabilities beside logits at the ends of float32',
      'crossEntropy',
      at(
        Array.from({ length: 200 }, (_, c) => (c % 2 === 0 ? 3e38 : -3e38)),
        Array.from({ length: 200 }, (_, c) => (c % 2 === 0 ? 0.01 : 1e-9)),
        {},
      ),
    ],
  ])('%s', (_, op, each) => {
    expectReference(op, each, 8);
  });

  it('weights whose sum is subnormal give the gradients of a right mean', () => {
    const { loss, grad } = crossEntropy(
      [
        [1, 2],
        [3, 4],
      ],
      [0, 1],
      { weight: [1e-39, 1e-39] },
    );
    const plain = crossEntropy(
      [
        [1, 2],
        [3, 4],
      ],
      [0, 1],
    );
    expect(loss).toBeCloseTo(plain.loss, 5);
    for (const [i, g] of grad.data.entries()) expect(g).toBeCloseTo(plain.grad.data[i]!, 5);
    const tiny = mse([1, 2], [0, 0], { weight: [1e-39, 1e-39] });
    expect(tiny.grad.data.every(Number.isFinite)).toBe(true);
    expect(bceWithLogits([1, 2], [0, 1], { weight: [1e-39, 1e-39] }).grad.data.every(Number.isFinite)).toBe(true);
  });
});

describe('incoming gradients of softmax whose sum is no float32', () => {
  const sizes = [2, 3, 20, 40, 200, 1003];

  it.each(sizes)('of %i classes, in rows and in columns', (classes) => {
    const gradOutput = Float32Array.from({ length: classes }, (_, c) => (c % 3 === 0 ? -1e38 : 3e38));
    const logits = Float32Array.from({ length: classes }, (_, c) => Math.sin(c));
    const masses = Array.from(logits, Math.exp);
    const all = masses.reduce((sum, e) => sum + e);
    const dot = gradOutput.reduce((sum, g, c) => sum + g * (masses[c]! / all), 0);
    const wanted = Array.from(gradOutput, (g, c) => (masses[c]! / all) * (g - dot));
    const size = Math.max(...wanted.map(Math.abs));
    for (const shape of [
      [1, classes],
      [1, classes, 1],
      [classes, 1],
    ]) {
      const axis = shape.length === 2 && shape[0] === classes ? 0 : 1;
      const { data } = softmax.backward({ data: gradOutput, shape }, { data: logits, shape }, { axis });
      for (const [c, value] of wanted.entries()) {
        expect(Math.abs(data[c]! - value) / size, `${shape}: ${c}`).toBeLessThan(8 * 2 ** -24);
      }
    }
  });
});
