// Passes over the classes of a tile, one sample per lane. They go over two columns a turn where they do little for each: a
// turn costs V8 as much as several vector instructions.

import { tallies, tally } from '../lane/bits';
import {
  add, anyOf, clear, eq, LANES, loadSplat, loadV, lt, madd, mul, or, pmax, pmin, select_, splat, storeV, sub, VECTOR,
} from '../lane/lane';
import { addWide } from '../lane/wide';
import { exp, expConstant, expWith, refine } from '../math/exp';
import { tileRow } from './pack';
import { Walk } from './walk';

/** Below this q a sample is sure, and the digits of q are all there is of its loss. */
export const SURE: f64 = 0.00390625;
/** Classes of a tile that are summed in one accumulator before it is added to the total. */
export const TILE_RUN = 16;

/** Sets those samples of a vector column to zeros whose mask is set. */
export function blankLanes(column: usize, classes: i32, mask: v128): void {
  for (let c = 0; c < classes; c++, column += tileRow()) storeV(column, clear(loadV(column), mask));
}

/**
 * q = Σ e^(x−m) − 1 of each of n samples, one maximum kept out of the sum, to the array at rests; the e^(x−m) go to the tile
 * at to. Both are refined for samples that are sure and for those whose mask in the array at marks is set (0: there is none),
 * which is decided for each sample by itself: its results do not depend on its neighbours. What lies ahead is touched.
 */
export function expTile(t: Walk, tile: usize, to: usize, maxima: usize, rests: usize, marks: usize): void {
  if (t.touchX) expColumns(t, tile, to, maxima, rests, marks, true);
  else expColumns(t, tile, to, maxima, rests, marks, false);
}

// @ts-ignore: decorator
@inline function expColumns(
  t: Walk, tile: usize, to: usize, maxima: usize, rests: usize, marks: usize, touch: bool,
): void {
  const classes = t.count, n = t.n, stepX = t.touchX, stepG = t.touchG, beside = t.beside;
  let nextX = t.aheadX, nextG = t.aheadG;
  const k0 = expConstant(0), k1 = expConstant(1), k2 = expConstant(2), k3 = expConstant(3);
  const k4 = expConstant(4), k5 = expConstant(5), k6 = expConstant(6), k7 = expConstant(7);
  const k8 = expConstant(8), k10 = expConstant(10);
  const zero = splat(0), size = VECTOR;
  for (let i = 0; i < n; i += 2 * LANES) {
    if (i + LANES >= n) {
      expColumn(tile, to, classes, maxima, rests, marks);
      return;
    }
    const m0 = loadV(maxima), m1 = loadV(maxima + size);
    let rest0 = zero, rest1 = zero, most0 = zero, most1 = zero, x = tile, e = to, aheadX = nextX, aheadG = nextG;
    for (let c = 0; c < classes; ) {
      const end = min(c + TILE_RUN, classes);
      let sum0 = zero, sum1 = zero;
      for (; c < end; c++, x += tileRow(), e += tileRow()) {
        if (touch) {
          load<u32>(aheadX);
          load<u32>(aheadG);
          aheadX += stepX;
          aheadG += stepG;
        }
        const v0 = expWith(sub(loadV(x), m0), k0, k1, k2, k3, k4, k5, k6, k7, k8, k10);
        const v1 = expWith(sub(loadV(x + size), m1), k0, k1, k2, k3, k4, k5, k6, k7, k8, k10);
        storeV(e, v0);
        storeV(e + size, v1);
        // the larger of each two waits, so that in the end the largest is left over; a NaN is no maximum, it goes to the sum
        sum0 = add(sum0, pmin(v0, most0));
        sum1 = add(sum1, pmin(v1, most1));
        most0 = pmax(most0, v0);
        most1 = pmax(most1, v1);
      }
      rest0 = add(rest0, sum0);
      rest1 = add(rest1, sum1);
    }
    closeColumn(tile, to, classes, m0, rest0, rests, marks);
    closeColumn(tile + size, to + size, classes, m1, rest1, rests + size, marks ? marks + size : 0);
    tile += 2 * size;
    to += 2 * size;
    maxima += 2 * size;
    rests += 2 * size;
    if (marks) marks += 2 * size;
    nextX += beside;
    nextG += beside;
  }
}

/** expTile of the last column, where it has none beside it. */
function expColumn(tile: usize, to: usize, classes: i32, maxima: usize, rests: usize, marks: usize): void {
  const m = loadV(maxima);
  let rest = splat(0), most = rest, x = tile, e = to;
  for (let c = 0; c < classes; ) {
    const end = min(c + TILE_RUN, classes);
    let sum = splat(0);
    for (; c < end; c++, x += tileRow(), e += tileRow()) {
      const v = exp(sub(loadV(x), m));
      storeV(e, v);
      sum = add(sum, pmin(v, most));
      most = pmax(most, v);
    }
    rest = add(rest, sum);
  }
  closeColumn(tile, to, classes, m, rest, rests, marks);
}

