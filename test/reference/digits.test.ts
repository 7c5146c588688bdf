/** Digits that a reference keeps where plain formulas lose them, and what a mean divides by. */
import { describe, expect, it } from 'vitest';
import { drawElementWeight } from './draws.ts';
import {
  type LossName,
  lossEntries,
  type ReferenceOptions,
  type ReferenceResult,
  reference,
  references,
  type Tensor64,
  tensor64,
} from './index.ts';
import { layoutOf, readRow } from './layout.ts';

/** One row of classes, or elements of a 1-D tensor, with reduction sum. */
function one(op: LossName, x: number[], target: number | number[], options: ReferenceOptions = {}): ReferenceResult {
  const shape = references[op].family === 'element' ? [x.length] : [1, x.length];
  const wanted = typeof target === 'number' ? tensor64([target]) : tensor64(target, shape);
  return reference(op, { input: tensor64(x, shape), target: wanted }, { reduction: 'sum', ...options });
}

const numbers = ({ loss, grad }: ReferenceResult): number[] => [...loss.data, ...grad.data];

describe('digits', () => {
  const close = (got: number | undefined, truth: number): void => {
    expect(Math.abs(got! / truth - 1), `${got} against ${truth}`).toBeLessThan(1e-14);
  };

  it('of confident rows are kept', () => {
    for (const gap of [10, 30, 80]) {
      const e = Math.exp(-gap);
      const rest = (2 * e) / (1 + 2 * e);
      const row = [gap, 0, 0];
      const cross = one('crossEntropy', row, 0);
      close(cross.sum, Math.log1p(2 * e));
      close(cross.grad.data[0], -rest);
      const focal = one('softmaxFocal', row, 0);
      close(focal.sum, rest ** 2 * Math.log1p(2 * e));
      close(focal.grad.data[0], -(rest ** 3) * (1 + (2 * (1 - rest) * Math.log1p(2 * e)) / rest));
      const poly = one('polyLoss', row, 0);
      close(poly.sum, Math.log1p(2 * e) + rest);
      close(poly.grad.data[0], -rest * (2 - rest));
      const moved = one('emd', row, 0);
      close(moved.sum, rest ** 2 + (rest / 2) ** 2);
      const ordinal = one('ordinalCrossEntropy', row, 0);
      close(ordinal.sum, Math.log1p(2 * e) + (1.5 * rest) ** 2);
      const part = one('componentCrossEntropy', [gap, gap, 0], 0, { components: [[0, 0, 1]] });
      close(part.sum, Math.log1p(e / 2));
      close(part.grad.data[1], -e / 2 / (2 + e));
      const set = one('partialLabel', [gap, gap, 0], [1, 1, 0]);
      close(set.sum, part.sum);
      const overlap = one('dice', row, 0, { smooth: 0, reduction: 'none' });
      close(overlap.loss.data[0], rest / (2 - rest));
      const binary = one('bceWithLogits', [gap], [1]);
      close(binary.sum, Math.log1p(e));
      close(binary.grad.data[0], -e / (1 + e));
      const soft = one('softMargin', [gap], [1]);
      close(soft.sum, Math.log1p(e));
      const both = one('sigmoidFocal', [gap], [1], { alpha: -1 });
      close(both.sum, (e / (1 + e)) ** 2 * Math.log1p(e));
    }
  });

  it('of close values are kept', () => {
    const d = 2 ** -20;
    close(one('logCosh', [1 + d], [1]).sum, d ** 2 / 2 - d ** 4 / 12);
    close(one('generalizedKlDiv', [d], [1]).sum, d ** 2 / 2 + d ** 3 / 6 + d ** 4 / 24);
    close(one('absKlDiv', [1 + d], [1]).sum, d * Math.log1p(d));
    const q = one('jsDiv', [0, 0], [0.5 + d, 0.5 - d]);
    close(q.sum, (d ** 2 / 2) * (1 + (7 / 6) * d ** 2));
    close(q.grad.data[0], (Math.log1p(d) - Math.log1p(-d)) / -8);
  });

  it('of a large offset are not needed', () => {
    for (const offset of [1e6, 2 ** 40]) {
      const row = [offset + 2, offset, offset - 1];
      expect(one('crossEntropy', row, 1)).toEqual({ ...one('crossEntropy', [2, 0, -1], 1), zSum: 0 });
      expect(one('multiMargin', row, 1, { margin: 0.3 })).toEqual(one('multiMargin', [2, 0, -1], 1, { margin: 0.3 }));
      expect(one('jsDiv', row, [1, 0, 0])).toEqual(one('jsDiv', [2, 0, -1], [1, 0, 0]));
    }
  });
});

