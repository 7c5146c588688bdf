// The exports of the module: each takes the address of a Plan. V and W are the lane and accumulator types of the tier.

import { elementScratch } from './elements';
import { bceKernel } from './loss/bce';
import { crossEntropyKernel } from './loss/ce';
import { componentKernel, componentScratch } from './loss/component';
import { mseKernel } from './loss/mse';
import { sigmoidKernel } from './loss/sigmoid';
import { softmaxKernel } from './loss/softmax';
import { Plan } from './plan';
import { scanIndices as scanIndicesOf, scanUnit as scanUnitOf } from './reduce';
import { scratchBytes, walksRows } from './walk';

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

/** Scratch bytes of a class loss with the plan's classes, inner and components. */
export function classScratch(p: Plan): usize {
  if (ASC_FEATURE_SIMD) return p.components ? componentScratch<v128>(p) : scratchBytes<v128>(p, walksRows<v128>(p) ? 0 : 2);
  return p.components ? componentScratch<f32>(p) : scratchBytes<f32>(p, walksRows<f32>(p) ? 0 : 2);
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
