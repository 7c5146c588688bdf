// One module instance with its memory, and the writing and reading of plans.

import { type DoubleName, FLAGS, PLAN, PLAN_BYTES, ROOM } from '../generated/plan.ts';
import type { Tier } from '../values/types.ts';
import { type Imports, instantiate, type Kernel, type Kernels } from './instance.ts';
import { LinearMemory } from './memory.ts';

/** The fields of a plan, by their index: 4-byte fields and float64 ones. */
export type Field = (typeof PLAN)[Exclude<keyof typeof PLAN, DoubleName>];
export type DoubleField = (typeof PLAN)[DoubleName];

export { FLAGS, PLAN };

/** How to make a runtime. */
export interface RuntimeOptions {
  readonly tier?: Tier | 'auto' | undefined;
  readonly deterministic?: boolean | undefined;
  readonly maximumBytes?: number | undefined;
  readonly module?: WebAssembly.Module | undefined;
  readonly imports?: Imports;
}

/** How a kernel is shared among threads. */
export interface Shared {
  readonly byClass: boolean;
  /** Values that it reads. */
  readonly values: number;
  /** Scratch that each needs. */
  readonly room: number;
  /** Whether it writes gradients. */
  readonly writes: boolean;
}

/** Further threads of an engine (src/threads). */
export interface Team {
  /** How many there are, with the one that calls. */
  readonly threads: number;
  readonly ready: Promise<void>;
  /** How many times as large the blocks of a call of so many values are, for all of them to take part; `light`: none is copied. */
  times(values: number, light: boolean): number;
  /** A kernel that all of them take part in; what it returns is above 0 where it left one kind of NaN only. */
  spread(name: string, kernel: Kernel, shared: Shared): Kernel;
  /** A module whose memory is shared. */
  share(bytes: Uint8Array): Uint8Array;
  dispose(): void;
}

/** A plan in linear memory. */
export class Plan {
  readonly address: number;
  readonly #memory: LinearMemory;
  /** The index of its first field, in 4-byte units and in float64 ones. */
  readonly #first: number;
  readonly #double: number;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
    this.address = memory.allocate(PLAN_BYTES);
    this.#first = this.address / 4;
    this.#double = this.address / 8;
  }

  /** Gives its bytes back. */
  free(): void {
    this.#memory.release(this.address, PLAN_BYTES);
  }

  /** Sets every field to 0. */
  clear(): void {
    this.#memory.u32.fill(0, this.#first, this.#first + PLAN_BYTES / 4);
  }

  /** What it says, to be said again. */
  copy(): Uint32Array {
    return this.#memory.u32.slice(this.#first, this.#first + PLAN_BYTES / 4);
  }

  /** Says what a copy says. */
  restore(copy: Uint32Array): void {
    this.#memory.u32.set(copy, this.#first);
  }

  set(field: Field, value: number): void {
    this.#memory.u32[this.#first + field] = value;
  }

  get(field: Field): number {
    return this.#memory.i32[this.#first + field] ?? 0;
  }

  setDouble(field: DoubleField, value: number): void {
    this.#memory.f64[this.#double + field] = value;
  }

  getDouble(field: DoubleField): number {
    return this.#memory.f64[this.#double + field] ?? 0;
  }
}

/** What a call needs to run. */
export class Runtime {
  readonly tier: Tier;
  readonly kernels: Kernels;
  readonly memory: LinearMemory;
  readonly plan: Plan;
  disposed = false;
  /** Tensors not yet freed, slices left out. */
  tensors = 0;
  /** Further threads, where the engine has any. */
  team: Team | undefined;
  /** How many tensors and slices were freed: as long as it stays the same, every one that was alive still is. */
  frees = 0;
  /** Results are the same bits everywhere, NaN included. */
  readonly deterministic: boolean;

  constructor(options: RuntimeOptions = {}) {
    const { tier, kernels } = instantiate(options.tier ?? 'auto', options.module, options.imports);
    this.tier = tier;
    this.deterministic = options.deterministic ?? false;
    this.kernels = kernels;
    this.memory = new LinearMemory(kernels.memory, kernels.heapBase() + ROOM, options.maximumBytes);
    this.plan = new Plan(this.memory);
    this.memory.startCounting();
  }

  /** TypeError after dispose. */
  check(): void {
    if (this.disposed) throw new TypeError('lossmith: this engine was disposed');
  }
}
