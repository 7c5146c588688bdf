// Passes over the classes of one sample that lie side by side, vectors along them. Long sums have two levels (short float32
// runs, added up in float64), which holds their error near that of one rounding.

import { tallied, tally } from '../lane/bits';
import { add, and, anyOf, clear, eq, LANES, loadV, madd, maxOf, mul, ne, nmadd, pmax, splat, storeV, sub, VECTOR } from '../lane/lane';
import { loadPart, loadSome, storePart, storeSome } from '../lane/place';
import { addW, high, low, mulW, product, sumOf, widenAdd, zeroW } from '../lane/wide';
import { exp, expConstant, expWith, refine } from '../math/exp';
import { SURE } from './columns';
import { Walk } from './walk';

/** Vectors per turn of the long loops, summed into two accumulators. */
const UNROLL = 2;
/** Their bytes. */
export const TURN: usize = 2 * VECTOR;
/** Turns of a long loop before its float32 sums go to float64. */
export const RUN = 16;

/**
 * max x over a row; a NaN may be passed over (the exponential brings it back). A vector of the maxima of each run goes to its
 * place in the row at marks (0: nobody asks), where expRow finds it.
 */
export function maxRow(x: usize, n: i32, marks: usize): f32 {
  const step = LANES;
  let all = splat(-Infinity);
  while (n >= UNROLL * step) {
    let a = splat(-Infinity), b = a;
    let turns = min(n / (UNROLL * step), RUN);
    n -= turns * UNROLL * step;
    const length = <usize>turns * TURN;
    for (; turns > 0; turns--, x += TURN) {
      a = pmax(a, loadV(x));
      b = pmax(b, loadV(x + VECTOR));
    }
    a = pmax(a, b);
    if (marks) {
      storeV(marks, a);
      marks += length;
    }
    all = pmax(all, a);
  }
  for (; n > 0; n -= step, x += VECTOR) all = pmax(all, loadSome(x, n, -Infinity));
  return maxOf(all);
}

/**
 * q = Σ e^(x−m) − 1 over a row whose maximum is m, that maximum kept out of the sum; the e^(x−m) go to e, where maxRow has
 * left its marks: most runs have no maximum to be kept out, and need not look for it.
 * Where q is small, its terms are refined: the error of x − m only shows where nothing larger covers it.
 */
export function expRow(x: usize, e: usize, n: i32, m: f32): f64 {
  const k0 = expConstant(0), k1 = expConstant(1), k2 = expConstant(2), k3 = expConstant(3);
  const k4 = expConstant(4), k5 = expConstant(5), k6 = expConstant(6), k7 = expConstant(7);
  const k8 = expConstant(8), k10 = expConstant(10);
  const step = LANES;
  const top = splat(m), zero = splat(0);
  const start = x, length = n, out = e;
  let rest = zeroW();
  let ties = zero;
  while (n >= UNROLL * step) {
    const marked = anyOf(eq(loadV(e), top));
    let sum0 = zero, sum1 = zero;
    const turns = min(n / (UNROLL * step), RUN), end = x + <usize>turns * TURN;
    n -= turns * UNROLL * step;
    for (; x != end; x += TURN, e += TURN) {
      const e0 = expWith(sub(loadV(x), top), k0, k1, k2, k3, k4, k5, k6, k7, k8, k10);
      const e1 = expWith(sub(loadV(x + VECTOR), top), k0, k1, k2, k3, k4, k5, k6, k7, k8, k10);
      storeV(e, e0);
      storeV(e + VECTOR, e1);
      sum0 = add(sum0, e0);
      sum1 = add(sum1, e1);
    }
    if (marked) {
      sum0 = sum1 = zero;
      const back = <usize>turns * TURN;
      for (let at: usize = 0; at < back; at += TURN) {
        const same0 = eq(sub(loadV(end - back + at), top), zero), same1 = eq(sub(loadV(end - back + at + VECTOR), top), zero);
        sum0 = add(sum0, clear(loadV(e - back + at), same0));
        sum1 = add(sum1, clear(loadV(e - back + at + VECTOR), same1));
        ties = tally(tally(ties, same0), same1);
      }
    }
    rest = widenAdd(rest, add(sum0, sum1));
  }
  for (; n > 0; n -= step, x += VECTOR, e += VECTOR) {
    const d = sub(loadSome(x, n, -Infinity), top);
    const v = expWith(d, k0, k1, k2, k3, k4, k5, k6, k7, k8, k10);
    storeSome(e, v, n);
    const same = eq(d, zero);
    rest = widenAdd(rest, clear(v, same));
    ties = tally(ties, same);
  }
  const q = sumOf(rest) + <f64>(tallied(ties) - 1);
  return q < SURE ? refineRow(start, out, length, top) : q;
}

