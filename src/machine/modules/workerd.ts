// In place of index.ts under the condition `workerd`: Cloudflare's runtime compiles no bytes in a handler, but imports
// modules that it compiled at deployment.

import type { Tier } from '../../values/types.ts';
import relaxed from './wasm/relaxed.wasm';
import scalar from './wasm/scalar.wasm';
import simd from './wasm/simd.wasm';

const MODULES = { scalar, simd, relaxed } as const;

/** The module of a tier. */
export function moduleOf(tier: Tier): WebAssembly.Module | undefined {
  return MODULES[tier];
}
