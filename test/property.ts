/** Random problems for the property tests, and the float64 reference as their judge. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  asTensor,
  float32,
  type LossName,
  libraryGradOutput,
  libraryOptions,
  libraryTarget,
  losses,
  type Options,
  type Target,
  type Tensor32,
} from './library.ts';
import { type ReferenceOptions, type ReferenceResult, reference, type Tensor64, tensor64 } from './reference/index.ts';
import { type Layout, layoutOf, readRow, sizeOf } from './reference/layout.ts';
import { softmaxRow } from './reference/numeric.ts';
import { fill, normal, type Random, randomFrom } from './reference/random.ts';

// A fixed seed keeps `npm test` reproducible; FC_SEED tries another.
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20240607), numRuns: Number(process.env.FC_RUNS ?? 60) });

/** One unit: half a last place of a float32 near 1. */
export const unit = 2 ** -24;
/** Smallest normal float32: below it a kernel may flush to zero. */
export const tiniest = 2 ** -126;

export const property = (name: string, run: (random: Random, shape: readonly number[], axis: number) => void): void => {
  it(name, () => {
    // up to 96 classes go through tiles, more as rows
    const size = fc.oneof(fc.integer({ min: 1, max: 67 }), fc.integer({ min: 94, max: 135 }));
    const few = fc.integer({ min: 1, max: 5 });
    const small = fc.integer({ min: 2, max: 6 });
    // Rows (classes last), columns (a long inner axis), both, and no batch at all.
    const shapes = fc.oneof(
      fc.tuple(few, size),
      fc.tuple(size),
      fc.tuple(few, small, size),
      fc.tuple(few, size, small),
      fc.tuple(few, small, few, few),
    );
    const arbitrary = shapes.chain((shape) =>
      fc.tuple(fc.constant<readonly number[]>(shape), fc.nat({ max: shape.length - 1 }), fc.nat()),
    );
    fc.assert(fc.property(arbitrary, ([shape, axis, seed]) => run(randomFrom(seed), shape, axis)));
  });
};

export const chance = (random: Random, probability = 0.5): boolean => random() < probability;
export const pick = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
export const between = (random: Random, low: number, high: number): number =>
  Math.fround(low + (high - low) * random());

export function draw(random: Random, shape: readonly number[], low: number, high: number): Tensor64 {
  return { data: fill(sizeOf(shape), () => between(random, low, high)), shape };
}

export function logitsOf(random: Random, shape: readonly number[]): Tensor64 {
  const scale = pick(random, [0.01, 1, 4, 30]);
  return { data: fill(sizeOf(shape), () => normal(random, scale)), shape };
}

/** Multiples of 1/256 below 16, so that adding a whole number is exact in float32. */
export function gridLogits(random: Random, shape: readonly number[]): Tensor64 {
  return { data: fill(sizeOf(shape), () => Math.round(between(random, -16, 16) * 256) / 256), shape };
}

export function indices(
  random: Random,
  layout: { samples: number; classes: number; sampleShape: readonly number[] },
): Tensor64 {
  return { data: fill(layout.samples, () => Math.floor(random() * layout.classes)), shape: layout.sampleShape };
}

/** Largest excess of |got - truth| over bound(i) is an error; NaN equals NaN. */
export function expectNear(
  what: string,
  got: { readonly data: ArrayLike<number>; readonly shape: readonly number[] },
  truth: { readonly data: ArrayLike<number>; readonly shape: readonly number[] },
  bound: (i: number) => number,
): void {
  expect([...got.shape], `${what} shape`).toEqual([...truth.shape]);
  expect(got.data.length, `${what} length`).toBe(truth.data.length);
  for (let i = 0; i < truth.data.length; i++) {
    const [value, wanted] = [got.data[i]!, truth.data[i]!];
    if (value === wanted || Object.is(value, wanted) || Math.abs(value - wanted) <= bound(i)) continue;
    expect.fail(`${what}[${i}] is ${value}, expected ${wanted}, error ${Math.abs(value - wanted)}, bound ${bound(i)}`);
  }
}

export function identical(what: string, got: Tensor32, truth: Tensor32): void {
  expect([...got.shape], `${what} shape`).toEqual([...truth.shape]);
  const i = truth.data.findIndex((v, at) => !Object.is(v, got.data[at]));
  if (i >= 0 || got.data.length !== truth.data.length)
    expect.fail(`${what}[${i}]: ${got.data[i]}, not ${truth.data[i]}`);
}

export function relative(what: string, got: number, truth: number, tolerance: number): void {
  if (Math.abs(got - truth) <= tolerance * Math.abs(truth)) return;
  expect.fail(`${what} is ${got}, expected ${truth}: relative error ${Math.abs(got / truth - 1)}`);
}

