import { describe, expect, it } from 'vitest';
import { axisOf, type GoldenCase, gradientScale, inputOf, libraryOps, loadGolden } from '../golden.ts';
import { type ReferenceOp, type ReferenceOptions, reference, type Tensor64, tensor64 } from './index.ts';
import { type Layout, layoutOf, sizeOf } from './layout.ts';
import { sumOf } from './numeric.ts';
import { fill, normal, type Random, randomFrom } from './random.ts';

const shapes: readonly (readonly number[])[] = [[4], [1, 3], [3, 4], [2, 3, 2], [2, 2, 2, 3]];
const classOps = ['crossEntropy', 'componentCrossEntropy'] as const;
const valueOps = ['bceWithLogits', 'mse'] as const;
const activations = ['softmax', 'logSoftmax', 'sigmoid', 'logSigmoid'] as const;

const draw = (random: Random, shape: readonly number[], low: number, high: number): Tensor64 => ({
  data: fill(sizeOf(shape), () => low + (high - low) * random()),
  shape,
});
const logitsOf = (random: Random, shape: readonly number[]): Tensor64 => ({
  data: fill(sizeOf(shape), () => normal(random, 2)),
  shape,
});

/** Σ gradOutput · scale · loss: the scalar whose derivative `grad` claims to be. */
function contracted(op: ReferenceOp, input: Tensor64, target: Tensor64 | undefined, options: ReferenceOptions): number {
  const { gradOutput = 1, scale = 1 } = options;
  const { data } = reference(op, { input, target }, options).loss;
  return scale * sumOf(data.map((v, i) => v * (typeof gradOutput === 'number' ? gradOutput : gradOutput.data[i]!)));
}

/** The reference gradient against the fourth-order central difference (f(-2h) - 8f(-h) + 8f(h) - f(2h)) / 12h. */
function checkGradient(op: ReferenceOp, input: Tensor64, target: Tensor64 | undefined, options: ReferenceOptions) {
  const { grad } = reference(op, { input, target }, options);
  expect(grad.shape).toEqual(input.shape);
  const h = 2 ** -8;
  const bound = 1e-8 * Math.max(1, ...grad.data.map(Math.abs));
  for (let i = 0; i < input.data.length; i++) {
    const at = (steps: number): number => {
      const data = input.data.slice();
      data[i]! += steps * h;
      return contracted(op, { data, shape: input.shape }, target, options);
    };
    const slope = (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * h);
    expect(Math.abs(slope - grad.data[i]!), `${op} grad[${i}] ${grad.data[i]} against ${slope}`).toBeLessThan(bound);
  }
}

/** Draws options for an input of that shape; `samples` and `classes` are those of the class axis under test. */
type MakeOptions = (random: Random, shape: readonly number[], layout: Layout) => ReferenceOptions;

const reductions: Record<string, MakeOptions> = {
  defaults: () => ({}),
  sum: () => ({ reduction: 'sum', gradOutput: -1.5 }),
  batchmean: () => ({ reduction: 'batchmean', scale: 3 }),
  mean: () => ({ reduction: 'mean', gradOutput: tensor64([0.25], []), scale: 2, emptyMean: 'zero' }),
};

const classCases: Record<string, MakeOptions> = {
  ...reductions,
  none: (random, _, { sampleShape }) => ({
    reduction: 'none',
    gradOutput: draw(random, sampleShape, -1, 1),
    scale: 0.5,
  }),
  sampleWeight: (random, _, { sampleShape }) => ({ sampleWeight: draw(random, sampleShape, 0, 2) }),
};

const crossEntropyCases: Record<string, MakeOptions> = {
  ...classCases,
  weight: (random, _, { classes }) => ({ weight: draw(random, [classes], -0.5, 2) }),
  labelSmoothing: () => ({ labelSmoothing: 0.3 }),
  zLoss: () => ({ zLoss: 0.05 }),
  everything: (random, _, { classes, sampleShape }) => ({
    weight: draw(random, [classes], 0.5, 2),
    sampleWeight: draw(random, sampleShape, 0.5, 2),
    labelSmoothing: 0.1,
    zLoss: 0.01,
    gradOutput: 2,
  }),
};

const componentCases: Record<string, MakeOptions> = {
  ...classCases,
  weights: () => ({ weights: [0.5, -1.5, 0] }),
  jointWeight: () => ({ jointWeight: 0.75 }),
  onlyJoint: () => ({ weights: [0, 0, 0], jointWeight: 2 }),
};

const elementCases: Record<string, MakeOptions> = {
  ...reductions,
  none: (random, shape) => ({ reduction: 'none', gradOutput: draw(random, shape, -1, 1), scale: 0.5 }),
  weight: (random, shape) => ({ weight: draw(random, shape, 0, 2) }),
};

