// Results on their way out: an array of the caller's or a fresh one, in linear memory or not. Each collects itself, block by block.

import type { Call, Output, Use } from '../arguments/call.ts';
import { PLAN, type Plan, type Runtime } from '../machine/runtime.ts';
import { MemoryTensor } from '../machine/tensor.ts';
import type { Tensor } from '../values/types.ts';
import type { Block, Blocks } from './blocks.ts';
import { extentOf, type Strides, startOf, stretches } from './input.ts';
import type { Scratch } from './place.ts';
import type { Rows } from './rows.ts';

const NOTHING = new Float32Array(0);

/** What takes the gradient of a block. */
export interface Sink {
  /** Whether kernels write it in its place. */
  readonly resident: boolean;
  /** Where kernels write what starts at `start`. */
  addressOf(start: number): number;
  /** Takes what kernels wrote, to be multiplied `times` (Kernels.amplify); `clean`: all NaN in it are alike. */
  collect(block: Block, times: number, clean?: boolean): void;
  /** TypeError where nothing can be written any more. */
  check(): void;
  /** A gradient of 0. */
  clear(): void;
}

/** Where results go: an array of the caller's or a fresh one, in linear memory or not. */
export class Result implements Sink {
  readonly length: number;
  readonly #where: string;
  readonly #runtime: Runtime;
  readonly #scratch: Scratch;
  #data: Float32Array;
  readonly #home: number | undefined;
  readonly #owner: object | undefined;
  /** A tensor of the caller's own, and the array that it had. */
  #holder: { readonly data?: unknown } | undefined;
  #given: Float32Array | undefined;
  /** The tensor in its place, once memory has grown under its array. */
  #moved: Tensor | undefined;
  #part = 0;

  /** `owner` is the tensor whose array this is. */
  constructor(where: string, data: Float32Array, owner: object | undefined, runtime: Runtime, scratch: Scratch) {
    this.#where = where;
    this.#runtime = runtime;
    this.#scratch = scratch;
    const tensor = owner && MemoryTensor.addressOf(owner, runtime);
    // memory may have grown since `data` was asked for
    this.#data = tensor === undefined ? data : ((owner as MemoryTensor<'float32'>).data as Float32Array);
    this.length = this.#data.length;
    this.#owner = tensor === undefined ? undefined : owner;
    this.#holder = tensor === undefined ? owner : undefined;
    this.#given = this.#holder && data;
    this.#home = tensor ?? (runtime.memory.holds(data) ? data.byteOffset : undefined);
  }

  get resident(): boolean {
    return this.#home !== undefined;
  }

  /** Its address, where it lies in linear memory. */
  get home(): number | undefined {
    return this.#home;
  }

  get values(): Float32Array {
    return this.data;
  }

  /** Whether it goes to a tensor of the engine. */
  get tensorial(): boolean {
    return this.#owner !== undefined;
  }

  /** Lets go of the array, until `renew`. */
  drop(): void {
    this.#data = NOTHING;
    this.#holder = this.#given = undefined;
  }

