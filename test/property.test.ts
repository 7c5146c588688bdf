/** Random options against the float64 reference, and relations between the forms of a loss. */
import { describe, expect, it } from 'vitest';
import {
  activations,
  asTensor,
  float32,
  type LossName,
  libraryOptions,
  libraryTarget,
  losses,
  moveAxis,
  type Options,
  type Target,
  type Tensor32,
} from './library.ts';
import {
  asSomeArray,
  between,
  chance,
  classOptions,
  classScales,
  commonOptions,
  draw,
  expectNear,
  expectReference,
  gradientBound,
  hardTarget,
  identical,
  logitsOf,
  type Problem,
  pick,
  property,
  relative,
  sampleOf,
  tiniest,
  unit,
} from './property.ts';
import { type ReferenceOptions, reference, type Tensor64 } from './reference/index.ts';
import { layoutOf, readRow, sizeOf } from './reference/layout.ts';
import type { Random } from './reference/random.ts';

describe('random options against the float64 reference', () => {
  property('crossEntropy with class indices', (random, shape, axis) => {
    const { target, ...hard } = hardTarget(random, shape, axis);
    const input = logitsOf(random, shape);
    const options: ReferenceOptions = {
      ...classOptions(random, shape, axis),
      ...hard,
      ...(chance(random) && { weight: draw(random, [shape[axis]!], 0.25, 2) }),
      ...(chance(random) && { labelSmoothing: pick(random, [0.1, 0.5, 1]) }),
      ...(chance(random, 0.3) && { zLoss: pick(random, [1e-4, 0.1]) }),
    };
    expectReference({ op: 'crossEntropy', input, target, options }, 8, asSomeArray(random, target));
  });

  property('crossEntropy with probabilities', (random, shape, axis) => {
    const options: ReferenceOptions = {
      ...classOptions(random, shape, axis),
      ...(chance(random) && { weight: draw(random, [shape[axis]!], 0.25, 2) }),
      ...(chance(random) && { labelSmoothing: pick(random, [0.1, 0.5]) }),
      ...(chance(random, 0.3) && { zLoss: 0.1 }),
    };
    const target = draw(random, shape, pick(random, [0, -0.5]), 1);
    expectReference({ op: 'crossEntropy', input: logitsOf(random, shape), target, options }, 8);
  });

  property('componentCrossEntropy', (random, shape, axis) => {
    const { target, ...hard } = hardTarget(random, shape, axis);
    const count = pick(random, [1, 2, 3]);
    const groups = (): number[] => Array.from({ length: shape[axis]! }, () => Math.floor(random() * 4));
    const options: ReferenceOptions = {
      ...classOptions(random, shape, axis),
      ...hard,
      components: Array.from({ length: count }, groups),
      ...(chance(random) && { weights: Array.from({ length: count }, () => pick(random, [0, 0.5, 5])) }),
      ...(chance(random) && { jointWeight: 0.75 }),
    };
    const problem: Problem = { op: 'componentCrossEntropy', input: logitsOf(random, shape), target, options };
    expectReference(problem, 8, asSomeArray(random, target));
  });

  property('bceWithLogits', (random, shape) => {
    const broadcast = (): number | Tensor64 => {
      if (chance(random, 0.2)) return between(random, 0.25, 4);
      const lead = Math.floor(random() * (shape.length + 1));
      return draw(
        random,
        shape.slice(lead).map((n) => (chance(random, 0.4) ? 1 : n)),
        0.25,
        4,
      );
    };
    const ignoreValue = pick(random, [Number.NaN, -1, 0.5]);
    const ignores = chance(random);
    const options: ReferenceOptions = {
      ...commonOptions(random, shape),
      ...(chance(random) && { weight: broadcast() }),
      ...(chance(random) && { posWeight: broadcast() }),
      ...(chance(random) && { labelSmoothing: 0.1 }),
      ...(ignores && { ignoreValue }),
    };
    const target = draw(random, shape, 0, 1);
    const hard = chance(random);
    for (let i = 0; i < target.data.length; i++) {
      if (hard) target.data[i] = Math.round(target.data[i]!);
      if (ignores && chance(random, 0.2)) target.data[i] = ignoreValue;
    }
    expectReference({ op: 'bceWithLogits', input: logitsOf(random, shape), target, options }, 8);
  });

  property('mse', (random, shape) => {
    const options: ReferenceOptions = {
      ...commonOptions(random, shape),
      ...(chance(random) && { weight: draw(random, shape, 0.25, 2) }),
    };
    expectReference({ op: 'mse', input: logitsOf(random, shape), target: draw(random, shape, -3, 3), options }, 4);
  });

  property('softmax and logSoftmax', (random, shape, axis) => {
    const [input, gradOutput] = [logitsOf(random, shape), draw(random, shape, -2, 2)];
    const layout = layoutOf(shape, axis);
    for (const op of ['softmax', 'logSoftmax'] as const) {
      const truth = reference(op, { input }, { axis, gradOutput });
      // p loses |log p| units, as x - max is rounded.
      const bound = (v: number): number =>
        op === 'softmax' ? 4 * unit * v * (1 - Math.log(v)) + tiniest : 4 * unit * (1 + Math.abs(v));
      const output = activations[op](float32(input), { axis });
      expectNear(op, output, truth.loss, (i) => bound(truth.loss.data[i]!));
      const grad = activations[op].backward(float32(gradOutput), float32(input), { axis: axis - shape.length });
      const upstream = (flat: number): number =>
        readRow(gradOutput.data, layout, sampleOf(layout, flat)).reduce((sum, g) => sum + Math.abs(g), 0);
      expectNear(`${op} grad`, grad, truth.grad, (i) => 4 * unit * upstream(i));
    }
  });

  property('sigmoid and logSigmoid keep their digits everywhere', (random, shape) => {
    const [input, gradOutput] = [logitsOf(random, shape), draw(random, shape, 0.5, 2)];
    for (const op of ['sigmoid', 'logSigmoid'] as const) {
      const truth = reference(op, { input }, { gradOutput });
      const output = activations[op](float32(input));
      expectNear(op, output, truth.loss, (i) => 1e-6 * Math.abs(truth.loss.data[i]!) + tiniest);
      const grad = activations[op].backward(float32(gradOutput), float32(input));
      expectNear(`${op} grad`, grad, truth.grad, (i) => 1e-6 * Math.abs(truth.grad.data[i]!) + 2 * tiniest);
    }
  });
});