const bceCases: Record<string, MakeOptions> = {
  ...elementCases,
  scalarWeights: () => ({ weight: 0.5, posWeight: 3 }),
  posWeightPerLabel: (random, shape) => ({ posWeight: draw(random, [shape.at(-1)!], 0, 4) }),
  posWeightPerRow: (random, shape) => ({ posWeight: draw(random, [shape[0]!, ...shape.slice(1).map(() => 1)], 0, 4) }),
  labelSmoothing: () => ({ labelSmoothing: 0.2 }),
  ignoreValue: () => ({ ignoreValue: 0.5 }),
  ignoreNaN: () => ({ ignoreValue: Number.NaN }),
};

describe('the reference gradient is the derivative of the reference loss', () => {
  for (const op of classOps) {
    for (const [name, make] of Object.entries(op === 'crossEntropy' ? crossEntropyCases : componentCases)) {
      it(`${op} ${name}`, () => {
        const random = randomFrom(17);
        for (const shape of shapes) {
          for (const axis of shape.keys()) {
            const layout = layoutOf(shape, axis);
            const { classes } = layout;
            const labels = [-1, 0, 1, 2].slice(0, classes);
            const target: Tensor64 = {
              data: fill(layout.samples, (i) => (i % 5 === 3 ? 7 : labels[Math.floor(random() * classes)]!)),
              shape: layout.sampleShape,
            };
            const components = [0, 1, 2].map((m) => Array.from({ length: classes }, (_, k) => [k % 2, k >> 1, 0][m]!));
            const options = { ...make(random, shape, layout), axis };
            const hard = { ...options, labels, ignoreIndex: 7 };
            checkGradient(op, logitsOf(random, shape), target, op === 'crossEntropy' ? hard : { ...hard, components });
            if (op === 'crossEntropy')
              checkGradient(op, logitsOf(random, shape), draw(random, shape, -0.2, 1), options);
          }
        }
      });
    }
  }

  for (const op of valueOps) {
    for (const [name, make] of Object.entries(op === 'mse' ? elementCases : bceCases)) {
      it(`${op} ${name}`, () => {
        const random = randomFrom(29);
        for (const shape of [[], [5], ...shapes.slice(1)]) {
          if (shape.length === 0 && name.startsWith('posWeightPer')) continue;
          const options = make(random, shape, layoutOf([1]));
          const special = name === 'ignoreNaN' ? Number.NaN : 0.5;
          const target = { data: fill(sizeOf(shape), (i) => [random(), special, 1][i % 3]!), shape };
          checkGradient(op, logitsOf(random, shape), target, options);
        }
      });
    }
  }

  for (const op of activations) {
    it(op, () => {
      const random = randomFrom(43);
      for (const shape of shapes) {
        for (const axis of shape.keys()) {
          checkGradient(op, logitsOf(random, shape), undefined, { axis, gradOutput: draw(random, shape, -1, 1) });
        }
      }
    });
  }
});

/** A golden case as the reference takes it. */
function runGolden(golden: GoldenCase, op: ReferenceOp) {
  const { target, weight, posWeight, gradOutput } = golden.inputs;
  const { dim, ...options } = golden.options;
  const input = inputOf(golden);
  const axis = input.shape.length === 0 ? undefined : axisOf(golden);
  return reference(op, { input, target }, { ...options, weight, posWeight, gradOutput, axis });
}

/** |error| within 1e-12 · max(1, scale) + 1e-10 · |truth|; NaN and the infinities match themselves. */
function near(what: string, got: Tensor64, truth: Tensor64, scale: number): void {
  expect(got.shape, what).toEqual(truth.shape);
  expect(got.data.length, what).toBe(truth.data.length);
  for (let i = 0; i < truth.data.length; i++) {
    const [value, wanted] = [got.data[i]!, truth.data[i]!];
    const bound = 1e-12 * Math.max(1, scale) + 1e-10 * Math.abs(wanted);
    const same = Number.isFinite(wanted) ? Math.abs(value - wanted) <= bound : Object.is(value, wanted);
    if (!same) expect.fail(`${what}[${i}] is ${value}, expected ${wanted}`);
  }
}

describe('the reference agrees with PyTorch in float64', () => {
  it.each([
    ['crossEntropy', 207],
    ['crossEntropyLarge', 1],
    ['crossEntropyProb', 104],
    ['bceWithLogits', 116],
    ['mse', 25],
    ['componentCrossEntropy', 90],
    ['softmax', 25],
    ['logSoftmax', 25],
    ['sigmoid', 14],
    ['logSigmoid', 14],
  ])('%s', (file, count) => {
    const cases = loadGolden(file);
    expect(cases).toHaveLength(count);
    for (const golden of cases) {
      const result = runGolden(golden, libraryOps.get(golden.op) as ReferenceOp);
      near(`${golden.id} loss`, result.loss, golden.expected.loss, 1);
      near(`${golden.id} grad`, result.grad, golden.expected.grad, gradientScale(golden));
      const { componentLosses } = golden.expected;
      expect(result.componentLosses === undefined).toBe(componentLosses === undefined);
      if (componentLosses) near(`${golden.id} componentLosses`, result.componentLosses!, componentLosses, 1);
    }
  });
});

