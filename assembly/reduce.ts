// What all losses do with their terms: sums in float64, sums of logarithms as logarithms of products, and the passes over
// targets and weights that come before the first gradient (a mean needs its denominator first).

import {
  anyOf, exceeds, growHigh, growLow, lanes, loadV, loadW, logOf, ne, select_, splat, storeV, storeW, sumOf, widenAdd, zeroW,
} from './lane';
import { IGNORE, Plan } from './plan';

/**
 * Adds log1p(q), q ≥ 0, to the sum: Q ← q + Q·(1 + q) keeps Π(1 + q) − 1 and with it the digits of every small q, where
 * a product of (1 + q) would round them away. One logarithm for many samples.
 */
// @ts-ignore: decorator
@inline export function addLog(p: Plan, q: f64): void {
  const product = q + p.product * (1 + q);
  p.product = product;
  if (product > 1e290) flushLogs(p); // q stays far below 1e18
}

/** Moves the logarithm of the product into the sum. */
export function flushLogs(p: Plan): void {
  p.sum += Math.log1p(p.product);
  p.product = 0;
}

// The same over lanes: products of two accumulators of type W, 16 bytes apart in memory.

/** Room for the products of the lanes of a V, before the first factor. */
export function openProducts<W>(place: usize): void {
  storeW<W>(place, zeroW<W>());
  storeW<W>(place + 16, zeroW<W>());
}

/** The logarithm of the products, which start anew. */
export function closeProducts<W>(place: usize): f64 {
  const log = logOf<W>(loadW<W>(place)) + logOf<W>(loadW<W>(place + 16));
  openProducts<W>(place);
  return log;
}

/** Multiplies the products by 1 + q. */
// @ts-ignore: decorator
@inline export function growProducts<V, W>(place: usize, q: V): void {
  storeW<W>(place, growLow<V, W>(loadW<W>(place), q));
  storeW<W>(place + 16, growHigh<V, W>(loadW<W>(place + 16), q));
}

/** A product beyond this is to be closed: a factor of 2^400 fits before it overflows. */
const LARGE: f64 = 1e180;

/** Whether any product is large. */
// @ts-ignore: decorator
@inline export function largeProducts<W>(place: usize): bool {
  return exceeds<W>(loadW<W>(place), LARGE) || exceeds<W>(loadW<W>(place + 16), LARGE);
}

/** Adds n losses in the lane array at from (0 past n) to the sum and, where losses are kept, stores them from `sample` on. */
export function addLosses<V, W>(p: Plan, from: usize, sample: i32, n: i32): void {
  let acc = zeroW<W>();
  for (let i = 0; i < n; i += lanes<V>()) acc = widenAdd<V, W>(acc, loadV<V>(from + (i << 2)));
  p.sum += sumOf<W>(acc);
  if (p.loss) copyFloats<V>(from, p.loss + (<usize>sample << 2), n);
}

/** Copies n float32. */
export function copyFloats<V>(from: usize, to: usize, n: i32): void {
  let i = 0;
  for (; i + lanes<V>() <= n; i += lanes<V>()) storeV<V>(to + (i << 2), loadV<V>(from + (i << 2)));
  for (; i < n; i++) store<f32>(to + (i << 2), load<f32>(from + (i << 2)));
}

/** The incoming gradient of a sample times everything that scales gradients. */
// @ts-ignore: decorator
@inline export function upstreamOf(p: Plan, sample: i32): f64 {
  return p.gradOutput ? p.upstream * load<f32>(p.gradOutput + (<usize>sample << 2)) : p.upstream;
}

/** Weight of a sample before class weights: 1 unless sample weights are given. */
// @ts-ignore: decorator
@inline export function sampleWeightOf(p: Plan, sample: i32): f32 {
  return p.sampleWeight ? load<f32>(p.sampleWeight + (<usize>sample << 2)) : 1;
}

