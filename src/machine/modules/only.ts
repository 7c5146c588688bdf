// The ladder of tiers where it has one rung.

import type { Tier } from '../../values/types.ts';

/** The module of the simd tier; undefined for the tiers above it, an error in place of the one below. */
export function only(tier: Tier, simd: () => WebAssembly.Module | undefined): WebAssembly.Module | undefined {
  if (tier !== 'scalar') return tier === 'simd' ? simd() : undefined;
  throw new RangeError(
    "lossmith/simd: expected WebAssembly SIMD, which is missing here or not wanted: import 'lossmith'",
  );
}
