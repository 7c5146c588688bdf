// Passes over the classes of a tile, one sample per lane. They go over two columns a turn where they do little for each: a
// turn costs V8 as much as several vector instructions.

import {
  add, anyOf, clear, eq, lanes, loadSplat, loadV, lt, madd, mul, or, pmax, select_, splat, storeV, sub, tallies, tally,
} from '../lane/lane';
import { addWide } from '../lane/wide';
import { expConstant, expWith, refine } from '../math/exp';
import { tileRow } from './pack';

/** Below this q a sample is sure, and the digits of q are all there is of its loss. */
export const SURE: f64 = 0.00390625;
/** Classes of a tile that are summed in one accumulator before it is added to the total. */
export const TILE_RUN = 16;

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
 * q = Σ e^(x−m) − 1 of each of n samples, one maximum kept out of the sum, to the array at rests; the e^(x−m) go to the tile
 * at to. Both are refined for samples that are sure and for those whose mask in the array at marks is set (0: there is none),
 * which is decided for each sample by itself: its results do not depend on its neighbours.
 * Where classes lie far apart no hardware prefetcher follows, and packing and unpacking a tile would wait for each of its
 * cache lines. So this loop, which computes for long and loads little, touches the lines of the next tile at `x` and of this
 * one's gradient at `g` as it goes.
 */
export function expTile<V>(
  tile: usize, to: usize, classes: i32, n: i32, maxima: usize, rests: usize, marks: usize,
  x: usize, stepX: usize, g: usize, stepG: usize,
): void {
  if (isVector<V>() && stepX) expColumns<V>(tile, to, classes, n, maxima, rests, marks, true, x, stepX, g, stepG);
  else expColumns<V>(tile, to, classes, n, maxima, rests, marks, false, 0, 0, 0, 0);
}

// @ts-ignore: decorator
@inline function expColumns<V>(
  tile: usize, to: usize, classes: i32, n: i32, maxima: usize, rests: usize, marks: usize,
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
    let refines = lt<V>(q, sure);
    if (marks) refines = or<V>(refines, loadV<V>(marks));
    if (anyOf<V>(refines)) q = refineColumn<V>(tile, to, classes, m, ties, q, refines);
    storeV<V>(rests, q);
    tile += sizeof<V>();
    to += sizeof<V>();
    maxima += sizeof<V>();
    rests += sizeof<V>();
    if (marks) marks += sizeof<V>();
    nextX += sizeof<V>();
    nextG += sizeof<V>();
  }
}

/** q of a vector column, from refined terms where the mask is set, where these also replace those at to. */
function refineColumn<V>(column: usize, to: usize, classes: i32, m: V, ties: V, q: V, mask: V): V {
  const zero = splat<V>(0);
  let rest = zero;
  for (let c = 0; c < classes; ) {
    const end = min(c + TILE_RUN, classes);
    let sum = zero;
    for (; c < end; c++, column += tileRow<V>(), to += tileRow<V>()) {
      const x = loadV<V>(column);
      const d = sub<V>(x, m);
      const e = loadV<V>(to);
      const term = refine<V>(e, x, m, d);
      storeV<V>(to, select_<V>(term, e, mask));
      sum = add<V>(sum, clear<V>(term, eq<V>(d, zero)));
    }
    rest = add<V>(rest, sum);
  }
  return select_<V>(add<V>(rest, sub<V>(tallies<V>(ties), splat<V>(1))), q, mask);
}

/**
 * The e^(x−m) of a block of classes that is not all there are, to the tile at to, all of them refined. Adds those below the
 * maximum to the float64 array at sums (0: nobody asks for it), and the number of maxima to the one at ties.
 */
export function expBlock<V, W>(
  tile: usize, to: usize, classes: i32, n: i32, maxima: usize, sums: usize, ties: usize,
): void {
  const k0 = expConstant<V>(0), k1 = expConstant<V>(1), k2 = expConstant<V>(2), k3 = expConstant<V>(3);
  const k4 = expConstant<V>(4), k5 = expConstant<V>(5), k6 = expConstant<V>(6), k7 = expConstant<V>(7);
  const k8 = expConstant<V>(8), k9 = expConstant<V>(9), k10 = expConstant<V>(10);
  const zero = splat<V>(0);
  for (let at: usize = 0; at < <usize>n << 2; at += sizeof<V>()) {
    const m = loadV<V>(maxima + at);
    let count = zero, x = tile + at, e = to + at;
    for (let c = 0; c < classes; ) {
      const end = min(c + TILE_RUN, classes);
      let sum = zero;
      for (; c < end; c++, x += tileRow<V>(), e += tileRow<V>()) {
        const value = loadV<V>(x), d = sub<V>(value, m);
        const v = refine<V>(expWith<V>(d, k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10), value, m, d);
        storeV<V>(e, v);
        const same = eq<V>(d, zero);
        sum = add<V>(sum, clear<V>(v, same));
        count = tally<V>(count, same);
      }
      if (sums) addWide<V, W>(sums + 2 * at, sum);
    }
    if (sums) storeV<V>(ties + at, add<V>(loadV<V>(ties + at), tallies<V>(count)));
  }
}

/**
 * Σ w·f·(x − m) over a block of classes of one vector column, for twice the factor f and half of m: halves do not overflow,
 * and neither does a sum whose terms are small enough together. A zero weight drops its class. w absent: all 1.
 */
export function shiftedHalves<V>(column: usize, w: usize, classes: i32, half: V, twice: V): V {
  const by = splat<V>(0.5);
  let total = splat<V>(0);
  for (let c = 0; c < classes; ) {
    const end = min(c + TILE_RUN, classes);
    let sum = splat<V>(0);
    for (; c < end; c++, column += tileRow<V>()) {
      if (w && load<f32>(w + (<usize>c << 2)) == 0) continue;
      const d = mul<V>(sub<V>(mul<V>(loadV<V>(column), by), half), twice);
      sum = w ? madd<V>(loadSplat<V>(w + (<usize>c << 2)), d, sum) : add<V>(sum, d);
    }
    total = add<V>(total, sum);
  }
  return total;
}