/** Checks class indices; adds to count and weightSum. Stops at the first target out of range (bad). */
export function scanIndices(p: Plan): void {
  const n = p.outer * p.inner;
  const classes = <u32>p.classes;
  const ignored = p.ignoreIndex;
  const weighted = (p.weight | p.sampleWeight) != 0;
  let kept = 0;
  let total: f64 = 0;
  let i = 0;
  p.bad = -1;
  if (ASC_FEATURE_SIMD && !weighted) {
    const top = i32x4.splat(classes), skip = i32x4.splat(ignored);
    let skipped = i32x4.splat(0), wrong = skipped;
    for (; i + 4 <= n; i += 4) {
      const t = v128.load(p.target + (<usize>i << 2));
      const ignore = i32x4.eq(t, skip);
      skipped = i32x4.sub(skipped, ignore);
      wrong = v128.or(wrong, v128.andnot(i32x4.ge_u(t, top), ignore));
    }
    if (v128.any_true(wrong)) i = 0; // find it below
    else {
      kept = i - (i32x4.extract_lane(skipped, 0) + i32x4.extract_lane(skipped, 1)
        + i32x4.extract_lane(skipped, 2) + i32x4.extract_lane(skipped, 3));
    }
  }
  for (; i < n; i++) {
    const t = load<i32>(p.target + (<usize>i << 2));
    if (t == ignored) continue;
    if (<u32>t >= classes) {
      p.bad = i;
      return;
    }
    kept++;
    if (weighted) {
      const w: f32 = p.weight ? load<f32>(p.weight + (<usize>t << 2)) : 1;
      total += <f64>w * <f64>sampleWeightOf(p, i);
    }
  }
  p.count += kept;
  p.weightSum += weighted ? total : kept;
}

/** Checks that targets lie in [0, 1] (NaN does not) or mark a missing label; adds to count. */
export function scanUnit(p: Plan): void {
  const n = p.outer * p.classes * p.inner;
  const ignores = (p.flags & IGNORE) != 0;
  const missing = <f32>p.ignoreValue;
  let kept = n;
  let i = 0;
  p.bad = -1;
  if (ASC_FEATURE_SIMD) {
    const zero = f32x4.splat(0), one = f32x4.splat(1), skip = f32x4.splat(missing);
    const skipNaN = i32x4.splat(ignores && missing != missing ? -1 : 0);
    const skips = i32x4.splat(ignores ? -1 : 0);
    let skipped = i32x4.splat(0);
    for (; i + 4 <= n; i += 4) {
      const y = v128.load(p.target + (<usize>i << 2));
      const right = v128.and(f32x4.ge(y, zero), f32x4.le(y, one));
      const ignore = v128.and(skips, v128.or(f32x4.eq(y, skip), v128.and(skipNaN, f32x4.ne(y, y))));
      skipped = i32x4.sub(skipped, ignore);
      if (!i32x4.all_true(v128.or(right, ignore))) break; // the loop below finds it
    }
    kept -= i32x4.extract_lane(skipped, 0) + i32x4.extract_lane(skipped, 1)
      + i32x4.extract_lane(skipped, 2) + i32x4.extract_lane(skipped, 3);
  }
  for (; i < n; i++) {
    const y = load<f32>(p.target + (<usize>i << 2));
    if (ignores && (y == missing || (y != y && missing != missing))) kept--;
    else if (!(y >= 0 && y <= 1)) {
      p.bad = i;
      return;
    }
  }
  p.count += kept;
  p.weightSum += kept;
}

/** Gives every NaN among n float32 the same bits; which ones an instruction makes is up to the machine. */
export function canonicalizeNaN<V>(p: usize, n: i32): void {
  let i = 0;
  for (; i + lanes<V>() <= n; i += lanes<V>(), p += <usize>lanes<V>() << 2) {
    const v = loadV<V>(p);
    const odd = ne<V>(v, v);
    if (anyOf<V>(odd)) storeV<V>(p, select_<V>(splat<V>(reinterpret<f32>(0x7fc00000)), v, odd));
  }
  for (; i < n; i++, p += 4) {
    const v = load<f32>(p);
    if (v != v) store<u32>(p, 0x7fc00000);
  }
}
