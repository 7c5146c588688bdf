// Tensors that live in an engine's memory.

import { show, sizeOf } from '../values/array.ts';
import { guardMethods } from '../values/guard.ts';
import { INTEGER, readNumber } from '../values/number.ts';
import type { EngineTensor } from '../values/types.ts';
import type { Runtime } from './runtime.ts';

type DataOf = { float32: Float32Array; int32: Int32Array };
export type Dtype = keyof DataOf;

/** A block of memory that tensors and their slices share, given back when the tensor that owns it is freed. */
interface Storage {
  readonly runtime: Runtime;
  readonly address: number;
  readonly bytes: number;
  freed: boolean;
}

export class MemoryTensor<T extends Dtype = Dtype> implements EngineTensor<DataOf[T]> {
  readonly shape: readonly number[];
  readonly dtype: T;
  readonly #storage: Storage;
  readonly #offset: number;
  readonly #size: number;
  readonly #owns: boolean;
  #freed = false;
  #view: DataOf[T] | undefined;

  constructor(storage: Storage, dtype: T, shape: readonly number[], offset: number, owns: boolean) {
    this.#storage = storage;
    this.dtype = dtype;
    this.shape = Object.freeze(shape);
    this.#offset = offset;
    this.#size = sizeOf(shape);
    this.#owns = owns;
    if (owns) storage.runtime.tensors += 1;
    Object.freeze(this);
  }

  /** Room for a tensor. */
  static allocate<T extends Dtype>(runtime: Runtime, dtype: T, shape: readonly number[]): MemoryTensor<T> {
    runtime.check();
    const bytes = 4 * sizeOf(shape);
    const address = runtime.memory.allocate(bytes);
    return new MemoryTensor({ runtime, address, bytes, freed: false }, dtype, shape, 0, true);
  }

  /** The address of a tensor of this runtime; undefined for anything else. */
  static addressOf(value: object, runtime: Runtime): number | undefined {
    if (!(#storage in value) || value.#storage.runtime !== runtime) return undefined;
    value.#check();
    return value.#storage.address + 4 * value.#offset;
  }

  /** The runtime in whose memory a tensor lives; undefined for anything else. */
  static runtimeOf(value: object): Runtime | undefined {
    return #storage in value ? value.#storage.runtime : undefined;
  }

  #check(): void {
    const { runtime, freed } = this.#storage;
    if (this.#freed || freed) throw new TypeError(`lossmith: use of the tensor ${show(this.shape)} after it was freed`);
    runtime.check();
  }

  get data(): DataOf[T] {
    // an object that only inherits from a tensor has no data
    if (!(#storage in this)) return undefined as unknown as DataOf[T];
    this.#check();
    const { memory } = this.#storage.runtime;
    memory.renew();
    // growth detaches views, which then have another buffer than the memory
    if (this.#view === undefined || !memory.holds(this.#view)) {
      const view = memory.view(this.dtype, this.#storage.address + 4 * this.#offset, this.#size);
      this.#view = view as DataOf[T]; // dtype, which T is, chose the kind
    }
    return this.#view;
  }

  slice(start: number, end?: number): MemoryTensor<T> {
    this.#check();
    const [size, ...rest] = this.shape;
    if (size === undefined) throw new RangeError('slice: a tensor without axes cannot be sliced');
    const from = bound(start, size, 'start');
    const to = Math.max(from, bound(end ?? size, size, 'end'));
    const row = sizeOf(rest);
    return new MemoryTensor(this.#storage, this.dtype, [to - from, ...rest], this.#offset + from * row, false);
  }

  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.#view = undefined;
    const storage = this.#storage;
    storage.runtime.frees += 1;
    if (!this.#owns) return;
    storage.runtime.tensors -= 1;
    storage.freed = true;
    if (!storage.runtime.disposed) storage.runtime.memory.release(storage.address, storage.bytes);
  }

  [Symbol.dispose](): void {
    this.free();
  }
}

/** An index along an axis as Array.prototype.slice takes it. */
function bound(value: number, size: number, name: string): number {
  const index = readNumber(value, `slice: ${name}`, INTEGER);
  return Math.min(size, Math.max(0, index < 0 ? index + size : index));
}

guardMethods(MemoryTensor.prototype, ['data', 'slice', 'free']);
