// What every run of a job shares: slots for its operands, which stay where they are if that is linear memory and are copied
// into scratch block by block if not, and the collecting of results. A run is placed once and may step many times: a direct
// call steps once on shared scratch, a prepared step keeps scratch and plan of its own.

import type { Block } from './blocks.ts';
import type { Job } from './check.ts';
import type { LinearMemory } from './memory.ts';
import { type Field, PLAN, type Plan, type Runtime } from './runtime.ts';
import { Source } from './source.ts';
import { sizeOf } from './tensor.ts';
import type { Tensor } from './types.ts';

/** What to compute beside the loss. */
export interface Wanted {
  readonly grad: boolean;
  /** Incoming gradient of the backward form: one number, or one per loss. */
  readonly incoming?: number | Source;
  /** The run steps later than its operands were checked, maybe often: plain arrays are read again at every step. */
  readonly later?: true;
}

/** An operand, its field in the plan, and where it is. */
export interface Slot {
  readonly source: Source;
  readonly field: Field;
  readonly kind: typeof Float32Array | typeof Int32Array;
  /** Offset of its copy in the scratch; −1 where none was reserved. */
  part: number;
  /** Its own address, where it lies in linear memory. */
  home: number | undefined;
}

/** A job on its way through the kernels. */
export abstract class Run {
  readonly job: Job;
  readonly runtime: Runtime;
  readonly plan: Plan;
  readonly memory: LinearMemory;
  readonly wanted: Wanted;
  /** Scratch that `place` needs; known once the subclass has laid it out. */
  bytes = 0;
  protected base = 0;
  protected readonly slots: Slot[] = [];
  protected readonly input: Slot;
  protected readonly incoming: Slot | undefined;
  protected blocks: readonly Block[] = [];
  /** One loss per sample or element, for reduction 'none'. */
  readonly losses: Tensor | undefined;
  #grad: Tensor | undefined;
  #gradHome: Source | undefined;
  #gradPart = 0;
  #gradAt: number | undefined;
  protected lossPart = 0;
  // results of the last step
  sum = 0;
  zSum = 0;
  count = 0;
  weightSum = 0;

  constructor(job: Job, runtime: Runtime, plan: Plan, wanted: Wanted) {
    this.job = job;
    this.runtime = runtime;
    this.plan = plan;
    this.memory = runtime.memory;
    this.wanted = wanted;
    this.input = this.slot(job.input, PLAN.input);
    this.incoming = wanted.incoming instanceof Source ? this.slot(wanted.incoming, PLAN.gradOutput) : undefined;
    const { out, reduction } = job.options;
    if (wanted.grad) {
      if (out === undefined) this.#grad = { data: new Float32Array(job.input.length), shape: job.shape };
      else {
        const tensor = 'data' in out ? out : { data: out, shape: job.shape };
        this.#grad = tensor;
        this.#gradHome = new Source({ data: tensor.data, shape: tensor.shape, nested: false, owner: tensor });
        this.#gradAt = this.#gradHome.address(this.memory, Float32Array);
      }
    }
    if (reduction === 'none' && job.targets) {
      this.losses = { data: new Float32Array(sizeOf(job.lossShape)), shape: job.lossShape };
    }
  }

  /** The gradient's tensor; where it was given as a bare view of linear memory, one of the memory as it is now. */
  get grad(): Tensor | undefined {
    const tensor = this.#grad;
    if (tensor && this.#gradHome && tensor.data.length !== this.#gradHome.length) {
      this.#grad = { data: this.#gradHome.live(this.memory) as Float32Array, shape: tensor.shape };
    }
    return this.#grad;
  }

  protected slot(source: Source, field: Field, kind: Slot['kind'] = Float32Array): Slot {
    const slot: Slot = { source, field, kind, part: -1, home: source.address(this.memory, kind) };
    this.slots.push(slot);
    return slot;
  }

  /** Reserves scratch; offsets are 64-byte aligned. */
  protected part(bytes: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil(bytes / 64) * 64;
    return at;
  }

