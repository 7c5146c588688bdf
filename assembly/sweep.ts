// Loops over memory. A class loss walks its input in one of two ways:
//
//   row   the classes of one sample lie side by side and there are many: three passes over the row (maximum,
//         exponentials and their sum, scaling), vectors along the classes;
//   tile  everything else (a class axis in the middle, few classes): some vectors' worth of samples are packed into
//         scratch as [classes][samples] and computed with one sample per lane, so that there is no horizontal sum, no
//         tail of classes, and a large class stride cannot throw a cache line out before all of it is used.
//
// Both keep the maximum out of the sum: q = Σ e^(x−m) over all but one maximum, so that log1p(q) and q/(1+q) keep the
// digits of a confident sample. Long sums have two levels (short float32 runs, added up in float64 or in a second
// accumulator), which holds their error near that of one rounding.

import {
  add, and, anyOf, clear, eq, lanes, loadSome, loadSplat, loadV, lt, madd, maxOf, mul, ne, nmadd, pmax, splat, storeSome,
  storeV, sub, sumOf, tallied, tallies, tally, transpose4, transposeScaled4, widenAdd, zeroW,
} from './lane';
import { exp, expConstant, expWith, refine } from './math';

/** Below this q a sample is sure, and the digits of q are all there is of its loss. */
const SURE: f64 = 0.00390625;
/** Vectors per turn of the long loops, summed into two accumulators. */
const UNROLL = 2;
/** Turns of a long loop before its float32 sums go to float64. */
const RUN = 16;
/** Classes of a tile that are summed in one accumulator before it is added to the total. */
export const TILE_RUN = 16;

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

/** Σ w·(x − m) over a row; a zero weight drops its term whatever x is. w absent: all 1. */
export function shiftedSumRow<V, W>(x: usize, w: usize, n: i32, m: f32): f64 {
  const step = lanes<V>();
  const top = splat<V>(m), zero = splat<V>(0);
  let total = zeroW<W>();
  while (n > 0) {
    let sum = zero;
    for (let turns = 0; turns < RUN && n > 0; turns++, n -= step, x += 4 * step) {
      let d = sub<V>(loadSome<V>(x, n, m), top);
      if (w) {
        const mass = loadSome<V>(w, n, 0);
        d = and<V>(mul<V>(mass, d), ne<V>(mass, zero));
        w += 4 * step;
      }
      sum = add<V>(sum, d);
    }
    total = widenAdd<V, W>(total, sum);
  }
  return sumOf<W>(total);
}

/**
 * The smoothed and weighted masses of a row of class probabilities, t = w·(y·(1 − ε) + ε/C): returns Σ t and adds
 * Σ t·(x − m) to the float64 at shifted. A zero mass drops its term whatever x is.
 */
