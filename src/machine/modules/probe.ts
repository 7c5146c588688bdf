// What the runtime can compile.

import type { Tier } from '../../values/types.ts';

/**
 * Modules of one function that uses what a tier needs, so that the tiers that do not run are never decoded:
 * i32.const 0, i8x16.splat, and for relaxed three of them into f32x4.relaxed_madd; then drop.
 */
const HEAD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10];
const SPLAT = [65, 0, 253, 15];
const PROBES = {
  scalar: [0, 97, 115, 109, 1, 0, 0, 0],
  simd: [...HEAD, 9, 1, 7, 0, ...SPLAT, 26, 11],
  relaxed: [...HEAD, 20, 1, 18, 0, ...SPLAT, ...SPLAT, ...SPLAT, 253, 133, 2, 26, 11],
} as const;

/** Whether the runtime knows the instructions of a tier. */
export const knows = (tier: Tier): boolean => WebAssembly.validate(Uint8Array.from(PROBES[tier]));
