/** Results against the float64 reference, and results against each other. */

import { divisorOf as referenceDivisor } from '../reference/bounds.ts';
import type { ReferenceOptions, ReferenceResult } from '../reference/index.ts';
import type { LossResult, Tensor32 } from './api.ts';
import { isActivation, judgeOf, kinkOf } from './losses.ts';
import type { Problem, Scales } from './types.ts';

/** Rounding errors may add up to this many units of 2^-24 of a result's scale (golden/README.md). */
const UNITS = 4 * 2 ** -24;
/** Below the smallest normal float32 a kernel may flush to zero. */
const TINIEST = 2 ** -126;
const LARGEST = 3.4028234663852886e38;

/** What a form returned, as far as it returns it. */
export type Outcome = Partial<LossResult>;

export interface Wrong {
  /** Without numbers, e.g. 'grad: NaN for a number'. */
  readonly check: string;
  readonly detail: string;
}

/** The truth of one form, with the sizes of its terms. */
interface Truth {
  readonly result: ReferenceResult;
  readonly scales: Scales;
}

/** The truth of a problem: `fused` with the upstream gradient 1, `backward` with the one drawn. */
export class Truths {
  readonly problem: Problem;
  #fused: Truth | undefined;
  #backward: Truth | undefined;
  #overflows: boolean | undefined;
  #slopes: Float64Array | undefined;
  #kink: { readonly at: ((i: number) => boolean) | undefined } | undefined;

  constructor(problem: Problem) {
    this.problem = problem;
  }

  #of(truth: ReferenceOptions): Truth {
    const problem = { ...this.problem, truth };
    const { op, entry, input, target } = problem;
    const result = judgeOf(op, { input: input.tensor, target: target?.sparse ?? target?.tensor }, truth);
    return { result, scales: entry.scales(problem, result) };
  }

  get fused(): Truth {
    this.#fused ??= this.#of({ ...this.problem.truth, gradOutput: 1 });
    return this.#fused;
  }

  get backward(): Truth {
    this.#backward ??= this.#of(this.problem.truth);
    return this.#backward;
  }

  /** Where a kink makes more than one gradient right. */
  get kink(): ((i: number) => boolean) | undefined {
    this.#kink ??= { at: kinkOf(this.problem) };
    return this.#kink.at;
  }

  /** An element of the gradient before its upstream gradient; 0 where the sample is ignored. */
  slope(i: number): number {
    this.#slopes ??= this.#of({ ...this.problem.truth, gradOutput: 1, scale: 1 }).result.grad.data;
    return this.#slopes[i]!;
  }

  /** Whether the loss of some sample is too large for a float32, which then is Infinity in every reduction. */
  get overflows(): boolean {
    this.#overflows ??= this.#overflow();
    return this.#overflows;
  }

  #overflow(): boolean {
    const { op, input, target, truth } = this.problem;
    if (isActivation(this.problem.entry)) return false;
    const each: ReferenceOptions = { ...truth, reduction: 'none', gradOutput: 1 };
    const inputs = { input: input.tensor, target: target?.sparse ?? target?.tensor };
    const { loss, componentLosses } = judgeOf(op, inputs, each);
    const large = (v: number): boolean => Math.abs(v) > LARGEST;
    return loss.data.some(large) || (componentLosses?.data.some(large) ?? false);
  }
}

const kindOf = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? 'a number' : 'Infinity';

/** How a value misses the truth, if it does. Results are float32, so a truth beyond them is Infinity. */
export function miss(got: number, truth: number, bound: number): string | undefined {
  if (got === truth || Object.is(got, truth)) return undefined;
  const wanted = Math.fround(truth);
  if (Number.isNaN(truth) || Number.isNaN(got)) return `${kindOf(got)} for ${kindOf(wanted)}`;
  const near = (Number.isNaN(bound) ? 0 : bound) + TINIEST;
  if (Math.abs(got - truth) <= near) return undefined;
  const past = Math.abs(truth) + near >= LARGEST && Math.abs(got) >= LARGEST * (1 - UNITS);
  if (past && got > 0 === truth > 0) return undefined;
  return Number.isFinite(wanted) === Number.isFinite(got) ? 'off' : `${kindOf(got)} for ${kindOf(wanted)}`;
}