/** q of a sure row, whose only maximum is m, from refined terms, which also replace those at e. */
function refineRow(x: usize, e: usize, n: i32, m: v128): f64 {
  const step = LANES;
  const zero = splat(0);
  let rest = zeroW();
  for (; n > 0; n -= step, x += VECTOR, e += VECTOR) {
    const v = loadSome(x, n, -Infinity);
    const d = sub(v, m);
    const term = refine(loadSome(e, n, 0), v, m, d);
    storeSome(e, term, n);
    rest = widenAdd(rest, clear(term, eq(d, zero)));
  }
  return sumOf(rest);
}

/**
 * The e^(x−m) of a block of a row, refined, to e if it is not 0; adds those below the maximum to the sum of the row, and the
 * number of maxima to its ties.
 */
export function expRowBlock(t: Walk, x: usize, e: usize, n: i32): void {
  const step = LANES;
  const top = splat(<f32>t.top), zero = splat(0);
  let rest = zeroW();
  let ties = zero;
  for (; n > 0; n -= step, x += 4 * step) {
    const v = loadSome(x, n, -Infinity);
    const d = sub(v, top);
    const term = refine(exp(d), v, top, d);
    if (e) {
      storeSome(e, term, n);
      e += 4 * step;
    }
    const same = eq(d, zero);
    rest = widenAdd(rest, clear(term, same));
    ties = tally(ties, same);
  }
  t.rest += sumOf(rest);
  t.ties += tallied(ties);
}

/** g = e·k − w·v over a row; w may be absent (0), then it counts as 1 if v is not 0. */
export function scaleRow(e: usize, g: usize, w: usize, n: i32, k: f32, v: f32): void {
  const scale = splat(k), shift = splat(v), whole = n & -(UNROLL * LANES), end = e + (<usize>whole << 2);
  // where nothing weighs the same ones are read over and over
  const stepW = w ? TURN : 0;
  let weights = w ? w : ONES;
  n -= whole;
  if (v == 0) {
    for (; e != end; e += TURN, g += TURN) {
      storeV(g, mul(loadV(e), scale));
      storeV(g + VECTOR, mul(loadV(e + VECTOR), scale));
    }
  } else {
    for (; e != end; e += TURN, g += TURN, weights += stepW) {
      storeV(g, nmadd(loadV(weights), shift, mul(loadV(e), scale)));
      storeV(g + VECTOR, nmadd(loadV(weights + VECTOR), shift, mul(loadV(e + VECTOR), scale)));
    }
  }
  for (; n > 0; n -= LANES, e += VECTOR, g += VECTOR, weights += VECTOR) {
    const mass = v == 0 ? splat(0) : mul(loadSome(w ? weights : ONES, n, 0), shift);
    storeSome(g, sub(mul(loadSome(e, n, 0), scale), mass), n);
  }
}

/** Half of Σ w·(x − m) over a row, halves not overflowing; a zero weight drops its term whatever x is. w absent: all 1. */
export function halfShiftedRow(x: usize, w: usize, n: i32, m: f32): f64 {
  const half = splat(0.5), top = splat(m * 0.5), zero = splat(0);
  let total = zeroW();
  if (!w) {
    for (; n >= UNROLL * LANES; n -= UNROLL * LANES, x += TURN) {
      total = widenAdd(total, add(sub(mul(loadV(x), half), top), sub(mul(loadV(x + VECTOR), half), top)));
    }
  }
  for (; n > 0; n -= LANES, x += VECTOR) {
    const d = sub(mul(loadSome(x, n, m), half), top);
    if (w) {
      const mass = loadSome(w, n, 0), kept = and(d, ne(mass, zero));
      // in float64, since a weight above 1 times a half may be no float32
      total = addW(total, addW(mulW(low(mass), low(kept)), mulW(high(mass), high(kept))));
      w += VECTOR;
    } else total = widenAdd(total, d);
  }
  return sumOf(total);
}

/**
 * The smoothed and weighted masses of a row of class probabilities, t = w·(y·(1 − ε) + ε/C): adds Σ t to the u of the row and
 * half of Σ t·(x − m) to its v. A zero mass drops its term whatever x is.
 */
