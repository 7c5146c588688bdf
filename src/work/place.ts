// Where operands and results are when a kernel needs them: in linear memory already, or to be copied there and back block by
// block. Each brings or collects itself; what a field of the Plan is called is all that it knows of the operation.

import type { Role } from '../arguments/call.ts';
import type { OperandField } from '../losses/record.ts';
import type { Operand } from '../arguments/operand.ts';
import { type Field, PLAN, type Runtime } from '../machine/runtime.ts';
import { MemoryTensor } from '../machine/tensor.ts';
import type { NumericArray } from '../values/types.ts';
import type { Block, Blocks } from './blocks.ts';

/** Reserves scratch: parts of it, 64-byte aligned. */
export class Scratch {
  bytes = 0;
  base = 0;

  /** The offset of a part. */
  part(bytes: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil(bytes / 64) * 64;
    return at;
  }
}

export type Kind = typeof Float32Array | typeof Int32Array;

/** An array, and its place if that is linear memory. */
export class Place {
  readonly operand: Operand;
  readonly kind: Kind;
  readonly #runtime: Runtime;
  /** Its address, where it lies in linear memory in the form that kernels read. */
  home: number | undefined;
  /** Whether there is room for a copy. */
  copied = false;
  /** Offset of a view of linear memory, which growth detaches; −1 for any other array. */
  #offset = -1;

  constructor(operand: Operand, kind: Kind, runtime: Runtime) {
    this.operand = operand;
    this.kind = kind;
    this.#runtime = runtime;
    const { typed } = operand;
    runtime.memory.renew();
    if (typed && runtime.memory.holds(typed)) this.#offset = typed.byteOffset;
    this.find();
  }

