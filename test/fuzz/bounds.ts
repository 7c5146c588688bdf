/**
 * How far each result may be from the reference. test/reference has the scales of a loss; a kernel in float32 rounds a few
 * times in them. What is added here is for values that its own draws do not go to: weights below every normal float32, or
 * of 1e30, upstream gradients that underflow.
 */
import { divisorOf } from '../reference/bounds.ts';
import {
  errorBounds,
  isSparse,
  type ReferenceOptions,
  type ReferenceResult,
  type Tensor64,
  unit,
} from '../reference/index.ts';
import { readRow, rowStart, sampleOf } from '../reference/layout.ts';
import { sigmoid, softmaxRow, softplus } from '../reference/numeric.ts';
import { isActivation, isElementwise } from './losses.ts';
import type { Operand, Problem } from './types.ts';

/** Roundings in the scale of a result, as in test/property.test.ts. */
const UNITS = 8;
/** Smallest normal float32; products below it have fewer digits. */
const GRAIN = 2 ** -126;
/** An exponential below 2^-126 may be 0, and what it is multiplied with may be 2^10. */
const FLUSHED = 2 ** -116;
/** Where the terms of a result reach this, infinity is right too: two of them are no float32. */
const BEYOND = 2 ** 127;
/** Where values reach this, sums of a few of them may be beyond float32. */
const LIMIT = 2 ** 126;

export interface Bounds {
  /** For each element of the loss as reduced. */
  readonly loss: Float64Array;
  readonly grad: Float64Array;
  readonly second?: Float64Array | undefined;
  readonly sum: number;
  /** For each element of componentLosses as reduced. */
  readonly parts?: Float64Array | undefined;
  /** Whether the upstream gradient is below every normal float32. */
  readonly faint: boolean;
  /** Whether the terms of an element are beyond float32. */
  readonly beyond: {
    readonly loss: (i: number) => boolean;
    readonly grad: (i: number) => boolean;
    readonly second: (i: number) => boolean;
    /** Of any term of the loss. */
    readonly whole: boolean;
  };
}

const sumOf = (values: Float64Array): number => values.reduce((sum, v) => sum + v, 0);
const largest = (values: Float64Array): number =>
  values.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 0);

/** Whether an option is a factor of losses. */
const isWeight = ({ entry: { record } }: Problem, { name }: Operand): boolean => {
  const { kind, to } = record.options[name] ?? {};
  return kind !== undefined && kind !== 'variance' && (to === 'a' || to === 'b' || to === 'd');
};

/** The options with the grain of a product of float32 added to each weight. */
function grained(problem: Problem, truth: ReferenceOptions): ReferenceOptions {
  const weights = problem.operands.filter((operand) => isWeight(problem, operand));
  const blur = (w: number): number => (w === 0 ? 0 : w + Math.sign(w) * GRAIN);
  const own = weights.map(({ name, tensor, role }) => {
    const data = tensor.data.map(blur);
    return [name, role === 'list' ? Array.from(data) : { data, shape: tensor.shape }];
  });
  return { ...truth, ...Object.fromEntries(own) };
}

/** The product of the largest weights: what a term that is flushed to 0 may have been multiplied with. */
const heaviest = (problem: Problem): number =>
  problem.operands
    .filter((operand) => isWeight(problem, operand))
    .reduce((product, { tensor }) => product * Math.max(1, largest(tensor.data)), 1);

/** What a reduction divides by; where parts of it divide by different ones, the smaller. */
function divisor(
  { entry: { record, loss }, inputs }: Problem,
  truth: ReferenceOptions,
  result: ReferenceResult,
): number {
  const { reduction = 'mean' } = truth;
  if (reduction !== 'mean') return loss ? divisorOf(loss, { inputs, options: truth }) : 1;
  const { weightSum, count } = result;
  const side = Object.keys(record.options).find((name) => record.options[name]!.to === record.side);
  const hasSide = record.side !== undefined && side !== undefined && Boolean((truth as Record<string, unknown>)[side]);
  if (!hasSide) return Math.abs(weightSum);
  return weightSum === 0 ? count : Math.min(Math.abs(weightSum), count);
}

/** The smallest weight but 0, at most 1. */
function lightest(problem: Problem): number {
  const weights = problem.operands.filter((each) => isWeight(problem, each)).flatMap(({ tensor }) => [...tensor.data]);
  return weights.reduce((w, v) => (v === 0 ? w : Math.min(w, Math.abs(v))), 1);
}

