// The frame of losses that are a sum over the classes of a sample, each class for itself: a class without instances, like those
// of elements/frame.ts, with methods over one vector of samples,
//
//   value(x, y, w, z)   the term of a class; w is its class weight
//   slope(x, y, w, z)   its derivative with respect to x
//   shared(x, y)        z: what both need and is to be computed once
//
// Where all classes fit a tile the slopes are computed along with the terms.

import { add, clear, eq, loadSplat, loadV, mul, splat, storeV, VECTOR } from '../lane/lane';
import { addWide, narrow } from '../lane/wide';
import { Plan } from '../plan';
import { addLosses } from '../sums';
import { TILE_RUN } from './columns';
import { tileRow } from './pack';
import { FREE, IDLE, LOSS, SCALE } from './samples';
import { nothing, tileOf, tiles, VALUES } from './tiles';
import { laneArray, Walk } from './walk';

/** Sums of the terms: float64, two arrays. */
const SUMS: usize = FREE;

/** Takes a plan through the sums of a loss. */
export function summed<O>(p: Plan): usize {
  return tiles(
    p, VALUES, 0,
    nothing, nothing,
    (p: Plan, t: Walk): void => terms<O>(p, t, true),
    nothing,
    (p: Plan, t: Walk): void => finishSums(p, t),
    (p: Plan, t: Walk): void => { if (!t.kept) terms<O>(p, t, false); },
    nothing, nothing,
  );
}

// @ts-ignore: decorator
@inline function weightOf(p: Plan, c: i32): v128 {
  return p.a ? loadSplat(p.a + (<usize>c << 2)) : splat(1);
}

/** The sums of a block of classes, with the slopes of a tile that is kept; or else the slopes. */
function terms<O>(p: Plan, t: Walk, sums: bool): void {
  const o = changetype<O>(p), places = laneArray(p, SUMS);
  if (sums && t.first == 0) memory.fill(places, 0, 2 * tileRow());
  const to = tileOf(p, 1) - tileOf(p, 0), from = tileOf(p, 2) - tileOf(p, 0);
  const slopes = p.grad != 0 && (t.kept || !sums);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    let place = tileOf(p, 0) + at;
    for (let c = 0; c < t.count; ) {
      const end = min(c + TILE_RUN, t.count);
      let sum = splat(0);
      for (; c < end; c++, place += tileRow()) {
        const x = loadV(place), y = loadV(place + from), w = weightOf(p, t.first + c), z = o.shared(x, y);
        sum = add(sum, o.value(x, y, w, z));
        if (slopes) storeV(place + to, o.slope(x, y, w, z));
      }
      if (sums) addWide(places + 2 * at, sum);
    }
  }
}

/** The losses of a tile out of float64 sums, times what weighs the samples. */
export function finishSums(p: Plan, t: Walk): void {
  const zero = splat(0);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const own = clear(loadV(t.weight + at), loadV(laneArray(p, IDLE) + at));
    const loss = mul(own, narrow(laneArray(p, SUMS) + 2 * at, zero));
    storeV(laneArray(p, LOSS) + at, clear(loss, eq(own, zero)));
    storeV(laneArray(p, SCALE) + at, clear(loadV(t.weightMass + at), eq(own, zero)));
  }
  addLosses(p, laneArray(p, LOSS), t.sample, t.n);
  t.scales = laneArray(p, SCALE);
}
