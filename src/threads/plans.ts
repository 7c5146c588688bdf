// A kernel that all threads take part in: the chunks of a plan, each with a copy of it, and their sums in the order of the chunks.

import { FLAGS, PLAN } from '../generated/plan.ts';
import type { Kernel } from '../machine/instance.ts';
import type { Runtime, Shared } from '../machine/runtime.ts';
import { type Cut, chunksOf } from './chunk.ts';
import * as at from './control.ts';
import { Room, type Rounds } from './rounds.ts';

/** Values of a call that is worth it: 1 MiB. */
export const SMALLEST = 262144;
/** Scratch of all threads together. */
const MOST_ROOM = 3 << 20;
/** Sums of parts that are kept: 512 KiB. */
const MOST_PARTS = 1 << 16;
/** Samples of a chunk at least where the class axis is in the middle, and its values (assembly/classes/walk.ts). */
const NARROWEST = 64;
const CHUNK = 32768;

/** Where the chunks of a class operation end. */
export function classCut(classes: number, outer: number, inner: number, columns: boolean): Cut {
  const total = outer * inner;
  const unit = Math.max(1, classes) * inner;
  const whole = (rows: number): number => rows - (rows % NARROWEST);
  if (inner === 1) {
    const rows = Math.max(1, Math.floor(CHUNK / Math.max(1, classes)));
    const size = columns ? Math.max(NARROWEST, whole(rows)) : whole(rows) || rows;
    return { size, period: 0, total };
  }
  if (unit <= CHUNK) return { size: Math.floor(CHUNK / unit) * inner, period: 0, total };
  return { size: Math.max(NARROWEST, whole(Math.floor(CHUNK / classes))), period: inner, total };
}

/** Where the chunks of an elementwise operation end. */
export function elementCut(middle: number, inner: number, total: number): Cut {
  const unit = middle * inner;
  if (inner >= CHUNK) return { size: CHUNK, period: inner, total };
  if (unit <= CHUNK) return { size: Math.floor(CHUNK / unit) * unit, period: 0, total };
  return { size: Math.floor(CHUNK / inner) * inner, period: unit, total };
}

function addTo(sums: Float64Array | number[], place: number, value: number): void {
  sums[place] = (sums[place] as number) + value;
}

/** A plan on its way through the threads. */
interface Job {
  readonly cut: Cut;
  readonly chunks: number;
  /** Chunks of a round. */
  readonly length: number;
  /** Parts of a loss that have sums of their own. */
  readonly parts: number;
  readonly canonical: number;
}

export class Plans {
  readonly #runtime: Runtime;
  readonly #rounds: Rounds;
  readonly #parts: Room;

  constructor(runtime: Runtime, rounds: Rounds) {
    this.#runtime = runtime;
    this.#rounds = rounds;
    this.#parts = new Room(runtime.memory);
  }

  /** A kernel, spread. */
  spread(name: string, own: Kernel, { byClass, values, room, writes }: Shared): Kernel {
    if (values < SMALLEST) return own;
    const kernel = this.#rounds.numberOf(name);
    const canonical = writes && this.#runtime.deterministic ? (byClass ? 2 : 1) : 0;
    return (address) => {
      const helpers = this.#rounds.helpersFor(room, MOST_ROOM);
      if (helpers === 0) return own(address);
      const cut = this.#cutOf(address, byClass);
      const chunks = chunksOf(cut);
      const parts = this.#partsOf(address);
      const length = Math.min(chunks, at.ROUND, Math.floor(MOST_PARTS / Math.max(1, parts)));
      if (chunks === 1 || length === 0 || !this.#parts.have(8 * parts * length)) return own(address);
      this.#rounds.describe(kernel, helpers, room);
      this.#run(address, { cut, chunks, length, parts, canonical });
      return canonical;
    };
  }

  #cutOf(address: number, byClass: boolean): Cut {
    const { i32 } = this.#runtime.memory;
    const of = (field: number): number => i32[address / 4 + field] as number;
    const total = of(PLAN.total);
    const inner = of(PLAN.inner);
    if (!byClass) return elementCut(of(PLAN.middle), inner, total);
    return classCut(total, of(PLAN.outer), inner, (of(PLAN.flags) & FLAGS.COLUMNS) !== 0);
  }

  /** How many parts of a loss have sums of their own. */
  #partsOf(address: number): number {
    const { i32 } = this.#runtime.memory;
    const has = i32[address / 4 + PLAN.partSums] !== 0;
    return has ? (i32[address / 4 + PLAN.members] as number) : 0;
  }

  #run(plan: number, job: Job): void {
    const { words } = this.#rounds.control;
    const { i32 } = this.#runtime.memory;
    const field = plan / 4;
    const partSums = i32[field + PLAN.partSums] as number;
    words[at.PLAN_AT] = plan;
    words[at.SIZE] = job.cut.size;
    words[at.PERIOD] = job.cut.period;
    words[at.TOTAL] = job.cut.total;
    words[at.PARTS_AT] = this.#parts.start;
    words[at.PARTS] = job.parts;
    words[at.CANONICAL] = job.canonical;
    try {
      this.#sum(plan, partSums >>> 0, job);
    } finally {
      // what was this thread's share
      i32[field + PLAN.partSums] = partSums;
      i32[field + PLAN.begin] = i32[field + PLAN.end] = 0;
    }
  }

  /** Takes all chunks through the kernel, a round at a time, and adds up what they give in their order. */
  #sum(plan: number, partSums: number, { chunks, parts, length }: Job): void {
    const { words, sums, bad } = this.#rounds.control;
    const { i32, f64 } = this.#runtime.memory;
    const fields = [PLAN.sum, PLAN.sideSum, PLAN.count, PLAN.weightSum].map((each) => plan / 8 + each);
    const totals = fields.map((each) => f64[each] as number);
    let wrong = -1;
    for (let first = 0; first < chunks && wrong < 0; first += length) {
      const count = Math.min(length, chunks - first);
      words[at.FIRST] = first;
      this.#rounds.run(count, plan, 0);
      for (let i = 0; i < count && wrong < 0; i++) {
        const own = this.#parts.start / 8 + parts * i;
        for (let k = 0; k < at.SUMS; k++) addTo(totals, k, sums[at.SUMS * i + k] as number);
        for (let m = 0; m < parts; m++) addTo(f64, partSums / 8 + m, f64[own + m] as number);
        wrong = bad[i] as number;
      }
    }
    for (const [k, field] of fields.entries()) f64[field] = totals[k] as number;
    i32[plan / 4 + PLAN.bad] = wrong;
  }
}