/** The grain of a float32 for upstream gradients, whose products with a weight below 1 have it too. */
const upstreamGrain = (problem: Problem): number => GRAIN * Math.min(64, 1 / lightest(problem));

/** |gradOutput · scale / by|, not below a grain. */
function upstreamOf({ gradOutput = 1, scale = 1 }: ReferenceOptions, by: number, grain: number): number | Tensor64 {
  const one = (g: number): number => (by === 0 ? 0 : Math.abs((g * scale) / by) + grain);
  return typeof gradOutput === 'number' ? one(gradOutput) : { data: gradOutput.data.map(one), shape: gradOutput.shape };
}

/** What a grain of float32 in the inputs changes in the gradients: subnormal differences have few digits. */
function blurOf({ entry, inputs }: Problem, options: ReferenceOptions): ((i: number) => number) | undefined {
  const { input } = inputs;
  if (!isElementwise(entry) || !input.data.some((x) => x !== 0 && Math.abs(x) < GRAIN)) return undefined;
  const { loss } = entry;
  const plain: ReferenceOptions = { ...options, reduction: 'none', gradOutput: 1, scale: 1 };
  const moved = { ...input, data: input.data.map((x) => (Math.abs(x) < GRAIN ? x + 2 ** -146 : x)) };
  const [here, there] = [loss!.compute(inputs, plain), loss!.compute({ ...inputs, input: moved }, plain)];
  return (i) => {
    const change = Math.abs(here.grad.data[i]! - there.grad.data[i]!);
    return Number.isFinite(change) ? change : 0;
  };
}

/** Whether an element, or one of its row, is so large that a difference may be beyond float32. Probabilities have no such. */
function atLimit({ entry, layout, inputs: { input, target } }: Problem): (i: number) => boolean {
  if (entry.loss?.measure === 'masses') return () => false;
  const values = target && !isSparse(target) && target.data.length === input.data.length ? target.data : undefined;
  const large = (i: number): boolean => Math.abs(input.data[i]!) >= LIMIT || Math.abs(values?.[i] ?? 0) >= LIMIT;
  if (isElementwise(entry)) return large;
  const rows = new Set(Array.from(input.data.keys(), (i) => (large(i) ? sampleOf(layout, i) : -1)));
  return (i) => rows.has(sampleOf(layout, i));
}

const over = (by: number) => (v: number) => (by === 0 ? 0 : v / by);

function lossBounds(problem: Problem, truth: ReferenceOptions, result: ReferenceResult): Bounds {
  const { inputs, second, entry } = problem;
  const loss = entry.loss!;
  const none = truth.reduction === 'none';
  const by = divisor(problem, truth, result);
  const grain = upstreamGrain(problem);
  const gradOutput = upstreamOf(truth, by, grain);
  const options: ReferenceOptions = {
    ...grained(problem, truth),
    reduction: none ? 'none' : 'sum',
    gradOutput,
    scale: 1,
  };
  const bounds = errorBounds(loss, { inputs, options }, UNITS);
  const sizes = loss.scales({ inputs, options: truth });
  const flushed = FLUSHED * heaviest(problem);
  const most = typeof gradOutput === 'number' ? gradOutput : largest(gradOutput.data);
  // a subnormal product of weight and upstream gradient has any number of digits, and slopes may be 1e12
  const gradFloor = most * lightest(problem) < GRAIN ? Number.POSITIVE_INFINITY : flushed * most + GRAIN;
  const each = (values: Float64Array): Float64Array => values.map((v) => v + gradFloor);
  const blur = blurOf(problem, truth);
  const terms = sizes.loss.length;
  const reduced = (values: Float64Array): Float64Array =>
    none ? values.map((v) => v + flushed) : values.map((v) => over(by)(v + terms * flushed));
  const own = second?.name ?? entry.record.second;
  const { grads } = bounds;
  const limit = atLimit(problem);
  const size = inputs.input.data.length;
  const some = Array.from({ length: size }, (_, i) => i).some(limit);
  const whole = some || sizes.loss.some((v) => v >= BEYOND);
  // an upstream gradient that no float32 holds
  const wild = heaviest(problem) * most >= BEYOND;
  return {
    loss: reduced(bounds.loss),
    grad: blur ? each(bounds.grad).map((v, i) => v + blur(i) * Math.max(1, most)) : each(bounds.grad),
    second: own !== undefined && grads[own] ? each(grads[own]) : undefined,
    sum: bounds.sum + terms * flushed,
    parts: bounds.componentLosses && reduced(bounds.componentLosses),
    faint: most * lightest(problem) <= GRAIN + grain,
    beyond: {
      whole,
      loss: (i) => (none ? sizes.loss[i]! >= BEYOND || (sizes.loss.length === size ? limit(i) : some) : whole),
      grad: (i) => wild || sizes.grad[i]! >= BEYOND || limit(i),
      second: (i) => wild || some || (own !== undefined && (sizes.grads?.[own]?.[i] ?? 0) >= BEYOND),
    },
  };
}

