// In place of index.ts for hosts without threads: engines of one, however many are asked for.

import type { Engine } from '../generated/declarations.ts';
import { internals as lib } from '../index.ts';
import type { EngineOptions } from '../values/types.ts';
import { MOST_HELPERS } from './control.ts';

export * from '../index.ts';

/** Makes an engine as `createEngine` of the main entry does, of one thread. */
export const createEngine: (options?: EngineOptions) => Engine = /* @__PURE__ */ lib.guard(
  (options: EngineOptions = {}) => lib.makeEngine(options, { crew: () => undefined, most: MOST_HELPERS + 1 }) as Engine,
);