/** One random problem of every loss, with no option that breaks the relation under test. */
function anyProblems(random: Random, shape: readonly number[], axis: number): Problem[] {
  const { target, ...hard } = hardTarget(random, shape, axis);
  const weight = draw(random, [shape[axis]!], 0.25, 2);
  const sampleWeight = draw(random, target.shape, 0.25, 2);
  const components = [0, 1].map(() => Array.from({ length: shape[axis]! }, () => Math.floor(3 * random())));
  const probabilities = draw(random, shape, 0, 1);
  const input = logitsOf(random, shape);
  return [
    { op: 'crossEntropy', input, target, options: { ...hard, axis, weight, sampleWeight, labelSmoothing: 0.1 } },
    { op: 'crossEntropy', input, target: probabilities, options: { axis, weight, sampleWeight } },
    {
      op: 'componentCrossEntropy',
      input,
      target,
      options: { ...hard, axis, sampleWeight, components, jointWeight: 1 },
    },
    { op: 'bceWithLogits', input, target: probabilities, options: { posWeight: 3 } },
    { op: 'mse', input, target: probabilities, options: { weight: draw(random, shape, 0.25, 2) } },
  ];
}

describe('relations between the forms', () => {
  property('mean times weightSum is sum, and none adds up to it', (random, shape, axis) => {
    for (const { op, input, target, options } of anyProblems(random, shape, axis)) {
      const [x, y] = [float32(input), libraryTarget(op, { input, target })];
      const own = libraryOptions(options);
      const run = (reduction: string) => losses[op].forward(x, y, { ...own, reduction });
      const mean = run('mean');
      const batch = op === 'bceWithLogits' || op === 'mse' ? shape[0]! : layoutOf(shape, axis).batch;
      if (mean.weightSum === 0) expect(mean.loss).toBeNaN();
      else relative(`${op} mean`, Number(mean.loss) * mean.weightSum, mean.sum, 1e-12);
      relative(`${op} sum`, Number(run('sum').loss), mean.sum, 1e-12);
      relative(`${op} batchmean`, Number(run('batchmean').loss) * batch, mean.sum, 1e-12);
      const added = Array.from(asTensor(run('none').loss).data).reduce((sum, v) => sum + v, 0);
      expectNear(`${op} none`, asTensor(added), asTensor(mean.sum), () => 1e-6 * Math.abs(mean.sum));
    }
  });

  property('shards add up', (random, shape, axis) => {
    if (axis === 0) return;
    const cut = Math.floor(random() * (shape[0]! + 1));
    const part = (tensor: Tensor64, from: number, to: number): Tensor64 => {
      const inner = sizeOf(tensor.shape.slice(1));
      return { data: tensor.data.slice(from * inner, to * inner), shape: [to - from, ...tensor.shape.slice(1)] };
    };
    for (const { op, input, target, options } of anyProblems(random, shape, axis)) {
      const run = (from: number, to: number) => {
        const inputs = { input: part(input, from, to), target: part(target, from, to) };
        const { sampleWeight, weight } = options;
        const own = libraryOptions({
          ...options,
          ...(sampleWeight && { sampleWeight: part(sampleWeight, from, to) }),
          ...(op === 'mse' && { weight: part(weight as Tensor64, from, to) }),
        });
        return losses[op](float32(inputs.input), libraryTarget(op, inputs), { ...own, reduction: 'sum' });
      };
      const [whole, first, second] = [run(0, shape[0]!), run(0, cut), run(cut, shape[0]!)];
      expect(first.count + second.count).toBe(whole.count);
      relative(`${op} weightSum`, first.weightSum + second.weightSum, whole.weightSum, 1e-12);
      relative(`${op} sum`, first.sum + second.sum, whole.sum, 1e-6);
      const joined = { data: Float32Array.of(...first.grad.data, ...second.grad.data), shape };
      expectNear(`${op} grad`, joined, whole.grad, (i) => 8 * unit * (4 + 2 * Math.abs(whole.grad.data[i]!)));
    }
  });

  property('upstream, scale and the fused form agree', (random, shape, axis) => {
    const up = between(random, -3, 3);
    const reduction = pick(random, ['mean', 'sum', 'batchmean'] as const);
    for (const { op, input, target, options } of anyProblems(random, shape, axis)) {
      const [x, y] = [float32(input), libraryTarget(op, { input, target })];
      const own = libraryOptions({ ...options, reduction });
      const { loss, grad } = losses[op](x, y, own);
      const bound = gradientBound({ op, input, target, options: { ...options, reduction, scale: up } }, 8);
      const expected = { data: Float64Array.from(grad.data, (g) => up * g), shape };
      const scaled = losses[op](x, y, { ...own, scale: up });
      expectNear(`${op} backward`, losses[op].backward(up, x, y, own).grad, expected, bound);
      expectNear(`${op} scale`, scaled.grad, expected, bound);
      expect(scaled.loss, 'scale leaves the loss alone').toEqual(loss);
    }
  });

  property('any axis is the transposed input', (random, shape, axis) => {
    for (const { op, input, target, options } of anyProblems(random, shape, axis).slice(0, 3)) {
      const layout = layoutOf(shape, axis);
      const { loss, grad } = classScales({ op, input, target, options });
      const own = libraryOptions({ ...options, reduction: 'none' });
      const here = losses[op](float32(input), libraryTarget(op, { input, target }), own);
      const inputs = {
        input: moveAxis(input, axis),
        target: target.shape.length === shape.length ? moveAxis(target, axis) : target,
      };
      const there = losses[op](float32(inputs.input), libraryTarget(op, inputs), { ...own, axis: -1 });
      expectNear(`${op} loss`, asTensor(there.loss), asTensor(here.loss), (i) => 8 * unit * loss[i]!);
      const back = moveAxis(there.grad, axis, 'back');
      expectNear(`${op} grad`, back, here.grad, (i) => 8 * unit * grad[sampleOf(layout, i)]!);
    }
    for (const op of ['softmax', 'logSoftmax'] as const) {
      const input = float32(logitsOf(random, shape));
      const here = activations[op](input, { axis });
      const there = moveAxis(activations[op](moveAxis(input, axis), { axis: -1 }), axis, 'back');
      expectNear(op, there, here, (i) => 4 * unit * (1 + Math.abs(here.data[i]!)));
    }
  });

  property('in place is out of place, bit for bit', (random, shape, axis) => {
    for (const { op, input, target, options } of anyProblems(random, shape, axis)) {
      const [x, y] = [float32(input), libraryTarget(op, { input, target })];
      const own = libraryOptions({ ...options, scale: 2, reduction: pick(random, ['mean', 'none'] as const) });
      const apart = losses[op](x, y, own);
      const inside = float32(input);
      // The tensor itself, or its bare array.
      const together = losses[op](inside, y, { ...own, out: chance(random) ? inside : inside.data });
      identical(`${op} grad`, { data: inside.data, shape }, apart.grad);
      identical(`${op} out`, together.grad, apart.grad);
      expect(asTensor(together.loss)).toEqual(asTensor(apart.loss));
      identical(`${op} input`, x, float32(input));
    }
    for (const activation of Object.values(activations)) {
      const [input, upstream] = [logitsOf(random, shape), float32(draw(random, shape, -1, 1))];
      const [first, second] = [float32(input), float32(input)];
      activation(first, { out: first });
      identical('activation', first, activation(float32(input)));
      activation.backward(upstream, second, { out: second });
      identical('activation backward', second, activation.backward(upstream, float32(input)));
    }
  });
});

