// Components of samples with a wide span: each group relative to its own maximum, M for that of the target's group and N for
// that of the other classes. With S_I = Σ e^(x−M) and S_O = Σ e^(x−N), both of which count one where they are not empty,
//
//   D = (N − M) + log(S_O/S_I),     l = log1p(e^D), ∂ = σ(D)·(e^(x−N)/S_O, −e^(x−M)/S_I)
//
// What rounding N − M loses is found exactly and put back, as math/exp.ts does for e^(x−m).

import { TILE_RUN } from '../../classes/columns';
import { tileRow } from '../../classes/pack';
import { tileOf, tilesApart } from '../../classes/tiles';
import { Walk } from '../../classes/walk';
import { tallies, tally } from '../../lane/bits';
import {
  add, and, clear, div, eq, le, loadSplat, loadV, lt, mul, ne, neg, pmax, sameInt, select_, splat, storeV, sub, VECTOR,
} from '../../lane/lane';
import { addWide, narrow } from '../../lane/wide';
import { exp, refine } from '../../math/exp';
import { log, log1p } from '../../math/log';
import { Plan } from '../../plan';
import {
  BY_IN, BY_OUT, COUNT, EVEN, GROUP, HALF, mapOf, setArray, SUM_IN, SUM_OUT, TOP_IN, TOP_OUT, weightOf,
} from './parts';

/** Whether a class is in the group: of a component the class's own; for k = −1 a value in the tile of targets says so. */
// @ts-ignore: decorator
@inline function insideOf(p: Plan, k: i32, group: v128, map: usize, x: usize): v128 {
  if (k >= 0) return sameInt(group, loadSplat(map));
  return ne(loadV(x + tilesApart(p, 2)), splat(0));
}

/** The largest logits of both groups, over the blocks so far. */
export function topsWide(p: Plan, t: Walk, k: i32, set: i32): void {
  const groups = setArray(p, set, GROUP), ins = setArray(p, set, TOP_IN), outs = setArray(p, set, TOP_OUT);
  const lowest = splat(-Infinity);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const group = loadV(groups + at);
    let inside = t.first == 0 ? lowest : loadV(ins + at), outside = t.first == 0 ? lowest : loadV(outs + at);
    let x = tileOf(p, 0) + at, map = mapOf(p, k) + (<usize>t.first << 2);
    for (let c = 0; c < t.count; c++, x += tileRow(), map += 4) {
      const mask = insideOf(p, k, group, map, x), value = loadV(x);
      inside = pmax(inside, select_(value, lowest, mask));
      outside = pmax(outside, select_(lowest, value, mask));
    }
    storeV(ins + at, inside);
    storeV(outs + at, outside);
  }
}

/** What a group is taken relative to: its maximum, or 0 where all of it is masked. */
// @ts-ignore: decorator
@inline function baseOf(top: v128): v128 {
  return select_(splat(0), top, eq(top, splat(-Infinity)));
}

/** S_I, S_O and the number of classes in the group, over the blocks so far. */
export function sumWide(p: Plan, t: Walk, k: i32, set: i32): void {
  const groups = setArray(p, set, GROUP), counts = setArray(p, set, COUNT);
  const zero = splat(0);
  if (t.first == 0) memory.fill(setArray(p, set, SUM_IN), 0, 5 * tileRow()); // SUM_OUT and COUNT too
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const group = loadV(groups + at);
    const topIn = baseOf(loadV(setArray(p, set, TOP_IN) + at));
    const topOut = baseOf(loadV(setArray(p, set, TOP_OUT) + at));
    let count = zero, x = tileOf(p, 0) + at, map = mapOf(p, k) + (<usize>t.first << 2);
    for (let c = 0; c < t.count; ) {
      const end = min(c + TILE_RUN, t.count);
      let inside = zero, outside = zero;
      for (; c < end; c++, x += tileRow(), map += 4) {
        const mask = insideOf(p, k, group, map, x);
        const e = exp(sub(loadV(x), select_(topIn, topOut, mask)));
        inside = add(inside, and(e, mask));
        outside = add(outside, clear(e, mask));
        count = tally(count, mask);
      }
      addWide(setArray(p, set, SUM_IN) + 2 * at, inside);
      addWide(setArray(p, set, SUM_OUT) + 2 * at, outside);
    }
    storeV(counts + at, add(loadV(counts + at), tallies(count)));
  }
}

/** Halves of the losses, and what multiplies the exponentials in the gradient. */
export function closeWide(p: Plan, t: Walk, set: i32): void {
  const zero = splat(0), one = splat(1), half = splat(0.5);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const topIn = baseOf(loadV(setArray(p, set, TOP_IN) + at));
    const topOut = baseOf(loadV(setArray(p, set, TOP_OUT) + at));
    const inside = narrow(setArray(p, set, SUM_IN) + 2 * at, zero);
    const outside = narrow(setArray(p, set, SUM_OUT) + 2 * at, zero);
    const low = le(topOut, topIn);
    const high = select_(topIn, topOut, low), other = select_(topOut, topIn, low);
    // e^D where N ≤ M, else e^−D: the smaller maximum relative to the larger one
    const gap = sub(other, high), ratio = div(outside, inside);
    const near = mul(refine(exp(gap), other, high, gap), select_(ratio, div(inside, outside), low));
    const far = add(sub(mul(high, half), mul(other, half)), mul(half, add(log(ratio), log1p(near))));
    const all = add(one, near);
    let loss = select_(mul(half, log1p(near)), far, low);
    let share = div(select_(near, one, low), all);
    // nothing outside costs 0, and NaN where nothing inside is finite either; nothing inside but something outside, Infinity
    const none = eq(outside, zero), lost = and(eq(inside, zero), lt(zero, outside));
    loss = select_(ratio, select_(splat(Infinity), loss, lost), none);
    share = select_(ratio, select_(one, share, lost), none);
    storeV(setArray(p, set, HALF) + at, loss);
    const byIn = div(share, select_(loadV(setArray(p, set, COUNT) + at), inside, lost));
    const byOut = select_(share, div(share, outside), none);
    storeV(setArray(p, set, BY_IN) + at, neg(byIn));
    storeV(setArray(p, set, EVEN) + at, lost);
    storeV(setArray(p, set, BY_OUT) + at, byOut);
  }
}

/** Adds the gradients of a component to those in a tile. */
export function spreadWide(p: Plan, t: Walk, k: i32, set: i32, tile: usize): void {
  const w = k < 0 ? splat(1) : splat(weightOf(p, k)), one = splat(1);
  const offset = tile - tileOf(p, 0);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const group = loadV(setArray(p, set, GROUP) + at), even = loadV(setArray(p, set, EVEN) + at);
    const topIn = baseOf(loadV(setArray(p, set, TOP_IN) + at));
    const topOut = baseOf(loadV(setArray(p, set, TOP_OUT) + at));
    const byIn = mul(w, loadV(setArray(p, set, BY_IN) + at));
    const byOut = mul(w, loadV(setArray(p, set, BY_OUT) + at));
    let x = tileOf(p, 0) + at, map = mapOf(p, k) + (<usize>t.first << 2);
    for (let c = 0; c < t.count; c++, x += tileRow(), map += 4) {
      const mask = insideOf(p, k, group, map, x);
      let e = exp(sub(loadV(x), select_(topIn, topOut, mask)));
      e = select_(one, e, and(mask, even));
      storeV(x + offset, add(loadV(x + offset), mul(e, select_(byIn, byOut, mask))));
    }
  }
}
