// The logits that cross entropy is computed with where softcap κ or logitShift b are given:
//
//   z = κ·tanh(x/κ) + b,        ∂z/∂x = 1 − tanh² = 4e/(1 + e)², e = e^(−2·|x/κ|)
//
// A −Infinity logit stays one, so that masks survive (κ·tanh alone would make it −κ).

import { blankLanes } from '../../classes/columns';
import { bring } from '../../classes/lines';
import { tileRow } from '../../classes/pack';
import { IDLE, UNUSED } from '../../classes/samples';
import { maximaOf, tileOf } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import { abs_, add, div, eq, LANES, loadSplat, loadV, mul, pmax, select_, splat, storeV, VECTOR } from '../../lane/lane';
import { loadSome, storeSome } from '../../lane/place';
import { exp } from '../../math/exp';
import { tanh } from '../../math/expm1';
import { Plan } from '../../plan';

/** Whether the logits are moved at all. */
// @ts-ignore: decorator
@inline export function moves(p: Plan): bool {
  return p.p2 != 0 || p.c != 0;
}

// @ts-ignore: decorator
@inline function moved(p: Plan, x: v128, shift: v128): v128 {
  let z = x;
  if (p.p2 != 0) {
    const cap = splat(<f32>p.p2);
    z = select_(x, mul(cap, tanh(div(x, cap))), eq(x, splat(-Infinity)));
  }
  return p.c ? add(z, shift) : z;
}

/** ∂z/∂x. */
// @ts-ignore: decorator
@inline function slope(x: v128, cap: v128): v128 {
  const one = splat(1);
  const e = exp(mul(splat(-2), abs_(div(x, cap))));
  const r = div(splat(2), add(one, e));
  return mul(mul(e, r), r);
}

/** Moves the logits of the tile, of which others may be the largest then. */
export function moveTile(p: Plan, t: Walk): void {
  if (!moves(p)) return;
  const maxima = maximaOf(p, t);
  for (let c = 0, row = tileOf(p, 0); c < t.count; c++, row += tileRow()) {
    const shift = p.c ? loadSplat(p.c + (<usize>(t.first + c) << 2)) : splat(0);
    for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
      const z = moved(p, loadV(row + at), shift);
      storeV(row + at, z);
      storeV(maxima + at, c == 0 ? z : pmax(loadV(maxima + at), z));
    }
  }
}

/** Moves the logits of the block of a row, to its place in the scratch. */
export function moveRow(p: Plan, t: Walk): void {
  if (!moves(p)) return;
  const step = LANES;
  let x = t.x, to = t.row, shifts = p.c + (<usize>t.first << 2);
  for (let n = t.count; n > 0; n -= step, x += 4 * step, to += 4 * step, shifts += 4 * step) {
    const shift = p.c ? loadSome(shifts, n, 0) : splat(0);
    storeSome(to, moved(p, loadSome(x, n, 0), shift), n);
  }
}

/** Turns the gradients of the moved logits into those of the logits. */
export function capGradients(p: Plan, t: Walk): void {
  if (p.p2 == 0) return;
  const cap = splat(<f32>p.p2);
  const tile = tileOf(p, 0), offset = tileOf(p, 1) - tile;
  bring(t, t.x, t.classX, t.sampleX, t.lineX, tile, laneArray(p, UNUSED));
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    if (t.marked) blankLanes(tile + at, t.count, loadV(laneArray(p, IDLE) + at));
    let place = tile + at;
    for (let c = 0; c < t.count; c++, place += tileRow()) {
      storeV(place + offset, mul(loadV(place + offset), slope(loadV(place), cap)));
    }
  }
}

/** The same for the block of a row; the gradient may lie where the logits do. */
export function capRow(p: Plan, t: Walk, gradients: usize): void {
  if (p.p2 == 0) return;
  const cap = splat(<f32>p.p2), step = LANES;
  let x = t.x, g = t.g;
  for (let n = t.count; n > 0; n -= step, x += 4 * step, g += 4 * step, gradients += 4 * step) {
    storeSome(g, mul(loadSome(gradients, n, 0), slope(loadSome(x, n, 0), cap)), n);
  }
}
