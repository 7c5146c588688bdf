// Sparse targets on their way to a kernel: the ones of each block are written into zeros. No dense target is ever made.

import type { Call } from '../arguments/call.ts';
import { Operand } from '../arguments/operand.ts';
import { checkSparse, roomToSee, type Sparse } from '../arguments/sparse.ts';
import { PLAN, type Plan, type Runtime } from '../machine/runtime.ts';
import { roomFor, sizeOf } from '../values/array.ts';
import type { Block } from './blocks.ts';
import type { Sizes, Source } from './input.ts';
import { Place, type Scratch } from './place.ts';

type Values = ArrayLike<number | bigint>;

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

  get #columns(): Values {
    return this.places[0]?.values ?? [];
  }

  get #starts(): Values {
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
    if (this.#byClass) writeSets(to, block, this.#columns, this.#starts);
    else writeRows(to, block, this.#sparse.width, this.#columns, this.#starts);
  }
}

/** The ones of the rows of a block; past its ends nothing is stored. */
function writeRows(to: Float32Array, block: Block, width: number, columns: Values, starts: Values): void {
  const until = Math.ceil((block.start + block.size) / width);
  for (let row = Math.floor(block.start / width); row < until; row++) {
    const offset = row * width - block.start;
    const end = Number(starts[row + 1]);
    for (let at = Number(starts[row]); at < end; at++) to[offset + Number(columns[at])] = 1;
  }
}

/** The ones of the classes and samples of a block. */
function writeSets(to: Float32Array, block: Block, columns: Values, starts: Values): void {
  const { sample, first, middle, inner, outer } = block;
  const last = first + middle;
  let row = sample;
  let at = Number(starts[row]);
  for (let o = 0; o < outer; o++) {
    // where class 0 is: before the block where that starts with another
    let offset = (o * middle - first) * inner;
    for (const until = offset + inner; offset < until; offset++) {
      row += 1;
      for (const end = Number(starts[row]); at < end; at++) {
        const c = Number(columns[at]);
        if (c >= first && c < last) to[offset + c * inner] = 1;
      }
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
    for (let o = 0; o < outer; o++) {
      for (let within = 0; within < inner; within++) {
        let at = o * middle * inner + within;
        const end = at + middle * inner;
        while (at < end && Number(values[at]) === 0) at += inner;
        if (at < end) flags[o * inner + within] = 0;
      }
    }
  }
}
