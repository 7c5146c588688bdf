// Engines of more than one thread.

import type { Crew } from '../api/engine.ts';
import type { Engine } from '../generated/declarations.ts';
import { internals as lib } from '../index.ts';
import type { EngineOptions } from '../values/types.ts';
import { MOST_HELPERS } from './control.ts';
import { share } from './share.ts';
import { sharing } from './spawn.ts';
import { Helpers } from './team.ts';

const PAGE = 65536;
/** Pages of 4 GiB, and what is tried where a host has no room for so many. */
const MOST = [65536, 32768, 16384, 8192];

const modules = new Map<string, { module: WebAssembly.Module; pages: number }>();

/** The module of a tier whose memory is shared. */
function moduleOf(tier: 'scalar' | 'simd' | 'relaxed') {
  const found = modules.get(tier);
  if (found) return found;
  const { bytes, pages } = share(lib.bytesOf(tier));
  const made = { module: lib.compile(bytes), pages };
  modules.set(tier, made);
  return made;
}

/** A memory that threads share; undefined where there is none. */
function memoryOf(initial: number, limit: number): WebAssembly.Memory | undefined {
  for (const most of MOST) {
    try {
      return new WebAssembly.Memory({ initial, maximum: Math.max(initial, Math.min(most, limit)), shared: true });
    } catch {
      // the host has less address space
    }
  }
  return undefined;
}

/** What makes an engine of threads; undefined where the runtime has none. */
const crew: Crew = ({ tier: wanted, threads, maximumBytes = 1 / 0, module }) => {
  if (threads === 1 || module || !sharing()) return undefined;
  const tier = lib.LADDER.slice(wanted === 'auto' ? 0 : lib.LADDER.indexOf(wanted)).find((each) => lib.knows(each));
  if (tier === undefined) return undefined;
  const { module: shared, pages } = moduleOf(tier);
  const memory = memoryOf(pages, Math.floor(maximumBytes / PAGE));
  if (!memory) return undefined;
  return {
    module: shared,
    imports: { env: { memory } },
    team: (runtime) => new Helpers(runtime, shared, threads - 1),
  };
};

/**
 * Makes an engine of several threads: as `createEngine` of the main entry, and `threads` may be more than 1.
 *
 * Large calls are cut at places that do not depend on the number of threads, so that every result is the same bits as with one.
 * They gain most on tensors of the engine: arrays are copied by the thread that calls, and elementwise losses of arrays, which
 * are mostly that, stay on it. Helpers start behind the scenes: `engine.ready` is a promise for them, `engine.threads` says how
 * many threads there are, and calls before that run on one. Where threads cannot share memory (browsers without cross-origin
 * isolation, hosts without workers), it stays 1.
 *
 * @param options - as for `createEngine` of the main entry; `threads`: 1 (the default) to 128.
 * @returns The engine, synchronously.
 * @throws RangeError for values out of range and for `deterministic` without SIMD; TypeError for the wrong kind. A call throws
 * an Error where helpers that it waits for make no progress for 2 s; the engine then goes on with one thread.
 * @example
 * import { createEngine } from 'lossmith/threads';
 * const engine = createEngine({ threads: 2 });
 * await engine.ready;
 * const logits = engine.from([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]]);
 * engine.crossEntropy(logits, [0, 2]).loss; // => 0.136618
 * engine.dispose();
 */
export const createEngine: (options?: EngineOptions) => Engine = /* @__PURE__ */ lib.guard(
  (options: EngineOptions = {}) => lib.makeEngine(options, { crew, most: MOST_HELPERS + 1 }) as Engine,
);
