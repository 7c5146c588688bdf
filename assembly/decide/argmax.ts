// The first class of the largest logit of each sample, as int32; −1 where one is NaN.
//
// Long rows are read twice, once for the maximum and once up to its first place, which costs less than carrying places along.
// Everything else goes by tiles, one sample per lane.

import { FREE } from '../classes/samples';
import { nothing, tileOf, tiles } from '../classes/tiles';
import { tileRow } from '../classes/pack';
import { laneArray, Walk } from '../classes/walk';
import { firstOf } from '../lane/bits';
import { anyOf, eq, LANES, loadV, lt, maxOf, ne, or, pmax, select_, splat, storeV, VECTOR } from '../lane/lane';
import { loadSome } from '../lane/place';
import { Plan } from '../plan';
import { outputOf, putLanes } from './output';

/** Classes of rows that are not worth a tile. */
const LONG: i32 = 16;

const BEST: usize = FREE;
const WHERE: usize = FREE + 1;
const ODD: usize = FREE + 2; // mask of samples with NaN

export function argmax(p: Plan): usize {
  if (p.inner > 1 || p.total <= LONG) {
    return tiles(
      p, 0, 0,
      nothing,
      (p: Plan, t: Walk): void => measure(p, t),
      nothing, nothing,
      (p: Plan, t: Walk): void => finish(p, t),
      nothing, nothing, nothing,
    );
  }
  if (!p.scratch) return VECTOR;
  for (let sample = 0; sample < p.outer; sample++) {
    store<i32>(outputOf(p, 0, sample), placeOf(p.input + (<usize>(sample * p.inputOuter) << 2), p.total));
  }
  return 0;
}

function placeOf(x: usize, n: i32): i32 {
  let a = splat(-Infinity), b = a, odd = splat(0);
  let at = x, left = n;
  for (; left >= 2 * LANES; left -= 2 * LANES, at += 2 * VECTOR) {
    const v = loadV(at), w = loadV(at + VECTOR);
    odd = or(odd, or(ne(v, v), ne(w, w)));
    a = pmax(a, v);
    b = pmax(b, w);
  }
  for (; left > 0; left -= LANES, at += VECTOR) {
    const v = loadSome(at, left, -Infinity);
    odd = or(odd, ne(v, v));
    a = pmax(a, v);
  }
  if (anyOf(odd)) return -1;
  const top = splat(maxOf(pmax(a, b)));
  for (let i = 0; i < n; i += LANES) {
    const same = eq(loadSome(x + (<usize>i << 2), n - i, NaN), top);
    if (anyOf(same)) return i + firstOf(same);
  }
  return -1;
}

function measure(p: Plan, t: Walk): void {
  const fresh = t.first == 0;
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    let best = fresh ? splat(-Infinity) : loadV(laneArray(p, BEST) + at);
    let where = fresh ? splat(0) : loadV(laneArray(p, WHERE) + at);
    let odd = fresh ? splat(0) : loadV(laneArray(p, ODD) + at);
    let x = tileOf(p, 0) + at;
    for (let c = t.first; c < t.first + t.count; c++, x += tileRow()) {
      const v = loadV(x), better = lt(best, v);
      where = select_(splat(reinterpret<f32>(c)), where, better);
      best = pmax(best, v);
      odd = or(odd, ne(v, v));
    }
    storeV(laneArray(p, BEST) + at, best);
    storeV(laneArray(p, WHERE) + at, where);
    storeV(laneArray(p, ODD) + at, odd);
  }
}

function finish(p: Plan, t: Walk): void {
  // a mask has every bit of a lane, which is −1
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const place = laneArray(p, WHERE) + at;
    storeV(place, or(loadV(place), loadV(laneArray(p, ODD) + at)));
  }
  putLanes(p, t, 0, laneArray(p, WHERE));
}
