/** Relations that hold between different inputs of the same loss, or between losses. */
import { describe, expect, it } from 'vitest';
import { asTensor, callOf, type FormName, formNames, gradientsOf, losses, type Tensor32 } from './library.ts';
import { expectNear, pick, property, type Values } from './property.ts';
import { tensorOf, withInput } from './reference/draws.ts';
import {
  errorBounds,
  isSparse,
  type Problem,
  type ReferenceOptions,
  reference,
  references,
  type Tensor64,
} from './reference/index.ts';
import { layoutOf, readRow, sampleOf, sizeOf, writeRow } from './reference/layout.ts';
import { fill, type Random, randomFrom } from './reference/random.ts';
import { isDivisible, takeRows } from './shards.ts';

/** Of the problems that the others try. */
const SHARE = 0.5;
const none = { reduction: 'none' } as const;

const run = (op: FormName, { inputs, options }: Problem) => {
  const { loss, input, target, options: own } = callOf(op, { inputs, options: { ...options, ...none } });
  const result = loss(input, target, own);
  return { loss: asTensor(result.loss), grad: gradientsOf(result).grad };
};

const boundsFor = (op: FormName, { inputs, options }: Problem) =>
  errorBounds(references[op], { inputs, options: { ...options, ...none } }, 8);

const axisFor = (op: FormName, axis: number): number | undefined =>
  ['class', 'overlap'].includes(references[op].family) ? axis : undefined;

/** The axis along which a loss compares logits; an elementwise loss has none. */
const classAxis = (op: FormName, axis: number): number => (references[op].family === 'row' ? -1 : axis);

const permutation = (random: Random, length: number): number[] =>
  Array.from({ length }, (_, i) => ({ i, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ i }) => i);

/** The tensor with its class axis taken in another order: new class k is old class order[k]. */
function permuteClasses<T extends Values>(tensor: T, axis: number, order: readonly number[]): Tensor64 {
  const layout = layoutOf(tensor.shape, axis);
  const data = Float64Array.from(tensor.data);
  const before = data.slice();
  for (let i = 0; i < layout.samples; i++) {
    const row = readRow(before, layout, i);
    writeRow(
      data,
      layout,
      i,
      row.map((_, k) => row[order[k]!]!),
    );
  }
  return { data, shape: tensor.shape };
}

/** A problem whose classes have other numbers. */
function renamed({ inputs, options }: Problem, axis: number, order: readonly number[]): Problem {
  const { input, target } = inputs;
  const alike = (tensor: Tensor64): boolean => tensor.shape.length === input.shape.length;
  const nameOf = (c: number): number => order.indexOf(c);
  const target2 = (() => {
    if (target === undefined) return undefined;
    if (isSparse(target)) return { indices: target.indices.map(nameOf), offsets: target.offsets };
    return alike(target) ? permuteClasses(target, axis, order) : { data: target.data.map(nameOf), shape: target.shape };
  })();
  return {
    inputs: { ...inputs, input: permuteClasses(input, axis, order), target: target2 },
    options: {
      ...options,
      ...(options.components && { components: options.components.map((map) => map.map((_, k) => map[order[k]!]!)) }),
    },
  };
}

/** Whether what the references say of two problems is the same, up to their rounding. */
function agree(a: Tensor64, b: Tensor64): boolean {
  return a.data.every((v, i) => Object.is(v, b.data[i]) || Math.abs(v - b.data[i]!) <= 1e-9 * (1 + Math.abs(v)));
}
const lossOf = (op: FormName, { inputs, options }: Problem): Tensor64 =>
  reference(op, inputs, { ...options, ...none }).loss;

/** On a grid, so that whole numbers are added without rounding. */
const gridded = (problem: Problem): Problem => withInput(problem, (x) => Math.round(64 * x) / 64);
const sample = (op: FormName): Problem =>
  gridded(references[op].draw(randomFrom(2), [4, 5], axisFor(op, 1), references[op].targets[0]));
const moved = (problem: Problem): Problem => withInput(problem, (x) => x + 3);

/** Losses of differences of logits: those that the reference gives the same value when all logits move. */
const shiftless = formNames.filter((op) => agree(lossOf(op, sample(op)), lossOf(op, moved(sample(op)))));
/** Losses that do not know their classes by number. */
const nameless = formNames.filter((op) => {
  if (references[op].family === 'element' || references[op].family === 'overlap') return false;
  const order = [3, 0, 4, 1, 2];
  return agree(lossOf(op, sample(op)), lossOf(op, renamed(sample(op), 1, order)));
});

