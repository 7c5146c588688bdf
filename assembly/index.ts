// The exports of the module: each takes the address of a Plan. V and W are the lane and accumulator types of the tier.

import { elementScratch } from './elements';
import { bceKernel } from './loss/bce';
import { crossEntropyKernel } from './loss/ce';
import { componentKernel, componentScratch } from './loss/component';
import { mseKernel } from './loss/mse';
import { sigmoidKernel } from './loss/sigmoid';
import { softmaxKernel } from './loss/softmax';
import { INDICES, Plan } from './plan';
import { canonicalizeNaN, scanIndices as scanIndicesOf, scanUnit as scanUnitOf } from './reduce';
import { rowScratchBytes, scratchBytes, walksRows } from './walk';

/** Bytes of a Plan; the build checks its own layout against it. */
export function planBytes(): usize {
  return offsetof<Plan>();
}

/** The tier of this build: 0 scalar, 1 simd, 2 relaxed. */
export function tier(): i32 {
  if (ASC_FEATURE_RELAXED_SIMD) return 2;
  return ASC_FEATURE_SIMD ? 1 : 0;
}

/** First free byte of linear memory. */
export function heapBase(): usize {
  return __heap_base;
}

/** Scratch bytes of a class loss with the plan's classes, inner, strides, components and flags. */
export function classScratch(p: Plan): usize {
  return ASC_FEATURE_SIMD ? classScratchOf<v128>(p) : classScratchOf<f32>(p);
}

function classScratchOf<V>(p: Plan): usize {
  if (p.components) return componentScratch<V>(p);
  return walksRows<V>(p) ? rowScratchBytes<V>(p) : scratchBytes<V>(p, p.flags & INDICES ? 2 : 3);
}

/** Scratch bytes of an elementwise loss. */
export function elementwiseScratch(p: Plan): usize {
  return elementScratch();
}

export function crossEntropy(p: Plan): void {
  if (ASC_FEATURE_SIMD) crossEntropyKernel<v128, v128>(p);
  else crossEntropyKernel<f32, f64>(p);
}

export function componentCrossEntropy(p: Plan): void {
  if (ASC_FEATURE_SIMD) componentKernel<v128, v128>(p);
  else componentKernel<f32, f64>(p);
}

export function bceWithLogits(p: Plan): void {
  if (ASC_FEATURE_SIMD) bceKernel<v128, v128>(p);
  else bceKernel<f32, f64>(p);
}

export function mse(p: Plan): void {
  if (ASC_FEATURE_SIMD) mseKernel<v128, v128>(p);
  else mseKernel<f32, f64>(p);
}

export function softmax(p: Plan): void {
  if (ASC_FEATURE_SIMD) softmaxKernel<v128, v128>(p);
  else softmaxKernel<f32, f64>(p);
}

export function sigmoid(p: Plan): void {
  if (ASC_FEATURE_SIMD) sigmoidKernel<v128>(p);
  else sigmoidKernel<f32>(p);
}

export function scanIndices(p: Plan): void {
  scanIndicesOf(p);
}

export function scanUnit(p: Plan): void {
  scanUnitOf(p);
}

/** Gives every NaN among n float32 at an address the same bits. */
export function canonicalize(address: usize, n: i32): void {
  if (ASC_FEATURE_SIMD) canonicalizeNaN<v128>(address, n);
  else canonicalizeNaN<f32>(address, n);
}