  /** Reserves scratch for a slot that is not in linear memory. */
  protected reserve(slot: Slot | undefined, floats: number): void {
    if (slot && slot.home === undefined) slot.part = this.part(4 * floats);
  }

  /** Reserves what all runs need: input, gradient, losses and incoming gradient. */
  protected reserveShared(elements: number, samples: number): void {
    this.reserve(this.input, elements);
    this.reserve(this.incoming, samples);
    // a gradient that is copied out overwrites the copy of the input, which nothing reads again
    if (this.grad && this.#gradAt === undefined) {
      this.#gradPart = this.input.home === undefined ? this.input.part : this.part(4 * elements);
    }
    if (this.losses) this.lossPart = this.part(4 * samples);
  }

  /** Whether the operands all lie in linear memory, but for a small one, so that nothing limits a block. */
  protected resident(small?: Slot): boolean {
    if (this.losses || (this.#grad && this.#gradAt === undefined)) return false;
    for (const slot of this.slots) if (slot.home === undefined && slot !== small) return false;
    return true;
  }

  /** Puts everything that does not change between steps into the plan and the scratch. */
  abstract place(base: number): void;

  /** Computes; the results are in the fields. What it throws, it throws before a gradient is written over an input. */
  abstract step(): void;

  /** Finds the operands again: tensors may have been freed, plain arrays rewritten, memory may have grown. */
  protected find(): void {
    this.memory.renew();
    if (this.wanted.later) this.#findAgain();
    const { plan } = this;
    plan.setDouble(PLAN.sum, 0);
    plan.setDouble(PLAN.zSum, 0);
    plan.setDouble(PLAN.weightSum, 0);
    plan.setDouble(PLAN.count, 0);
  }

  #findAgain(): void {
    for (const slot of this.slots) {
      slot.source.refresh();
      const home = slot.source.address(this.memory, slot.kind);
      if (home === undefined && slot.part < 0) {
        throw new TypeError(
          `${this.job.name}: data that lay in the engine's memory was replaced since it was prepared`,
        );
      }
      slot.home = home;
    }
    if (this.#gradHome) this.#gradAt = this.#gradHome.address(this.memory, Float32Array);
  }

  /** The geometry of a block, and the addresses of what is computed from it. */
  protected open(block: Block): void {
    const { plan } = this;
    plan.set(PLAN.outer, block.outer);
    plan.set(PLAN.classes, block.rows);
    plan.set(PLAN.inner, block.inner);
    if (this.losses) plan.set(PLAN.loss, this.base + this.lossPart);
  }

  /** Points the plan at a block of values shaped like the input. */
  protected bring(slot: Slot, stride: Field, block: Block): void {
    const { plan, memory } = this;
    if (slot.home !== undefined) {
      plan.set(slot.field, slot.home + 4 * block.start);
      plan.set(stride, block.stride);
      return;
    }
    plan.set(slot.field, this.base + slot.part);
    plan.set(stride, block.inner);
    const from = slot.source.live(memory) as Float32Array;
    let at = (this.base + slot.part) / 4;
    if (block.size === from.length) memory.f32.set(from, at);
    else if (block.stride === block.inner) memory.f32.set(from.subarray(block.start, block.start + block.size), at);
    else {
      for (let c = 0, start = block.start; c < block.rows; c++, start += block.stride, at += block.inner) {
        memory.f32.set(from.subarray(start, start + block.inner), at);
      }
    }
  }

  /** Points the plan at `length` values from `start` on. */
  protected bringPart(slot: Slot | undefined, start: number, length: number): void {
    if (!slot) return;
    if (slot.home !== undefined) {
      this.plan.set(slot.field, slot.home + 4 * start);
      return;
    }
    this.plan.set(slot.field, this.base + slot.part);
    const from = slot.source.live(this.memory) as Float32Array;
    const at = (this.base + slot.part) / 4;
    this.memory.f32.set(length === from.length ? from : from.subarray(start, start + length), at);
  }

  /** Points the plan at the gradient of a block. */
  protected aim(block: Block): void {
    if (!this.grad) return;
    const { plan } = this;
    plan.set(PLAN.grad, this.#gradAt === undefined ? this.base + this.#gradPart : this.#gradAt + 4 * block.start);
    plan.set(PLAN.gradStride, this.#gradAt === undefined ? block.inner : block.stride);
  }

  /** Gives all NaN of a block's results the same bits. */
  #canonicalize(block: Block): void {
    const { kernels } = this.runtime;
    const grad = this.plan.get(PLAN.grad) >>> 0;
    const stride = this.plan.get(PLAN.gradStride);
    if (grad !== 0 && stride === block.inner) kernels.canonicalize(grad, block.size);
    else if (grad !== 0) {
      for (let c = 0; c < block.rows; c++) kernels.canonicalize(grad + 4 * c * stride, block.inner);
    }
    if (this.losses) kernels.canonicalize(this.base + this.lossPart, block.samples);
  }

  /** Copies the gradient and the losses of a block out. */
  protected collect(block: Block): void {
    const { memory, grad, losses } = this;
    if (this.runtime.deterministic) this.#canonicalize(block);
    if (grad && this.#gradAt === undefined) {
      let at = (this.base + this.#gradPart) / 4;
      if (block.stride === block.inner) grad.data.set(memory.floats(at, block.size), block.start);
      else {
        for (let c = 0, start = block.start; c < block.rows; c++, start += block.stride, at += block.inner) {
          grad.data.set(memory.floats(at, block.inner), start);
        }
      }
    }
    if (losses) this.fetch(this.lossPart, losses.data, block.sample, block.samples);
  }

  /** Copies `length` values out of scratch. */
  protected fetch(part: number, to: Float32Array, start: number, length: number): void {
    const at = (this.base + part) / 4;
    to.set(this.memory.floats(at, length), start);
  }

  /** What the loss is divided by. */
  get denominator(): number {
    const { reduction } = this.job.options;
    if (reduction === 'mean') return this.weightSum;
    return reduction === 'batchmean' ? this.job.batch : 1;
  }

  /** Sets what multiplies gradients; false where they are all 0, the mean being over nothing. */
  protected setUpstream(): boolean {
    const { plan, wanted } = this;
    this.count = plan.getDouble(PLAN.count);
    this.weightSum = plan.getDouble(PLAN.weightSum);
    const { scale, zLoss, reduction } = this.job.options;
    const by = this.denominator;
    const incoming = scale * (typeof wanted.incoming === 'number' ? wanted.incoming : 1);
    const zBy = reduction === 'mean' ? this.count : by;
    plan.setDouble(PLAN.upstream, by === 0 ? 0 : incoming / by);
    plan.setDouble(PLAN.zUpstream, zBy === 0 ? 0 : incoming / zBy);
    plan.set(PLAN.grad, 0);
    return by !== 0 || zLoss !== 0;
  }

  /** Reads the sums of a step; a mean over nothing has gradient 0. */
  protected finish(wantsGrad: boolean): void {
    if (!wantsGrad) this.grad?.data.fill(0);
    const sum = this.plan.getDouble(PLAN.sum);
    const zSum = this.plan.getDouble(PLAN.zSum);
    this.sum = Number.isNaN(sum) ? Number.NaN : sum; // one NaN, whatever bits the machine made
    this.zSum = Number.isNaN(zSum) ? Number.NaN : zSum;
  }

  /** A sum over its denominator; the mean over nothing is what `emptyMean` says. */
  reduce(sum: number, by: number): number {
    if (by !== 0) return sum / by;
    return this.job.options.emptyMean === 'zero' ? 0 : Number.NaN;
  }

  /** The loss of the last step. */
  get loss(): number | Tensor {
    if (this.losses) return this.losses;
    const by = this.denominator;
    const { zLoss, reduction } = this.job.options;
    const loss = this.reduce(this.sum, by);
    return zLoss === 0 ? loss : loss + this.reduce(this.zSum, reduction === 'mean' ? this.count : by);
  }
}