/**
 * Scales of a result, in which its rounding errors are measured: `loss[i]` and `grad[i]` for each sample (or element)
 * before reduction and upstream gradient.
 */
export interface Scales {
  readonly loss: Float64Array;
  readonly grad: Float64Array;
}

export interface Problem {
  readonly op: LossName;
  readonly input: Tensor64;
  readonly target: Tensor64;
  readonly options: ReferenceOptions;
}

/** Each sample with masses q: loss Σ |q| (1 + |log p|), gradient Σ |q|; components and zLoss add theirs. */
export function classScales({ op, input, target, options }: Problem): Scales {
  const layout = layoutOf(input.shape, options.axis);
  const { weight, sampleWeight, zLoss = 0, weights, components = [], jointWeight = 0, labelSmoothing = 0 } = options;
  const soft = op === 'crossEntropy' && target.shape.length === input.shape.length;
  const largest = typeof weight === 'object' ? Math.max(...weight.data.map(Math.abs)) : 1;
  const loss = new Float64Array(layout.samples);
  const grad = new Float64Array(layout.samples);
  for (let i = 0; i < layout.samples; i++) {
    const row = softmaxRow(readRow(input.data, layout, i));
    const s = Math.abs(sampleWeight?.data[i] ?? 1);
    const worst = Math.max(...row.nll.filter(Number.isFinite));
    let mass = largest;
    if (soft) mass *= labelSmoothing + readRow(target.data, layout, i).reduce((sum, y) => sum + Math.abs(y), 0);
    if (op === 'componentCrossEntropy') {
      mass = Math.abs(jointWeight) + components.reduce((sum, _, m) => sum + Math.abs(weights?.[m] ?? 1), 0);
    }
    loss[i] = s * mass * (1 + worst) + zLoss * (1 + row.lse * row.lse);
    grad[i] = s * mass + 2 * zLoss * (1 + Math.abs(row.lse));
  }
  return { loss, grad };
}

/** Elementwise losses: both masses of bce, the value itself for mse. */
function elementScales(problem: Problem): Scales {
  const { op, input, target } = problem;
  const options: ReferenceOptions = { ...problem.options, reduction: 'none', gradOutput: 1, scale: 1 };
  if (op === 'mse') {
    const { loss, grad } = reference('mse', { input, target }, options);
    return { loss: loss.data, grad: grad.data.map(Math.abs) };
  }
  const atZero = (y: number): Float64Array => {
    const zeros = { data: new Float64Array(input.data.length), shape: input.shape };
    const ys = { data: zeros.data.map(() => y), shape: input.shape };
    return reference('bceWithLogits', { input: zeros, target: ys }, { ...options, labelSmoothing: 0 }).loss.data;
  };
  const [negative, positive] = [atZero(0), atZero(1)];
  const masses = negative.map((n, i) => (Math.abs(n) + Math.abs(positive[i]!)) / Math.LN2);
  return { loss: masses.map((m, i) => m * (1 + Math.abs(input.data[i]!))), grad: masses };
}

/** The sample that a flat element of the input belongs to. */
export function sampleOf(layout: Layout, flat: number): number {
  const outer = Math.floor(flat / (layout.classes * layout.inner));
  return outer * layout.inner + (flat % layout.inner);
}

/** Reduction turned into a divisor, and the scales of the problem. */
function measure(problem: Problem) {
  const { op, input, options } = problem;
  const { reduction = 'mean' } = options;
  const rows = op === 'crossEntropy' || op === 'componentCrossEntropy';
  const layout = rows ? layoutOf(input.shape, options.axis) : undefined;
  const truth = reference(op, { input, target: problem.target }, options);
  const batch = layout?.batch ?? input.shape[0] ?? 1;
  const divisor = { none: 1, sum: 1, mean: Math.min(truth.weightSum, truth.count), batchmean: batch }[reduction];
  return { truth, layout, divisor, scales: rows ? classScales(problem) : elementScales(problem) };
}

/** Bound of each gradient element: the units times the upstream gradient times the masses of its sample. */
export function gradientBound(problem: Problem, units: number): (flat: number) => number {
  const { layout, divisor, scales } = measure(problem);
  const { reduction = 'mean', gradOutput = 1, scale = 1 } = problem.options;
  return (flat) => {
    const sample = layout === undefined ? flat : sampleOf(layout, flat);
    const upstream = typeof gradOutput === 'number' ? gradOutput : gradOutput.data[reduction === 'none' ? sample : 0]!;
    return (units * unit * scales.grad[sample]! * Math.abs(upstream * scale)) / divisor + tiniest;
  };
}

