// In place of index.ts under the condition `edge-light`: Vercel's edge runtime, and Next.js where it builds for it, import
// compiled modules under this query. No relaxed tier: a development server on Node 20 would fail to compile it, and with it
// the whole function.

import type { Tier } from '../../values/types.ts';
import scalar from './wasm/scalar.wasm?module';
import simd from './wasm/simd.wasm?module';

const MODULES: Partial<Record<Tier, WebAssembly.Module>> = { scalar, simd };

/** The module of a tier; undefined for relaxed. */
export function moduleOf(tier: Tier): WebAssembly.Module | undefined {
  return MODULES[tier];
}
