/** Random problems for the property tests, and the float64 reference as their judge. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  asTensor,
  type BackwardResult,
  callOf,
  type FormName,
  type ForwardResult,
  gradientsOf,
  type losses,
  type Target,
  type Tensor32,
} from './library.ts';
import {
  errorBounds,
  isSparse,
  type Problem,
  type ReferenceOptions,
  randomProblem,
  reference,
  references,
  tiniest,
  unit,
} from './reference/index.ts';
import { chance, pick, type Random, randomFrom } from './reference/random.ts';
import { whole } from './sample.ts';

export { tiniest, unit } from './reference/index.ts';
export { between, chance, pick } from './reference/random.ts';

/** What exponentials that were flushed to zero may leave, times weights and logarithms. */
const flushed = 2 ** 10 * tiniest;

/** A gradient of bce is a difference over 1e-12 at least: what a subnormal difference lacks in digits becomes this. */
const floorOf = (op: FormName): number => (op === 'bce' ? flushed + 2 ** -146 * 1e12 : flushed);

// A fixed seed keeps `npm test` reproducible; FC_SEED tries another, FC_RUNS more or fewer problems.
const RUNS = Number(process.env.FC_RUNS ?? (whole ? 30 : 12));
fc.configureGlobal({
  seed: Number(process.env.FC_SEED ?? 20240607),
  numRuns: RUNS,
  includeErrorInReport: true,
});

type Check = (random: Random, shape: readonly number[], axis: number) => void;

/** `share` of the runs, for what is tried with every loss and needs less luck. */
export const property = (name: string, run: Check, share = 1): void => {
  it(name, () => {
    // up to 160 classes go through tiles, more as rows
    const size = fc.oneof(fc.integer({ min: 1, max: 67 }), fc.integer({ min: 157, max: 175 }));
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
    fc.assert(
      fc.property(arbitrary, ([shape, axis, seed]) => run(randomFrom(seed), shape, axis)),
      { numRuns: Math.ceil(share * RUNS) },
    );
  });
};

/** A random problem of a loss, with a target of any kind that it takes. */
export function problemFor(random: Random, op: FormName, shape: readonly number[], axis: number): Problem {
  const loss = references[op];
  const hasAxis = loss.family === 'class' || loss.family === 'overlap';
  const asked = pick(random, [axis, axis - shape.length]);
  return randomProblem(random, loss, shape, hasAxis ? asked : undefined, pick(random, loss.targets));
}

/** A tensor of any kind of numbers. */
export interface Values {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
}

