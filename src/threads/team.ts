// The threads of an engine. The one that calls takes chunks like the others, so that a call needs nobody: helpers that are not
// there yet, asleep or dead only leave more of them to it. What it has to wait for is a chunk that a helper has begun.

import { FLAGS, PLAN, PLAN_BYTES } from '../generated/plan.ts';
import type { Kernel } from '../machine/instance.ts';
import type { LinearMemory } from '../machine/memory.ts';
import type { Runtime, Shared, Team } from '../machine/runtime.ts';
import { type Cut, chunksOf, type Machine, runChunk, Views } from './chunk.ts';
import * as at from './control.ts';
import { share } from './share.ts';
import { spawn, type Thread } from './spawn.ts';

/** Values of a call that is worth it: 1 MiB. */
const SMALLEST = 262144;
/** Memory of a call beside tensors, all threads together. */
const MOST_ROOM = 3 << 20;
/** Sums of parts that are kept: 512 KiB. */
const MOST_PARTS = 1 << 16;
/** Milliseconds without progress after which helpers are given up. */
const LIMIT = 2000;
/** How often this thread looks whether the last chunks are done before it sleeps. */
const PATIENCE = 20000;
/** Samples of a chunk at least where the class axis is in the middle, and its values (assembly/classes/walk.ts). */
const NARROWEST = 64;
const CHUNK = 32768;

/** Whether this thread may sleep; that of a browser's page may not. */
function mayWait(words: Int32Array): boolean {
  try {
    Atomics.wait(words, at.CLAIM, Atomics.load(words, at.CLAIM) ^ 1, 0);
    return true;
  } catch {
    return false;
  }
}

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

/** A call on its way through the threads. */
interface Job {
  /** Places in the list of kernels. */
  readonly kernel: number;
  /** Scratch of each thread. */
  readonly room: number;
  readonly canonical: number;
  readonly cut: Cut;
  readonly chunks: number;
  readonly helpers: number;
  /** Parts of a loss that have sums of their own. */
  readonly parts: number;
  /** Chunks of a round. */
  readonly length: number;
}

/** Linear memory that helpers use, kept from call to call. */
class Room {
  start = 0;
  #bytes = 0;
  readonly #memory: LinearMemory;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  /** Has so many bytes; false where there are none: the call has what it needs, and helpers are not worth an error. */
  have(bytes: number): boolean {
    if (bytes <= this.#bytes) return true;
    this.#memory.give(this.start, this.#bytes);
    this.#bytes = 0;
    try {
      this.start = this.#memory.take(bytes);
    } catch {
      return false;
    }
    this.#bytes = bytes;
    return true;
  }
}

function addTo(sums: Float64Array | number[], place: number, value: number): void {
  sums[place] = (sums[place] as number) + value;
}

/** The helpers of an engine. */
export class Helpers implements Team {
  readonly share = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => share(bytes).bytes;
  readonly #runtime: Runtime;
  readonly #control = at.Control.make();
  readonly #threads: (Thread | undefined)[] = [];
  /** Helpers that failed or have ended. */
  readonly #gone = new Set<number>();
  readonly #names: readonly string[];
  readonly #machine: Machine;
  readonly #views: Views;
  readonly #waits: boolean;
  readonly #started: Promise<void>;
  #round = 0;
  #over = false;
  readonly #room: Room;
  readonly #parts: Room;

  constructor(runtime: Runtime, module: WebAssembly.Module, count: number) {
    const { kernels } = runtime;
    const { memory } = kernels;
    const exports = kernels as unknown as Readonly<Record<string, Kernel>>;
    this.#runtime = runtime;
    this.#names = WebAssembly.Module.exports(module).flatMap(({ name, kind }) => (kind === 'function' ? [name] : []));
    this.#machine = {
      memory,
      kernels: this.#names.map((name) => exports[name] as Kernel),
      canonicalize: kernels.canonicalize,
    };
    this.#views = new Views(memory);
    this.#room = new Room(runtime.memory);
    this.#parts = new Room(runtime.memory);
    this.#waits = mayWait(this.#control.words);
    const starts = Array.from({ length: count }, (_, helper) => this.#start(helper, module));
    this.#started = Promise.all(starts).then(() => undefined);
  }