  /** Finds the array: a tensor by its own place, a view of linear memory by its offset. */
  find(): void {
    const { operand, kind } = this;
    const { owner, typed } = operand;
    const tensor = owner && MemoryTensor.addressOf(owner, this.#runtime);
    let home = tensor;
    if (tensor === undefined && this.#offset >= 0) home = this.#offset;
    this.home = home !== undefined && typed instanceof kind ? home : undefined;
  }

  /** Finds it again at a later step: it may have been freed, rewritten, replaced or transferred. */
  refind(): void {
    const { operand } = this;
    const { owner } = operand;
    const { memory } = this.#runtime;
    if (owner === undefined || MemoryTensor.addressOf(owner, this.#runtime) === undefined) {
      if (owner || this.#offset < 0) operand.refresh(this.#offset >= 0);
      memory.renew();
      const { typed } = operand;
      if (typed && memory.holds(typed)) this.#offset = typed.byteOffset;
      else if (typed && typed.length === operand.length) this.#offset = -1;
    }
    this.find();
    if (this.home === undefined && !this.copied) {
      throw new TypeError(`${operand.where}.data is another array, expected one in the engine's memory as before`);
    }
  }

  /** The values to copy. */
  get values(): NumericArray {
    const { operand } = this;
    const { owner } = operand;
    if (owner instanceof MemoryTensor && MemoryTensor.addressOf(owner, this.#runtime) !== undefined) return owner.data;
    if (this.#offset < 0 || operand.data.length === operand.length) return operand.data;
    const dtype = operand.data instanceof Int32Array ? 'int32' : 'float32';
    return this.#runtime.memory.view(dtype, this.#offset, operand.length);
  }
}

/** Fields of an operand that moves along with the blocks: its address, and its strides along outer and middle. */
export interface Fields {
  readonly at: Field;
  readonly outer?: Field;
  readonly step?: Field;
}

/** An operand of a kernel. */
export class Input {
  readonly place: Place;
  readonly fields: Fields;
  readonly role: Role;
  readonly #runtime: Runtime;
  readonly #scratch: Scratch;
  readonly #strides: readonly [number, number, number];
  /** Offset in the scratch of a block's copy; undefined where none is needed. */
  part: number | undefined;

  constructor(
    place: Place,
    role: Role,
    fields: Fields,
    runtime: Runtime,
    scratch: Scratch,
    strides: readonly [number, number, number] = [0, 0, 0],
  ) {
    this.place = place;
    this.role = role;
    this.fields = fields;
    this.#runtime = runtime;
    this.#scratch = scratch;
    this.#strides = strides;
  }

  /** Reserves room for the copy of a block, where one is needed. */
  reserve({ values, samples }: Blocks): void {
    if (this.place.home !== undefined) return;
    this.place.copied = true;
    const { length } = this.place.operand;
    const most = { values, samples, whole: length, repeating: Math.min(length, values) }[this.role];
    this.part = this.#scratch.part(4 * most);
  }

  /** Points the plan at the part of a block, copied if need be. */
  bring(plan: PlanWriter, block: Block): void {
    const { home } = this.place;
    const { at, outer, step } = this.fields;
    const role = this.role;
    if (home === undefined) {
      plan.set(at, this.#scratch.base + (this.part ?? 0));
      this.#copy(block);
    } else plan.set(at, home + 4 * this.#startOf(block));
    if (role !== 'values' || outer === undefined || step === undefined) return;
    const copied = home === undefined;
    plan.set(outer, copied ? block.middle * block.inner : block.outerStride);
    plan.set(step, copied ? block.inner : block.stride);
  }

  #startOf({ start, sample, o, m, i }: Block): number {
    if (this.role === 'values') return start;
    if (this.role === 'samples') return sample;
    const [a, b, c] = this.#strides;
    return this.role === 'whole' ? 0 : o * a + m * b + i * c;
  }

  #copy(block: Block): void {
    const { memory } = this.#runtime;
    const to = memory.f32;
    const from = this.place.values as Float32Array;
    let at = (this.#scratch.base + (this.part ?? 0)) / 4;
    if (this.role === 'values' && !block.contiguous) {
      for (let c = 0, start = block.start; c < block.middle; c++, start += block.stride, at += block.inner) {
        to.set(from.subarray(start, start + block.inner), at);
      }
      return;
    }
    const start = this.#startOf(block);
    const size = this.#sizeOf(block);
    to.set(size === from.length ? from : from.subarray(start, start + size), at);
  }

  #sizeOf({ size, samples, outer, middle, inner }: Block): number {
    if (this.role === 'values') return size;
    if (this.role === 'samples') return samples;
    if (this.role === 'whole') return this.place.operand.length;
    // from the first to the last that the block touches
    const [a, b, c] = this.#strides;
    return (outer - 1) * a + (middle - 1) * b + (inner - 1) * c + 1;
  }
}

/** What writes a plan. */
export interface PlanWriter {
  set(field: Field, value: number): void;
}

/** Where results go: an array of the caller's or a fresh one, in linear memory or not. */
export class Result {
  readonly length: number;
  readonly #where: string;
  readonly #runtime: Runtime;
  readonly #scratch: Scratch;
  #data: Float32Array;
  readonly #home: number | undefined;
  readonly #owner: object | undefined;
  #part = 0;

  /** `owner` is the tensor whose array this is. */
  constructor(where: string, data: Float32Array, owner: object | undefined, runtime: Runtime, scratch: Scratch) {
    this.#where = where;
    this.#data = data;
    this.length = data.length;
    this.#runtime = runtime;
    this.#scratch = scratch;
    const tensor = owner && MemoryTensor.addressOf(owner, runtime);
    this.#owner = tensor === undefined ? undefined : owner;
    this.#home = tensor ?? (runtime.memory.holds(data) ? data.byteOffset : undefined);
  }

  /** Whether kernels write it in its place. */
  get resident(): boolean {
    return this.#home !== undefined;
  }

  /** The array; a view of linear memory is one of the memory as it is now. */
  get data(): Float32Array {
    const home = this.#home;
    const { memory } = this.#runtime;
    if (home !== undefined && (this.#data.length !== this.length || !memory.holds(this.#data))) {
      this.#data = memory.view('float32', home, this.length);
    }
    return this.#data;
  }

  /** TypeError where nothing can be written any more. */
  check(): void {
    if (this.#owner) MemoryTensor.addressOf(this.#owner, this.#runtime); // which throws where it was freed
    if (this.#home === undefined && this.#data.length !== this.length) {
      throw new TypeError(`${this.#where} was detached (transferred), which this step writes to`);
    }
  }

  /** Reserves room for a block of `values`, or takes that at an offset. */
  reserve(values: number, part?: number): void {
    if (this.#home === undefined) this.#part = part ?? this.#scratch.part(4 * values);
  }

  /** The address of `start`, or of the block's copy. */
  addressOf(start: number): number {
    return this.#home === undefined ? this.#scratch.base + this.#part : this.#home + 4 * start;
  }

  /** Calls `use` with each stretch of a block that lies together: its address and length. */
  #stretches(block: Block, use: (address: number, start: number, length: number) => void): void {
    const copied = this.#home === undefined;
    const { start, size, middle, inner, stride, contiguous } = block;
    if (contiguous) {
      use(this.addressOf(start), start, size);
      return;
    }
    for (let c = 0; c < middle; c++) {
      const at = start + c * stride;
      use(copied ? this.addressOf(0) + 4 * c * inner : this.addressOf(at), at, inner);
    }
  }

  /** Amplifies and canonicalizes a block's values where that is asked for, and copies them out. */
  collect(block: Block, times: number): void {
    const { kernels, deterministic, memory } = this.#runtime;
    const copied = this.#home === undefined;
    if (!copied && !deterministic && times === 0) return;
    this.#stretches(block, (address, start, length) => {
      if (times > 0) kernels.amplify(address, length, times);
      if (deterministic) kernels.canonicalize(address, length);
      if (copied) this.#data.set(memory.floats(address / 4, length), start);
    });
  }

  /** Copies `length` values of a part out that does not move with the blocks of values. */
  fetch(offset: number, start: number, length: number): void {
    const { kernels, deterministic, memory } = this.#runtime;
    const address = this.#scratch.base + this.#part + offset;
    if (deterministic) kernels.canonicalize(address, length);
    this.#data.set(memory.floats(address / 4, length), start);
  }
}

/** The fields of the operands that options go to. */
export const OPERANDS: Readonly<Record<OperandField, { readonly at: Field; readonly strides: readonly Field[] }>> = {
  a: { at: PLAN.a, strides: [PLAN.a0, PLAN.a1, PLAN.a2] },
  b: { at: PLAN.b, strides: [PLAN.b0, PLAN.b1, PLAN.b2] },
  c: { at: PLAN.c, strides: [PLAN.c0, PLAN.c1, PLAN.c2] },
  d: { at: PLAN.d, strides: [] },
};
