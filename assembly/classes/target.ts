// What belongs to the class of a target. Where the classes of a tile are all there, it is read and written in its place; where
// they come in blocks, the frame keeps it in arrays of one value per sample (tiles.ts).
//
// Gradients that pull at the target are e^(x−m) times a factor for each sample, but at the target −(Σ of the others) times that
// factor, where p − 1 would cancel.

import { add, loadV, lt, mul, select_, splat, storeV, sub, VECTOR } from '../lane/lane';
import { gather, scatter } from '../lane/place';
import { Plan } from '../plan';
import { tileRow } from './pack';
import { AT_TARGET, AWAY, MAX, OF_TARGET, PLACE, TARGET } from './samples';
import { tileOf } from './tiles';
import { laneArray, Walk } from './walk';

/** Half of x − m of the target (halves do not overflow). */
// @ts-ignore: decorator
@inline export function awayOf(p: Plan, t: Walk, at: usize): v128 {
  if (!t.kept) return loadV(laneArray(p, AWAY) + at);
  const half = splat(0.5);
  const x = gather(tileOf(p, 0), laneArray(p, PLACE) + at);
  return sub(mul(x, half), mul(loadV(laneArray(p, MAX) + at), half));
}

/** e^(x−m) of the target. */
// @ts-ignore: decorator
@inline export function ofTarget(p: Plan, t: Walk, at: usize): v128 {
  return t.kept ? gather(tileOf(p, 1), laneArray(p, PLACE) + at) : loadV(laneArray(p, OF_TARGET) + at);
}

/** Σ e without the target's own e: where the target is a maximum (e = 1) that is q itself. */
// @ts-ignore: decorator
@inline export function othersOf(e: v128, q: v128): v128 {
  const one = splat(1);
  return select_(add(sub(q, e), one), q, lt(e, one));
}

/** Keeps what is to stand at the targets in the tile of gradients, until `placeTargets`. */
// @ts-ignore: decorator
@inline export function atTarget(p: Plan, at: usize, v: v128): void {
  storeV(laneArray(p, AT_TARGET) + at, v);
}

/** Puts what is to stand at the targets in its place. */
export function placeTargets(p: Plan, t: Walk): void {
  const tile = tileOf(p, 1), values = laneArray(p, AT_TARGET);
  if (t.kept) {
    for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
      scatter(tile, laneArray(p, PLACE) + at, loadV(values + at));
    }
    return;
  }
  for (let i = 0; i < t.n; i++) {
    const at = <usize>i << 2;
    const c = load<i32>(laneArray(p, TARGET) + at) - t.first;
    if (<u32>c < <u32>t.count) store<f32>(tile + <usize>c * tileRow() + at, load<f32>(values + at));
  }
}
