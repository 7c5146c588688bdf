// Ordered classes: the median of each sample (int32: the first class whose cumulative probability reaches ½, −1 where the softmax is
// no number), and the expected value Σ p·v of the values in operand a.

import { tileRow } from '../classes/pack';
import { FREE, LOSS, REST } from '../classes/samples';
import { EXPONENTIALS, nothing, tileOf, tiles } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { add, div, loadSplat, loadV, lt, mul, ne, or, splat, storeV, VECTOR } from '../lane/lane';
import { tally } from '../lane/bits';
import { addWide, narrow } from '../lane/wide';
import { Plan } from '../plan';
import { putLanes } from './output';

const BELOW: usize = FREE; // int32: classes below the median
const PREFIX: usize = FREE + 1; // Σ e of the classes so far
const MEAN: usize = FREE + 2; // float64: Σ e·v, two arrays

export function ordinal(p: Plan): usize {
  return tiles(
    p, EXPONENTIALS, 0,
    nothing, nothing,
    (p: Plan, t: Walk): void => means(p, t),
    (p: Plan, t: Walk): void => medians(p, t),
    (p: Plan, t: Walk): void => finish(p, t),
    nothing, nothing, nothing,
  );
}

function means(p: Plan, t: Walk): void {
  if (t.first == 0) memory.fill(laneArray(p, BELOW), 0, 4 * tileRow()); // and all that follow
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    let e = tileOf(p, 1) + at;
    for (let c = 0; c < t.count; c++, e += tileRow()) {
      addWide(laneArray(p, MEAN) + 2 * at, mul(loadV(e), loadSplat(p.a + (<usize>(t.first + c) << 2))));
    }
  }
}

/** Counts the classes whose cumulative probability is below ½. */
function medians(p: Plan, t: Walk): void {
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const all = add(loadV(laneArray(p, REST) + at), splat(1));
    let prefix = loadV(laneArray(p, PREFIX) + at), below = loadV(laneArray(p, BELOW) + at);
    let e = tileOf(p, 1) + at;
    for (let c = 0; c < t.count; c++, e += tileRow()) {
      prefix = add(prefix, loadV(e));
      below = tally(below, lt(add(prefix, prefix), all));
    }
    storeV(laneArray(p, PREFIX) + at, prefix);
    storeV(laneArray(p, BELOW) + at, below);
  }
}

function finish(p: Plan, t: Walk): void {
  const one = splat(1), zero = splat(0);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const all = add(loadV(laneArray(p, REST) + at), one), below = laneArray(p, BELOW) + at;
    storeV(below, or(loadV(below), ne(all, all)));
    storeV(laneArray(p, LOSS) + at, div(narrow(laneArray(p, MEAN) + 2 * at, zero), all));
  }
  putLanes(p, t, 0, laneArray(p, BELOW));
  putLanes(p, t, 1, laneArray(p, LOSS));
}
