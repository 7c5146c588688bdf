/** Results against the float64 reference, and results against each other. */

import type { ReferenceOptions, ReferenceResult } from '../reference/index.ts';
import type { LossResult, Tensor32 } from './api.ts';
import { type Bounds, boundsOf } from './bounds.ts';
import { isActivation, judgeOf, kinkOf } from './losses.ts';
import type { Problem } from './types.ts';

/** Below the smallest normal float32 a kernel may flush to zero. */
const TINIEST = 2 ** -126;
const LARGEST = 3.4028234663852886e38;
/** Half of a last place, several times over: as near as this the largest float32 may be Infinity. */
const NEARLY = 2 ** -21;

/** What a form returned, as far as it returns it. */
export type Outcome = Partial<Omit<LossResult, 'grad'>> & {
  readonly grad?: Tensor32;
  /** The gradient of a second input, or of an option. */
  readonly second?: Tensor32 | undefined;
};

export interface Wrong {
  /** Without numbers, e.g. 'grad: NaN for a number'. */
  readonly check: string;
  readonly detail: string;
}

/** The truth of one form, with how far a result may be from it. */
interface Truth {
  readonly result: ReferenceResult;
  readonly bounds: Bounds;
}

/** The truth of a problem: `fused` with the upstream gradient 1, `backward` with the one drawn. */
export class Truths {
  readonly problem: Problem;
  #fused: Truth | undefined;
  #backward: Truth | undefined;
  #overflows: boolean | undefined;
  #plain: ReferenceResult | undefined;
  #kinks: { readonly at: ReturnType<typeof kinkOf> } | undefined;

  constructor(problem: Problem) {
    this.problem = problem;
  }

  #result(truth: ReferenceOptions): ReferenceResult {
    return judgeOf(this.problem.op, this.problem.inputs, truth);
  }

  #of(truth: ReferenceOptions): Truth {
    const result = this.#result(truth);
    return { result, bounds: boundsOf(this.problem, truth, result) };
  }

  get fused(): Truth {
    this.#fused ??= this.#of({ ...this.problem.truth, gradOutput: 1 });
    return this.#fused;
  }

  get backward(): Truth {
    this.#backward ??= this.#of(this.problem.truth);
    return this.#backward;
  }

  /** Whether a kink makes more than one gradient right. */
  kink(i: number): boolean {
    return this.#kink?.grad[i] === 1;
  }

  kinkOfSecond(i: number): boolean {
    const { record } = this.problem.entry;
    return record.second !== undefined && this.#kink?.grads?.[record.second]?.[i] === 1;
  }

  get #kink() {
    const { entry, inputs, truth } = this.problem;
    this.#kinks ??= { at: kinkOf(entry, inputs, truth) };
    return this.#kinks.at;
  }

  /** The result before its upstream gradient. */
  get plain(): ReferenceResult {
    this.#plain ??= this.#result({ ...this.problem.truth, gradOutput: 1, scale: 1 });
    return this.#plain;
  }

  /** Whether the loss of some sample is too large for a float32, which then is Infinity in every reduction. */
  get overflows(): boolean {
    this.#overflows ??= this.#overflow();
    return this.#overflows;
  }

  #overflow(): boolean {
    if (isActivation(this.problem.entry)) return false;
    const { loss, componentLosses } = this.#result({ ...this.problem.truth, reduction: 'none', gradOutput: 1 });
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
  const past = Math.abs(truth) + near >= LARGEST && Math.abs(got) >= LARGEST * (1 - NEARLY);
  if (past && got > 0 === truth > 0) return undefined;
  return Number.isFinite(wanted) === Number.isFinite(got) ? 'off' : `${kindOf(got)} for ${kindOf(wanted)}`;
}

const sizes = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

interface Leniency {
  /** The gradient before its upstream gradient. */
  readonly slope?: Float64Array | undefined;
  /** Any number is right. */
  readonly free?: (i: number) => boolean;
  /** Its terms are beyond float32, so that an infinity is right too, or their difference, NaN. */
  readonly beyond?: (i: number) => boolean;
  /**
   * The upstream gradient, or its product with a weight, is none in float32: 0 times an infinite slope is NaN, and what a factor
   * of 0 multiplies does not count.
   */
  readonly faint?: boolean;
}

