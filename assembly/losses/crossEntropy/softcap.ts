// The logits that cross entropy is computed with where softcap κ or logitShift b are given:
//
//   z = κ·tanh(x/κ) + b,        ∂z/∂x = 1 − tanh² = 4e/(1 + e)², e = e^(−2·|x/κ|)
//
// A −Infinity logit stays one, so that masks survive (κ·tanh alone would make it −κ).

import { blankLanes } from '../../classes/columns';
import { pack, tileRow } from '../../classes/pack';
import { IDLE } from '../../classes/samples';
import { tileOf } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import { abs_, add, div, eq, lanes, loadSplat, loadV, mul, select_, splat, storeV } from '../../lane/lane';
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
@inline function moved<V>(p: Plan, x: V, shift: V): V {
  let z = x;
  if (p.p2 != 0) {
    const cap = splat<V>(<f32>p.p2);
    z = select_<V>(x, mul<V>(cap, tanh<V>(div<V>(x, cap))), eq<V>(x, splat<V>(-Infinity)));
  }
  return p.c ? add<V>(z, shift) : z;
}

/** ∂z/∂x. */
// @ts-ignore: decorator
@inline function slope<V>(x: V, cap: V): V {
  const one = splat<V>(1);
  const e = exp<V>(mul<V>(splat<V>(-2), abs_<V>(div<V>(x, cap))));
  const r = div<V>(splat<V>(2), add<V>(one, e));
  return mul<V>(mul<V>(e, r), r);
}

/** Moves the logits of the tile. */
export function moveTile<V>(p: Plan, t: Walk): void {
  if (!moves(p)) return;
  for (let c = 0, row = tileOf<V>(p, 0); c < t.count; c++, row += tileRow<V>()) {
    const shift = p.c ? loadSplat<V>(p.c + (<usize>(t.first + c) << 2)) : splat<V>(0);
    for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) storeV<V>(row + at, moved<V>(p, loadV<V>(row + at), shift));
  }
}

/** Moves the logits of the block of a row, to its place in the scratch. */
export function moveRow<V>(p: Plan, t: Walk): void {
  if (!moves(p)) return;
  const step = lanes<V>();
  let x = t.x, to = t.row, shifts = p.c + (<usize>t.first << 2);
  for (let n = t.count; n > 0; n -= step, x += 4 * step, to += 4 * step, shifts += 4 * step) {
    const shift = p.c ? loadSome<V>(shifts, n, 0) : splat<V>(0);
    storeSome<V>(to, moved<V>(p, loadSome<V>(x, n, 0), shift), n);
  }
}

/** Turns the gradients of the moved logits into those of the logits. */
export function capGradients<V>(p: Plan, t: Walk): void {
  if (p.p2 == 0) return;
  const cap = splat<V>(<f32>p.p2);
  const tile = tileOf<V>(p, 0), offset = tileOf<V>(p, 1) - tile;
  pack<V>(t.x, t.classX, t.sampleX, t.count, t.n, tile);
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    if (t.marked) blankLanes<V>(tile + at, t.count, loadV<V>(laneArray<V>(p, IDLE) + at));
    let place = tile + at;
    for (let c = 0; c < t.count; c++, place += tileRow<V>()) {
      storeV<V>(place + offset, mul<V>(loadV<V>(place + offset), slope<V>(loadV<V>(place), cap)));
    }
  }
}

/** The same for the block of a row; the gradient may lie where the logits do. */
export function capRow<V>(p: Plan, t: Walk, gradients: usize): void {
  if (p.p2 == 0) return;
  const cap = splat<V>(<f32>p.p2), step = lanes<V>();
  let x = t.x, g = t.g;
  for (let n = t.count; n > 0; n -= step, x += 4 * step, g += 4 * step, gradients += 4 * step) {
    storeSome<V>(g, mul<V>(loadSome<V>(gradients, n, 0), slope<V>(loadSome<V>(x, n, 0), cap)), n);
  }
}
