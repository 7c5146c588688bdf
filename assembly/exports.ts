// What the module exports beside the kernels of assembly/losses, for which the build writes an entry (build.mjs).

import { columnSums } from './linear/columns';
import { logits } from './linear/dots';
import { OUTER_SCRATCH, outer } from './linear/outer';
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

/** Multiplies n float32 at an address by 2^100, so many times, or divides them where `times` is below 0. */
export function amplify(address: usize, n: i32, times: i32): void {
  const by: f32 = times < 0 ? 7.888609052210118e-31 : 1.2676506002282294e30;
  for (let i = 0; i < n; i++, address += 4) {
    let v = load<f32>(address);
    for (let k = abs(times); k > 0; k--) v *= by;
    store<f32>(address, v);
  }
}

/** Logits: out[i·ldo + j] = b[j] + Σ x[i, k]·w[j, k] over n rows of x and c of w, each of d float32; b may be 0. */
export function linearLogits(x: usize, w: usize, b: usize, out: usize, n: i32, c: i32, d: i32, ldo: i32): void {
  logits(x, w, b, out, n, c, d, <usize>ldo << 2);
}

/** Input gradient: out[i, k] (+)= Σ g[i·ldg + j]·w[j, k] over c classes; first ≠ 0: out is written, not added to. */
export function linearInput(g: usize, w: usize, out: usize, n: i32, c: i32, d: i32, ldg: i32, first: i32, scratch: usize): void {
  outer(g, <usize>ldg << 2, 4, w, out, n, c, d, first != 0, scratch);
}

/** Weight gradient: out[j, k] (+)= Σ g[i·ldg + j]·x[i, k] over n rows; first ≠ 0: out is written, not added to. */
export function linearWeight(g: usize, x: usize, out: usize, n: i32, c: i32, d: i32, ldg: i32, first: i32, scratch: usize): void {
  outer(g, 4, <usize>ldg << 2, x, out, c, n, d, first != 0, scratch);
}

/** Bias gradient: c float64 at sums (+)= Σ g[i·ldg + j] over n rows; first ≠ 0: sums are written, not added to. */
export function linearBias(g: usize, sums: usize, n: i32, c: i32, ldg: i32, first: i32): void {
  columnSums(g, sums, n, c, <usize>ldg << 2, first != 0);
}

/** Bytes of scratch that linearInput and linearWeight need. */
export function linearScratch(): usize {
  return OUTER_SCRATCH;
}
