// An operand of a checked call, and where its values are when a kernel needs them.

import type { LinearMemory } from './memory.ts';
import { type Operand, toFloat32 } from './tensor.ts';
import type { NumericArray } from './types.ts';

/** Values that a kernel reads: in linear memory already, or to be copied there. */
export class Source {
  readonly length: number;
  /** The values at the time of the check. */
  readonly data: NumericArray;
  readonly #operand: Operand;
  /** Offset of a bare view of linear memory, which growth detaches. */
  readonly #offset: number;

  constructor(operand: Operand) {
    const { data } = operand;
    // big integers cannot be copied among numbers, so they are read once
    this.data = data instanceof BigInt64Array || data instanceof BigUint64Array ? toFloat32(data) : data;
    this.length = data.length;
    this.#operand = operand;
    this.#offset = data.byteOffset;
  }

  /** Reads plain arrays again. */
  refresh(): void {
    this.#operand.reread?.();
  }

  /** The current values; a view of memory that has grown is made anew. */
  live(memory: LinearMemory): NumericArray {
    const { owner } = this.#operand;
    if (owner && this.data === this.#operand.data) return owner.data;
    if (this.data.length === this.length) return this.data;
    return memory.view(this.data instanceof Int32Array ? 'int32' : 'float32', this.#offset, this.length);
  }

  /** The address of the values where they lie in this memory in the form that kernels read. */
  address(memory: LinearMemory, kind: typeof Float32Array | typeof Int32Array): number | undefined {
    const data = this.live(memory);
    return memory.holds(data) && data instanceof kind ? data.byteOffset : undefined;
  }
}
