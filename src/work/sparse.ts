// Sparse targets on their way to a kernel: the ones of each block are written into zeros. No dense target is ever made.

import type { Call } from '../arguments/call.ts';
import { Operand } from '../arguments/operand.ts';
import { checkSparse, roomToSee, type Sparse } from '../arguments/sparse.ts';
import { PLAN, type Plan, type Runtime } from '../machine/runtime.ts';
import { roomFor, sizeOf } from '../values/array.ts';
import type { Block } from './blocks.ts';
import type { Sizes, Source } from './input.ts';
import { Place, type Scratch } from './place.ts';

export class SparseTarget implements Source {
  readonly resident = false;
  readonly places: readonly Place[];
  readonly #sparse: Sparse;
  readonly #byClass: boolean;
  readonly #runtime: Runtime;
  readonly #scratch: Scratch;
  readonly #seen: Int32Array;
  #part = 0;

  constructor(call: Call, sparse: Sparse, runtime: Runtime, scratch: Scratch) {
    this.#sparse = sparse;
    this.#byClass = call.byClass;
    this.#runtime = runtime;
    this.#scratch = scratch;
    this.#seen = roomToSee(sparse);
    this.places = [sparse.indices, sparse.offsets].map((operand) => new Place(operand, Int32Array, runtime));
    for (const place of this.places) place.copied = true;
  }

  get #columns(): ArrayLike<number | bigint> {
    return this.places[0]?.values ?? [];
  }

  get #starts(): ArrayLike<number | bigint> {
    return this.places[1]?.values ?? [];
  }

  /** Checks what the arrays hold now. */
  check(): void {
    checkSparse(this.#sparse, this.#columns, this.#starts, this.#seen);
  }

  reserve({ values }: Sizes): void {
    this.#part = this.#scratch.part(4 * values);
  }

  bring(plan: Plan, block: Block): void {
    const address = this.#scratch.base + this.#part;
    const to = this.#runtime.memory.floats(address / 4, block.size);
    to.fill(0);
    plan.set(PLAN.target, address);
    plan.set(PLAN.targetOuter, block.middle * block.inner);
    plan.set(PLAN.targetStep, block.inner);
    const { width } = this.#sparse;
    const from = this.#byClass ? block.sample : Math.floor(block.start / width);
    const until = this.#byClass ? from + block.samples : Math.ceil((block.start + block.size) / width);
    for (let row = from; row < until; row++) this.#write(to, block, row);
  }

  /** The ones of a row. */
  #write(to: Float32Array, { start, sample, first, middle, inner }: Block, row: number): void {
    const columns = this.#columns;
    const within = (row - sample) % inner;
    const offset = (row - sample - within) * middle + within;
    for (let at = Number(this.#starts[row]); at < Number(this.#starts[row + 1]); at++) {
      const column = Number(columns[at]);
      // past the ends of the block nothing is stored
      if (!this.#byClass) to[row * this.#sparse.width + column - start] = 1;
      else if (column >= first && column < first + middle) to[offset + (column - first) * inner] = 1;
    }
  }
}

/** What marks the samples whose set is empty. */
export const EMPTY = -100;

/** Which samples have a set of classes, as indices: 0, or EMPTY where there is none. */
export class SetFlags {
  readonly operand: Operand;
  readonly #flags: Int32Array;
  readonly #call: Call;

  constructor(call: Call) {
    const { sampleShape, name } = call;
    this.#call = call;
    this.#flags = roomFor(sizeOf(sampleShape), `${name}: the loss`, Int32Array);
    this.operand = new Operand(`${name}: target`, this.#flags, sampleShape, this.#flags.length);
  }

  /** Those of offsets. */
  ofRows({ places }: SparseTarget): void {
    const starts = places[1]?.values ?? [];
    const flags = this.#flags;
    for (let row = 0; row < flags.length; row++) flags[row] = starts[row] === starts[row + 1] ? EMPTY : 0;
  }

  /** Those of a tensor of the input's shape, which holds something else than 0 for each class of the set. */
  ofValues(values: ArrayLike<number | bigint>): void {
    const { outer, middle, inner } = this.#call;
    const flags = this.#flags.fill(EMPTY);
    if (values.length === 0) return;
    for (let o = 0, at = 0; o < outer; o++) {
      for (let c = 0; c < middle; c++) {
        for (let i = 0; i < inner; i++, at++) if (Number(values[at]) !== 0) flags[o * inner + i] = 0;
      }
    }
  }
}
