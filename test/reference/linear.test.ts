/** Linear layers, and losses on top of them. */
import { describe, expect, it } from 'vitest';
import {
  drawLinear,
  type LinearOperands,
  linear,
  linearLoss,
  lossEntries,
  references,
  type Tensor64,
  tensor64,
} from './index.ts';
import { randomFrom } from './random.ts';

const close = (what: string, got: ArrayLike<number>, wanted: ArrayLike<number>, bound: number): void => {
  expect(got.length, what).toBe(wanted.length);
  const size = Math.max(1, ...Array.from(wanted, Math.abs));
  for (let i = 0; i < wanted.length; i++) {
    if (!(Math.abs(got[i]! - wanted[i]!) <= bound * size)) expect.fail(`${what}[${i}] is ${got[i]}, not ${wanted[i]}`);
  }
};

const map = (tensor: Tensor64, change: (v: number, i: number) => number): Tensor64 => ({
  data: tensor.data.map(change),
  shape: tensor.shape,
});

describe('linear forms', () => {
  const withForm = lossEntries.filter(([, { others, targets }]) => others.length === 0 && targets.length > 0);

  it.each(withForm)('%s: the gradients are those of the product', (op, loss) => {
    const random = randomFrom(3);
    for (const outputs of loss.family === 'element' ? [[4], [2, 3], []] : [[4], [2, 3]]) {
      const { operands, problem } = drawLinear(random, loss, [3, 2], outputs);
      const { inputs, options } = problem;
      const own = { ...options, reduction: 'sum', detachWeights: false } as const;
      const value = (changed: LinearOperands): number => linearLoss(loss, changed, inputs, own).loss.data[0]!;
      const { grad, logits: z } = linearLoss(loss, operands, inputs, own);
      expect(z.shape).toEqual([3, ...outputs]);
      expect(loss.compute({ ...inputs, input: z }, own).loss.data[0]).toBe(value(operands));
      const kinks = loss.kinks({ inputs: { ...inputs, input: z }, options: own }, 0.01).grad;
      if (kinks.some((kink) => kink === 1)) continue;
      const parts = { features: grad.input, weight: grad.weight, bias: grad.bias! };
      for (const [name, wanted] of Object.entries(parts)) {
        const tensor = operands[name as keyof typeof parts]!;
        expect(wanted.shape, `${op} ${name}`).toEqual(tensor.shape);
        const h = 2 ** -12;
        const slopes = tensor.data.map((_, i) => {
          const at = (steps: number): number =>
            value({ ...operands, [name]: map(tensor, (v, j) => (j === i ? v + steps * h : v)) });
          return (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * h);
        });
        close(`${op} ${name}`, slopes, wanted.data, 1e-7);
      }
    }
  });

  it('refuses reduction none and losses of two inputs', () => {
    const { operands, problem } = drawLinear(randomFrom(1), references.mse, [2, 3], [2]);
    expect(() => linearLoss(references.mse, operands, problem.inputs, { reduction: 'none' })).toThrow(RangeError);
    expect(() => linearLoss(references.factorizedMultiLabel, operands, problem.inputs)).toThrow(RangeError);
  });

  it('logits are products of rows', () => {
    const operands = {
      features: tensor64([1, 2, 3, 4], [2, 2]),
      weight: tensor64([1, 0, 0, 1, 1, 1], [3, 2]),
      bias: tensor64([0.5, 0, -1]),
    };
    const z = linear(operands);
    expect([z.shape, [...z.data]]).toEqual([
      [2, 3],
      [1.5, 2, 2, 3.5, 4, 6],
    ]);
  });
});