/** Largest excess of |got - truth| over bound(i) is an error; NaN equals NaN. */
export function expectNear(what: string, got: Values, truth: Values, bound: (i: number) => number): void {
  expect([...got.shape], `${what} shape`).toEqual([...truth.shape]);
  expect(got.data.length, `${what} length`).toBe(truth.data.length);
  for (let i = 0; i < truth.data.length; i++) {
    const [value, wanted] = [got.data[i]!, truth.data[i]!];
    const rounded = Math.fround(wanted);
    if (value === wanted || Object.is(value, wanted) || Math.abs(value - wanted) <= bound(i)) continue;
    if (!Number.isFinite(rounded) && Object.is(Math.fround(value), rounded)) continue;
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

/** From here on a float32 is infinite. */
const beyond = 2 ** 128 * (1 - unit);

/**
 * Where a term of a sum or of a gradient is beyond float32 its infinity is right too, although a mean or an incoming
 * gradient may bring the float64 value back. `summed`: a sum of two such terms may be the NaN of Infinity − Infinity.
 */
function nearOrBeyond(
  what: string,
  got: Values,
  truth: Values,
  bound: (i: number) => number,
  size: (i: number) => number,
  summed = false,
): void {
  const data = Array.from(got.data, (value, i) => {
    const wanted = truth.data[i]!;
    const right = value === Math.sign(wanted) * Number.POSITIVE_INFINITY || (summed && Number.isNaN(value));
    return right && size(i) >= beyond ? wanted : value;
  });
  expectNear(what, { data, shape: got.shape }, truth, bound);
}

/** A problem with what is right of it, computed once for all the forms that are compared with it. */
function judged(op: FormName, problem: Problem, units: number) {
  const loss = references[op];
  return {
    op,
    truth: reference(op, problem.inputs, problem.options),
    bounds: errorBounds(loss, problem, units),
    sizes: loss.scales(problem),
    kinks: loss.kinks(problem),
  };
}

type Judged = ReturnType<typeof judged>;

/** Gradients of a form against those of the reference for some upstream gradient. */
function expectGradients(what: string, { op, truth, bounds, sizes, kinks }: Judged, got: BackwardResult): void {
  const { grad, grads } = gradientsOf(got);
  const at = (kink: Uint8Array | undefined, bound: Float64Array) => (i: number) =>
    kink?.[i] === 1 ? Number.POSITIVE_INFINITY : bound[i]! + floorOf(op);
  nearOrBeyond(`${what} grad`, grad, truth.grad, at(kinks.grad, bounds.grad), (i) => sizes.grad[i]!);
  for (const [name, wanted] of Object.entries(truth.grads ?? {})) {
    // a variance that is a number has no gradient
    if (wanted.shape.length === 0 && grads[name] === undefined) continue;
    const [own, bound] = [sizes.grads![name]!, at(kinks.grads?.[name], bounds.grads[name]!)];
    const summed = wanted.data.length < grad.data.length;
    nearOrBeyond(`${what} grad of ${name}`, grads[name]!, wanted, bound, (i) => own[i]!, summed);
  }
}

function expectLosses(what: string, { truth, bounds, sizes: { loss: sizes } }: Judged, got: ForwardResult): void {
  const whole = sizes.reduce((most, v) => Math.max(most, v), 0);
  const size = (i: number): number => (sizes.length === truth.loss.data.length ? sizes[i]! : whole);
  nearOrBeyond(`${what} loss`, asTensor(got.loss), truth.loss, (i) => bounds.loss[i]! + flushed, size);
  expect(got.count, `${what} count`).toBe(truth.count);
  const weights = 1e-6 * Math.abs(truth.weightSum);
  expectNear(`${what} weightSum`, asTensor(got.weightSum), asTensor(truth.weightSum), () => weights);
  const sum = bounds.sum + flushed * truth.count;
  nearOrBeyond(
    `${what} sum`,
    asTensor(got.sum),
    asTensor(truth.sum),
    () => sum,
    () => whole,
  );
  if (truth.componentLosses === undefined) return;
  const parts = bounds.componentLosses!;
  expectNear(`${what} componentLosses`, got.componentLosses!, truth.componentLosses, (i) => parts[i]! + flushed);
}

/** The library in all forms against the float64 reference, within `units` of the scales. */
export function expectReference(
  op: FormName,
  problem: Problem,
  units: number,
  given: { target?: Target | undefined; from?: typeof losses } = {},
): void {
  const call = callOf(op, problem, given.from);
  const { loss, input, options, gradOutput } = call;
  const target = given.target ?? call.target;
  const asked = judged(op, problem, units);
  const plain =
    (problem.options.gradOutput ?? 1) === 1 ? asked : judged(op, withOptions(problem, { gradOutput: 1 }), units);
  const fused = loss(input, target, options);
  expectLosses('fused', asked, fused);
  expectGradients('fused', plain, fused);
  expectLosses('forward', asked, loss.forward(input, target, options));
  expectGradients('backward', asked, loss.backward(gradOutput, input, target, options));
}

/** The problem with other options. */
export const withOptions = ({ inputs, options }: Problem, added: ReferenceOptions): Problem => ({
  inputs,
  options: { ...options, ...added },
});

/** The same class indices in every kind of array that a caller may hold. */
export function asSomeArray(random: Random, { inputs: { input, target } }: Problem): Target | undefined {
  if (target === undefined || isSparse(target) || target.shape.length === input.shape.length) return undefined;
  const { data, shape } = target;
  if (!data.every(Number.isInteger)) return undefined;
  const big = { data: BigInt64Array.from(data, BigInt), shape };
  const types = data.every((v) => v >= -128 && v < 128) ? [Int8Array, Int16Array] : [Int16Array];
  const typed = [...types, Int32Array, Float32Array, Float64Array].map((type) => ({ data: type.from(data), shape }));
  const flat = chance(random) || shape.length > 0 ? Array.from(data) : { data: Array.from(data), shape };
  return pick<Target>(random, [...typed, big, flat, { data: Array.from(data), shape }]);
}

/** Smallest differences that count beside a value. */
export const within =
  (tolerance: number) =>
  (truth: Tensor32) =>
  (i: number): number =>
    tolerance * Math.abs(truth.data[i]!) + tiniest;
