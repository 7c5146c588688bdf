// What the module exports beside the kernels of assembly/losses, for which the build writes an entry (build.mjs).

import { Plan } from './plan';
import { scanElements as elementsOf, scanSamples as samplesOf } from './scan';
import { canonicalizeNaN } from './sums';

/** Bytes of a Plan; the build checks its own layout against it. */
export function planBytes(): usize {
  return offsetof<Plan>();
}

/** The tier: 1 simd; 2 in the relaxed module that the build makes of it, 0 in the scalar one that src/machine/lower makes. */
export function tier(): i32 {
  return 1;
}

/** First free byte of linear memory. */
export function heapBase(): usize {
  return __heap_base;
}

/** Checks and counts the samples of a class loss. */
export function scanSamples(p: Plan): void {
  samplesOf(p);
}

/** Checks and counts the elements of an elementwise loss. */
export function scanElements(p: Plan): void {
  elementsOf(p);
}

/** Gives every NaN among n float32 at an address the same bits. */
export function canonicalize(address: usize, n: i32): void {
  canonicalizeNaN(address, n);
}

/** Multiplies n float32 at an address by 2^100, so many times. */
export function amplify(address: usize, n: i32, times: i32): void {
  for (let i = 0; i < n; i++, address += 4) {
    let v = load<f32>(address);
    for (let k = 0; k < times; k++) v *= 1.2676506002282294e30;
    store<f32>(address, v);
  }
}
export * from './linear/naive';
