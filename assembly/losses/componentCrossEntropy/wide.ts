// Components of samples with a wide span: each group relative to its own maximum, M for that of the target's group and N for
// that of the other classes. With S_I = Σ e^(x−M) and S_O = Σ e^(x−N), both of which count one where they are not empty,
//
//   D = (N − M) + log(S_O/S_I),     l = log1p(e^D), ∂ = σ(D)·(e^(x−N)/S_O, −e^(x−M)/S_I)
//
// What rounding N − M loses is found exactly and put back, as math/exp.ts does for e^(x−m).

import { tileRow } from '../../classes/pack';
import { tileOf } from '../../classes/tiles';
import { Walk } from '../../classes/walk';
import {
  add, and, clear, div, eq, le, loadSplat, loadV, lt, mul, neg, pmax, sameInt, select_, splat, storeV, sub, tallies, tally,
} from '../../lane/lane';
import { addWide, narrow } from '../../lane/wide';
import { exp, refine } from '../../math/exp';
import { log, log1p } from '../../math/log';
import { Plan } from '../../plan';
import { BY_IN, BY_OUT, COUNT, EVEN, GROUP, HALF, mapOf, setArray, SUM_IN, SUM_OUT, TOP_IN, TOP_OUT, weightOf } from './parts';

/** The largest logits of both groups, over the blocks so far. */
export function topsWide<V>(p: Plan, t: Walk, k: i32, set: i32): void {
  const groups = setArray<V>(p, set, GROUP), ins = setArray<V>(p, set, TOP_IN), outs = setArray<V>(p, set, TOP_OUT);
  const lowest = splat<V>(-Infinity);
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const group = loadV<V>(groups + at);
    let inside = t.first == 0 ? lowest : loadV<V>(ins + at), outside = t.first == 0 ? lowest : loadV<V>(outs + at);
    let x = tileOf<V>(p, 0) + at, map = mapOf(p, k) + (<usize>t.first << 2);
    for (let c = 0; c < t.count; c++, x += tileRow<V>(), map += 4) {
      const mask = sameInt<V>(group, loadSplat<V>(map)), value = loadV<V>(x);
      inside = pmax<V>(inside, select_<V>(value, lowest, mask));
      outside = pmax<V>(outside, select_<V>(lowest, value, mask));
    }
    storeV<V>(ins + at, inside);
    storeV<V>(outs + at, outside);
  }
}

/** What a group is taken relative to: its maximum, or 0 where all of it is masked. */
// @ts-ignore: decorator
@inline function baseOf<V>(top: V): V {
  return select_<V>(splat<V>(0), top, eq<V>(top, splat<V>(-Infinity)));
}

/** S_I, S_O and the number of classes in the group, over the blocks so far. */
export function sumWide<V, W>(p: Plan, t: Walk, k: i32, set: i32): void {
  const groups = setArray<V>(p, set, GROUP), counts = setArray<V>(p, set, COUNT);
  const zero = splat<V>(0);
  if (t.first == 0) memory.fill(setArray<V>(p, set, SUM_IN), 0, 5 * tileRow<V>()); // SUM_OUT and COUNT too
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const group = loadV<V>(groups + at);
    const topIn = baseOf<V>(loadV<V>(setArray<V>(p, set, TOP_IN) + at));
    const topOut = baseOf<V>(loadV<V>(setArray<V>(p, set, TOP_OUT) + at));
    let inside = zero, outside = zero, count = zero;
    let x = tileOf<V>(p, 0) + at, map = mapOf(p, k) + (<usize>t.first << 2);
    for (let c = 0; c < t.count; c++, x += tileRow<V>(), map += 4) {
      const mask = sameInt<V>(group, loadSplat<V>(map));
      const e = exp<V>(sub<V>(loadV<V>(x), select_<V>(topIn, topOut, mask)));
      inside = add<V>(inside, and<V>(e, mask));
      outside = add<V>(outside, clear<V>(e, mask));
      count = tally<V>(count, mask);
    }
    addWide<V, W>(setArray<V>(p, set, SUM_IN) + 2 * at, inside);
    addWide<V, W>(setArray<V>(p, set, SUM_OUT) + 2 * at, outside);
    storeV<V>(counts + at, add<V>(loadV<V>(counts + at), tallies<V>(count)));
  }
}

