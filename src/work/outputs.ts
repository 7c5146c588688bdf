// What a work leaves: gradients and losses, each with where it goes.

import type { Call, Output } from '../arguments/call.ts';
import { checkOuts } from '../arguments/check.ts';
import { readOut } from '../arguments/common.ts';
import { PLAN, type Plan, type Runtime } from '../machine/runtime.ts';
import { overlap, roomFor, sizeOf } from '../values/array.ts';
import type { NumericArray, Tensor } from '../values/types.ts';
import type { Block, Blocks } from './blocks.ts';
import type { HeadWork } from './linear/head.ts';
import type { Scratch } from './place.ts';
import { Result, SecondGradient, type Sink } from './result.ts';
import type { Rows } from './rows.ts';

/** Where nothing goes. */
const NOWHERE: Output = { tensor: undefined, data: new Float32Array(0) };

export class Outputs {
  readonly grad: Sink | undefined;
  readonly second: SecondGradient | undefined;
  readonly losses: Result | undefined;
  /** The losses, where each is kept. */
  readonly loss: Tensor | undefined;
  readonly #call: Call;
  #tensor: Tensor | undefined;

  /** `pulls`: gradients are wanted, into `head` where there is one. */
  constructor(call: Call, runtime: Runtime, scratch: Scratch, pulls: boolean, head?: HeadWork, rows?: Rows) {
    const { name, out, shape, input, record } = call;
    this.#call = call;
    if (pulls && head) this.grad = head;
    else if (pulls) {
      this.#tensor = out?.tensor ?? { data: out?.data ?? new Float32Array(input.length), shape };
      const { data } = out ?? this.#tensor;
      this.grad = new Result(`${name}: the gradient`, data as Float32Array, out?.tensor, runtime, scratch);
    }
    if (pulls) this.second = SecondGradient.of(call, rows, runtime, scratch);
    if (call.reduction === 'none' && record.target !== 'none') {
      const data = roomFor(sizeOf(call.lossShape), `${name}: the loss`, Float32Array);
      this.loss = { data, shape: call.lossShape };
      this.losses = new Result(`${name}: the loss`, data, undefined, runtime, scratch);
    }
  }

  /** Whether kernels write all of it in its place. */
  get resident(): boolean {
    return !this.losses && !this.second && this.grad?.resident !== false;
  }

  /** Whether the gradient goes to a tensor of the engine, or there is none. */
  get tensorial(): boolean {
    return this.grad === undefined || (this.grad instanceof Result && this.grad.tensorial);
  }

  /** Whether the gradient goes to an array of the caller's, in whose place there may be another. */
  get aimed(): boolean {
    const { grad } = this;
    return this.#call.out !== undefined && grad instanceof Result && grad.home === undefined;
  }

  /** Whether another call may have other outputs. */
  get replaceable(): boolean {
    return !this.losses && !this.second && (!this.#call.out || this.tensorial || this.aimed);
  }

  /** Reserves room for a block; `part`: that of the copy of the input, which nothing reads again once a gradient is there. */
  reserve(blocks: Blocks, losses: number, part: number | undefined): void {
    if (this.grad instanceof Result) this.grad.reserve(blocks.values, part);
    this.second?.reserve(blocks);
    this.losses?.reserve(losses);
  }

  /** Points the plan at the gradient of a block. */
  aim(plan: Plan, block: Block, pulls: boolean): void {
    const { grad } = this;
    plan.set(PLAN.grad, pulls && grad ? grad.addressOf(block.start) : 0);
    if (!pulls || !grad) return;
    plan.set(PLAN.gradOuter, grad.resident ? block.outerStride : block.middle * block.inner);
    plan.set(PLAN.gradStep, grad.resident ? block.stride : block.inner);
  }

  /** Gradients of 0. */
  clear(): void {
    this.grad?.clear();
    this.second?.clear();
  }

  check(): void {
    this.grad?.check();
    this.second?.check();
    this.losses?.check();
  }

  /** Lets go of the arrays of the last call; not of tensors, whose memory is the engine's. */
  drop(): void {
    const { grad, aimed } = this;
    if (!(grad instanceof Result) || (this.#call.out && !aimed)) return;
    if (aimed) this.#call.out = NOWHERE;
    grad.drop();
    this.#tensor = undefined;
  }

  /** Where another call says that it goes, if this one goes to an array of the caller's. */
  read(out: unknown): Output | undefined {
    const { shape, name } = this.#call;
    return this.aimed ? readOut(out, shape, `${name}: out`) : undefined;
  }

  /** Goes where `read` says; false where that is linear memory or, maybe on purpose, the input. */
  retake(to: Output | undefined): boolean {
    const { grad } = this;
    const call = this.#call;
    const { input, target } = call;
    if (!(grad instanceof Result)) return true;
    if (to) {
      call.out = to;
      if (!grad.aim(to) || (input.typed && overlap(input.typed, to.data))) return false;
      // as it is with most calls, there is nothing but a target to overlap with
      const typed = target?.kind === 'sparse' ? undefined : target?.operand.typed;
      if (call.uses.length + call.arrays.length > 0 || (typed && overlap(typed, to.data))) checkOuts(call);
      this.#tensor = to.tensor ?? { data: to.data, shape: call.shape.slice() };
      return true;
    }
    if (!call.out) {
      this.#tensor = grad.renew(call.shape);
      return true;
    }
    grad.check();
    const hits = (typed: NumericArray | undefined): boolean => typed !== undefined && overlap(typed, grad.data);
    return !hits(input.typed) && !(target?.kind !== 'sparse' && hits(target?.operand.typed));
  }

  /** The gradient's tensor; where its array was given as a view of linear memory, one of the memory as it is now. */
  get gradient(): Tensor | undefined {
    const tensor = this.#tensor;
    return tensor && this.grad instanceof Result ? this.grad.tensorOf(tensor, this.#call.shape) : tensor;
  }
}