const sizes = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

function compare(
  what: string,
  got: Tensor32 | undefined,
  truth: ReferenceResult['loss'],
  bound: (i: number) => number,
  more: { readonly slope?: (i: number) => number; readonly free?: (i: number) => boolean } = {},
): Wrong | undefined {
  if (got === undefined) return { check: `${what}: missing`, detail: 'the result has none' };
  if (!(got.data instanceof Float32Array) || got.data.length !== truth.data.length) {
    return { check: `${what}: size`, detail: `${got.data.length} values, expected ${truth.data.length}` };
  }
  if (sizes(got.shape) !== sizes(truth.shape)) {
    return { check: `${what}: shape`, detail: `${sizes(got.shape)}, expected ${sizes(truth.shape)}` };
  }
  for (let i = 0; i < truth.data.length; i++) {
    const how = miss(got.data[i]!, truth.data[i]!, bound(i));
    // an upstream gradient of 0 times a slope that is no number: both 0 and NaN are right
    const nothing = truth.data[i] === 0 && Number.isNaN(got.data[i]!);
    if (how !== undefined && nothing && more.slope && !Number.isFinite(Math.fround(more.slope(i)))) continue;
    if (how !== undefined && more.free?.(i)) continue;
    if (how !== undefined)
      return { check: `${what}: ${how}`, detail: offText(`[${i}]`, got.data[i]!, truth.data[i]!, bound(i)) };
  }
  return undefined;
}

const offText = (where: string, got: number, truth: number, bound: number): string =>
  `${where} is ${got}, expected ${truth}, off by ${Math.abs(got - truth)}, allowed ${bound}`;

function compareNumber(what: string, got: unknown, truth: number, bound: number): Wrong | undefined {
  if (typeof got !== 'number') return { check: `${what}: missing`, detail: `${String(got)} for ${truth}` };
  const how = miss(got, truth, bound);
  return how === undefined ? undefined : { check: `${what}: ${how}`, detail: offText('it', got, truth, bound) };
}

const finite = (value: number): number => (Number.isFinite(value) ? Math.abs(value) : 0);
const totalOf = (values: Float64Array): number => values.reduce((sum, v) => sum + finite(v), 0);

/** What divides a sum under the reduction: where parts of it divide by different ones, the smaller. */
function divisorOf({ truth, layout, entry, input, target }: Problem, { weightSum, count }: ReferenceResult): number {
  const { reduction = 'mean', zLoss } = truth;
  if (entry.loss) {
    const inputs = { input: input.tensor, target: target?.sparse ?? target?.tensor };
    return referenceDivisor(entry.loss, { inputs, options: truth });
  }
  if (reduction === 'batchmean') return layout.batch;
  if (reduction !== 'mean') return 1;
  // zLoss has a mean of its own, by the count
  if (!zLoss) return Math.abs(weightSum);
  return weightSum === 0 ? count : Math.min(Math.abs(weightSum), count);
}

/** What is wrong with the result of a form: the first thing. */
export function misses(form: 'fused' | 'forward' | 'backward', got: Outcome, truths: Truths): Wrong | undefined {
  const { problem } = truths;
  const { result, scales } = form === 'backward' ? truths.backward : truths.fused;
  const grad = (): Wrong | undefined => {
    const bound = (i: number): number => UNITS * scales.grad[i]!;
    const free = (i: number): boolean => truths.kink?.(i) ?? false;
    return compare('grad', got.grad, result.grad, bound, { slope: (i) => truths.slope(i), free });
  };
  if (form === 'backward') return grad();
  const none = problem.truth.reduction === 'none' || isActivation(problem.entry);
  const divisor = divisorOf(problem, result);
  const sumBound = UNITS * totalOf(scales.loss);
  const loss = none
    ? compare('loss', got.loss as Tensor32, result.loss, (i) => UNITS * scales.loss[i]!)
    : overflowing(truths, got.loss, compareNumber('loss', got.loss, result.loss.data[0]!, sumBound / divisor));
  if (isActivation(problem.entry)) return loss;
  const { parts } = scales;
  const samples = problem.layout.samples;
  const partBound = (i: number): number => {
    if (parts === undefined) return 0;
    return UNITS * (none ? parts[i]! : totalOf(parts.subarray(i * samples, (i + 1) * samples)) / divisor);
  };
  return (
    loss ??
    (form === 'fused' ? grad() : undefined) ??
    overflowing(truths, got.sum, compareNumber('sum', got.sum, result.sum, sumBound)) ??
    compareNumber('count', got.count, result.count, 0) ??
    compareNumber('weightSum', got.weightSum, result.weightSum, 1e-9 * (Math.abs(result.weightSum) + result.count)) ??
    (result.componentLosses && !truths.overflows
      ? compare('componentLosses', got.componentLosses, result.componentLosses, partBound)
      : undefined)
  );
}

