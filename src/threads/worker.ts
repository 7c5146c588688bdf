// What the helpers run, as text within the entry (src/generated/worker.ts). It waits in JavaScript and not within kernels: V8 11.3
// loses a local variable where compiled code goes on after a wait.

import { PLAN, PLAN_BYTES } from '../generated/plan.ts';
import { type Machine, runChunk, Views } from './chunk.ts';
import * as at from './control.ts';

/** What a helper is given. */
export interface Setup {
  readonly shared: SharedArrayBuffer;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Names of the kernels, in order. */
  readonly names: readonly string[];
  /** Which helper it is, and the address of its plan. */
  readonly helper: number;
  readonly plan: number;
}

/** How often a helper looks for work before it sleeps: some two milliseconds, in which the next call of a loop comes. */
const PATIENCE = 400000;

type Exports = Readonly<Record<string, (...args: readonly number[]) => unknown>>;

/** Helps until there is nothing more to come; `tell` when it can. */
export function help({ shared, module, memory, names, helper, plan }: Setup, tell: () => void): void {
  const control = new at.Control(shared);
  const { words } = control;
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
  const machine: Machine = {
    memory,
    kernels: names.map((name) => exports[name] as Machine['kernels'][number]),
    canonicalize: exports.canonicalize as Machine['canonicalize'],
  };
  const views = new Views(memory);
  /** The round that this thread's plan is of. */
  let mine = -1;
  let scratch = 0;

  /** Copies the plan of a round; false where it has none for this helper. */
  const open = (round: number): boolean => {
    if (helper >= (words[at.HELPERS] as number) || !views.renew(words[at.PAGES] as number)) return false;
    const { i32 } = views;
    const from = ((words[at.PLAN_AT] as number) >>> 0) / 4;
    scratch = (words[at.ROOM_AT] as number) + helper * (words[at.ROOM_BYTES] as number);
    if (from > 0) {
      i32.copyWithin(plan / 4, from, from + PLAN_BYTES / 4);
      i32[plan / 4 + PLAN.scratch] = scratch;
    }
    mine = round;
    return true;
  };

  const each = (chunk: number): void => runChunk(control, chunk, machine, views, plan, scratch);

  /** Takes chunks as long as there are some. */
  const work = (): void => {
    for (;;) {
      const claim = Atomics.load(words, at.CLAIM);
      if (!at.leaves(claim) || (at.roundOf(claim) !== mine && !open(at.roundOf(claim)))) return;
      const count = at.take(words, claim, helper % 2 === 0, each);
      if (count === 0) continue;
      Atomics.add(words, at.DONE, count);
      if (Atomics.load(words, at.WAITING) > 0) Atomics.notify(words, at.DONE);
    }
  };

  Atomics.store(words, at.READY + helper, 1);
  tell();
  for (let idle = 0; Atomics.load(words, at.QUIT) === 0; idle++) {
    const claim = Atomics.load(words, at.CLAIM);
    if (at.leaves(claim)) {
      Atomics.store(words, at.HOLDS + helper, 1);
      work();
      Atomics.store(words, at.HOLDS + helper, 0);
      if (Atomics.load(words, at.WAITING) > 0) Atomics.notify(words, at.HOLDS + helper);
      if (at.roundOf(claim) === mine) idle = 0;
    }
    if (idle < PATIENCE) continue;
    Atomics.add(words, at.SLEEPERS, 1);
    Atomics.wait(words, at.CLAIM, claim);
    Atomics.sub(words, at.SLEEPERS, 1);
    idle = 0;
  }
}
