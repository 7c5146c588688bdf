/** Relations that hold between different inputs of the same loss, or between losses. */
import { describe, expect } from 'vitest';
import { asTensor, float32, losses } from './library.ts';
import {
  between,
  classScales,
  draw,
  expectNear,
  gridLogits,
  indices,
  logitsOf,
  pick,
  property,
  sampleOf,
  tiniest,
  unit,
} from './property.ts';
import { type Tensor64, tensor64 } from './reference/index.ts';
import { layoutOf, readRow, sizeOf, writeRow } from './reference/layout.ts';
import { fill, type Random } from './reference/random.ts';

/** Loss bound of each row, and gradient bound, for plain cross entropy without reduction. */
function rowBounds(input: Tensor64, axis: number, units = 4) {
  const { loss } = classScales({ op: 'crossEntropy', input, target: tensor64([], []), options: { axis } });
  return { loss: (i: number) => units * unit * loss[i]!, grad: () => units * unit };
}

const permutation = (random: Random, length: number): number[] =>
  Array.from({ length }, (_, i) => ({ i, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ i }) => i);

/** The tensor with its class axis taken in another order: new class k is old class order[k]. */
function permuteClasses(tensor: Tensor64, axis: number, order: readonly number[]): Tensor64 {
  const layout = layoutOf(tensor.shape, axis);
  const data = tensor.data.slice();
  for (let i = 0; i < layout.samples; i++) {
    const row = readRow(tensor.data, layout, i);
    writeRow(
      data,
      layout,
      i,
      row.map((_, k) => row[order[k]!]!),
    );
  }
  return { data, shape: tensor.shape };
}

const none = { reduction: 'none' } as const;
const index32 = (target: Tensor64) => ({ data: Int32Array.from(target.data), shape: target.shape });
const { crossEntropy, componentCrossEntropy, bceWithLogits } = losses;