function compare(
  what: string,
  got: Tensor32 | undefined,
  truth: ReferenceResult['loss'],
  bound: (i: number) => number,
  { slope, free, beyond, faint }: Leniency = {},
): Wrong | undefined {
  if (got === undefined) return { check: `${what}: missing`, detail: 'the result has none' };
  if (!(got.data instanceof Float32Array) || got.data.length !== truth.data.length) {
    return { check: `${what}: size`, detail: `${got.data.length} values, expected ${truth.data.length}` };
  }
  if (sizes(got.shape) !== sizes(truth.shape)) {
    return { check: `${what}: shape`, detail: `${sizes(got.shape)}, expected ${sizes(truth.shape)}` };
  }
  for (let i = 0; i < truth.data.length; i++) {
    const [value, wanted] = [got.data[i]!, truth.data[i]!];
    const how = miss(value, wanted, bound(i));
    if (how === undefined || free?.(i)) continue;
    // an upstream gradient of 0 times a slope that is no number: both 0 and NaN are right
    const nothing = wanted === 0 && Number.isNaN(value);
    if (nothing && slope && !Number.isFinite(Math.fround(slope[i]!))) continue;
    if (!Number.isFinite(value) && beyond?.(i)) continue;
    if (faint && (Number.isNaN(value) || value === 0) && !Number.isFinite(wanted)) continue;
    return { check: `${what}: ${how}`, detail: offText(`[${i}]`, value, wanted, bound(i)) };
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

/** What is wrong with the result of a form: the first thing. */
export function misses(form: 'fused' | 'forward' | 'backward', got: Outcome, truths: Truths): Wrong | undefined {
  const { problem } = truths;
  const { record } = problem.entry;
  const { result, bounds } = form === 'backward' ? truths.backward : truths.fused;
  const { beyond } = bounds;
  const grads = (): Wrong | undefined => {
    const wrong = compare('grad', got.grad, result.grad, (i) => bounds.grad[i]!, {
      slope: truths.plain.grad.data,
      free: (i) => truths.kink(i),
      beyond: beyond.grad,
      faint: bounds.faint,
    });
    const own = record.second === undefined ? undefined : result.grads?.[record.second];
    if (wrong || own === undefined || bounds.second === undefined) return wrong;
    // a number has no gradient
    if (own.shape.length === 0 && problem.operands.every(({ name }) => name !== record.second)) return undefined;
    return compare('second grad', got.second, own, (i) => bounds.second![i]!, {
      slope: truths.plain.grads?.[record.second!]?.data,
      free: (i) => truths.kinkOfSecond(i),
      beyond: beyond.second,
      faint: bounds.faint,
    });
  };
  if (form === 'backward') return grads();
  const none = problem.truth.reduction === 'none' || isActivation(problem.entry);
  const loss = none
    ? compare('loss', got.loss as Tensor32, result.loss, (i) => bounds.loss[i]!, { beyond: beyond.loss })
    : overflowing(
        truths,
        beyond.loss(0),
        got.loss,
        compareNumber('loss', got.loss, result.loss.data[0]!, bounds.loss[0]!),
      );
  if (isActivation(problem.entry)) return loss;
  return (
    loss ??
    (form === 'fused' ? grads() : undefined) ??
    overflowing(truths, beyond.whole, got.sum, compareNumber('sum', got.sum, result.sum, bounds.sum)) ??
    compareNumber('count', got.count, result.count, 0) ??
    compareNumber('weightSum', got.weightSum, result.weightSum, 1e-9 * (Math.abs(result.weightSum) + result.count)) ??
    (result.componentLosses && !truths.overflows
      ? compare('componentLosses', got.componentLosses, result.componentLosses, (i) => bounds.parts?.[i] ?? 0)
      : undefined)
  );
}

/** A sum over a loss that no float32 holds may be infinite. */
function overflowing(truths: Truths, beyond: boolean, got: unknown, wrong: Wrong | undefined): Wrong | undefined {
  const infinite = wrong !== undefined && typeof got === 'number' && !Number.isFinite(got);
  return infinite && (beyond || truths.overflows) ? undefined : wrong;
}

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
    differ('second grad', got.second, expected.second, each) ??
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
