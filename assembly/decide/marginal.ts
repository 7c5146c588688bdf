// Logits of groups of classes: log Σ e^x over each group of each component, and the way back. A group of maximum M, of which K classes
// are M and q = Σ_{x < M} e^(x−M) + K − 1: M + log1p(q); ∂/∂x = e^(x−M)/(1 + q), 0 for a class that is −Infinity.
//
// Operand c: int32 [components][classes], the group of each class among those of all components; members: components; a0: groups.
// Operand d: float32 [groups][partStep], incoming gradients, where there is a gradient to write.

import { tileRow } from '../classes/pack';
import { LOSS, ONES } from '../classes/samples';
import { nothing, ownOf, tileOf, tiles } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { tallies, tally } from '../lane/bits';
import {
  add, clear, div, eq, le, loadV, mul, pmax, select_, splat, storeV, sub, VECTOR,
} from '../lane/lane';
import { loadSome } from '../lane/place';
import { exp } from '../math/exp';
import { log1p } from '../math/log';
import { Plan } from '../plan';
import { putLanes } from './output';

export function marginal(p: Plan): usize {
  return tiles(
    p, 0, 3 * <usize>p.a0 * tileRow(),
    nothing,
    (p: Plan, t: Walk): void => maxima(p, t),
    (p: Plan, t: Walk): void => sums(p, t),
    nothing,
    (p: Plan, t: Walk): void => finish(p, t),
    (p: Plan, t: Walk): void => gradients(p, t),
    nothing, nothing,
  );
}

/** Rows of one value per sample for each group: M, Σ of the others and (int32) the number of classes that are M. */
// @ts-ignore: decorator
@inline function rowOf(p: Plan, what: usize, group: i32): usize {
  return ownOf(p, 0) + (what * <usize>p.a0 + <usize>group) * tileRow();
}

// @ts-ignore: decorator
@inline function groupOf(p: Plan, component: i32, c: i32): i32 {
  return load<i32>(p.c + (<usize>(component * p.total + c) << 2));
}

function maxima(p: Plan, t: Walk): void {
  if (t.first == 0) {
    const size = <usize>p.a0 * tileRow();
    for (let at: usize = 0; at < size; at += VECTOR) storeV(ownOf(p, 0) + at, splat(-Infinity));
    memory.fill(ownOf(p, 0) + size, 0, 2 * size);
  }
  for (let m = 0; m < p.members; m++) {
    for (let c = 0, x = tileOf(p, 0); c < t.count; c++, x += tileRow()) {
      const to = rowOf(p, 0, groupOf(p, m, t.first + c));
      for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) storeV(to + at, pmax(loadV(to + at), loadV(x + at)));
    }
  }
}

function sums(p: Plan, t: Walk): void {
  for (let m = 0; m < p.members; m++) {
    for (let c = 0, x = tileOf(p, 0); c < t.count; c++, x += tileRow()) {
      const g = groupOf(p, m, t.first + c);
      const top = rowOf(p, 0, g), rest = rowOf(p, 1, g), ties = rowOf(p, 2, g);
      for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
        const v = loadV(x + at), most = loadV(top + at), same = eq(v, most);
        storeV(rest + at, add(loadV(rest + at), clear(exp(sub(v, most)), same)));
        storeV(ties + at, tally(loadV(ties + at), same));
      }
    }
  }
}

/** q of a group. */
// @ts-ignore: decorator
@inline function restOf(p: Plan, group: i32, at: usize): v128 {
  return add(loadV(rowOf(p, 1, group) + at), sub(tallies(loadV(rowOf(p, 2, group) + at)), splat(1)));
}

function finish(p: Plan, t: Walk): void {
  if (!p.parts) return;
  const none = splat(-1);
  for (let g = 0; g < p.a0; g++) {
    for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
      const q = restOf(p, g, at), top = loadV(rowOf(p, 0, g) + at);
      // a group without a class has the logit −Infinity
      storeV(laneArray(p, LOSS) + at, select_(top, add(top, log1p(q)), le(q, none)));
    }
    putLanes(p, t, g, laneArray(p, LOSS));
  }
}

function gradients(p: Plan, t: Walk): void {
  t.scales = ONES;
  const one = splat(1), masked = splat(-Infinity);
  for (let c = 0; c < t.count; c++) {
    const x = tileOf(p, 0) + <usize>c * tileRow(), to = tileOf(p, 1) + <usize>c * tileRow();
    for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
      const v = loadV(x + at), n = t.n - <i32>(at >> 2);
      let sum = splat(0);
      for (let m = 0; m < p.members; m++) {
        const g = groupOf(p, m, t.first + c), most = loadV(rowOf(p, 0, g) + at);
        const e = select_(one, exp(sub(v, most)), eq(v, most));
        const incoming = loadSome(p.d + (<usize>(g * p.partStep + t.sample) << 2) + at, n, 0);
        sum = add(sum, mul(incoming, div(e, add(restOf(p, g, at), one))));
      }
      storeV(to + at, clear(sum, eq(v, masked)));
    }
  }
}
