// In place of index.ts in the entry `lossmith/simd`: one tier.

import { simd } from '../../generated/wasm.ts';
import type { Tier } from '../../values/types.ts';
import { only } from './only.ts';
import { knows } from './probe.ts';
import { compile, decode } from './text.ts';

let compiled: WebAssembly.Module | undefined;

/** The module of the simd tier; undefined for relaxed, an error where SIMD is missing or not wanted. */
export function moduleOf(tier: Tier): WebAssembly.Module | undefined {
  return only(tier, () => {
    if (!compiled && knows('simd')) compiled = compile(decode(simd));
    return compiled;
  });
}
