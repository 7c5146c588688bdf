// The default engine.

import { type FullEngine, engineOf } from './engine.ts';
import { shared } from './shared.ts';

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
export function defaultEngine(): FullEngine {
  const all = shared();
  all.engine ??= engineOf(all.runtime);
  return all.engine as FullEngine;
}
