// Engines with everything that they compute, and the one behind the other functions.

import { engineOf, makeEngine } from '../api/engine.ts';
import { shared } from '../api/shared.ts';
import type { Engine } from '../generated/declarations.ts';
import { guard } from '../values/guard.ts';
import type { EngineOptions } from '../values/types.ts';

/**
 * Makes an engine: an own instance of the module with its own memory, and every loss and activation over it.
 *
 * @param options - `tier` ('auto'), `deterministic` (false: true pins 'simd', whose results are the same bits everywhere),
 * `maximumBytes` (4 GiB), `module` (a precompiled WebAssembly.Module), `threads` (1).
 * @returns The engine, synchronously.
 * @throws RangeError for values out of range and for `deterministic` without SIMD; TypeError for the wrong kind.
 * @example
 * import { createEngine } from 'lossmith';
 * const engine = createEngine({ deterministic: true });
 * const logits = engine.from([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]]);
 * engine.crossEntropy(logits, [0, 2]).loss; // => 0.136618
 * engine.dispose();
 */
export const createEngine: (options?: EngineOptions) => Engine = /* @__PURE__ */ guard(
  (options: EngineOptions = {}) => makeEngine(options) as Engine,
);

/**
 * The engine behind the functions of this module, made at the first call and shared by the ESM and CommonJS builds.
 *
 * @returns The engine; its tensors are passed to this module's functions without a copy.
 * @example
 * import { crossEntropy, defaultEngine } from 'lossmith';
 * const logits = defaultEngine().from([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]]);
 * crossEntropy(logits, [0, 2]).loss; // => 0.136618
 * logits.free();
 */
export function defaultEngine(): Engine {
  const all = shared();
  all.engine ??= engineOf(all.runtime);
  return all.engine as Engine;
}
