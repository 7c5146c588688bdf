// The threads of an engine, and rounds of work for them. The one that calls takes chunks like the others, so that a call needs
// nobody: helpers that are not there yet, asleep or dead only leave more of them to it. What it has to wait for is a chunk that a
// helper has begun.

import { PLAN_BYTES } from '../generated/plan.ts';
import type { Kernel } from '../machine/instance.ts';
import type { LinearMemory } from '../machine/memory.ts';
import type { Runtime } from '../machine/runtime.ts';
import { type Machine, runChunk, Views } from './chunk.ts';
import * as at from './control.ts';
import { spawn, type Thread } from './spawn.ts';
import type { Setup } from './worker.ts';

/** Milliseconds without progress after which helpers are given up. */
const LIMIT = 2000;
/** How often this thread looks whether helpers are done before it sleeps. */
const PATIENCE = 20000;

/** Whether this thread may sleep; that of a browser's page may not. */
function mayWait(words: Int32Array): boolean {
  try {
    Atomics.wait(words, at.CLAIM, Atomics.load(words, at.CLAIM) ^ 1, 0);
    return true;
  } catch {
    return false;
  }
}

/** Linear memory that helpers use, kept from call to call. */
export class Room {
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

/** The helpers of an engine. Nothing that the host holds because of them leads to the engine, which so can be collected. */
interface Workers {
  readonly threads: (Thread | undefined)[];
  /** Those that said that they are there. */
  readonly here: Set<number>;
  /** Those that failed or have ended. */
  readonly gone: Set<number>;
  readonly words: Int32Array;
}

/** Starts a helper; resolves when it is there, or gone. */
function start({ threads, here, gone }: Workers, helper: number, setup: Setup): Promise<void> {
  return new Promise((settle) => {
    const left = (): void => {
      gone.add(helper);
      settle();
    };
    const ready = (): void => {
      here.add(helper);
      threads[helper]?.hold(false);
      settle();
    };
    try {
      threads[helper] = spawn(setup, { ready, gone: left });
    } catch {
      left(); // a policy forbids it
    }
  });
}

/** Ends all helpers. */
function end({ threads, words }: Workers): void {
  Atomics.store(words, at.QUIT, 1);
  Atomics.store(words, at.CLAIM, at.claimOf(at.roundOf(Atomics.load(words, at.CLAIM)) + 1, 0, 0));
  Atomics.notify(words, at.CLAIM);
  for (const thread of threads) thread?.end();
}

/** Ends the helpers of engines that nobody has any more, whether as the engine or as a function, tensor or step of it. */
const dropped = typeof FinalizationRegistry === 'function' ? new FinalizationRegistry<Workers>(end) : undefined;

export class Rounds {
  readonly control = at.Control.make();
  readonly #runtime: Runtime;
  readonly #workers: Workers = { threads: [], here: new Set(), gone: new Set(), words: this.control.words };
  readonly #names: readonly string[];
  readonly #machine: Machine;
  readonly #views: Views;
  readonly #waits: boolean;
  readonly #started: Promise<void>;
  readonly #room: Room;
  #round = 0;
  #over = false;

  constructor(runtime: Runtime, module: WebAssembly.Module, count: number) {
    const { kernels } = runtime;
    const { memory } = kernels;
    const exports = kernels as unknown as Readonly<Record<string, Kernel>>;
    this.#runtime = runtime;
    this.#names = WebAssembly.Module.exports(module).flatMap(({ name, kind }) => (kind === 'function' ? [name] : []));
    this.#machine = {
      memory,
      kernels: this.#names.map((name) => exports[name] as Machine['kernels'][number]),
      canonicalize: kernels.canonicalize,
    };
    this.#views = new Views(memory);
    this.#room = new Room(runtime.memory);
    this.#waits = mayWait(this.#words);
    const setup = { shared: this.control.shared, module, memory, names: this.#names };
    const starts = Array.from({ length: count }, (_, helper) =>
      start(this.#workers, helper, { ...setup, helper, plan: runtime.memory.take(PLAN_BYTES) }),
    );
    this.#started = Promise.all(starts).then(() => undefined);
    dropped?.register(runtime, this.#workers);
  }

  get #words(): Int32Array {
    return this.#workers.words;
  }

  #isReady(helper: number): boolean {
    return !this.#workers.gone.has(helper) && Atomics.load(this.#words, at.READY + helper) === 1;
  }

