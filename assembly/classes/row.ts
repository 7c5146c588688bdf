// Passes over the classes of one sample that lie side by side, vectors along them. Long sums have two levels (short float32
// runs, added up in float64), which holds their error near that of one rounding.

import {
  add, and, clear, eq, lanes, loadV, madd, maxOf, mul, ne, nmadd, pmax, splat, storeV, sub, tallied, tally,
} from '../lane/lane';
import { loadSome, storeSome } from '../lane/place';
import { sumOf, widenAdd, zeroW } from '../lane/wide';
import { exp, expConstant, expWith, refine } from '../math/exp';
import { SURE } from './columns';
import { Walk } from './walk';

/** Vectors per turn of the long loops, summed into two accumulators. */
const UNROLL = 2;
/** Turns of a long loop before its float32 sums go to float64. */
const RUN = 16;

/** max x over a row; a NaN may be passed over (the exponential brings it back). */
export function maxRow<V>(x: usize, n: i32): f32 {
  const step = lanes<V>();
  let a = splat<V>(-Infinity), b = a;
  while (n >= 2 * step) {
    a = pmax<V>(a, loadV<V>(x));
    b = pmax<V>(b, loadV<V>(x + 4 * step));
    x += 8 * step;
    n -= 2 * step;
  }
  for (; n > 0; n -= step, x += 4 * step) a = pmax<V>(a, loadSome<V>(x, n, -Infinity));
  return maxOf<V>(pmax<V>(a, b));
}

/**
 * q = Σ e^(x−m) − 1 over a row whose maximum is m, that maximum kept out of the sum; the e^(x−m) go to e if it is not 0.
 * Where q is small, its terms are refined: the error of x − m only shows where nothing larger covers it.
 */
export function expRow<V, W>(x: usize, e: usize, n: i32, m: f32): f64 {
  const k0 = expConstant<V>(0), k1 = expConstant<V>(1), k2 = expConstant<V>(2), k3 = expConstant<V>(3);
  const k4 = expConstant<V>(4), k5 = expConstant<V>(5), k6 = expConstant<V>(6), k7 = expConstant<V>(7);
  const k8 = expConstant<V>(8), k9 = expConstant<V>(9), k10 = expConstant<V>(10);
  const step = lanes<V>();
  const top = splat<V>(m), zero = splat<V>(0);
  const start = x, length = n, out = e;
  let rest = zeroW<W>();
  let ties = zero;
  while (n >= UNROLL * step) {
    let sum0 = zero, sum1 = zero;
    let turns = min(n / (UNROLL * step), RUN);
    n -= turns * UNROLL * step;
    for (; turns > 0; turns--) {
      const d0 = sub<V>(loadV<V>(x), top), d1 = sub<V>(loadV<V>(x + 4 * step), top);
      const e0 = expWith<V>(d0, k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10);
      const e1 = expWith<V>(d1, k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10);
      if (e) {
        storeV<V>(e, e0);
        storeV<V>(e + 4 * step, e1);
        e += 8 * step;
      }
      const same0 = eq<V>(d0, zero), same1 = eq<V>(d1, zero);
      sum0 = add<V>(sum0, clear<V>(e0, same0));
      sum1 = add<V>(sum1, clear<V>(e1, same1));
      ties = tally<V>(tally<V>(ties, same0), same1);
      x += 8 * step;
    }
    rest = widenAdd<V, W>(rest, add<V>(sum0, sum1));
  }
  for (; n > 0; n -= step, x += 4 * step) {
    const d = sub<V>(loadSome<V>(x, n, -Infinity), top);
    const v = expWith<V>(d, k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10);
    if (e) {
      storeSome<V>(e, v, n);
      e += 4 * step;
    }
    const same = eq<V>(d, zero);
    rest = widenAdd<V, W>(rest, clear<V>(v, same));
    ties = tally<V>(ties, same);
  }
  const q = sumOf<W>(rest) + <f64>(tallied<V>(ties) - 1);
  return q < SURE ? refineRow<V, W>(start, out, length, top) : q;
}

/** q of a sure row, whose only maximum is m, from refined terms, which also replace those at e. */
function refineRow<V, W>(x: usize, e: usize, n: i32, m: V): f64 {
  const step = lanes<V>();
  const zero = splat<V>(0);
  let rest = zeroW<W>();
  for (; n > 0; n -= step, x += 4 * step) {
    const v = loadSome<V>(x, n, -Infinity);
    const d = sub<V>(v, m);
    const term = refine<V>(e ? loadSome<V>(e, n, 0) : exp<V>(d), v, m, d);
    if (e) {
      storeSome<V>(e, term, n);
      e += 4 * step;
    }
    rest = widenAdd<V, W>(rest, clear<V>(term, eq<V>(d, zero)));
  }
  return sumOf<W>(rest);
}

/**
 * The e^(x−m) of a block of a row, refined, to e if it is not 0; adds those below the maximum to the sum of the row, and the
 * number of maxima to its ties.
 */
