// Two to four classes, whose exponentials stay in registers from one step of a vector of samples to the next: what losses on them
// share. Exponentials are computed before, in a loop of their own: together with what follows, their constants would not fit the
// registers.

import { SURE } from './columns';
import { add, loadSplat, loadV, ne, or, pmax, pmin, storeV, sub, VECTOR } from '../lane/lane';
import { expConstant, expWith, refine } from '../math/exp';
import { tileRow } from './pack';

/** Classes at most. */
export const FEW = 4;

const LIMIT: usize = memory.data<f32>([0.00390625], 16); // SURE: static data takes literals alone

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