/** The library in all forms against the float64 reference, within `units` of the scales. */
export function expectReference(problem: Problem, units: number, target?: Target): void {
  const { op, input, options } = problem;
  const { reduction = 'mean' } = options;
  const { truth, divisor, scales } = measure(problem);
  const sumScale = scales.loss.reduce((sum, v) => sum + v, 0);
  const lossBound = (i: number): number => {
    if (reduction === 'none') return units * unit * scales.loss[i % scales.loss.length]!;
    return (units * unit * sumScale) / divisor;
  };
  const x = float32(input);
  const y = target ?? libraryTarget(op, { input, target: problem.target });
  const own: Options = libraryOptions(options);
  const fused = losses[op](x, y, own);
  const forward = losses[op].forward(x, y, own);
  const backward = losses[op].backward(libraryGradOutput(options), x, y, own);
  const plain: Problem = { ...problem, options: { ...options, gradOutput: 1 } };
  const plainGrad = reference(op, { input, target: problem.target }, plain.options).grad;
  expectNear('fused loss', asTensor(fused.loss), truth.loss, lossBound);
  expectNear('forward loss', asTensor(forward.loss), truth.loss, lossBound);
  expectNear('fused grad', fused.grad, plainGrad, gradientBound(plain, units));
  expectNear('backward grad', backward.grad, truth.grad, gradientBound(problem, units));
  for (const got of [fused, forward]) expectTotals(got, truth, units * unit * sumScale);
  if (truth.componentLosses === undefined) return;
  // These leave out `weights`, and so does their scale.
  const parts = classScales({ ...problem, options: { ...options, weights: undefined, jointWeight: 0 } }).loss;
  const partSum = parts.reduce((sum, v) => sum + v, 0);
  const partBound = (i: number): number =>
    units * unit * (reduction === 'none' ? parts[i % parts.length]! : partSum / divisor);
  for (const got of [fused, forward])
    expectNear('componentLosses', got.componentLosses!, truth.componentLosses, partBound);
}

function expectTotals(
  got: { sum: number; count: number; weightSum: number },
  truth: ReferenceResult,
  sumBound: number,
): void {
  expect(got.count).toBe(truth.count);
  expectNear('weightSum', asTensor(got.weightSum), asTensor(truth.weightSum), () => 1e-6 * Math.abs(truth.weightSum));
  expectNear('sum', asTensor(got.sum), asTensor(truth.sum), () => sumBound);
}

/** Options that all losses share, drawn at random. */
export function commonOptions(random: Random, lossShape: readonly number[]): ReferenceOptions {
  const reduction = pick(random, ['mean', 'sum', 'none', 'batchmean'] as const);
  const number = between(random, -2, 2);
  return {
    reduction,
    gradOutput:
      reduction === 'none' ? draw(random, lossShape, -2, 2) : pick(random, [1, number, tensor64([number], [])]),
    ...(chance(random) && { scale: between(random, -4, 4) }),
    ...(chance(random) && { emptyMean: pick(random, ['nan', 'zero'] as const) }),
  };
}

export function classOptions(random: Random, shape: readonly number[], axis: number): ReferenceOptions {
  const { sampleShape } = layoutOf(shape, axis);
  return {
    ...commonOptions(random, sampleShape),
    axis: chance(random) ? axis : axis - shape.length,
    ...(chance(random) && { sampleWeight: draw(random, sampleShape, 0.25, 2) }),
  };
}

/** Raw target values and the options that explain them: labels, ignoreIndex. */
export function hardTarget(random: Random, shape: readonly number[], axis: number) {
  const layout = layoutOf(shape, axis);
  const shift = pick(random, [0, 0, -1, 10]);
  const labels = Array.from({ length: layout.classes }, (_, k) => k + shift).reverse();
  const mapped = shift !== 0;
  const ignoreIndex = pick(random, [-100, 100, 0]);
  const raw = fill(layout.samples, () => {
    if (chance(random, 0.2)) return ignoreIndex;
    const k = Math.floor(random() * layout.classes);
    return mapped ? labels[k]! : k;
  });
  const target: Tensor64 = { data: raw, shape: layout.sampleShape };
  return { target, ignoreIndex, ...(mapped && { labels }) };
}

/** The same class indices in every kind of array that a caller may hold. */
export function asSomeArray(random: Random, target: Tensor64): Target {
  const { data, shape } = target;
  const big = { data: BigInt64Array.from(data, BigInt), shape };
  const typed = [Int8Array, Int16Array, Int32Array, Float32Array, Float64Array].map((type) => ({
    data: type.from(data),
    shape,
  }));
  return pick<Target>(random, [...typed, big, Array.from(data), { data: Array.from(data), shape }]);
}
