// l = (w_t/C)·Σ_{c≠t} max(0, m_c)^p with m_c = margin + (x_c − x_t); ∂l/∂x_c = w_t/C where m_c > 0, or 2·w_t/C·max(0, m_c), and
// the target gets minus the sum of the others. Source: PyTorch, torch.nn.functional.multi_margin_loss.
//
// Parameters: p0 the power p (1 or 2), p1 margin. Operands: a weight [C], b sampleWeight.

import { TILE_RUN } from '../classes/columns';
import { tileRow } from '../classes/pack';
import { AWAY, FREE, IDLE, LOSS, PLACE, SCALE, TARGET } from '../classes/samples';
import { atTarget, placeTargets } from '../classes/target';
import { nothing, OF_TARGETS, tileOf, tiles, WEIGHS } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { isClass } from '../lane/bits';
import { add, clear, eq, le, loadV, mul, ne, neg, or, pmax, splat, storeV, sub, VECTOR } from '../lane/lane';
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
    (p: Plan, t: Walk): void => {
      if (t.first == 0) memory.fill(laneArray(p, EXCESS), 0, 4 * tileRow());
      walk(p, t, true);
    },
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
@inline function excess(x: v128, own: v128, margin: v128, mine: v128): v128 {
  return clear(pmax(add(sub(x, own), margin), splat(0)), mine);
}

/** Its derivative, without what weighs the sample. */
// @ts-ignore: decorator
@inline function pull(m: v128, square: bool): v128 {
  return square ? add(m, m) : or(clear(splat(1), le(m, splat(0))), ne(m, m));
}

/**
 * The sums of a block of classes, with the derivatives of a tile that is kept; or else the derivatives. Two columns a turn;
 * what comes of one past the last sample is never used.
 */
function walk(p: Plan, t: Walk, sums: bool): void {
  const to = tileOf(p, 1) - tileOf(p, 0), slopes = p.grad != 0 && (t.kept || !sums);
  const square = p.p0 == 2, margin = splat(<f32>p.p1), count = t.count, bytes = <usize>t.n << 2;
  const touchX = t.touchX, touchG = t.touchG, beside = t.beside;
  let nextX = t.aheadX, nextG = t.aheadG;
  for (let at: usize = 0; at < bytes; at += 2 * VECTOR) {
    const next = at + VECTOR < bytes ? at + VECTOR : at;
    const own0 = scoreOf(p, t, at), own1 = scoreOf(p, t, next);
    const targets0 = loadV(laneArray(p, TARGET) + at), targets1 = loadV(laneArray(p, TARGET) + next);
    let x = tileOf(p, 0) + at, aheadX = nextX, aheadG = nextG;
    nextX += beside;
    nextG += beside;
    for (let c = 0; c < count; ) {
      const end = min(c + TILE_RUN, count);
      let sum0 = splat(0), sum1 = sum0, pulls0 = sum0, pulls1 = sum0;
      for (; c < end; c++, x += tileRow(), aheadX += touchX, aheadG += touchG) {
        load<u32>(aheadX);
        load<u32>(aheadG);
        const m0 = excess(loadV(x), own0, margin, isClass(targets0, t.first + c)), pull0 = pull(m0, square);
        const m1 = excess(loadV(x + VECTOR), own1, margin, isClass(targets1, t.first + c)), pull1 = pull(m1, square);
        sum0 = add(sum0, square ? mul(m0, m0) : m0);
        sum1 = add(sum1, square ? mul(m1, m1) : m1);
        pulls0 = add(pulls0, pull0);
        pulls1 = add(pulls1, pull1);
        if (!slopes) continue;
        storeV(x + to, pull0);
        storeV(x + to + VECTOR, pull1);
      }
      if (!sums) continue;
      addWide(laneArray(p, EXCESS) + 2 * at, sum0);
      addWide(laneArray(p, EXCESS) + 2 * at + 2 * VECTOR, sum1);
      addWide(laneArray(p, SLOPES) + 2 * at, pulls0);
      addWide(laneArray(p, SLOPES) + 2 * at + 2 * VECTOR, pulls1);
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
  if (!t.kept) walk(p, t, false);
  placeTargets(p, t);
  t.scales = laneArray(p, SCALE);
}
