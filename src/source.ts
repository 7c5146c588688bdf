// An operand of a checked call, and where its values are when a kernel needs them.

import type { LinearMemory } from './memory.ts';
import type { Operand } from './tensor.ts';
import type { NumericArray } from './types.ts';

const isBig = (data: NumericArray): data is BigInt64Array | BigUint64Array =>
  !(data instanceof Float32Array) && (data instanceof BigInt64Array || data instanceof BigUint64Array);

/** Values that a kernel reads: in linear memory already, or to be copied there. */
export class Source {
  readonly length: number;
  /** The values at the time of the check. */
  readonly data: NumericArray;
  readonly #operand: Operand;
  /** Offset of a bare view of linear memory, which growth detaches. */
  readonly #offset: number;
  /** Whether the values lay in the linear memory that asked first. */
  #placed: boolean | undefined;

  constructor(operand: Operand) {
    const { data } = operand;
    // big integers cannot be copied among numbers
    this.data = isBig(data) ? Float64Array.from(data, Number) : data;
    this.length = data.length;
    this.#operand = operand;
    this.#offset = data.byteOffset;
  }

  /** Reads plain arrays again. */
  refresh(): void {
    const { reread, owner, data } = this.#operand;
    reread?.();
    if (!isBig(data)) return;
    const now = (owner ?? this.#operand).data;
    for (let i = 0; i < this.length; i++) this.data[i] = Number(now[i]);
  }

  /** The current values; a view of memory that has grown is made anew. */
  live(memory: LinearMemory): NumericArray {
    const { owner } = this.#operand;
    if (owner && this.data === this.#operand.data) {
      const { data } = owner;
      if (data.length === this.length) return data;
    } else if (this.data.length === this.length) return this.data;
    if (!this.#placed) throw new TypeError('lossmith: an array was detached (transferred) since it was given');
    return memory.view(this.data instanceof Int32Array ? 'int32' : 'float32', this.#offset, this.length);
  }

  /** The address of the values where they lie in this memory in the form that kernels read. */
  address(memory: LinearMemory, kind: typeof Float32Array | typeof Int32Array): number | undefined {
    const data = this.live(memory);
    const held = memory.holds(data);
    this.#placed ??= held;
    return held && data instanceof kind ? data.byteOffset : undefined;
  }
}
