/** Confident rows keep their digits, masked and extreme logits stay exact, random ones within bounds, long sums too. */
import { describe, expect, it } from 'vitest';
import { boundsOf, type GoldenCase, type GoldenOptions, inputOf, libraryOps, mismatch } from './golden.ts';
import {
  type ActivationName,
  activations,
  asTensor,
  float32,
  isLoss,
  libraryGradOutput,
  libraryOptions,
  libraryTarget,
  losses,
  type Tensor32,
} from './library.ts';
import { between, chance, draw, indices, logitsOf, pick, property, relative } from './property.ts';
import { type ReferenceOp, type ReferenceOptions, reference, type Tensor64, tensor64 } from './reference/index.ts';
import { layoutOf, readRow, rowStart, sizeOf, writeRow } from './reference/layout.ts';
import { fill, type Random, randomFrom } from './reference/random.ts';

const { crossEntropy, componentCrossEntropy, bceWithLogits, mse } = losses;
const tolerance = 1e-6;

function expectRelative(what: string, got: ArrayLike<number>, truth: ArrayLike<number>): void {
  expect(got.length).toBe(truth.length);
  for (let i = 0; i < truth.length; i++) relative(`${what}[${i}]`, got[i]!, truth[i]!, tolerance);
}

/** Rows whose target leads by a gap of 10 to 80; `members` classes share that lead. */
function confident(random: () => number, shape: readonly number[], axis: number, members: number) {
  const layout = layoutOf(shape, axis);
  const data = new Float64Array(sizeOf(shape));
  const target = fill(layout.samples, () => Math.floor(random() * layout.classes));
  for (let i = 0; i < layout.samples; i++) {
    const base = pick(random, [0, 100, -4096]);
    const gap = Math.round(between(random, 10, 80));
    const row = Float64Array.from({ length: layout.classes }, (_, k) => {
      const leads = k === target[i] || (k + 1) % layout.classes < members - 1;
      return base + (leads ? gap : 0) - Math.floor(random() * 768) / 256;
    });
    writeRow(data, layout, i, row);
  }
  return { layout, input: { data, shape }, target: { data: target, shape: layout.sampleShape } };
}

