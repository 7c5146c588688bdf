// Two to four classes, whose exponentials stay in registers from one step of a vector of samples to the next: what losses on them
// share. Exponentials are computed before, in a loop of their own: together with what follows, their constants would not fit the
// registers.

import { SURE } from './columns';
import { add, LANES, loadSplat, loadV, ne, or, pmax, pmin, splat, storeV, sub, VECTOR } from '../lane/lane';
import { sumOf, zeroW } from '../lane/wide';
import { expConstant, expWith, refine } from '../math/exp';
import { Plan } from '../plan';
import { closeProducts, openProducts } from '../sums';
import { tileRow } from './pack';
import { AWAY, REST, TARGET } from './samples';
import { laneArray, Walk } from './walk';

/** Classes at most. */
export const FEW = 4;

const LIMIT: usize = memory.data<f32>([0.00390625], 16); // SURE: static data takes literals alone

/** 1/2. */
export const HALF: usize = memory.data<f32>([0.5], 16);

/** SURE in every lane, loaded, so that V8 does not make it anew each turn of a loop. */
// @ts-ignore: decorator
@inline export function sureLimit(): v128 {
  if (SURE != 0.00390625) ERROR('LIMIT is not SURE');
  return loadSplat(LIMIT);
}

/** The maxima of n samples, to the array at `to`; rows of samples at x, `step` bytes apart. */
export function maxima(x: usize, step: usize, classes: i32, n: i32, to: usize): void {
  for (let at: usize = 0; at < <usize>n << 2; at += VECTOR) {
    let m = pmax(loadV(x + at), loadV(x + step + at));
    if (classes > 2) m = pmax(m, loadV(x + 2 * step + at));
    if (classes > 3) m = pmax(m, loadV(x + 3 * step + at));
    storeV(to + at, m);
  }
}

/** The e^(x−m) of n samples, to the rows of a tile. */
export function expRows(x: usize, step: usize, to: usize, classes: i32, n: i32, tops: usize): void {
  const k0 = expConstant(0), k1 = expConstant(1), k2 = expConstant(2), k3 = expConstant(3);
  const k4 = expConstant(4), k5 = expConstant(5), k6 = expConstant(6), k7 = expConstant(7);
  const k8 = expConstant(8), k10 = expConstant(10);
  for (let c = 0; c < classes; c++, x += step, to += tileRow()) {
    // two columns a turn (columns.ts); what one past the last sample holds is never used
    for (let at: usize = 0; at < <usize>n << 2; at += 2 * VECTOR) {
      const d0 = sub(loadV(x + at), loadV(tops + at)), d1 = sub(loadV(x + at + VECTOR), loadV(tops + at + VECTOR));
      storeV(to + at, expWith(d0, k0, k1, k2, k3, k4, k5, k6, k7, k8, k10));
      storeV(to + at + VECTOR, expWith(d1, k0, k1, k2, k3, k4, k5, k6, k7, k8, k10));
    }
  }
}

/**
 * q: the sum of four exponentials but for one that is 1, the largest: pairs are put in order, so that it is left over. NaN where
 * one is: a pair with NaN stays one in some order (pmin and pmax return their first argument then).
 */
// @ts-ignore: decorator
@inline export function others(a: v128, b: v128, c: v128, d: v128): v128 {
  const more = pmax(b, a), most = pmax(d, c);
  const rest = add(add(pmin(a, b), pmin(c, d)), pmin(more, most)), top = pmax(most, more);
  return or(rest, ne(top, top));
}

/** The exponential of the logits at x, refined. */
// @ts-ignore: decorator
@inline export function refineAt(e: v128, x: usize, m: v128): v128 {
  const v = loadV(x);
  return refine(e, v, m, sub(v, m));
}

/** Where the targets of the last n samples of a tile are; lanes past the last one are idle. */
// @ts-ignore: decorator
@inline export function targetsAt(p: Plan, t: Walk, n: i32, apart: bool): usize {
  const i = <usize>(t.n - n) << 2;
  if (apart) return laneArray(p, TARGET) + i;
  return n < LANES ? lastTargets(p, t, n) : p.indices + (<usize>t.sample << 2) + i;
}

function lastTargets(p: Plan, t: Walk, n: i32): usize {
  const to = laneArray(p, TARGET), from = p.indices + (<usize>(t.sample + t.n - n) << 2);
  for (let i = 0; i < LANES; i++) {
    const at = <usize>i << 2;
    store<i32>(to + at, i < n ? load<i32>(from + at) : p.ignoreIndex);
  }
  return to;
}

/** Smoothing by ε gives each class the share ε/C of a sample, and its target what is kept, 1 − ε, beside. */
@unmanaged
export class Smooth extends Plan {
  // @ts-ignore: decorator
  @inline share(): v128 {
    return splat(<f32>(this.p0 / this.total));
  }

  // @ts-ignore: decorator
  @inline kept(): v128 {
    return splat(<f32>(1 - this.p0));
  }
}

// The loss of a sample is log(1 + q) + 2·away, away being half of m − x of its target: the logarithms of many are one, of a
// product (sums.ts), and what is away adds up behind it. Loops hold both in registers: in memory they cost a tenth of [8, 3, 47].

/** Bytes from the products to the sum of what is away. */
export const BEHIND: usize = 32;

/** Begins sums. */
export function openTogether(products: usize): void {
  openProducts(products);
  storeV(products + BEHIND, zeroW());
}

/** The losses together. */
export function closeTogether(products: usize): f64 {
  const sum = closeProducts(products) - 2 * sumOf(loadV(products + BEHIND));
  storeV(products + BEHIND, zeroW());
  return sum;
}

/** Keeps a vector of samples whose losses are computed one by one. */
// @ts-ignore: decorator
@inline export function keepApart(p: Plan, at: usize, q: v128, gap: v128): void {
  storeV(laneArray(p, REST) + at, q);
  storeV(laneArray(p, AWAY) + at, gap);
}
