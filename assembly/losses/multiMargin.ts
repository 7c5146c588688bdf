// l = (w_t/C)·Σ_{c≠t} max(0, m_c)^p with m_c = margin + (x_c − x_t); ∂l/∂x_c = w_t/C where m_c > 0, or 2·w_t/C·max(0, m_c), and the
// target gets minus the sum of the others. Source: PyTorch, torch.nn.functional.multi_margin_loss.
//
// Parameters: p0 the power p (1 or 2), p1 margin. Operands: a weight [C], b sampleWeight.

import { TILE_RUN } from '../classes/columns';
import { tileRow } from '../classes/pack';
import { AWAY, FREE, IDLE, LOSS, PLACE, SCALE, TARGET } from '../classes/samples';
import { atTarget, placeTargets } from '../classes/target';
import { nothing, OF_TARGETS, tileOf, tiles, WEIGHS } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { isClass } from '../lane/bits';
import { add, and, clear, eq, loadV, lt, mul, ne, neg, or, pmax, splat, storeV, sub, VECTOR } from '../lane/lane';
import { gather } from '../lane/place';
import { addWide, narrow } from '../lane/wide';
import { Plan } from '../plan';
import { addLosses } from '../sums';

// arrays of one value per sample, float64: two arrays each
const EXCESS: usize = FREE; // Σ max(0, m)^p
const SLOPES: usize = FREE + 2; // Σ of their derivatives

export function multiMargin(p: Plan): usize {
  return tiles(
    p, OF_TARGETS | WEIGHS, 0,
    nothing, nothing, nothing,
    (p: Plan, t: Walk): void => sums(p, t),
    (p: Plan, t: Walk): void => finish(p, t),
    (p: Plan, t: Walk): void => gradients(p, t),
    nothing, nothing,
  );
}

/** The score of the target. */
// @ts-ignore: decorator
@inline function scoreOf(p: Plan, t: Walk, at: usize): v128 {
  if (t.kept) return gather(tileOf(p, 0), laneArray(p, PLACE) + at);
  const half = loadV(laneArray(p, AWAY) + at);
  return add(half, half);
}

/** max(0, m) of a class; 0 for the target's own. */
// @ts-ignore: decorator
@inline function excess(p: Plan, x: v128, own: v128, targets: v128, c: i32): v128 {
  return clear(pmax(add(sub(x, own), splat(<f32>p.p1)), splat(0)), isClass(targets, c));
}

/** Its derivative, without what weighs the sample. */
// @ts-ignore: decorator
@inline function pull(p: Plan, m: v128): v128 {
  return p.p0 == 2 ? add(m, m) : or(and(splat(1), lt(splat(0), m)), ne(m, m));
}

function sums(p: Plan, t: Walk): void {
  if (t.first == 0) memory.fill(laneArray(p, EXCESS), 0, 4 * tileRow());
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const own = scoreOf(p, t, at), targets = loadV(laneArray(p, TARGET) + at);
    let x = tileOf(p, 0) + at;
    for (let c = 0; c < t.count; ) {
      const end = min(c + TILE_RUN, t.count);
      let sum = splat(0), slopes = sum;
      for (; c < end; c++, x += tileRow()) {
        const m = excess(p, loadV(x), own, targets, t.first + c);
        sum = add(sum, p.p0 == 2 ? mul(m, m) : m);
        slopes = add(slopes, pull(p, m));
      }
      addWide(laneArray(p, EXCESS) + 2 * at, sum);
      addWide(laneArray(p, SLOPES) + 2 * at, slopes);
    }
  }
}

function finish(p: Plan, t: Walk): void {
  const zero = splat(0), share = splat(<f32>(1 / <f64>p.total));
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at), own = mul(clear(loadV(t.own + at), idle), share);
    storeV(laneArray(p, LOSS) + at, clear(mul(own, narrow(laneArray(p, EXCESS) + 2 * at, zero)), eq(own, zero)));
    const scale = mul(clear(loadV(t.mass + at), idle), share);
    storeV(laneArray(p, SCALE) + at, scale);
    atTarget(p, at, clear(neg(narrow(laneArray(p, SLOPES) + 2 * at, zero)), idle));
  }
  addLosses(p, laneArray(p, LOSS), t.sample, t.n);
}

function gradients(p: Plan, t: Walk): void {
  const to = tileOf(p, 1) - tileOf(p, 0);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const own = scoreOf(p, t, at), targets = loadV(laneArray(p, TARGET) + at);
    let x = tileOf(p, 0) + at;
    for (let c = 0; c < t.count; c++, x += tileRow()) {
      storeV(x + to, pull(p, excess(p, loadV(x), own, targets, t.first + c)));
    }
  }
  placeTargets(p, t);
  t.scales = laneArray(p, SCALE);
}