export function massRow(t: Walk, x: usize, y: usize, w: usize, n: i32, keep: f32, even: f32): void {
  const step = LANES;
  const m = <f32>t.top;
  // most ask for no weights and no smoothing
  if (!w && even == 0) {
    const done = plainMassRow(t, x, y, n, m), bytes = <usize>done << 2;
    x += bytes;
    y += bytes;
    n -= done;
  }
  const half = splat(0.5), top = splat(m * 0.5), zero = splat(0), a = splat(keep), b = splat(even);
  let masses = zeroW(), products = zeroW();
  while (n >= step) {
    let mass = zero, product = zero;
    let turns = min(n / step, RUN);
    n -= turns * step;
    for (; turns > 0; turns--, x += VECTOR, y += VECTOR) {
      const d = sub(mul(loadV(x), half), top);
      let part = madd(loadV(y), a, b);
      if (w) {
        part = mul(part, loadV(w));
        w += VECTOR;
      }
      mass = add(mass, part);
      product = add(product, and(mul(part, d), ne(part, zero)));
    }
    masses = widenAdd(masses, mass);
    products = widenAdd(products, product);
  }
  if (n > 0) {
    const part = smoothedPart(y, w, n, a, b), d = sub(mul(loadPart(x, n, m), half), top);
    masses = widenAdd(masses, part);
    products = widenAdd(products, and(mul(part, d), ne(part, zero)));
  }
  t.u += sumOf(masses);
  t.v += sumOf(products);
}

/**
 * massRow without weights and smoothing for as many classes as fill turns of two vectors: how many those are. It looks for
 * nothing that could be infinite or be dropped; where the sum shows that there was such a term, it adds nothing and says 0.
 */
function plainMassRow(t: Walk, x: usize, y: usize, n: i32, m: f32): i32 {
  const top = splat(m), zero = splat(0);
  const done = n & -(UNROLL * LANES);
  let masses = zeroW(), products = zeroW();
  for (let left = <usize>done << 2; left > 0; ) {
    let mass = zero, product = zero;
    const run = min(left, (<usize>RUN) * VECTOR);
    left -= run;
    for (const end = x + run; x != end; x += TURN, y += TURN) {
      const y0 = loadV(y), y1 = loadV(y + VECTOR);
      const d0 = sub(loadV(x), top), d1 = sub(loadV(x + VECTOR), top);
      mass = add(mass, add(y0, y1));
      product = add(product, madd(y0, d0, mul(y1, d1)));
    }
    masses = widenAdd(masses, mass);
    products = widenAdd(products, product);
  }
  const product = sumOf(products);
  if (!isFinite(product)) return 0;
  t.u += sumOf(masses);
  t.v += 0.5 * product;
  return done;
}

/** t of massRow for the n < 4 last classes; 0 past the end. */
function smoothedPart(y: usize, w: usize, n: i32, a: v128, b: v128): v128 {
  return mul(madd(loadPart(y, n, 0), a, b), loadPart(w ? w : ONES, n, 0));
}

/** Two vectors. */
const ONES: usize = memory.data<f32>([1, 1, 1, 1, 1, 1, 1, 1], 16);

/** g = e·k − t·v over a row, t as in massRow. */
export function scaleMassRow(
  e: usize, g: usize, y: usize, w: usize, n: i32, k: f32, v: f32, keep: f32, even: f32,
): void {
  const step = LANES;
  const scale = splat(k), shift = splat(v), a = splat(keep), b = splat(even);
  if (!w && even == 0) {
    const whole = n & -(UNROLL * LANES);
    n -= whole;
    for (const end = e + (<usize>whole << 2); e != end; e += TURN, g += TURN, y += TURN) {
      const g0 = nmadd(loadV(y), shift, mul(loadV(e), scale)), g1 = nmadd(loadV(y + VECTOR), shift, mul(loadV(e + VECTOR), scale));
      storeV(g, g0);
      storeV(g + VECTOR, g1);
    }
  }
  for (; n >= step; n -= step, e += VECTOR, g += VECTOR, y += VECTOR) {
    let t = madd(loadV(y), a, b);
    if (w) {
      t = mul(t, loadV(w));
      w += VECTOR;
    }
    storeV(g, nmadd(t, shift, mul(loadV(e), scale)));
  }
  if (n > 0) storePart(g, nmadd(smoothedPart(y, w, n, a, b), shift, mul(loadPart(e, n, 0), scale)), n);
}