describe('confident rows', () => {
  for (const reduction of ['none', 'sum', 'mean'] as const) {
    property(`crossEntropy ${reduction}: loss and target gradient to 1e-6`, (random, shape, axis) => {
      const { layout, input, target } = confident(random, shape, axis, 1);
      const [x, y] = [float32(input), { data: Int32Array.from(target.data), shape: target.shape }];
      const weight: Tensor64 = { data: fill(layout.classes, () => between(random, 0.5, 2)), shape: [layout.classes] };
      const options: ReferenceOptions = { reduction, axis, ...(random() < 0.5 && { weight }) };
      const own = { reduction, axis, ...(options.weight !== undefined && { weight: float32(weight) }) };
      const truth = reference('crossEntropy', { input, target }, options);
      const got = crossEntropy(x, y, own);
      expectRelative('loss', asTensor(got.loss).data, truth.loss.data);
      expectRelative('forward', asTensor(crossEntropy.forward(x, y, own).loss).data, truth.loss.data);
      const backward = crossEntropy.backward(
        reduction === 'none' ? { data: new Float32Array(layout.samples).fill(1), shape: target.shape } : 1,
        x,
        y,
        own,
      );
      for (const { data } of [got.grad, backward.grad]) {
        for (let i = 0; i < layout.samples; i++) {
          const at = rowStart(layout, i) + target.data[i]! * layout.inner;
          relative(`target gradient ${i}`, data[at]!, truth.grad.data[at]!, tolerance);
        }
      }
    });
  }

  property('crossEntropy with one-hot probabilities', (random, shape, axis) => {
    const { layout, input, target } = confident(random, shape, axis, 1);
    const oneHot = { data: new Float64Array(input.data.length), shape };
    for (let i = 0; i < layout.samples; i++) oneHot.data[rowStart(layout, i) + target.data[i]! * layout.inner] = 1;
    const truth = reference('crossEntropy', { input, target: oneHot }, { axis });
    const got = crossEntropy(float32(input), float32(oneHot), { axis });
    relative('loss', Number(got.loss), truth.loss.data[0]!, tolerance);
    for (const [i, y] of oneHot.data.entries()) {
      if (y === 1) relative(`target gradient ${i}`, got.grad.data[i]!, truth.grad.data[i]!, tolerance);
    }
  });

  property('componentCrossEntropy', (random, shape, axis) => {
    const { layout, input, target } = confident(random, shape, axis, 3);
    const components = [0, 1].map(() => Array.from({ length: layout.classes }, () => Math.floor(random() * 3)));
    const options: ReferenceOptions = { axis, components, weights: [0.5, 2], reduction: 'none' };
    const truth = reference('componentCrossEntropy', { input, target }, options);
    const y = { data: Int32Array.from(target.data), shape: target.shape };
    const got = componentCrossEntropy(float32(input), y, { ...options });
    expectRelative('loss', asTensor(got.loss).data, truth.loss.data);
    expectRelative('componentLosses', got.componentLosses!.data, truth.componentLosses!.data);
    const mean = reference('componentCrossEntropy', { input, target }, { ...options, reduction: 'mean' });
    const gotMean = componentCrossEntropy(float32(input), y, { ...options, reduction: 'mean' });
    expectRelative('mean', asTensor(gotMean.loss).data, mean.loss.data);
    expectRelative('mean components', gotMean.componentLosses!.data, mean.componentLosses!.data);
    // With an identity component the target gradient is that of cross entropy.
    const identity = { axis, components: [Array.from({ length: layout.classes }, (_, k) => k)] };
    const plain = reference('componentCrossEntropy', { input, target }, identity);
    const own = componentCrossEntropy(float32(input), y, identity);
    for (let i = 0; i < layout.samples; i++) {
      const at = rowStart(layout, i) + target.data[i]! * layout.inner;
      relative(`target gradient ${i}`, own.grad.data[at]!, plain.grad.data[at]!, tolerance);
    }
  });

  property('bceWithLogits, logSigmoid and the sigmoid gradient', (random, shape) => {
    const y = fill(sizeOf(shape), () => Math.floor(2 * random()));
    const input = { data: y.map((v) => Math.fround((v === 1 ? 1 : -1) * between(random, 10, 80))), shape };
    const target = { data: y, shape };
    for (const reduction of ['none', 'mean'] as const) {
      const truth = reference('bceWithLogits', { input, target }, { reduction, posWeight: 3 });
      const got = bceWithLogits(float32(input), float32(target), { reduction, posWeight: 3 });
      expectRelative('loss', asTensor(got.loss).data, truth.loss.data);
      expectRelative('grad', got.grad.data, truth.grad.data);
    }
    const ones: Tensor32 = { data: new Float32Array(y.length).fill(1), shape };
    for (const op of ['sigmoid', 'logSigmoid'] as const) {
      const truth = reference(op, { input }, {});
      expectRelative(op, activations[op](float32(input)).data, truth.loss.data);
      expectRelative(`${op} grad`, activations[op].backward(ones, float32(input)).data, truth.grad.data);
    }
  });

  property('logSoftmax of the leading class', (random, shape, axis) => {
    const { layout, input, target } = confident(random, shape, axis, 1);
    const truth = reference('logSoftmax', { input }, { axis });
    const got = activations.logSoftmax(float32(input), { axis });
    for (let i = 0; i < layout.samples; i++) {
      const at = rowStart(layout, i) + target.data[i]! * layout.inner;
      relative(`row ${i}`, got.data[at]!, truth.loss.data[at]!, tolerance);
    }
  });
});

describe('groups far below the largest logit', () => {
  property('the softmax within a group is relative to its own maximum', (random, shape, axis) => {
    const layout = layoutOf(shape, axis);
    const map = Array.from({ length: layout.classes }, (_, k) => k % 2);
    const data = new Float64Array(sizeOf(shape));
    for (let i = 0; i < layout.samples; i++) {
      const gap = between(random, 10, 78);
      writeRow(
        data,
        layout,
        i,
        fill(layout.classes, (k) => (map[k] === 0 ? -gap : 0) + between(random, -0.5, 0.5)),
      );
    }
    const input = { data, shape };
    const target = { data: new Float64Array(layout.samples), shape: layout.sampleShape };
    const options = { axis, reduction: 'none' as const, components: [map] };
    const truth = reference('componentCrossEntropy', { input, target }, options).grad.data;
    const y = { data: Int32Array.from(target.data), shape: target.shape };
    const got = componentCrossEntropy(float32(input), y, options).grad.data;
    for (const [i, wanted] of truth.entries()) {
      if (!(Math.abs(got[i]! - wanted) <= 4 * 2 ** -24)) expect.fail(`grad[${i}] is ${got[i]}, expected ${wanted}`);
    }
  });
});