export function massRow<V, W>(x: usize, y: usize, w: usize, n: i32, m: f32, keep: f32, even: f32, shifted: usize): f64 {
  const step = lanes<V>();
  const top = splat<V>(m), zero = splat<V>(0), a = splat<V>(keep), b = splat<V>(even);
  let masses = zeroW<W>(), products = zeroW<W>();
  while (n > 0) {
    let mass = zero, product = zero;
    for (let turns = 0; turns < RUN && n > 0; turns++, n -= step, x += 4 * step, y += 4 * step) {
      const d = sub<V>(loadSome<V>(x, n, m), top);
      const t = smoothed<V>(y, w, n, a, b);
      if (w) w += 4 * step;
      mass = add<V>(mass, t);
      product = add<V>(product, and<V>(mul<V>(t, d), ne<V>(t, zero)));
    }
    masses = widenAdd<V, W>(masses, mass);
    products = widenAdd<V, W>(products, product);
  }
  store<f64>(shifted, sumOf<W>(products));
  return sumOf<W>(masses);
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

// ---- tiles -----------------------------------------------------------------------------------------------------------

/**
 * Vectors of samples in a tile. With one, a class stride of 16 KiB throws each cache line out before its other samples are
 * read; eight read two whole lines of each page and spread the cost of a tile,  while a tile of 1000 classes stays in the
 * second-level cache.
 */
const TILE_VECTORS = 8;

/** Samples of a tile. */
// @ts-ignore: decorator
@inline export function tileWidth<V>(): i32 {
  return TILE_VECTORS * lanes<V>();
}

/** Bytes of one class row of a tile. */
// @ts-ignore: decorator
@inline export function tileRow<V>(): usize {
  return TILE_VECTORS * sizeof<V>();
}

/** Copies n samples × classes into the tile; the rest of the last vector becomes 0. One of the two strides (bytes) is 4. */
export function pack<V>(x: usize, classStep: usize, sampleStep: usize, classes: i32, n: i32, tile: usize): void {
  const row = tileRow<V>();
  const whole = n & ~(lanes<V>() - 1);
  if (whole < n) for (let c = 0; c < classes; c++) storeV<V>(tile + <usize>c * row + (<usize>whole << 2), splat<V>(0));
  if (sampleStep == 4) {
    for (let c = 0; c < classes; c++, x += classStep, tile += row) copyLine<V>(x, tile, n);
    return;
  }
  let i = 0;
  if (isVector<V>() && classes >= 4) {
    for (; i + 4 <= n; i += 4) {
      const from = x + <usize>i * sampleStep, to = tile + (i << 2);
      for (let c = 0; c < classes; c += 4) {
        const at = min(c, classes - 4); // the last block overlaps the one before
        transpose4(from + (at << 2), sampleStep, to + <usize>at * row, row);
      }
    }
  }
  for (; i < n; i++) {
    const from = x + <usize>i * sampleStep, to = tile + (i << 2);
    for (let c = 0; c < classes; c++) store<f32>(to + <usize>c * row, load<f32>(from + (c << 2)));
  }
}

/** One factor for each sample of a tile, all 1. */
export const UNSCALED: usize = memory.data<f32>([
  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
], 16);

/** Copies n samples × classes of the tile back out, each sample times its factor at scales. */
export function unpack<V>(
  tile: usize, g: usize, classStep: usize, sampleStep: usize, classes: i32, n: i32, scales: usize,
): void {
  const row = tileRow<V>();
  if (sampleStep == 4) {
    for (let c = 0; c < classes; c++, g += classStep, tile += row) scaleLine<V>(tile, g, n, scales);
    return;
  }
  let i = 0;
  if (isVector<V>() && classes >= 4) {
    for (; i + 4 <= n; i += 4) {
      const from = tile + (i << 2), to = g + <usize>i * sampleStep;
      const k = v128.load(scales + (i << 2));
      for (let c = 0; c < classes; c += 4) {
        const at = min(c, classes - 4);
        transposeScaled4(from + <usize>at * row, row, to + (at << 2), sampleStep, k);
      }
    }
  }
  for (; i < n; i++) {
    const from = tile + (i << 2), to = g + <usize>i * sampleStep;
    const k = load<f32>(scales + (i << 2));
    for (let c = 0; c < classes; c++) store<f32>(to + (c << 2), load<f32>(from + <usize>c * row) * k);
  }
}

// A line that is no multiple of the vector length ends with a vector that overlaps the one before, if it has one.

// @ts-ignore: decorator
@inline function copyLine<V>(from: usize, to: usize, n: i32): void {
  let i = 0;
  for (; i + lanes<V>() <= n; i += lanes<V>()) storeV<V>(to + (i << 2), loadV<V>(from + (i << 2)));
  if (i == n) return;
  if (n > lanes<V>()) {
    i = n - lanes<V>();
    storeV<V>(to + (i << 2), loadV<V>(from + (i << 2)));
  } else for (; i < n; i++) store<f32>(to + (i << 2), load<f32>(from + (i << 2)));
}

// @ts-ignore: decorator
@inline function scaleLine<V>(from: usize, to: usize, n: i32, scales: usize): void {
  let i = 0;
  for (; i + lanes<V>() <= n; i += lanes<V>()) scaleAt<V>(from, to, i << 2, scales);
  if (i == n) return;
  if (n > lanes<V>()) scaleAt<V>(from, to, (n - lanes<V>()) << 2, scales);
  else for (; i < n; i++) scaleAt<f32>(from, to, i << 2, scales);
}

// @ts-ignore: decorator
@inline function scaleAt<V>(from: usize, to: usize, at: usize, scales: usize): void {
  storeV<V>(to + at, mul<V>(loadV<V>(from + at), loadV<V>(scales + at)));
}

/** Sets sample i of a tile to zeros. */
export function blank<V>(tile: usize, classes: i32, i: i32): void {
  for (let c = 0, p = tile + (i << 2); c < classes; c++, p += tileRow<V>()) store<f32>(p, 0);
}

/** Sets those samples of a vector column to zeros whose mask is set. */
export function blankLanes<V>(column: usize, classes: i32, mask: V): void {
  for (let c = 0; c < classes; c++, column += tileRow<V>()) storeV<V>(column, clear<V>(loadV<V>(column), mask));
}

/** The maximum of each of n samples, to the array at maxima; NaN where the first class is NaN. */
export function maxTile<V>(tile: usize, classes: i32, n: i32, maxima: usize): void {
  const size = sizeof<V>();
  for (let i = 0; i < n; i += 2 * lanes<V>(), tile += 2 * size, maxima += 2 * size) {
    let m0 = loadV<V>(tile), m1 = loadV<V>(tile + size);
    for (let c = 1, x = tile + tileRow<V>(); c < classes; c++, x += tileRow<V>()) {
      m0 = pmax<V>(m0, loadV<V>(x));
      m1 = pmax<V>(m1, loadV<V>(x + size));
    }
    storeV<V>(maxima, m0);
    storeV<V>(maxima + size, m1);
  }
}

/**
 * q as in expRow of each of n samples, to the array at rests; the e^(x−m), refined if `always`, go to the tile at to.
 * Where classes lie far apart no hardware prefetcher follows, and packing and unpacking a tile would wait for each of its
 * cache lines. So this loop, which computes for long and loads little, touches the lines of the next tile at `x` and of this
 * one's gradient at `g` as it goes.
 */
export function expTile<V>(
  tile: usize, to: usize, classes: i32, n: i32, maxima: usize, rests: usize, always: bool,
  x: usize, stepX: usize, g: usize, stepG: usize,
): void {
  if (stepX) expColumns<V>(tile, to, classes, n, maxima, rests, always, true, x, stepX, g, stepG);
  else expColumns<V>(tile, to, classes, n, maxima, rests, always, false, 0, 0, 0, 0);
}

// @ts-ignore: decorator
@inline function expColumns<V>(
  tile: usize, to: usize, classes: i32, n: i32, maxima: usize, rests: usize, always: bool,
  touch: bool, nextX: usize, stepX: usize, nextG: usize, stepG: usize,
): void {
  const k0 = expConstant<V>(0), k1 = expConstant<V>(1), k2 = expConstant<V>(2), k3 = expConstant<V>(3);
  const k4 = expConstant<V>(4), k5 = expConstant<V>(5), k6 = expConstant<V>(6), k7 = expConstant<V>(7);
  const k8 = expConstant<V>(8), k9 = expConstant<V>(9), k10 = expConstant<V>(10);
  const zero = splat<V>(0), sure = splat<V>(<f32>SURE);
  for (let i = 0; i < n; i += lanes<V>()) {
    const m = loadV<V>(maxima);
    let rest = zero, ties = zero, x = tile, e = to, aheadX = nextX, aheadG = nextG;
    for (let c = 0; c < classes; ) {
      const end = min(c + TILE_RUN, classes);
      let sum = zero;
      for (; c < end; c++, x += tileRow<V>(), e += tileRow<V>()) {
        if (touch) {
          load<u32>(aheadX);
          load<u32>(aheadG);
          aheadX += stepX;
          aheadG += stepG;
        }
        const d = sub<V>(loadV<V>(x), m);
        const v = expWith<V>(d, k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10);
        storeV<V>(e, v);
        const same = eq<V>(d, zero);
        sum = add<V>(sum, clear<V>(v, same));
        ties = tally<V>(ties, same);
      }
      rest = add<V>(rest, sum);
    }
    let q = add<V>(rest, sub<V>(tallies<V>(ties), k9));
    if (always || anyOf<V>(lt<V>(q, sure))) q = refineTile<V>(tile, to, classes, m, ties);
    storeV<V>(rests, q);
    tile += sizeof<V>();
    to += sizeof<V>();
    maxima += sizeof<V>();
    rests += sizeof<V>();
    nextX += sizeof<V>();
    nextG += sizeof<V>();
  }
}

/** q of a vector column with sure samples, from refined terms, which also replace those at to. */
function refineTile<V>(column: usize, to: usize, classes: i32, m: V, ties: V): V {
  const zero = splat<V>(0);
  let rest = zero;
  for (let c = 0; c < classes; ) {
    const end = min(c + TILE_RUN, classes);
    let sum = zero;
    for (; c < end; c++, column += tileRow<V>(), to += tileRow<V>()) {
      const x = loadV<V>(column);
      const d = sub<V>(x, m);
      const term = refine<V>(loadV<V>(to), x, m, d);
      storeV<V>(to, term);
      sum = add<V>(sum, clear<V>(term, eq<V>(d, zero)));
    }
    rest = add<V>(rest, sum);
  }
  return add<V>(rest, sub<V>(tallies<V>(ties), splat<V>(1)));
}

/** Σ w·(x − m) over the classes of one vector column; a zero weight drops its class. w absent: all 1. */
export function tileShiftedSum<V>(column: usize, w: usize, classes: i32, m: V): V {
  let total = splat<V>(0);
  for (let c = 0; c < classes; ) {
    const end = min(c + TILE_RUN, classes);
    let sum = splat<V>(0);
    for (; c < end; c++, column += tileRow<V>()) {
      const d = sub<V>(loadV<V>(column), m);
      if (!w) sum = add<V>(sum, d);
      else if (load<f32>(w + (c << 2)) != 0) sum = madd<V>(loadSplat<V>(w + (c << 2)), d, sum);
    }
    total = add<V>(total, sum);
  }
  return total;
}