describe('metamorphic relations', () => {
  property('a shift of all logits of a row changes nothing', (random, shape, axis) => {
    const layout = layoutOf(shape, axis);
    const [input, target] = [gridLogits(random, shape), index32(indices(random, layout))];
    const shifts = fill(layout.samples, () => Math.round(between(random, -30000, 30000)));
    const shifted = { data: input.data.map((v, i) => v + shifts[sampleOf(layout, i)]!), shape };
    const [plain, moved] = [input, shifted].map((x) => crossEntropy(float32(x), target, { ...none, axis }));
    const bounds = rowBounds(input, axis, 2);
    expectNear('loss', asTensor(moved!.loss), asTensor(plain!.loss), bounds.loss);
    expectNear('grad', moved!.grad, plain!.grad, bounds.grad);
  });

  property('classes can be renamed, with target and weight', (random, shape, axis) => {
    const layout = layoutOf(shape, axis);
    const order = permutation(random, layout.classes);
    const [input, target] = [logitsOf(random, shape), indices(random, layout)];
    const weight = draw(random, [layout.classes], 0.25, 1);
    const renamed = { data: target.data.map((t) => order.indexOf(t)), shape: target.shape };
    const moved = permuteClasses(input, axis, order);
    const options = { ...none, axis, labelSmoothing: 0.1 };
    const plain = crossEntropy(float32(input), index32(target), { ...options, weight: float32(weight) });
    const other = crossEntropy(float32(moved), index32(renamed), {
      ...options,
      weight: float32(permuteClasses(weight, 0, order)),
    });
    const bounds = rowBounds(input, axis, 8);
    expectNear('loss', asTensor(other.loss), asTensor(plain.loss), bounds.loss);
    const grad = permuteClasses({ data: Float64Array.from(plain.grad.data), shape }, axis, order);
    expectNear('grad', other.grad, grad, bounds.grad);
  });

  property('rows can change places', (random, shape, axis) => {
    const layout = layoutOf(shape, axis);
    const order = permutation(random, layout.samples);
    const [input, target] = [logitsOf(random, shape), indices(random, layout)];
    const moved = { data: input.data.slice(), shape };
    for (const [to, from] of order.entries()) writeRow(moved.data, layout, to, readRow(input.data, layout, from));
    const movedTarget = { data: target.data.map((_, i) => target.data[order[i]!]!), shape: target.shape };
    const plain = crossEntropy(float32(input), index32(target), { ...none, axis });
    const other = crossEntropy(float32(moved), index32(movedTarget), { ...none, axis });
    const bounds = rowBounds(moved, axis);
    const loss = asTensor(plain.loss);
    const expected = { data: order.map((from) => loss.data[from]!), shape: loss.shape };
    expectNear('loss', asTensor(other.loss), expected, bounds.loss);
    const grad = { data: Float64Array.from(plain.grad.data), shape };
    const before = grad.data.slice();
    for (const [to, from] of order.entries()) writeRow(grad.data, layout, to, readRow(before, layout, from));
    expectNear('grad', other.grad, grad, bounds.grad);
  });

  property('one-hot and smoothed probabilities are class indices and labelSmoothing', (random, shape, axis) => {
    const layout = layoutOf(shape, axis);
    const [input, target] = [logitsOf(random, shape), indices(random, layout)];
    const weight = float32(draw(random, [layout.classes], 0.25, 1));
    const labelSmoothing = pick(random, [0, 0.25]);
    const masses = { data: new Float64Array(input.data.length), shape };
    for (const [i, t] of target.data.entries()) {
      const share = labelSmoothing / layout.classes;
      const row = Float64Array.from({ length: layout.classes }, (_, k) => (k === t ? 1 - labelSmoothing : 0) + share);
      writeRow(masses.data, layout, i, row);
    }
    const bounds = rowBounds(input, axis, 8);
    const byIndex = crossEntropy(float32(input), index32(target), { ...none, axis, weight, labelSmoothing });
    const byMass = crossEntropy(float32(input), float32(masses), { ...none, axis, weight });
    expectNear('loss', asTensor(byMass.loss), asTensor(byIndex.loss), bounds.loss);
    expectNear('grad', byMass.grad, byIndex.grad, bounds.grad);
  });

  property('two classes [0, x] are bceWithLogits(x)', (random, shape) => {
    const x = logitsOf(random, [sizeOf(shape)]);
    const n = x.data.length;
    const y = fill(n, () => Math.floor(2 * random()));
    const pairs = {
      data: Float32Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? 0 : x.data[i >> 1]!)),
      shape: [n, 2],
    };
    const two = crossEntropy(pairs, { data: Int32Array.from(y), shape: [n] }, none);
    const one = bceWithLogits(float32(x), { data: Float32Array.from(y), shape: [n] }, none);
    const loss = asTensor(one.loss);
    expectNear('loss', asTensor(two.loss), loss, (i) => 1e-6 * loss.data[i]! + tiniest);
    const grad = { data: one.grad.data.map((_, i) => two.grad.data[2 * i + 1]!), shape: [n] };
    expectNear('grad', grad, one.grad, (i) => 1e-6 * Math.abs(one.grad.data[i]!) + tiniest);
  });

  property('an identity component is cross entropy, a single group is 0', (random, shape, axis) => {
    const layout = layoutOf(shape, axis);
    const [input, target] = [logitsOf(random, shape), index32(indices(random, layout))];
    const identity = Array.from({ length: layout.classes }, (_, k) => k);
    const plain = crossEntropy(float32(input), target, { ...none, axis });
    const components = [identity, identity.map(() => 3)];
    const parts = componentCrossEntropy(float32(input), target, { ...none, axis, components });
    const bounds = rowBounds(input, axis, 8);
    expectNear('loss', asTensor(parts.loss), asTensor(plain.loss), bounds.loss);
    expectNear('grad', parts.grad, plain.grad, bounds.grad);
    const single = componentCrossEntropy(float32(input), target, { axis, components: components.slice(1) });
    expect([single.loss, ...single.grad.data.filter((g) => g !== 0)]).toEqual([0]);
  });

  property('the gradient of a row adds up to 0', (random, shape, axis) => {
    const layout = layoutOf(shape, axis);
    const input = logitsOf(random, shape);
    const target = index32(indices(random, layout));
    const components = [0, 1].map(() => Array.from({ length: layout.classes }, () => Math.floor(3 * random())));
    const masses = float32(draw(random, shape, 0, 1 / layout.classes));
    for (const [mass, { grad }] of [
      [1, crossEntropy(float32(input), target, { ...none, axis, labelSmoothing: 0.1 })],
      [1, crossEntropy(float32(input), masses, { ...none, axis })],
      [2, componentCrossEntropy(float32(input), target, { ...none, axis, components })],
    ] as const) {
      const data = Float64Array.from(grad.data);
      for (let i = 0; i < layout.samples; i++) {
        const sum = readRow(data, layout, i).reduce((total, g) => total + g, 0);
        expect(Math.abs(sum)).toBeLessThan(12 * unit * mass);
      }
    }
  });

  property('posWeight 1 is none', (random, shape) => {
    const [x, y] = [float32(logitsOf(random, shape)), float32(draw(random, shape, 0, 1))];
    const [weighted, plain] = [bceWithLogits(x, y, { ...none, posWeight: 1 }), bceWithLogits(x, y, none)];
    const scale = (i: number): number => 2 * unit * (1 + Math.abs(x.data[i]!));
    expectNear('loss', asTensor(weighted.loss), asTensor(plain.loss), scale);
    expectNear('grad', weighted.grad, plain.grad, () => 2 * unit);
  });
});