describe('a shift of all logits of a sample', () => {
  it('is nothing to most losses with softmax', () => expect(shiftless.length).toBeGreaterThan(8));

  for (const op of shiftless) {
    property(
      `changes nothing: ${op}`,
      (random, shape, axis) => {
        const drawn = references[op].draw(random, shape, axisFor(op, axis), pick(random, references[op].targets));
        const plain = gridded(drawn);
        const layout = layoutOf(shape, classAxis(op, axis));
        const shifts = fill(layout.samples, () => Math.round(30_000 * (2 * random() - 1)));
        const shifted = withInput(plain, (x, i) => x + shifts[sampleOf(layout, i)]!);
        const [a, b] = [run(op, plain), run(op, shifted)];
        const bounds = boundsFor(op, plain);
        expectNear('loss', b.loss, a.loss, (i) => bounds.loss[i]!);
        expectNear('grad', b.grad, a.grad, (i) => bounds.grad[i]!);
        // and so the gradients of a sample add up to nothing
        const data = Float64Array.from(a.grad.data);
        for (let i = 0; i < layout.samples; i++) {
          const size = readRow(bounds.grad, layout, i).reduce((sum, g) => sum + g, 0);
          const sum = readRow(data, layout, i).reduce((total, g) => total + g, 0);
          expect(Math.abs(sum)).toBeLessThanOrEqual(size);
        }
      },
      SHARE,
    );
  }
});

describe('classes can be renamed', () => {
  it('in most losses of classes', () => expect(nameless.length).toBeGreaterThan(8));

  for (const op of nameless) {
    property(
      `with their targets: ${op}`,
      (random, shape, axis) => {
        const problem = references[op].draw(random, shape, axisFor(op, axis), pick(random, references[op].targets));
        const order = permutation(random, layoutOf(shape, classAxis(op, axis)).classes);
        const [a, b] = [run(op, problem), run(op, renamed(problem, classAxis(op, axis), order))];
        const bounds = boundsFor(op, problem);
        expectNear('loss', b.loss, a.loss, (i) => bounds.loss[i]!);
        const grad = permuteClasses(a.grad, classAxis(op, axis), order);
        const allowed = permuteClasses({ data: bounds.grad, shape }, classAxis(op, axis), order).data;
        expectNear('grad', b.grad, grad, (i) => allowed[i]!);
      },
      SHARE,
    );
  }
});

describe('samples can change places', () => {
  const rowsOf = ({ data, shape }: Values, order: readonly number[]): Values => {
    const size = sizeOf(shape.slice(1));
    const row = (at: number): number[] => Array.from(data).slice(at * size, (at + 1) * size);
    return { data: order.flatMap(row), shape };
  };

  for (const op of formNames) {
    property(
      op,
      (random, shape, axis) => {
        const problem = references[op].draw(random, shape, axisFor(op, axis), pick(random, references[op].targets));
        if (!isDivisible(op, shape, axis)) return;
        const order = permutation(random, shape[0]!);
        const [a, b] = [run(op, problem), run(op, takeRows(op, problem, order))];
        const bounds = boundsFor(op, problem);
        const loss = rowsOf(a.loss, order);
        const losses2 = rowsOf({ data: bounds.loss, shape: loss.shape }, order).data;
        expectNear('loss', b.loss, loss, (i) => losses2[i]!);
        const allowed = rowsOf({ data: bounds.grad, shape }, order).data;
        expectNear('grad', b.grad, rowsOf(a.grad, order), (i) => allowed[i]!);
      },
      SHARE,
    );
  }
});

/** Two ways to ask for the same loss: names, options, and what the second one makes of the input and the target. */
interface Twin {
  readonly one: readonly [FormName, ReferenceOptions?];
  readonly other: readonly [FormName, ReferenceOptions?];
  /** The second loss is so many times the first. */
  readonly times?: number;
}

const twins: Record<string, Twin> = {
  'softmaxFocal with gamma 0 is cross entropy': { one: ['crossEntropy'], other: ['softmaxFocal', { gamma: 0 }] },
  'polyLoss with epsilon 0 is cross entropy': { one: ['crossEntropy'], other: ['polyLoss', { epsilon: 0 }] },
  'ordinalCrossEntropy with lambda 0 is cross entropy': {
    one: ['crossEntropy'],
    other: ['ordinalCrossEntropy', { lambda: 0 }],
  },
  'sigmoidFocal with gamma 0 and no alpha is bceWithLogits': {
    one: ['bceWithLogits'],
    other: ['sigmoidFocal', { gamma: 0, alpha: -1 }],
  },
  'asymmetric without weights is bceWithLogits': {
    one: ['bceWithLogits'],
    other: ['asymmetric', { gammaPos: 0, gammaNeg: 0, clip: 0 }],
  },
  'posWeight 1 is none': { one: ['bceWithLogits'], other: ['bceWithLogits', { posWeight: 1 }] },
  'quantile ½ is half of l1': { one: ['l1'], other: ['quantile', { q: 0.5 }], times: 0.5 },
  'smoothL1 with beta 0 is l1': { one: ['l1'], other: ['smoothL1', { beta: 0 }] },
  'huber is delta times smoothL1': { one: ['smoothL1', { beta: 2 }], other: ['huber', { delta: 2 }], times: 2 },
  'gaussianNll of variance 1 is half of mse': { one: ['mse'], other: ['gaussianNll', { variance: 1 }], times: 0.5 },
  'tversky of halves is dice with half its smoothing': {
    one: ['dice', { smooth: 2 }],
    other: ['tversky', { smooth: 1 }],
  },
};