describe('denominators', () => {
  const input = tensor64([1, 2, 3, 5], [2, 2]);
  const index = tensor64([0, 1]);
  const [weight, sampleWeight] = [tensor64([0.5, 0.25]), tensor64([2, 3])];
  const weightSum = (op: LossName, target: Tensor64, options: ReferenceOptions): number =>
    reference(op, { input, target }, options).weightSum;

  it('class weights count with indices, not with probabilities nor margins', () => {
    for (const op of ['crossEntropy', 'nllLoss', 'softmaxFocal', 'polyLoss'] as const) {
      expect(weightSum(op, index, { weight, sampleWeight })).toBe(1.75);
    }
    expect(weightSum('crossEntropy', tensor64([1, 0, 0, 1], [2, 2]), { weight, sampleWeight })).toBe(5);
    expect(weightSum('multiMargin', index, { weight, sampleWeight })).toBe(5);
    expect(weightSum('multiMargin', index, { weight })).toBe(2);
    expect(weightSum('multiLabelSoftMargin', tensor64([1, 0, 0, 1], [2, 2]), { weight })).toBe(2);
  });

  it('weights of the input’s shape count, broadcast ones do not', () => {
    const target = tensor64([1, 0, 0, 1], [2, 2]);
    const own = tensor64([1, 0, 2, 1], [2, 2]);
    const dividing = lossEntries.filter(([, { options }]) => options.weight === drawElementWeight);
    expect(dividing.length).toBeGreaterThan(4);
    for (const [op] of dividing) expect(weightSum(op, target, { weight: own })).toBe(4);
    for (const op of ['bceWithLogits', 'sigmoidFocal', 'softMargin', 'hinge'] as const) {
      expect(weightSum(op, target, { weight: own, posWeight: 7 })).toBe(4);
      expect(
        weightSum(op, target, { weight: tensor64([3, 5]), ignoreValue: op === 'softMargin' ? undefined : 1 }),
      ).toBe(op === 'softMargin' ? 4 : 2);
    }
  });

  it('ratios are counted, whatever is ignored', () => {
    const target = tensor64([-100, 1]);
    for (const op of ['dice', 'tversky'] as const) {
      const perSample = reference(op, { input, target });
      expect([perSample.count, perSample.weightSum]).toEqual([4, 4]);
      expect(reference(op, { input, target }, { per: 'batch' }).count).toBe(2);
      expect(() => reference(op, { input, target }, { per: 'batch', reduction: 'batchmean' })).toThrow(RangeError);
      const nothing = reference(op, { input, target: tensor64([-100, -100]) }, { smooth: 0, reduction: 'none' });
      expect(numbers(nothing).map(Math.abs)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
    }
  });

  it('of a variance', () => {
    const target = tensor64([1, 0, 0, 1], [2, 2]);
    const number = reference('gaussianNll', { input, target }, { variance: 2 });
    expect(number.grads).toBeUndefined();
    for (const shape of [[2], [2, 1]]) {
      const own = reference('gaussianNll', { input, target }, { variance: tensor64([2, 2], shape) });
      expect(own.loss.data[0]).toBe(number.loss.data[0]);
      expect(own.grads!.variance!.shape).toEqual(shape);
    }
    expect(() => reference('gaussianNll', { input, target }, { variance: tensor64([1, 2, 3]) })).toThrow(RangeError);
    const small = reference(
      'gaussianNll',
      { input, target: input },
      { variance: tensor64([0, 0, 0, 0], [2, 2]), reduction: 'sum' },
    );
    expect(small.grads!.variance!.data[0]).toBe(0.5 / 1e-6);
  });

  it('rows of a batch without a batch axis', () => {
    const { loss } = reference(
      'crossEntropy',
      { input: tensor64([0, 0]), target: tensor64([0], []) },
      { reduction: 'batchmean' },
    );
    expect(loss.data[0]).toBeCloseTo(Math.LN2, 14);
    expect(readRow(Float64Array.of(1, 2), layoutOf([2]), 0)).toEqual(Float64Array.of(1, 2));
  });
});
