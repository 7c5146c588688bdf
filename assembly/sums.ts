// What operations do with their terms: sums in float64, sums of logarithms as logarithms of products.

import { anyOf, LANES, loadV, ne, select_, splat, storeV } from './lane/lane';
import { exceeds, firstOf2, growHigh, growLow, secondOf2, sumOf, widenAdd, zeroW } from './lane/wide';
import { log1pDouble } from './math/log';
import { Plan } from './plan';

// Q ← q + Q·(1 + q) keeps Π(1 + q) − 1, q ≥ 0, and with it the digits of every small q, where a product of (1 + q) would round
// them away: one logarithm, log1p(Q), for many samples. The products of the lanes of a V are two accumulators of type W, 16
// bytes apart in memory.

/** Room for the products of the lanes of a V, before the first factor. */
export function openProducts(place: usize): void {
  storeV(place, zeroW());
  storeV(place + 16, zeroW());
}

/** Products up to this may be multiplied by three others like them. */
const SMALL: f64 = 1e75;

/** The logarithms of 1 + all lanes of two accumulators, added up: mostly one, which for few values is half of their time. */
export function logAll(low: v128, high: v128): f64 {
  const a = firstOf2(low), b = secondOf2(low), c = firstOf2(high), d = secondOf2(high);
  if (!(Math.max(Math.max(a, b), Math.max(c, d)) < SMALL)) return log1pDouble(a) + log1pDouble(b) + log1pDouble(c) + log1pDouble(d);
  const first = a + b * (1 + a), second = c + d * (1 + c);
  return log1pDouble(first + second * (1 + first));
}

/** The logarithm of the products, which start anew. */
export function closeProducts(place: usize): f64 {
  const log = logAll(loadV(place), loadV(place + 16));
  openProducts(place);
  return log;
}

/** Multiplies the products by 1 + q. */
// @ts-ignore: decorator
@inline export function growProducts(place: usize, q: v128): void {
  storeV(place, growLow(loadV(place), q));
  storeV(place + 16, growHigh(loadV(place + 16), q));
}

/** A product beyond this is to be closed: a factor of 2^400 fits before it overflows. */
export const LARGE: f64 = 1e180;

/** Whether any product is large. */
// @ts-ignore: decorator
@inline export function largeProducts(place: usize): bool {
  return exceeds(loadV(place), LARGE) || exceeds(loadV(place + 16), LARGE);
}

/** The sum of n float32 (0 past n, up to a whole vector) in float64. */
export function sumFloats(from: usize, n: i32): f64 {
  let acc = zeroW();
  for (let i = 0; i < n; i += LANES) acc = widenAdd(acc, loadV(from + (<usize>i << 2)));
  return sumOf(acc);
}

/** Adds n losses in the lane array at from (0 past n) to the sum and, where losses are kept, stores them from `sample` on. */
export function addLosses(p: Plan, from: usize, sample: i32, n: i32): void {
  p.sum += sumFloats(from, n);
  if (p.loss) copyFloats(from, p.loss + (<usize>sample << 2), n);
}

/** Copies n float32. */
export function copyFloats(from: usize, to: usize, n: i32): void {
  let i = 0;
  for (; i + LANES <= n; i += LANES) storeV(to + (<usize>i << 2), loadV(from + (<usize>i << 2)));
  for (; i < n; i++) store<f32>(to + (<usize>i << 2), load<f32>(from + (<usize>i << 2)));
}

/** Gives every NaN among n float32 the same bits; which ones an instruction makes is up to the machine. */
export function canonicalizeNaN(p: usize, n: i32): void {
  let i = 0;
  for (; i + LANES <= n; i += LANES, p += <usize>LANES << 2) {
    const v = loadV(p);
    const odd = ne(v, v);
    if (anyOf(odd)) storeV(p, select_(splat(reinterpret<f32>(0x7fc00000)), v, odd));
  }
  for (; i < n; i++, p += 4) {
    const v = load<f32>(p);
    if (v != v) store<u32>(p, 0x7fc00000);
  }
}