/** Halves of the losses, and what multiplies the exponentials in the gradient. */
export function closeWide<V>(p: Plan, t: Walk, set: i32): void {
  const zero = splat<V>(0), one = splat<V>(1), half = splat<V>(0.5);
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const topIn = baseOf<V>(loadV<V>(setArray<V>(p, set, TOP_IN) + at));
    const topOut = baseOf<V>(loadV<V>(setArray<V>(p, set, TOP_OUT) + at));
    const inside = narrow<V>(setArray<V>(p, set, SUM_IN) + 2 * at, zero);
    const outside = narrow<V>(setArray<V>(p, set, SUM_OUT) + 2 * at, zero);
    const low = le<V>(topOut, topIn);
    const high = select_<V>(topIn, topOut, low), other = select_<V>(topOut, topIn, low);
    // e^D where N ≤ M, else e^−D: the smaller maximum relative to the larger one
    const gap = sub<V>(other, high), ratio = div<V>(outside, inside);
    const near = mul<V>(refine<V>(exp<V>(gap), other, high, gap), select_<V>(ratio, div<V>(inside, outside), low));
    const far = add<V>(sub<V>(mul<V>(high, half), mul<V>(other, half)), mul<V>(half, add<V>(log<V>(ratio), log1p<V>(near))));
    const all = add<V>(one, near);
    let loss = select_<V>(mul<V>(half, log1p<V>(near)), far, low);
    let share = div<V>(select_<V>(near, one, low), all);
    // nothing outside costs 0, and NaN where nothing inside is finite either; nothing inside but something outside, Infinity
    const none = eq<V>(outside, zero), lost = and<V>(eq<V>(inside, zero), lt<V>(zero, outside));
    loss = select_<V>(ratio, select_<V>(splat<V>(Infinity), loss, lost), none);
    share = select_<V>(ratio, select_<V>(one, share, lost), none);
    storeV<V>(setArray<V>(p, set, HALF) + at, loss);
    const byIn = div<V>(share, select_<V>(loadV<V>(setArray<V>(p, set, COUNT) + at), inside, lost));
    const byOut = select_<V>(share, div<V>(share, outside), none);
    storeV<V>(setArray<V>(p, set, BY_IN) + at, neg<V>(byIn));
    storeV<V>(setArray<V>(p, set, EVEN) + at, lost);
    storeV<V>(setArray<V>(p, set, BY_OUT) + at, byOut);
  }
}

/** Adds the gradients of a component to those in a tile. */
export function spreadWide<V>(p: Plan, t: Walk, k: i32, set: i32, tile: usize): void {
  const w = splat<V>(weightOf(p, k)), one = splat<V>(1);
  const offset = tile - tileOf<V>(p, 0);
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const group = loadV<V>(setArray<V>(p, set, GROUP) + at), even = loadV<V>(setArray<V>(p, set, EVEN) + at);
    const topIn = baseOf<V>(loadV<V>(setArray<V>(p, set, TOP_IN) + at));
    const topOut = baseOf<V>(loadV<V>(setArray<V>(p, set, TOP_OUT) + at));
    const byIn = mul<V>(w, loadV<V>(setArray<V>(p, set, BY_IN) + at));
    const byOut = mul<V>(w, loadV<V>(setArray<V>(p, set, BY_OUT) + at));
    let x = tileOf<V>(p, 0) + at, map = mapOf(p, k) + (<usize>t.first << 2);
    for (let c = 0; c < t.count; c++, x += tileRow<V>(), map += 4) {
      const mask = sameInt<V>(group, loadSplat<V>(map));
      let e = exp<V>(sub<V>(loadV<V>(x), select_<V>(topIn, topOut, mask)));
      e = select_<V>(one, e, and<V>(mask, even));
      storeV<V>(x + offset, add<V>(loadV<V>(x + offset), mul<V>(e, select_<V>(byIn, byOut, mask))));
    }
  }
}
