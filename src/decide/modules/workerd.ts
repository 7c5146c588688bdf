// In place of index.ts under the condition `workerd`.

import type { Tier } from '../../values/types.ts';
import scalar from './wasm/decide.scalar.wasm';
import simd from './wasm/decide.wasm';

/** The module for an engine of a tier. */
export const moduleOf = (tier: Tier): WebAssembly.Module => (tier === 'scalar' ? scalar : simd);