/** A sum over a loss that no float32 holds may be infinite. */
const overflowing = (truths: Truths, got: unknown, wrong: Wrong | undefined): Wrong | undefined =>
  wrong !== undefined && typeof got === 'number' && !Number.isFinite(got) && truths.overflows ? undefined : wrong;

const sameBits = (a: number, b: number): boolean => Object.is(a, b);

function differ(
  what: string,
  got: unknown,
  expected: unknown,
  near: (a: number, b: number) => boolean,
): Wrong | undefined {
  if (typeof got === 'number' && typeof expected === 'number') {
    return near(got, expected) ? undefined : { check: `${what} differs`, detail: `${got}, and ${expected}` };
  }
  if (got === undefined && expected === undefined) return undefined;
  const [a, b] = [got as Tensor32 | undefined, expected as Tensor32 | undefined];
  if (a === undefined || b === undefined || a.data.length !== b.data.length || sizes(a.shape) !== sizes(b.shape)) {
    return { check: `${what} differs in kind or size`, detail: '' };
  }
  for (let i = 0; i < a.data.length; i++) {
    if (near(a.data[i]!, b.data[i]!)) continue;
    return { check: `${what} differs`, detail: `[${i}] is ${a.data[i]}, and ${b.data[i]}` };
  }
  return undefined;
}

export interface Exactness {
  /** Whether sums must be the same numbers too, wherever operands lie. */
  readonly exactSums: boolean;
}

/** Whether two results of one call are the same: bit for bit, or but for the order in which a sum was added up. */
export function differs(
  got: Outcome,
  expected: Outcome,
  problem: Problem,
  { exactSums }: Exactness,
): Wrong | undefined {
  const { reduction } = problem.truth;
  const terms = Math.abs(expected.sum ?? 0) + (expected.count ?? 0);
  const close = (a: number, b: number): boolean => sameBits(a, b) || Math.abs(a - b) <= 1e-12 * (terms + Math.abs(b));
  const lastPlace = (a: number, b: number): boolean =>
    sameBits(a, b) || Math.abs(a - b) <= 2 ** -22 * Math.abs(b) + TINIEST;
  const sums = exactSums ? sameBits : close;
  const each = exactSums || reduction === 'none' || isActivation(problem.entry) ? sameBits : lastPlace;
  return (
    differ('loss', got.loss, expected.loss, typeof expected.loss === 'number' ? sums : each) ??
    differ('grad', got.grad, expected.grad, each) ??
    differ('sum', got.sum, expected.sum, sums) ??
    differ('count', got.count, expected.count, sameBits) ??
    differ('weightSum', got.weightSum, expected.weightSum, sums) ??
    differ('zSum', got.zSum, expected.zSum, sums) ??
    differ(
      'componentLosses',
      got.componentLosses,
      expected.componentLosses,
      exactSums || reduction === 'none' ? sameBits : lastPlace,
    )
  );
}

/** NaN of other bits than the canonical ones, which deterministic results may not have. */
export function oddNaN(what: string, tensor: Tensor32 | undefined): Wrong | undefined {
  if (tensor === undefined) return undefined;
  const bits = new Uint32Array(Float32Array.from(tensor.data).buffer);
  const words = new Uint32Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.length);
  for (let i = 0; i < bits.length; i++) {
    if (!Number.isNaN(tensor.data[i]!) || words[i] === 0x7fc00000) continue;
    return { check: `${what}: NaN that is not canonical`, detail: `[${i}] has the bits ${words[i]!.toString(16)}` };
  }
  return undefined;
}