describe('what PyTorch does not decide', () => {
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  const one = (op: ReferenceOp, logits: number[], target: number | number[], options: ReferenceOptions = {}) =>
    reference(
      op,
      {
        input: tensor64(logits, op === 'bceWithLogits' ? [logits.length] : [1, logits.length]),
        target: typeof target === 'number' ? tensor64([target]) : tensor64(target, [1, target.length]),
      },
      { reduction: 'sum', ...options },
    );

  it('keeps the digits of confident rows', () => {
    for (const gap of [10, 30, 80]) {
      const e = Math.exp(-gap);
      const close = (got: number, truth: number) => expect(Math.abs(got / truth - 1)).toBeLessThan(1e-14);
      const cross = one('crossEntropy', [gap, 0, 0], 0);
      close(cross.loss.data[0]!, Math.log1p(2 * e));
      close(cross.grad.data[0]!, (-2 * e) / (1 + 2 * e));
      const map = { components: [[0, 0, 1]] };
      const part = one('componentCrossEntropy', [gap, gap, 0], 0, map);
      close(part.loss.data[0]!, Math.log1p(e / 2));
      close(part.grad.data[1]!, -e / 2 / (2 + e));
      const binary = one('bceWithLogits', [gap], 1);
      close(binary.loss.data[0]!, Math.log1p(e));
      close(binary.grad.data[0]!, -e / (1 + e));
    }
  });

  it('skips zero masses and ignored rows, whatever stands there', () => {
    expect(one('crossEntropy', [nan, 1], -100).grad.data).toEqual(Float64Array.of(0, 0));
    expect(one('crossEntropy', [-infinity, 0], [0, 1]).sum).toBe(0);
    const free = one('crossEntropy', [-infinity, 0], 0, { weight: tensor64([0, 1]) });
    expect([free.sum, ...free.grad.data]).toEqual([0, 0, 0]);
    expect(one('bceWithLogits', [infinity], 1).sum).toBe(0);
    expect(one('bceWithLogits', [-infinity], 0).sum).toBe(0);
    expect(one('bceWithLogits', [-infinity], 1).sum).toBe(infinity);
    expect([...one('bceWithLogits', [-infinity], 1).grad.data]).toEqual([-1]);
  });

  it('takes a weight sum of 0 for nothing', () => {
    const options: ReferenceOptions = { reduction: 'mean', weight: tensor64([0, 1]) };
    const empty = one('crossEntropy', [1, 2], 0, options);
    expect([empty.loss.data[0], empty.weightSum, empty.count, ...empty.grad.data]).toEqual([nan, 0, 1, 0, 0]);
    expect(one('crossEntropy', [1, 2], 0, { ...options, emptyMean: 'zero' }).loss.data[0]).toBe(0);
  });

  it('divides as documented', () => {
    const input = tensor64([1, 2, 3, 5], [2, 2]);
    const sampleWeight = tensor64([2, 3]);
    const weight = tensor64([0.5, 0.25]);
    const index = reference('crossEntropy', { input, target: tensor64([0, 1]) }, { weight, sampleWeight });
    expect(index.weightSum).toBe(1.75);
    const soft = reference('crossEntropy', { input, target: tensor64([1, 0, 0, 1], [2, 2]) }, { weight, sampleWeight });
    expect(soft.weightSum).toBe(5);
    expect(soft.sum).toBeCloseTo(index.sum, 14);
    const z = reference('crossEntropy', { input, target: tensor64([0, 1]) }, { weight, sampleWeight, zLoss: 0.1 });
    const lse = [Math.log(Math.exp(1) + Math.exp(2)), Math.log(Math.exp(3) + Math.exp(5))];
    expect(z.loss.data[0]! - index.loss.data[0]!).toBeCloseTo((0.1 * (lse[0]! ** 2 + lse[1]! ** 2)) / 2, 12);
    const squares = reference(
      'mse',
      { input, target: tensor64([0, 0, 0, 0], [2, 2]) },
      { weight: tensor64([1, 0, 2, 1], [2, 2]) },
    );
    expect([squares.loss.data[0], squares.weightSum, squares.count]).toEqual([11, 4, 4]);
    expect(reference('mse', { input, target: input }, { reduction: 'batchmean' }).loss.data[0]).toBe(0);
  });
});