  /** Starts a helper; resolves when it is there, or gone. */
  #start(helper: number, module: WebAssembly.Module): Promise<void> {
    const { memory } = this.#machine;
    const plan = this.#runtime.memory.take(PLAN_BYTES);
    const setup = { shared: this.#control.shared, module, memory, names: this.#names, helper, plan };
    return new Promise((settle) => {
      const ready = (): void => {
        this.#threads[helper]?.hold(false);
        settle();
      };
      const gone = (): void => {
        this.#gone.add(helper);
        settle();
      };
      try {
        this.#threads[helper] = spawn(setup, { ready, gone });
      } catch {
        gone(); // a policy forbids it
      }
    });
  }

  get #words(): Int32Array {
    return this.#control.words;
  }

  #isReady(helper: number): boolean {
    return !this.#gone.has(helper) && Atomics.load(this.#words, at.READY + helper) === 1;
  }

  #hasEnded(helper: number): boolean {
    return this.#threads[helper]?.ended !== false;
  }

  get threads(): number {
    if (this.#over) return 1;
    return 1 + this.#threads.filter((_, helper) => this.#isReady(helper)).length;
  }

  get ready(): Promise<void> {
    // who waits for helpers wants the process to live until they are there
    for (const [helper, thread] of this.#threads.entries()) if (!this.#isReady(helper)) thread?.hold(true);
    return this.#started;
  }

  spread(name: string, own: Kernel, { byClass, values, room, writes }: Shared): Kernel {
    if (values < SMALLEST) return own;
    const kernel = this.#names.indexOf(name);
    const job = { kernel, room, canonical: writes && this.#runtime.deterministic ? (byClass ? 2 : 1) : 0 };
    return (address) => {
      if (this.threads === 1) return own(address);
      const cut = this.#cutOf(address, byClass);
      const chunks = chunksOf(cut);
      const helpers = chunks === 1 ? 0 : this.#helpersFor(room);
      const parts = this.#partsOf(address);
      const rounds = Math.min(at.ROUND, Math.floor(MOST_PARTS / Math.max(1, parts)));
      const length = Math.min(chunks, rounds);
      if (helpers === 0 || rounds === 0 || !this.#parts.have(8 * parts * length)) return own(address);
      this.#run(address, { ...job, cut, chunks, helpers, parts, length });
      return job.canonical;
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

  /** How many helpers there is scratch for. */
  #helpersFor(room: number): number {
    const count = Math.min(this.#threads.length, Math.floor(MOST_ROOM / Math.max(64, room)) - 1);
    return count > 0 && this.#room.have(count * room) ? count : 0;
  }

  #run(plan: number, job: Job): void {
    const { i32 } = this.#runtime.memory;
    const field = plan / 4;
    const partSums = i32[field + PLAN.partSums] as number;
    this.#describe(plan, job);
    try {
      this.#rounds(plan, partSums >>> 0, job);
    } finally {
      // what was this thread's share
      i32[field + PLAN.partSums] = partSums;
      i32[field + PLAN.begin] = i32[field + PLAN.end] = 0;
    }
  }

  /** Says what there is to do. */
  #describe(plan: number, { cut, kernel, room, helpers, parts, canonical }: Job): void {
    const words = this.#words;
    const pages = this.#runtime.memory.bytesReserved / 65536;
    this.#views.renew(pages);
    words[at.SIZE] = cut.size;
    words[at.PERIOD] = cut.period;
    words[at.TOTAL] = cut.total;
    words[at.KERNEL] = kernel;
    words[at.PLAN_AT] = plan;
    words[at.ROOM_AT] = this.#room.start;
    words[at.ROOM_BYTES] = room;
    words[at.HELPERS] = helpers;
    words[at.PARTS_AT] = this.#parts.start;
    words[at.PARTS] = parts;
    words[at.PAGES] = pages;
    words[at.CANONICAL] = canonical;
  }

  /** Takes all chunks through the kernel, a round at a time, and adds up what they give in their order. */
  #rounds(plan: number, partSums: number, { chunks, parts, length }: Job): void {
    const words = this.#words;
    const { sums, bad } = this.#control;
    const { i32, f64 } = this.#runtime.memory;
    const fields = [PLAN.sum, PLAN.sideSum, PLAN.count, PLAN.weightSum].map((each) => plan / 8 + each);
    const totals = fields.map((each) => f64[each] as number);
    let wrong = -1;
    for (let first = 0; first < chunks && wrong < 0; first += length) {
      const count = Math.min(length, chunks - first);
      words[at.FIRST] = first;
      this.#open(count);
      this.#take(plan);
      this.#finish(count);
      for (let i = 0; i < count && wrong < 0; i++) {
        for (let k = 0; k < at.SUMS; k++) addTo(totals, k, sums[at.SUMS * i + k] as number);
        for (let m = 0; m < parts; m++)
          addTo(f64, partSums / 8 + m, f64[this.#parts.start / 8 + parts * i + m] as number);
        wrong = bad[i] as number;
      }
    }
    for (const [k, field] of fields.entries()) f64[field] = totals[k] as number;
    i32[plan / 4 + PLAN.bad] = wrong;
  }

  /** Opens a round. */
  #open(count: number): void {
    const words = this.#words;
    this.#round = (this.#round + 1) % at.NUMBERS;
    // before a number comes again, nobody may be left who has seen the last round of that number
    if (this.#round === 0) {
      for (const helper of this.#threads.keys()) {
        if (!this.#hasEnded(helper)) this.#await(at.HOLDS + helper, (holds) => holds === 0);
      }
    }
    Atomics.store(words, at.DONE, 0);
    Atomics.store(words, at.CLAIM, at.claimOf(this.#round, 0, count));
    if (Atomics.load(words, at.SLEEPERS) > 0) Atomics.notify(words, at.CLAIM);
  }

  /** Takes chunks as long as there are some. */
  #take(plan: number): void {
    const words = this.#words;
    const each = (chunk: number): void => runChunk(this.#control, chunk, this.#machine, this.#views, plan);
    for (;;) {
      const claim = Atomics.load(words, at.CLAIM);
      if (!at.leaves(claim)) return;
      Atomics.add(words, at.DONE, at.take(words, claim, false, each));
    }
  }

  /** Waits until all chunks of the round are done. */
  #finish(count: number): void {
    const words = this.#words;
    for (let i = 0; i < PATIENCE; i++) if (Atomics.load(words, at.DONE) === count) return;
    Atomics.store(words, at.WAITING, 1);
    this.#await(at.DONE, (done) => done === count);
    Atomics.store(words, at.WAITING, 0);
  }

  /** Waits until a word is as it should be, as long as it changes now and then. */
  #await(place: number, right: (word: number) => boolean): void {
    const words = this.#words;
    let last: number | undefined;
    let since = 0;
    for (;;) {
      const word = Atomics.load(words, place);
      if (right(word)) return;
      const now = performance.now();
      if (word !== last) since = now;
      last = word;
      if (now - since > LIMIT) this.#giveUp();
      if (this.#waits) Atomics.wait(words, place, word, 20);
    }
  }

  /** Goes on with one thread. What a helper may still write is not handed out again before it has ended. */
  #giveUp(): never {
    this.dispose();
    this.#runtime.memory.keepWhile(() =>
      this.#threads.some((_, helper) => !this.#hasEnded(helper) && Atomics.load(this.#words, at.HOLDS + helper) === 1),
    );
    throw new Error(
      `lossmith: the helpers of this engine made no progress for ${LIMIT / 1000} s; out may be partly written, and the engine goes on with one thread`,
    );
  }

  dispose(): void {
    const words = this.#words;
    this.#over = true;
    Atomics.store(words, at.QUIT, 1);
    Atomics.store(words, at.CLAIM, at.claimOf(this.#round + 1, 0, 0));
    Atomics.notify(words, at.CLAIM);
    for (const thread of this.#threads) thread?.end();
  }
}