  /** Goes to another array of the caller's, of as many values; false where that is linear memory. */
  aim({ data, tensor }: Output): boolean {
    if (this.#runtime.memory.holds(data)) return false;
    this.#data = data;
    this.#holder = tensor;
    this.#given = tensor && data;
    return true;
  }

  /** Goes to a fresh array, of which this is the tensor. */
  renew(shape: readonly number[]): Tensor {
    this.#data = new Float32Array(this.length);
    return { data: this.#data, shape: shape.slice() };
  }

  /** The tensor of it; where its array was given as a view of linear memory, one of the memory as it is now. */
  tensorOf(tensor: Tensor, shape: readonly number[]): Tensor {
    if (this.#owner) return tensor;
    const { data } = this;
    if (data === (this.#holder ? this.#given : tensor.data)) return tensor;
    if (this.#moved?.data !== data) this.#moved = { data, shape: shape.slice() };
    return this.#moved;
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

  check(): void {
    if (this.#owner) MemoryTensor.addressOf(this.#owner, this.#runtime); // which throws where it was freed
    if (this.#home === undefined && this.#data.length !== this.length) {
      throw new TypeError(`${this.#where} was detached (transferred), which this step writes to`);
    }
    if (this.#holder && this.#holder.data !== this.#given) {
      throw new TypeError(
        `${this.#where} goes to a tensor whose data is another array now, expected the one as before`,
      );
    }
  }

  clear(): void {
    // no values may be a view that growth has detached
    if (this.length > 0) this.data.fill(0);
  }

  /** Reserves room for a block of `values`, or takes that at an offset. */
  reserve(values: number, part?: number): void {
    if (this.#home === undefined) this.#part = part ?? this.#scratch.part(4 * values);
  }

  /** The address of `start`, or of the block's copy. */
  addressOf(start: number): number {
    return this.#home === undefined ? this.#scratch.base + this.#part : this.#home + 4 * start;
  }

  /** Amplifies and canonicalizes a block's values where that is asked for, and copies them out. */
  collect(block: Block, times: number, clean = false): void {
    if (this.resident && (clean || !this.#runtime.deterministic) && times === 0) return;
    if (block.contiguous) this.#take(this.addressOf(block.start), block.start, block.size, times);
    else {
      stretches(block, (start, length, at) => {
        this.#take(this.resident ? this.addressOf(start) : this.addressOf(0) + 4 * at, start, length, times);
      });
    }
  }

  #take(address: number, start: number, length: number, times: number): void {
    const { kernels, deterministic, memory } = this.#runtime;
    if (times !== 0) kernels.amplify(address, length, times);
    if (deterministic) kernels.canonicalize(address, length);
    if (!this.resident) this.#data.set(memory.floats(address / 4, length), start);
  }

  /** Copies `length` values of a part out that does not move with the blocks of values. */
  fetch(offset: number, start: number, length: number): void {
    const { kernels, deterministic, memory } = this.#runtime;
    const address = this.#scratch.base + this.#part + offset;
    if (deterministic) kernels.canonicalize(address, length);
    this.data.set(memory.floats(address / 4, length), start);
  }
}

/** The gradient of an operand beside the input, which is kept in the scratch and copied out. */
export class SecondGradient {
  readonly #tensor: Tensor;
  readonly #shape: readonly number[];
  readonly #use: Use;
  readonly #strides: Strides;
  readonly #runtime: Runtime;
  readonly #scratch: Scratch;
  readonly #to: Result;
  #part = 0;

  /** That of a call, where it has one. */
  static of(call: Call, rows: Rows | undefined, runtime: Runtime, scratch: Scratch): SecondGradient | undefined {
    const use = call.uses.find(({ pulls }) => pulls);
    const strides = rows?.operands.find((each) => each.use === use)?.strides ?? ([0, 0, 1] as const);
    return use && new SecondGradient(call, use, strides, runtime, scratch);
  }

  private constructor(call: Call, use: Use, strides: Strides, runtime: Runtime, scratch: Scratch) {
    const { operand } = use;
    const { outSecond } = call;
    const shape = use.role === 'samples' ? call.sampleShape : (operand.shape ?? [operand.length]);
    this.#use = use;
    this.#strides = strides;
    this.#runtime = runtime;
    this.#scratch = scratch;
    this.#shape = shape;
    this.#tensor = outSecond?.tensor ?? { data: outSecond?.data ?? new Float32Array(operand.length), shape };
    const data = outSecond?.data ?? this.#tensor.data;
    const name = `${call.name}: the gradient of ${call.record.second}`;
    this.#to = new Result(name, data, outSecond?.tensor, runtime, scratch);
  }

  get tensor(): Tensor {
    return this.#to.tensorOf(this.#tensor, this.#shape);
  }

  /** Reserves room for a block. */
  reserve({ values, samples }: Blocks): void {
    const most = this.#use.role === 'samples' ? samples : Math.min(values, this.#use.operand.length);
    this.#part = this.#scratch.part(4 * most);
  }

  aim(plan: Plan, pulls: boolean): void {
    plan.set(PLAN.sideGrad, pulls ? this.#scratch.base + this.#part : 0);
  }

  collect(block: Block, times: number): void {
    const { role, operand } = this.#use;
    const { kernels, deterministic, memory } = this.#runtime;
    const address = this.#scratch.base + this.#part;
    const start = startOf(role, this.#strides, block);
    const length = extentOf(role, this.#strides, block, operand.length);
    if (times !== 0) kernels.amplify(address, length, times);
    if (deterministic) kernels.canonicalize(address, length);
    const from = memory.floats(address / 4, length);
    const { data } = this.#to;
    // of a row that comes in several blocks each has a part of the sum
    if (role === 'repeating' && this.#strides[2] === 0 && block.i > 0)
      data[start] = (data[start] as number) + (from[0] as number);
    else data.set(from, start);
  }

  check(): void {
    this.#to.check();
  }

  clear(): void {
    this.#to.clear();
  }
}