describe.each(Object.entries(twins))('%s', (_, { one, other, times = 1 }) => {
  property('value by value', (random, shape, axis) => {
    const [op, options = {}] = one;
    const [twin, added = {}] = other;
    const { inputs, options: own } = references[op].draw(random, shape, axisFor(op, axis), references[op].targets[0]);
    const first = run(op, { inputs, options: { ...own, ...options } });
    const second = run(twin, { inputs, options: { ...own, ...added } });
    const bounds = boundsFor(op, { inputs, options: { ...own, ...options } });
    const scaled = ({ data, shape: of }: Values) => ({ data: Array.from(data, (v) => times * v), shape: of });
    expectNear('loss', second.loss, scaled(first.loss), (i) => times * bounds.loss[i]!);
    expectNear('grad', second.grad, scaled(first.grad), (i) => times * bounds.grad[i]!);
  });
});

describe('cross entropy', () => {
  const { crossEntropy, componentCrossEntropy, bceWithLogits, partialLabel } = losses;
  const draw = (random: Random, shape: readonly number[], axis: number) => {
    const problem = references.crossEntropy.draw(random, shape, axis, 'index');
    const { input, target } = callOf('crossEntropy', problem);
    return { problem, input: input as Tensor32, target, bounds: boundsFor('crossEntropy', problem) };
  };

  property('with one-hot and smoothed probabilities is that with indices and labelSmoothing', (random, shape, axis) => {
    const { problem, input, target, bounds } = draw(random, shape, axis);
    const layout = layoutOf(shape, axis);
    const labelSmoothing = pick(random, [0, 0.25]);
    const weight = {
      data: Float32Array.from(tensorOf(random, [layout.classes], 0.25, 1).data),
      shape: [layout.classes],
    };
    const data = new Float64Array(input.data.length);
    for (const [i, t] of (problem.inputs.target as Tensor64).data.entries()) {
      const share = labelSmoothing / layout.classes;
      const row = Float64Array.from({ length: layout.classes }, (_, k) => (k === t ? 1 - labelSmoothing : 0) + share);
      writeRow(data, layout, i, row);
    }
    const masses = { data: Float32Array.from(data), shape };
    const byIndex = crossEntropy(input, target, { ...none, axis, weight, labelSmoothing });
    const byMass = crossEntropy(input, masses, { ...none, axis, weight });
    const spread = 2 + Math.max(...problem.inputs.input.data) - Math.min(...problem.inputs.input.data);
    expectNear('loss', asTensor(byMass.loss), asTensor(byIndex.loss), (i) => spread * bounds.loss[i]!);
    expectNear('grad', gradientsOf(byMass).grad, gradientsOf(byIndex).grad, (i) => bounds.grad[i]!);
  });

  property('of two classes [0, x] is bceWithLogits(x)', (random, shape) => {
    const { inputs } = references.bceWithLogits.draw(random, [sizeOf(shape)]);
    const n = inputs.input.data.length;
    const y = fill(n, () => Math.floor(2 * random()));
    const x = Float32Array.from(inputs.input.data);
    const pairs = {
      data: Float32Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? 0 : x[i >> 1]!)),
      shape: [n, 2],
    };
    const two = crossEntropy(pairs, { data: Int32Array.from(y), shape: [n] }, none);
    const one = bceWithLogits({ data: x, shape: [n] }, { data: Float32Array.from(y), shape: [n] }, none);
    const [loss, wanted] = [asTensor(one.loss), gradientsOf(one).grad];
    expectNear('loss', asTensor(two.loss), loss, (i) => 1e-6 * loss.data[i]! + 2 ** -126);
    const pulls = gradientsOf(two).grad.data;
    const grad = { data: wanted.data.map((_, i) => pulls[2 * i + 1]!), shape: [n] };
    expectNear('grad', grad, wanted, (i) => 1e-6 * Math.abs(wanted.data[i]!) + 2 ** -126);
  });

  property(
    'is a component of its own classes, and the label set of one class; a single group costs 0',
    (random, shape, axis) => {
      const { problem, input, target, bounds } = draw(random, shape, axis);
      const { classes } = layoutOf(shape, axis);
      const identity = Array.from({ length: classes }, (_, k) => k);
      const plain = crossEntropy(input, target, { ...none, axis });
      const components = [identity, identity.map(() => 3)];
      const indices = Int32Array.from((problem.inputs.target as Tensor64).data);
      const sets = { indices, offsets: Int32Array.from({ length: indices.length + 1 }, (_, i) => i) };
      for (const same of [
        componentCrossEntropy(input, target, { ...none, axis, components }),
        partialLabel(input, sets, { ...none, axis }),
      ]) {
        expectNear('loss', asTensor(same.loss), asTensor(plain.loss), (i) => 2 * bounds.loss[i]!);
        expectNear('grad', gradientsOf(same).grad, gradientsOf(plain).grad, (i) => 2 * bounds.grad[i]!);
      }
      const single = componentCrossEntropy(input, target, { axis, components: components.slice(1) });
      expect([single.loss, ...gradientsOf(single).grad.data.filter((g) => g !== 0)]).toEqual([0]);
    },
  );
});