  #hasEnded(helper: number): boolean {
    return this.#workers.threads[helper]?.ended !== false;
  }

  get threads(): number {
    if (this.#over) return 1;
    return 1 + this.#workers.threads.filter((_, helper) => this.#isReady(helper)).length;
  }

  get ready(): Promise<void> {
    // who waits for helpers wants the process to live until they have said that they are there; that they take chunks is no sign
    const { threads, here } = this.#workers;
    for (const [helper, thread] of threads.entries()) if (!here.has(helper)) thread?.hold(true);
    return this.#started;
  }

  /** The number of a kernel. */
  numberOf(name: string): number {
    return this.#names.indexOf(name);
  }

  /** How many helpers there is scratch for, of so many bytes each and at most so many for all threads. */
  helpersFor(room: number, most: number): number {
    if (this.threads === 1) return 0;
    const count = Math.min(this.#workers.threads.length, Math.floor(most / Math.max(64, room)) - 1);
    return count > 0 && this.#room.have(count * room) ? count : 0;
  }

  /** Says who takes part in rounds from here on, each with so many bytes of scratch, and which kernel runs. */
  describe(kernel: number, helpers: number, room: number): void {
    const words = this.#words;
    const pages = this.#runtime.memory.bytesReserved / 65536;
    this.#views.renew(pages);
    words[at.KERNEL] = kernel;
    words[at.HELPERS] = helpers;
    words[at.ROOM_AT] = this.#room.start;
    words[at.ROOM_BYTES] = room;
    words[at.PAGES] = pages;
  }

  /** Takes a round of chunks through the kernel; `plan` and `scratch` are those of this thread. */
  run(count: number, plan: number, scratch: number): void {
    this.#open(count);
    this.#take(plan, scratch);
    this.#await(at.DONE, (done) => done === count);
  }

  /** Opens a round. */
  #open(count: number): void {
    const words = this.#words;
    this.#round = (this.#round + 1) % at.NUMBERS;
    // before a number comes again, nobody may be left who has seen the last round of that number
    if (this.#round === 0) {
      for (const helper of this.#workers.threads.keys()) {
        if (!this.#hasEnded(helper)) this.#await(at.HOLDS + helper, (holds) => holds === 0);
      }
    }
    Atomics.store(words, at.DONE, 0);
    Atomics.store(words, at.CLAIM, at.claimOf(this.#round, 0, count));
    if (Atomics.load(words, at.SLEEPERS) > 0) Atomics.notify(words, at.CLAIM);
  }

  /** Takes chunks as long as there are some. */
  #take(plan: number, scratch: number): void {
    const words = this.#words;
    const each = (chunk: number): void => runChunk(this.control, chunk, this.#machine, this.#views, plan, scratch);
    for (;;) {
      const claim = Atomics.load(words, at.CLAIM);
      if (!at.leaves(claim)) return;
      Atomics.add(words, at.DONE, at.take(words, claim, false, each));
    }
  }

  /** Waits until a word is as it should be: awake for a while, then asleep, as long as it changes now and then. */
  #await(place: number, right: (word: number) => boolean): void {
    const words = this.#words;
    for (let i = 0; i < PATIENCE; i++) if (right(Atomics.load(words, place))) return;
    Atomics.store(words, at.WAITING, 1);
    let last: number | undefined;
    let since = 0;
    for (;;) {
      const word = Atomics.load(words, place);
      if (right(word)) break;
      const now = performance.now();
      if (word !== last) since = now;
      last = word;
      if (now - since > LIMIT) this.#giveUp();
      if (this.#waits) Atomics.wait(words, place, word, 20);
    }
    Atomics.store(words, at.WAITING, 0);
  }

  /** Goes on with one thread. What a helper may still write is not handed out again before it has ended. */
  #giveUp(): never {
    this.dispose();
    this.#runtime.memory.keepWhile(() =>
      this.#workers.threads.some(
        (_, helper) => !this.#hasEnded(helper) && Atomics.load(this.#words, at.HOLDS + helper) === 1,
      ),
    );
    throw new Error(
      `lossmith: the helpers of this engine made no progress for ${LIMIT / 1000} s; out may be partly written, and the engine goes on with one thread`,
    );
  }

  dispose(): void {
    this.#over = true;
    end(this.#workers);
  }
}
