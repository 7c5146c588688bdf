// In place of index.ts in the entry `lossmith/simd`, where edge.ts is elsewhere.

import type { Tier } from '../../values/types.ts';
import { only } from './only.ts';
import simd from './wasm/simd.wasm?module';

/** The module of the simd tier; undefined for relaxed, an error where SIMD is not wanted. */
export function moduleOf(tier: Tier): WebAssembly.Module | undefined {
  return only(tier, () => simd);
}
