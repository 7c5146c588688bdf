/** Small terms beside large ones, and numbers near the ends of float32: what a reading of the kernels found. */
import { describe, expect, it } from 'vitest';
import {
  asymmetric,
  bceWithLogits,
  crossEntropy,
  dice,
  gaussianNll,
  ordinalCrossEntropy,
  polyLoss,
  smoothL1,
  tversky,
} from '../../src/index.ts';

/** Units of 2^-24 of the size that a result may be off by. */
const UNITS = 4;
const near = (got: number, expected: number, size = Math.max(1, Math.abs(expected))): void =>
  expect(Math.abs(got - expected) / size).toBeLessThanOrEqual(UNITS * 2 ** -24);
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

describe('losses of bceWithLogits that are small beside those of others', () => {
  it.each<[string, number, number]>([
    ['next to nothing beside unsure ones', 0, -16.65],
    ['at the half of a unit of large ones', 513, 3.05e-5],
    ['all alike', 7.111148834, 7.111148834],
  ])('%s', (_, first, others) => {
    const logits = new Float32Array(4096).map((_, i) => (i % 64 < 4 ? first : others));
    const target = new Float32Array(logits.length);
    const sum = Array.from(logits, softplus).reduce((a, b) => a + b, 0);
    near(bceWithLogits(logits, target, { reduction: 'sum' }).loss, sum);
    near(bceWithLogits(logits, target).loss, sum / logits.length);
  });
});

describe('sums over many classes in columns', () => {
  const [C, low] = [2048, Math.fround(-15.75421142578125)];
  const data = new Float32Array(C * 8).map((_, i) => (i >= (C - 1) * 8 ? 0 : low));
  const logits = { data, shape: [1, C, 8] };
  const target = { data: new Int32Array(8).fill(C - 1), shape: [1, 8] };
  const q = (C - 1) * Math.exp(low);

  it.each([0.1, 0.5, 1])('labelSmoothing %f', (labelSmoothing) => {
    const expected = Math.log1p(q) - (labelSmoothing / C) * (C - 1) * low;
    near(crossEntropy(logits, target, { labelSmoothing }).loss, expected);
    const extra = (1 - labelSmoothing) * (1 - 1 / (1 + q)) + (labelSmoothing / C) * (C - 1);
    near(polyLoss(logits, target, { labelSmoothing, epsilon: 1 }).loss, expected + extra, 2 * expected);
  });
});

it('the gradient of a variance that a long row shares', () => {
  const n = 65536;
  const input = { data: new Float32Array(n).fill(3.131), shape: [1, n] };
  const target = { data: new Float32Array(n), shape: [1, n] };
  const { gradVariance } = gaussianNll(input, target, { variance: [2], reduction: 'sum' });
  const x = Math.fround(3.131);
  near(gradVariance!.data[0]!, n * 0.5 * (1 / 2 - (x * x) / 4), n * 0.5 * ((x * x) / 4));
});

it('exponents of asymmetric that are far apart', () => {
  for (const [x, y, gammaPos, gammaNeg] of [
    [-0.82, 0.999, 0.5, 100],
    [-1.19, 0.999, 1, 1000],
    [-0.82, 0.99, 0.3, 32],
  ] as const) {
    const [logit, target] = [Math.fround(x), Math.fround(y)];
    const p = 1 / (1 + Math.exp(-logit));
    const shifted = Math.max(p - Math.fround(0.05), 0);
    const w = (target * (1 - p) + (1 - target) * shifted) ** (gammaPos * target + gammaNeg * (1 - target));
    const entropy = -(target * Math.log(p) + (1 - target) * Math.log(1 - shifted));
    near(asymmetric([x], [y], { gammaPos, gammaNeg }).loss, w * entropy);
  }
});

it.each([20, 30])('dice and tversky keep the digits of the gradient at the target of a sure sample: %d', (x) => {
  const other = Math.exp(-x) / (1 + Math.exp(-x));
  for (const loss of [dice, tversky]) {
    const { grad } = loss([[x, 0]], [0], { smooth: 0 });
    expect(grad.data[0]).toBe(-grad.data[1]!);
    expect(grad.data[1]! / other).toBeGreaterThan(0.2);
  }
});

describe('near the ends of float32', () => {
  it('beta of smoothL1 whose inverse is beyond: absolute error', () => {
    for (const beta of [1e-46, 1e-39, 2.9e-39]) {
      const { loss, grad } = smoothL1([3, -2], [1, 0], { beta });
      expect([loss, ...grad.data]).toEqual([2, 0.5, -0.5]);
    }
  });

  it.each([1.69e38, 1.71e38, 3e38])('weights of %f', (w) => {
    const logits = [
      [9, 0, 0],
      [8, 0, 1],
    ];
    const own = (x: readonly number[]): number =>
      Math.fround(w) * Math.log1p(x.slice(1).reduce((sum, v) => sum + Math.exp(v - x[0]!), 0));
    const options = { weight: [w, w, w], reduction: 'none' } as const;
    const ordinal = { sampleWeight: [w, w], lambda: 0, reduction: 'none' } as const;
    const losses = [crossEntropy(logits, [0, 0], options).loss, ordinalCrossEntropy(logits, [0, 0], ordinal).loss];
    for (const { data } of losses) for (const [i, row] of logits.entries()) near(data[i]!, own(row), own(row));
    const { loss } = crossEntropy(
      logits,
      [
        [1, 0, 0],
        [1, 0, 0],
      ],
      options,
    );
    for (const [i, row] of logits.entries()) near(loss.data[i]!, own(row), own(row));
  });
});