const finite = (value: number): number => (Number.isFinite(value) ? Math.abs(value) : 0);
const dataOf = (value: number | Tensor64 | undefined, length: number): Float64Array =>
  typeof value === 'object' ? value.data : new Float64Array(length).fill(value ?? 1);

type Scales = { readonly loss: Float64Array; readonly grad: Float64Array };

/**
 * Rows of softmax: p_k with the units of its exponent, max - x, and of a float32 sum over the classes, 0 where a class is
 * masked; the gradient p (g - Σ g p) or g - p Σ g.
 */
function rowScales({ input, layout, entry }: Problem, { gradOutput }: ReferenceOptions): Scales {
  const { data } = input.tensor;
  const g = dataOf(gradOutput, data.length);
  const [loss, grad] = [new Float64Array(data.length), new Float64Array(data.length)];
  for (let i = 0; i < layout.samples; i++) {
    const x = readRow(data, layout, i);
    const { p: mass, nll } = softmaxRow(x);
    const most = x.reduce((max, v) => Math.max(max, v), Number.NEGATIVE_INFINITY);
    const sum = 2 + Math.sqrt(x.length) / 8;
    const p = mass.map((v, k) => {
      if (x[k] === Number.NEGATIVE_INFINITY) return 0;
      return v === 0 ? FLUSHED : Math.min(1, v * (sum + (most - x[k]!)) + FLUSHED);
    });
    const own = readRow(g, layout, i).map(Math.abs);
    const mean = p.reduce((total, v, k) => total + v * own[k]!, 0);
    const all = sumOf(own);
    for (let k = 0; k < x.length; k++) {
      const at = rowStart(layout, i) + k * layout.inner;
      loss[at] = entry.record.log ? 1 + finite(nll[k]!) : p[k]!;
      grad[at] = entry.record.log ? own[k]! + p[k]! * all : p[k]! * (own[k]! + mean);
    }
  }
  return { loss, grad };
}

/** σ(x) and σ(x) σ(-x), or log σ(x) and σ(-x). */
function pointScales({ input, entry }: Problem, { gradOutput }: ReferenceOptions): Scales {
  const { data } = input.tensor;
  const g = dataOf(gradOutput, data.length);
  const { log } = entry.record;
  const slope = (x: number): number => (log ? sigmoid(-x) : sigmoid(x) * sigmoid(-x));
  return {
    loss: data.map((x) => 2 * finite(log ? softplus(-x) : sigmoid(x)) + FLUSHED),
    grad: data.map((x, i) => Math.abs(g[i]!) * (2 * slope(x) + FLUSHED)),
  };
}

function activationBounds(problem: Problem, truth: ReferenceOptions): Bounds {
  const { loss, grad } = isElementwise(problem.entry) ? pointScales(problem, truth) : rowScales(problem, truth);
  const bound = (v: number): number => (UNITS / 2) * unit * v + GRAIN;
  const never = (): boolean => false;
  const upstream = dataOf(truth.gradOutput, grad.length);
  const steepest =
    2 * (isElementwise(problem.entry) ? largest(upstream) : upstream.reduce((sum, g) => sum + Math.abs(g), 0));
  return {
    loss: loss.map(bound),
    // a share that is flushed to 0 was to be multiplied with the upstream gradient, or the sum of those of its row
    grad: grad.map((v) => bound(v) + GRAIN * steepest),
    sum: 0,
    faint: false,
    beyond: { loss: never, grad: never, second: never, whole: false },
  };
}

/** The bounds of a problem whose options are `truth`, with its result by the reference. */
export const boundsOf = (problem: Problem, truth: ReferenceOptions, result: ReferenceResult): Bounds =>
  isActivation(problem.entry) ? activationBounds(problem, truth) : lossBounds(problem, truth, result);