describe('a mean over nothing', () => {
  const logits = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
  const cancelling = { data: Float32Array.of(1, -1), shape: [2] };
  const empty = { data: new Float32Array(0), shape: [0, 3] };
  const ignored = { data: Int32Array.of(-100, -100), shape: [2] };
  const components = { components: [[0, 1]] };
  const unknown = { data: Float32Array.of(-1, -1, -1, -1), shape: [2, 2] };
  const cases: readonly [string, LossName, Tensor32, Target, Options][] = [
    ['all ignored', 'crossEntropy', logits, ignored, {}],
    ['no samples', 'crossEntropy', empty, [], {}],
    ['class weights that cancel', 'crossEntropy', logits, [0, 1], { weight: [1, -1] }],
    ['sample weights that cancel', 'crossEntropy', logits, [0, 1], { sampleWeight: cancelling }],
    [
      'sample weights of probabilities',
      'crossEntropy',
      logits,
      float32(draw(() => 0.5, [2, 2], 0, 1)),
      { sampleWeight: cancelling },
    ],
    ['all ignored', 'componentCrossEntropy', logits, ignored, components],
    [
      'sample weights that cancel',
      'componentCrossEntropy',
      logits,
      [0, 1],
      { ...components, sampleWeight: cancelling },
    ],
    ['all ignored', 'bceWithLogits', logits, unknown, { ignoreValue: -1 }],
    ['no elements', 'bceWithLogits', empty, empty, {}],
    ['no elements', 'mse', empty, empty, {}],
    ['weights that cancel', 'mse', logits, unknown, { weight: { data: Float32Array.of(1, -1, 2, -2), shape: [2, 2] } }],
  ];
  it.each(cases)('%s: %s is emptyMean, and its gradient 0', (_, op, input, target, options) => {
    for (const [emptyMean, wanted] of [
      [undefined, Number.NaN],
      ['nan', Number.NaN],
      ['zero', 0],
    ] as const) {
      const own = { ...options, ...(emptyMean && { emptyMean }) };
      const got = losses[op](input, target, own);
      expect(got.loss).toBe(wanted);
      expect(got.weightSum).toBe(0);
      expect(losses[op].forward(input, target, own).loss).toBe(wanted);
      if (op === 'componentCrossEntropy') expect([...got.componentLosses!.data]).toEqual([wanted]);
      for (const { grad } of [got, losses[op].backward(3, input, target, own)]) {
        expect(grad.shape).toEqual(input.shape);
        expect(grad.data.length).toBe(input.data.length);
        expect(grad.data.every((g) => g === 0)).toBe(true);
      }
    }
  });
});
