// The parts that a loss is made of: their maps and weights on the way in, their sums and losses on the way out.

import type { Call } from '../arguments/call.ts';
import { PLAN, type Plan, type Runtime } from '../machine/runtime.ts';
import { sizeOf } from '../values/array.ts';
import type { Tensor } from '../values/types.ts';
import type { Block } from './blocks.ts';
import { Place, type Scratch } from './place.ts';
import type { Sums } from './reduction.ts';
import { Result } from './result.ts';

/** Losses of all parts that are kept at a time: 1 MiB. */
const MOST = 262144;

/** Samples of a block at most, where the losses of the parts are kept. */
export const samplesOfParts = (parts: number): number => Math.max(64, Math.floor(MOST / parts / 64) * 64);

/** The components of a composite label. */
export class Parts {
  /** Each component's loss: [M], or with `losses` [M, …loss shape]. */
  losses: Tensor;
  readonly #where: string;
  readonly #maps: readonly Int32Array[];
  readonly #weights: Place | undefined;
  readonly #joint: number;
  readonly #runtime: Runtime;
  readonly #scratch: Scratch;
  readonly #result: Result | undefined;
  readonly #samples: number;
  readonly #all: number;
  readonly #groups: number;
  readonly #weightPart: number;
  readonly #sums: number;

  constructor(call: Call, runtime: Runtime, scratch: Scratch, samples: number) {
    const { maps, joint, middle, lossShape, reduction } = call;
    const count = maps.length;
    this.#where = `${call.name}: componentLosses`;
    // a joint weight is one component more, whose groups are the classes
    this.#maps = joint === 0 ? maps : [...maps, Int32Array.from({ length: middle }, (_, c) => c)];
    this.#joint = joint;
    const weights = call.use('d');
    this.#weights = weights && new Place(weights.operand, Float32Array, runtime);
    if (this.#weights) this.#weights.copied = true;
    this.#runtime = runtime;
    this.#scratch = scratch;
    this.#samples = samples;
    this.#all = sizeOf(lossShape);
    const members = this.#maps.length;
    this.#groups = scratch.part(4 * members * middle);
    this.#weightPart = scratch.part(4 * members);
    this.#sums = scratch.part(8 * members);
    const kept = reduction === 'none';
    const shape = kept ? [count, ...lossShape] : [count];
    const data = new Float32Array(sizeOf(shape));
    this.losses = { data, shape };
    if (!kept) return;
    this.#result = new Result(this.#where, data, undefined, runtime, scratch);
    this.#result.reserve(members * samples);
  }

  /** Bytes that change between no steps. */
  place(plan: Plan, middle: number): void {
    const { base } = this.#scratch;
    plan.set(PLAN.c, base + this.#groups);
    plan.set(PLAN.d, base + this.#weightPart);
    plan.set(PLAN.partSums, base + this.#sums);
    plan.set(PLAN.parts, this.#result ? this.#result.addressOf(0) : 0);
    plan.set(PLAN.partStep, this.#samples);
    this.#maps.forEach((map, m) => {
      this.#runtime.memory.i32.set(map, (base + this.#groups) / 4 + m * middle);
    });
  }

  get members(): number {
    return this.#maps.length;
  }

  /** Whether each step but the first needs no more than `start` and `finish`. */
  get brief(): boolean {
    return !this.#result;
  }

  /** Whether the weights are where they were, as long as no tensor is freed. */
  get still(): boolean {
    return this.#weights === undefined || this.#weights.tensorial;
  }

  /** Whether another call may have other weights. */
  get settled(): boolean {
    return this.#weights?.settled !== false;
  }

  /** Another call's: its losses are its own. False where the weights lie elsewhere than before. */
  renew(): boolean {
    const { shape } = this.losses;
    this.losses = { data: new Float32Array(sizeOf(shape)), shape: shape.slice() };
    return this.#weights?.retake() !== false;
  }

  /** Reads the weights again, at a later step. */
  refind(): void {
    this.#weights?.refind();
    this.#result?.check();
    const { data } = this.losses;
    if (data.length === 0 && this.#maps.length > 0 && this.losses.shape[0] !== 0 && sizeOf(this.losses.shape) > 0) {
      throw new TypeError(`${this.#where} was detached (transferred), which this step writes to`);
    }
  }

  /** The weights as they are now, and sums of 0. */
  start(): void {
    const { f32, f64 } = this.#runtime.memory;
    const { base } = this.#scratch;
    const at = (base + this.#weightPart) / 4;
    const values = this.#weights?.values;
    const count = this.losses.shape[0] ?? 0;
    for (let m = 0; m < count; m++) f32[at + m] = values ? (values[m] as number) : 1;
    if (this.#joint !== 0) f32[at + count] = this.#joint;
    const sums = (base + this.#sums) / 8;
    f64.fill(0, sums, sums + this.#maps.length);
  }

  /** Copies the losses of a block out, where they are kept. */
  collect({ sample, samples }: Block): void {
    const count = this.losses.shape[0] ?? 0;
    for (let m = 0; this.#result && m < count; m++) {
      this.#result.fetch(4 * m * this.#samples, m * this.#all + sample, samples);
    }
  }

  /** The losses of the whole call, each reduced. */
  finish(sums: Sums): void {
    if (this.#result) return;
    const { data } = this.losses;
    const first = (this.#scratch.base + this.#sums) / 8;
    for (let m = 0; m < data.length; m++) {
      const sum = this.#runtime.memory.f64[first + m] as number;
      data[m] = Number.isNaN(sum) ? Number.NaN : sums.reduce(sum);
    }
  }
}
