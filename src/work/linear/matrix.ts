// Matrices of a head, of which kernels need some rows at a time: in their place where that is linear memory, else in a window of
// the scratch that holds some rows.

import type { Runtime } from '../../machine/runtime.ts';
import type { NumericArray } from '../../values/types.ts';
import type { Scratch } from '../place.ts';

/** The values of a matrix. */
export interface Held {
  /** Their address, where kernels can have them in their place. */
  readonly home: number | undefined;
  readonly values: NumericArray;
  readonly length: number;
}

/** A matrix that kernels read, or add to. */
export class Matrix {
  readonly #of: Held;
  readonly #width: number;
  readonly #runtime: Runtime;
  readonly #scratch: Scratch;
  readonly #adds: boolean;
  /** The window: its offset in the scratch, the rows it has room for, and those it holds. */
  readonly #part: number = 0;
  readonly #rows: number = 0;
  #from = 0;
  #count = 0;

  /** `rows`: those that a window shall hold; `adds`: what kernels leave in it is kept. */
  constructor(of: Held, width: number, rows: number, runtime: Runtime, scratch: Scratch, adds = false) {
    this.#of = of;
    this.#width = width;
    this.#runtime = runtime;
    this.#scratch = scratch;
    this.#adds = adds;
    if (of.home !== undefined) return;
    this.#rows = rows;
    this.#part = scratch.part(4 * rows * width);
  }

  /** Forgets what the window holds. */
  start(): void {
    this.#count = 0;
  }

  /** How far the rows reach from `from` that can be had at once, `end` at most. */
  reach(from: number, end: number): number {
    return this.#of.home === undefined ? Math.min(end, from - (from % this.#rows) + this.#rows) : end;
  }

  /** The address of rows, no more than a window holds. */
  at(from: number, count: number): number {
    const { home } = this.#of;
    const width = this.#width;
    if (home !== undefined) return home + 4 * from * width;
    if (from < this.#from || from + count > this.#from + this.#count) this.#move(from, count);
    return this.#base + 4 * (from - this.#from) * width;
  }

  get #base(): number {
    return this.#scratch.base + this.#part;
  }

  /** Moves the window; one that has room for all rows takes them all. */
  #move(from: number, count: number): void {
    const { values, length } = this.#of;
    const width = this.#width;
    const whole = length <= this.#rows * width;
    this.#keep();
    this.#from = whole ? 0 : from;
    this.#count = whole ? this.#rows : count;
    const start = this.#from * width;
    const rows = values.subarray(start, start + this.#count * width) as Float32Array;
    this.#runtime.memory.f32.set(rows, this.#base / 4);
  }

  #keep(): void {
    if (!this.#adds || this.#count === 0) return;
    const { kernels, deterministic, memory } = this.#runtime;
    const length = this.#count * this.#width;
    if (deterministic) kernels.canonicalize(this.#base, length);
    (this.#of.values as Float32Array).set(memory.floats(this.#base / 4, length), this.#from * this.#width);
  }

  /** Puts everything where it belongs, and one NaN for all where that is asked for. */
  finish(): void {
    const { home, length } = this.#of;
    if (home === undefined) this.#keep();
    else if (this.#runtime.deterministic) this.#runtime.kernels.canonicalize(home, length);
  }
}