export function expRowBlock<V, W>(t: Walk, x: usize, e: usize, n: i32): void {
  const step = lanes<V>();
  const top = splat<V>(<f32>t.top), zero = splat<V>(0);
  let rest = zeroW<W>();
  let ties = zero;
  for (; n > 0; n -= step, x += 4 * step) {
    const v = loadSome<V>(x, n, -Infinity);
    const d = sub<V>(v, top);
    const term = refine<V>(exp<V>(d), v, top, d);
    if (e) {
      storeSome<V>(e, term, n);
      e += 4 * step;
    }
    const same = eq<V>(d, zero);
    rest = widenAdd<V, W>(rest, clear<V>(term, same));
    ties = tally<V>(ties, same);
  }
  t.rest += sumOf<W>(rest);
  t.ties += tallied<V>(ties);
}

/** g = e·k − w·v over a row; w may be absent (0), then it counts as 1 if v is not 0. */
export function scaleRow<V>(e: usize, g: usize, w: usize, n: i32, k: f32, v: f32): void {
  const step = lanes<V>();
  const scale = splat<V>(k), shift = splat<V>(v);
  if (v == 0) {
    while (n >= 2 * step) {
      storeV<V>(g, mul<V>(loadV<V>(e), scale));
      storeV<V>(g + 4 * step, mul<V>(loadV<V>(e + 4 * step), scale));
      e += 8 * step;
      g += 8 * step;
      n -= 2 * step;
    }
    for (; n > 0; n -= step, e += 4 * step, g += 4 * step) storeSome<V>(g, mul<V>(loadSome<V>(e, n, 0), scale), n);
    return;
  }
  const one = splat<V>(1);
  for (; n > 0; n -= step, e += 4 * step, g += 4 * step) {
    const mass = mul<V>(w ? loadSome<V>(w, n, 0) : one, shift);
    storeSome<V>(g, sub<V>(mul<V>(loadSome<V>(e, n, 0), scale), mass), n);
    if (w) w += 4 * step;
  }
}

/** Half of Σ w·(x − m) over a row, halves not overflowing; a zero weight drops its term whatever x is. w absent: all 1. */
export function halfShiftedRow<V, W>(x: usize, w: usize, n: i32, m: f32): f64 {
  const step = lanes<V>();
  const half = splat<V>(0.5), top = splat<V>(m * 0.5), zero = splat<V>(0);
  let total = zeroW<W>();
  for (; n > 0; n -= step, x += 4 * step) {
    let d = sub<V>(mul<V>(loadSome<V>(x, n, m), half), top);
    if (w) {
      const mass = loadSome<V>(w, n, 0);
      d = and<V>(mul<V>(mass, d), ne<V>(mass, zero));
      w += 4 * step;
    }
    total = widenAdd<V, W>(total, d);
  }
  return sumOf<W>(total);
}

/**
 * The smoothed and weighted masses of a row of class probabilities, t = w·(y·(1 − ε) + ε/C): adds Σ t to the u of the row and
 * half of Σ t·(x − m) to its v. A zero mass drops its term whatever x is.
 */
export function massRow<V, W>(t: Walk, x: usize, y: usize, w: usize, n: i32, keep: f32, even: f32): void {
  const step = lanes<V>();
  const m = <f32>t.top;
  const half = splat<V>(0.5), top = splat<V>(m * 0.5), zero = splat<V>(0), a = splat<V>(keep), b = splat<V>(even);
  let masses = zeroW<W>(), products = zeroW<W>();
  while (n > 0) {
    let mass = zero, product = zero;
    for (let turns = 0; turns < RUN && n > 0; turns++, n -= step, x += 4 * step, y += 4 * step) {
      const d = sub<V>(mul<V>(loadSome<V>(x, n, m), half), top);
      const part = smoothed<V>(y, w, n, a, b);
      if (w) w += 4 * step;
      mass = add<V>(mass, part);
      product = add<V>(product, and<V>(mul<V>(part, d), ne<V>(part, zero)));
    }
    masses = widenAdd<V, W>(masses, mass);
    products = widenAdd<V, W>(products, product);
  }
  t.u += sumOf<W>(masses);
  t.v += sumOf<W>(products);
}

/** t of massRow for n remaining classes; 0 past the end. */
// @ts-ignore: decorator
@inline function smoothed<V>(y: usize, w: usize, n: i32, a: V, b: V): V {
  const t = madd<V>(loadSome<V>(y, n, 0), a, b);
  if (w) return mul<V>(t, loadSome<V>(w, n, 0));
  if (isVector<V>() && n < 4) {
    // the filler lanes hold b, which must not count
    const ones = loadSome<V>(ONES, n, 0);
    return mul<V>(t, ones);
  }
  return t;
}

const ONES: usize = memory.data<f32>([1, 1, 1, 1], 16);

/** g = e·k − t·v over a row, t as in massRow. */
export function scaleMassRow<V>(
  e: usize, g: usize, y: usize, w: usize, n: i32, k: f32, v: f32, keep: f32, even: f32,
): void {
  const step = lanes<V>();
  const scale = splat<V>(k), shift = splat<V>(v), a = splat<V>(keep), b = splat<V>(even);
  for (; n > 0; n -= step, e += 4 * step, g += 4 * step, y += 4 * step) {
    const t = smoothed<V>(y, w, n, a, b);
    if (w) w += 4 * step;
    storeSome<V>(g, nmadd<V>(t, shift, mul<V>(loadSome<V>(e, n, 0), scale)), n);
  }
}