describe('masks, offsets and extremes', () => {
  property('crossEntropy and componentCrossEntropy', (random, shape, axis) => {
    const layout = layoutOf(shape, axis);
    const scale = pick(random, [1, 1e4, 1e30]);
    const offset = pick(random, [0, 1e6]);
    const target = {
      data: fill(layout.samples, () => Math.floor(random() * layout.classes)),
      shape: layout.sampleShape,
    };
    const input = { data: fill(sizeOf(shape), () => offset + between(random, -1, 1) * scale), shape };
    for (let i = 0; i < layout.samples; i++) {
      const row = readRow(input.data, layout, i);
      const masked = row.map((v, k) => (k !== target.data[i] && random() < 0.3 ? Number.NEGATIVE_INFINITY : v));
      writeRow(input.data, layout, i, masked);
    }
    const components = [0, 1].map(() => Array.from({ length: layout.classes }, () => Math.floor(random() * 3)));
    const y = { data: Int32Array.from(target.data), shape: target.shape };
    for (const op of ['crossEntropy', 'componentCrossEntropy'] as const) {
      const options = { axis, reduction: 'none' as const, ...(op === 'componentCrossEntropy' && { components }) };
      const weights = op === 'componentCrossEntropy' ? components.length : 1;
      const truth = reference(op, { input, target }, options);
      const got = losses[op](float32(input), y, options);
      for (const [i, wanted] of truth.loss.data.entries()) {
        const error = Math.abs(asTensor(got.loss).data[i]! - wanted);
        if (!(error <= 8 * 2 ** -24 * Math.max(1, wanted))) {
          expect.fail(`${op} loss[${i}] is ${asTensor(got.loss).data[i]}, expected ${wanted}`);
        }
      }
      for (const [i, wanted] of truth.grad.data.entries()) {
        const error = Math.abs(got.grad.data[i]! - wanted);
        if (!(error <= 8 * 2 ** -24 * weights))
          expect.fail(`${op} grad[${i}] is ${got.grad.data[i]}, expected ${wanted}`);
      }
    }
  });
});

/** A random input as a golden case whose expected values are those of the float64 reference. */
function goldenOf(op: string, inputs: Record<string, Tensor64>, options: GoldenOptions): GoldenCase {
  const { target, weight, posWeight, gradOutput, ...rest } = inputs;
  const input = rest.logits ?? rest.input ?? tensor64([]);
  const { dim, ...others } = options;
  const all: ReferenceOptions = { ...others, weight, posWeight, gradOutput, axis: dim };
  const { loss, grad, componentLosses } = reference(libraryOps.get(op) as ReferenceOp, { input, target }, all);
  const expected = { loss, grad, ...(componentLosses && { componentLosses }) };
  return { id: op, op, tags: [], inputs, options, expected, torchF32: { lossMaxAbsErr: 0, gradMaxAbsErr: 0 } };
}

/** The comparison rule of golden/README.md; half as much again stands for what it grants for PyTorch's own errors. */
const slack = 1.5;

function expectGoldenRule(golden: GoldenCase): void {
  const { target, weight, posWeight, gradOutput } = golden.inputs;
  const { dim, ...options } = golden.options;
  const op = libraryOps.get(golden.op)!;
  const input = inputOf(golden);
  const bounds = boundsOf(golden);
  const own = libraryOptions({ ...options, weight, posWeight, axis: dim });
  const wrong: (string | undefined)[] = [];
  if (isLoss(op)) {
    const y = libraryTarget(op, { input, target });
    const { loss, componentLosses } = losses[op].forward(float32(input), y, own);
    const { grad } = losses[op].backward(libraryGradOutput({ gradOutput }), float32(input), y, own);
    wrong.push(mismatch('loss', asTensor(loss), golden.expected.loss, slack * bounds.loss));
    wrong.push(mismatch('grad', grad, golden.expected.grad, slack * bounds.grad));
    const parts = golden.expected.componentLosses;
    if (parts) wrong.push(mismatch('componentLosses', componentLosses!, parts, slack * bounds.componentLosses));
  } else {
    const activation = activations[op as ActivationName];
    wrong.push(mismatch('output', activation(float32(input), own), golden.expected.loss, slack * bounds.loss));
    const grad = activation.backward(float32(gradOutput!), float32(input), own);
    wrong.push(mismatch('grad', grad, golden.expected.grad, slack * bounds.grad));
  }
  const messages = wrong.filter((message) => message !== undefined);
  if (messages.length > 0) expect.fail(messages.join('\n'));
}

