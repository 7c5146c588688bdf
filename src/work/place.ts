// Where the arrays of a call are: in linear memory already, in the form that kernels read, or elsewhere. Arrays may be rewritten,
// replaced, transferred or freed between the steps of a loop, and memory may grow under them.

import type { Operand } from '../arguments/operand.ts';
import type { Runtime } from '../machine/runtime.ts';
import { MemoryTensor } from '../machine/tensor.ts';
import type { NumericArray } from '../values/types.ts';

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
    runtime.memory.renew();
    this.#locate();
  }

  #locate(): void {
    const { typed } = this.operand;
    this.#offset = typed && this.#runtime.memory.holds(typed) ? typed.byteOffset : -1;
    this.find();
  }

  /** Whether it is a tensor of the engine. */
  get tensorial(): boolean {
    const { owner } = this.operand;
    return this.home !== undefined && owner !== undefined && MemoryTensor.addressOf(owner, this.#runtime) !== undefined;
  }

  /** Whether the next call may have other values in it: it is a tensor of the engine, or an array that is small. */
  get settled(): boolean {
    return this.tensorial || this.operand.settled;
  }

  /** Finds it again where the operand took another array; false where that lies elsewhere, or is gone. */
  retake(): boolean {
    const { home } = this;
    const { typed, length } = this.operand;
    this.#locate();
    return (
      (typed ? typed.length === length : this.operand.listed) && (home === undefined) === (this.home === undefined)
    );
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

  get length(): number {
    return this.operand.length;
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
