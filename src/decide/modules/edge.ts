// In place of index.ts under the condition `edge-light`.

import type { Tier } from '../../values/types.ts';
import scalar from './wasm/decide.scalar.wasm?module';
import simd from './wasm/decide.wasm?module';

/** The module for an engine of a tier. */
export const moduleOf = (tier: Tier): WebAssembly.Module => (tier === 'scalar' ? scalar : simd);