describe('the golden rule on random inputs', () => {
  const reductionOf = (random: Random) => pick(random, ['mean', 'sum', 'none'] as const);
  const upstreamOf = (random: Random, reduction: string, shape: readonly number[]): Tensor64 =>
    draw(random, reduction === 'none' ? shape : [], -1, 1);

  property('crossEntropy', (random, shape, axis) => {
    const layout = layoutOf(shape, axis);
    const [logits, target] = [logitsOf(random, shape), indices(random, layout)];
    const reduction = reductionOf(random);
    const gradOutput = upstreamOf(random, reduction, layout.sampleShape);
    const weight = chance(random) ? { weight: draw(random, [layout.classes], 0.1, 2) } : {};
    const options = { reduction, dim: axis, labelSmoothing: pick(random, [0, 0, 0.1, 0.5]) };
    expectGoldenRule(goldenOf('crossEntropy', { logits, target, gradOutput, ...weight }, options));
  });

  property('crossEntropyProb', (random, shape, axis) => {
    const layout = layoutOf(shape, axis);
    const [logits, target] = [logitsOf(random, shape), draw(random, shape, 0, 2 / layout.classes)];
    const reduction = reductionOf(random);
    const gradOutput = upstreamOf(random, reduction, layout.sampleShape);
    expectGoldenRule(goldenOf('crossEntropyProb', { logits, target, gradOutput }, { reduction, dim: axis }));
  });

  property('componentCrossEntropy', (random, shape, axis) => {
    const layout = layoutOf(shape, axis);
    const [logits, target] = [logitsOf(random, shape), indices(random, layout)];
    const reduction = reductionOf(random);
    const gradOutput = upstreamOf(random, reduction, layout.sampleShape);
    const sizes = pick(random, [[3], [2, 4]]);
    const components = sizes.map((n) => Array.from({ length: layout.classes }, () => Math.floor(random() * n)));
    const options = { reduction, dim: axis, components, jointWeight: pick(random, [0, 0, 1]) };
    expectGoldenRule(goldenOf('componentCrossEntropy', { logits, target, gradOutput }, options));
  });

  property('bceWithLogits and mse', (random, shape) => {
    const [logits, target] = [logitsOf(random, shape), draw(random, shape, 0, 1)];
    // A soft target that the sigmoid nearly meets leaves a gradient of nothing but rounding.
    const labels = { data: target.data.map(Math.round), shape };
    const reduction = reductionOf(random);
    const gradOutput = upstreamOf(random, reduction, shape);
    const posWeight = chance(random) ? { posWeight: draw(random, shape.slice(-1), 0.1, 4) } : {};
    expectGoldenRule(goldenOf('bceWithLogits', { logits, target: labels, gradOutput, ...posWeight }, { reduction }));
    expectGoldenRule(goldenOf('mse', { input: logits, target, gradOutput }, { reduction }));
  });

  property('activations', (random, shape, axis) => {
    const [input, gradOutput] = [logitsOf(random, shape), draw(random, shape, -2, 2)];
    for (const op of ['softmax', 'logSoftmax']) expectGoldenRule(goldenOf(op, { input, gradOutput }, { dim: axis }));
    for (const op of ['sigmoid', 'logSigmoid']) expectGoldenRule(goldenOf(op, { input, gradOutput }, {}));
  });
});

describe('sums over 1e7 elements are within 1e-7 of the float64 sum', () => {
  const n = 1e7;
  const random = randomFrom(5);
  const data = Float32Array.from({ length: n }, () => random() * 4 - 1);
  const labels = new Float32Array(n).map((_, i) => Number(data[(i * 7) % n]! > 1));

  function total(term: (i: number) => number): number {
    let sum = 0;
    let correction = 0;
    for (let i = 0; i < n; i++) {
      const value = term(i) - correction;
      const next = sum + value;
      correction = next - sum - value;
      sum = next;
    }
    return sum;
  }

  it('mse', () => {
    const truth = total((i) => (data[i]! - labels[i]!) ** 2);
    const [input, target] = [
      { data, shape: [n] },
      { data: labels, shape: [n] },
    ];
    relative('sum', Number(mse.forward(input, target, { reduction: 'sum' }).loss), truth, 1e-7);
    relative('mean', Number(mse(input, target, { out: new Float32Array(n) }).loss), truth / n, 1e-7);
  });

  it('bceWithLogits', () => {
    const truth = total((i) => {
      const x = data[i]!;
      return Math.max(x, 0) - x * labels[i]! + Math.log1p(Math.exp(-Math.abs(x)));
    });
    const [input, target] = [
      { data, shape: [1000, n / 1000] },
      { data: labels, shape: [1000, n / 1000] },
    ];
    relative('sum', Number(bceWithLogits.forward(input, target, { reduction: 'sum' }).loss), truth, 1e-7);
    relative('mean', Number(bceWithLogits.forward(input, target).loss), truth / n, 1e-7);
  });

  it.each([
    [1e6, 10, 1],
    [1e4, 1000, 1],
    [10, 10, 1e5],
  ])('crossEntropy [%d, %d, %d]', (outer, classes, inner) => {
    const target = Int32Array.from({ length: outer * inner }, (_, i) => i % classes);
    let truth = 0;
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const start = o * classes * inner + i;
        let sum = 0;
        for (let k = 0; k < classes; k++) sum += Math.exp(data[start + k * inner]!);
        truth += Math.log(sum) - data[start + target[o * inner + i]! * inner]!;
      }
    }
    const input = { data, shape: [outer, classes, inner] };
    const got = crossEntropy.forward(input, { data: target, shape: [outer, inner] });
    relative('mean', Number(got.loss), truth / (outer * inner), 1e-7);
    relative('sum', got.sum, truth, 1e-7);
  });
});
