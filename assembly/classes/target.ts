// Gradients that pull at the class of a target: e^(x−m) times a factor for each sample, but at the target −(Σ of the others)
// times that factor, where p − 1 would cancel.

import { add, loadV, lt, select_, splat, sub } from '../lane/lane';
import { scatter } from '../lane/place';
import { Plan } from '../plan';
import { tileRow } from './pack';
import { AT_TARGET, PLACE, TARGET } from './samples';
import { tileOf } from './tiles';
import { laneArray, Walk } from './walk';

/** Σ e without the target's own e: where the target is a maximum (e = 1) that is q itself. */
// @ts-ignore: decorator
@inline export function othersOf<V>(e: V, q: V): V {
  const one = splat<V>(1);
  return select_<V>(add<V>(sub<V>(q, e), one), q, lt<V>(e, one));
}

/** Puts what AT_TARGET holds at the targets' places in the tile of gradients. */
export function placeTargets<V>(p: Plan, t: Walk): void {
  const tile = tileOf<V>(p, 1), values = laneArray<V>(p, AT_TARGET);
  if (t.kept) {
    for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
      scatter<V>(tile, laneArray<V>(p, PLACE) + at, loadV<V>(values + at));
    }
    return;
  }
  for (let i = 0; i < t.n; i++) {
    const at = <usize>i << 2;
    const c = load<i32>(laneArray<V>(p, TARGET) + at) - t.first;
    if (<u32>c < <u32>t.count) store<f32>(tile + <usize>c * tileRow<V>() + at, load<f32>(values + at));
  }
}