/** Stores q of a vector column. */
function closeColumn(
  column: usize, to: usize, classes: i32, m: v128, q: v128, rests: usize, marks: usize,
): void {
  let refines = lt(q, splat(<f32>SURE));
  if (marks) refines = or(refines, loadV(marks));
  storeV(rests, anyOf(refines) ? refineColumn(column, to, classes, m, q, refines) : q);
}

/** q of a vector column, from refined terms where the mask is set, where these also replace those at to. */
function refineColumn(column: usize, to: usize, classes: i32, m: v128, q: v128, mask: v128): v128 {
  const zero = splat(0), one = splat(1);
  let rest = zero, ties = zero;
  for (let c = 0; c < classes; ) {
    const end = min(c + TILE_RUN, classes);
    let sum = zero;
    for (; c < end; c++, column += tileRow(), to += tileRow()) {
      const x = loadV(column);
      const d = sub(x, m);
      const e = loadV(to);
      const term = refine(e, x, m, d), same = eq(e, one);
      storeV(to, select_(term, e, mask));
      sum = add(sum, clear(term, same));
      ties = tally(ties, same);
    }
    rest = add(rest, sum);
  }
  return select_(add(rest, sub(tallies(ties), one)), q, mask);
}

/**
 * The e^(x−m) of a block of classes that is not all there are, to the tile at to, all of them refined. Adds those below the
 * maximum to the float64 array at sums (0: nobody asks for it), and the number of maxima to the one at ties.
 */
export function expBlock(
  tile: usize, to: usize, classes: i32, n: i32, maxima: usize, sums: usize, ties: usize,
): void {
  const k0 = expConstant(0), k1 = expConstant(1), k2 = expConstant(2), k3 = expConstant(3);
  const k4 = expConstant(4), k5 = expConstant(5), k6 = expConstant(6), k7 = expConstant(7);
  const k8 = expConstant(8), k10 = expConstant(10);
  const zero = splat(0);
  for (let at: usize = 0; at < <usize>n << 2; at += VECTOR) {
    const m = loadV(maxima + at);
    let count = zero, x = tile + at, e = to + at;
    for (let c = 0; c < classes; ) {
      const end = min(c + TILE_RUN, classes);
      let sum = zero;
      for (; c < end; c++, x += tileRow(), e += tileRow()) {
        const value = loadV(x), d = sub(value, m);
        const v = refine(expWith(d, k0, k1, k2, k3, k4, k5, k6, k7, k8, k10), value, m, d);
        storeV(e, v);
        const same = eq(d, zero);
        sum = add(sum, clear(v, same));
        count = tally(count, same);
      }
      if (sums) addWide(sums + 2 * at, sum);
    }
    if (sums) storeV(ties + at, add(loadV(ties + at), tallies(count)));
  }
}

/**
 * Adds Σ w·f·(x − m) over a block of classes of one vector column to the four float64 at `sums`, for twice the factor f and half
 * of m: halves do not overflow, and neither does a sum whose terms are small enough together. A zero weight drops its class. w
 * absent: all 1.
 */
export function shiftedHalves(column: usize, w: usize, classes: i32, half: v128, twice: v128, sums: usize): void {
  const by = splat(0.5);
  for (let c = 0; c < classes; ) {
    const end = min(c + TILE_RUN, classes);
    let sum = splat(0);
    if (w) {
      for (; c < end; c++, column += tileRow()) {
        const d = mul(sub(mul(loadV(column), by), half), twice), place = w + (<usize>c << 2);
        if (load<f32>(place) != 0) sum = madd(loadSplat(place), d, sum);
      }
    } else for (; c < end; c++, column += tileRow()) sum = add(sum, mul(sub(mul(loadV(column), by), half), twice));
    addWide(sums, sum);
  }
}

/** Adds Σ w·e over a block of classes of one vector column to the four float64 at `sums`; w absent: all 1. */
export function weighedSum(column: usize, w: usize, classes: i32, sums: usize): void {
  for (let c = 0; c < classes; ) {
    const end = min(c + TILE_RUN, classes);
    let sum = splat(0);
    for (; c < end; c++, column += tileRow()) {
      const e = loadV(column);
      sum = w ? madd(loadSplat(w + (<usize>c << 2)), e, sum) : add(sum, e);
    }
    addWide(sums, sum);
  }
}
