// Squared earth mover's distance of the cumulative distributions (Hou, Yu & Samaras 2016): l = Σ_k d_k², d_k = CDF_p − CDF_t at k:
// the prefix sum of p below the target t, and minus the sum of what follows from t on, so that nothing cancels. With
// g_j = 2·Σ_{k≥j} d_k: ∂l/∂x_j = p_j·(g_j − Σ_c p_c·g_c) = 2·p_j·(Σ_k d_k·(1 − CDF_k) − Σ_{k<j} d_k), where Σ_c p_c·g_c was
// written 2·Σ_k d_k·CDF_k; and Σ_k d_k·(1 − CDF_k) = Σ_{k<t} d_k − Σ_k d_k², as d is CDF below the target and CDF − 1 from it on.
// All of it in float64.
//
// Operands: b sampleWeight.

import { tileRow } from '../classes/pack';
import { FREE, IDLE, LOSS, REST, SCALE, TARGET } from '../classes/samples';
import { EXPONENTIALS, nothing, tileOf, tiles } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { and, clear, eq, loadV, mul, splat, storeV, VECTOR } from '../lane/lane';
import { addW, divW, gtW, high, low, mulW, narrow, neW, splatW, storeNarrow, subW } from '../lane/wide';
import { Plan } from '../plan';
import { addLosses } from '../sums';

// arrays of one value per sample
const PLACES: usize = FREE; // the target as a number
// float64, two arrays each
const ABOVE: usize = FREE + 1; // Σ e of the classes above the target
const PREFIX: usize = FREE + 3; // Σ e of the classes so far, from the target on of those above it
const MOVED: usize = FREE + 5; // Σ D: of the classes below the target, then, for the gradients, of those so far
const SQUARES: usize = FREE + 7; // Σ D²
const LEFT: usize = FREE + 9; // Σe·Σ d·(1 − CDF)

export function emd(p: Plan): usize {
  return tiles(
    p, EXPONENTIALS, 0,
    nothing, nothing,
    (p: Plan, t: Walk): void => sums(p, t),
    (p: Plan, t: Walk): void => distances(p, t),
    (p: Plan, t: Walk): void => finish(p, t),
    (p: Plan, t: Walk): void => gradients(p, t),
    nothing, nothing,
  );
}

/** Σ e above the target. */
function sums(p: Plan, t: Walk): void {
  if (t.first == 0) {
    memory.fill(laneArray(p, ABOVE), 0, 10 * tileRow()); // and all that follow
    for (let i = 0; i < t.n; i++) {
      const at = <usize>i << 2, c = load<i32>(laneArray(p, TARGET) + at);
      store<f32>(laneArray(p, PLACES) + at, c == p.ignoreIndex ? 0 : <f32>c);
    }
  }
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR / 2) {
    const place = pairOf(loadV(laneArray(p, PLACES) + (at & ~15)), at);
    let sum = loadV(laneArray(p, ABOVE) + 2 * at), e = tileOf(p, 1) + (at & ~15), k = splatW(t.first);
    for (let c = 0; c < t.count; c++, e += tileRow(), k = addW(k, splatW(1))) {
      sum = addW(sum, and(pairOf(loadV(e), at), gtW(k, place)));
    }
    storeV(laneArray(p, ABOVE) + 2 * at, sum);
  }
}

/** The two lanes of v that start `at` bytes into a row. */
// @ts-ignore: decorator
@inline function pairOf(v: v128, at: usize): v128 {
  return at & 8 ? high(v) : low(v);
}

/** Σe of two samples. */
// @ts-ignore: decorator
@inline function totalOf(p: Plan, at: usize): v128 {
  return addW(pairOf(loadV(laneArray(p, REST) + (at & ~15)), at), splatW(1));
}

/**
 * The sums over D of a block of classes, for two samples; with `write` the gradients instead, but for what weighs the sample.
 * Sums are of D = d·Σe, so that nothing is divided on the way.
 */
// @ts-ignore: decorator
@inline function sweep(p: Plan, t: Walk, at: usize, write: bool): void {
  const place = pairOf(loadV(laneArray(p, PLACES) + (at & ~15)), at);
  const one = splatW(1), by = divW(one, totalOf(p, at)), share = mulW(by, by);
  const above = loadV(laneArray(p, ABOVE) + 2 * at), left = loadV(laneArray(p, LEFT) + 2 * at);
  let prefix = loadV(laneArray(p, PREFIX) + 2 * at), moved = loadV(laneArray(p, MOVED) + 2 * at);
  let squares = loadV(laneArray(p, SQUARES) + 2 * at);
  let e = tileOf(p, 1) + (at & ~15), k = splatW(t.first);
  for (let c = 0; c < t.count; c++, e += tileRow(), k = addW(k, one)) {
    const own = pairOf(loadV(e), at), below = gtW(place, k);
    // at the target the sum starts anew, for the classes above it
    prefix = and(addW(prefix, own), neW(k, place));
    const d = subW(prefix, clear(above, below));
    if (write) {
      storeNarrow(e + (at & 8), mulW(mulW(own, share), subW(left, moved)));
      moved = addW(moved, d);
    } else {
      moved = addW(moved, and(d, below));
      squares = addW(squares, mulW(d, d));
    }
  }
  storeV(laneArray(p, PREFIX) + 2 * at, prefix);
  storeV(laneArray(p, MOVED) + 2 * at, moved);
  if (!write) storeV(laneArray(p, SQUARES) + 2 * at, squares);
}

function distances(p: Plan, t: Walk): void {
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR / 2) sweep(p, t, at, false);
}

function finish(p: Plan, t: Walk): void {
  const zero = splat(0);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR / 2) {
    const by = divW(splatW(1), totalOf(p, at)), squares = mulW(loadV(laneArray(p, SQUARES) + 2 * at), by);
    storeV(laneArray(p, LEFT) + 2 * at, subW(loadV(laneArray(p, MOVED) + 2 * at), squares));
    storeV(laneArray(p, SQUARES) + 2 * at, mulW(squares, by));
  }
  memory.fill(laneArray(p, PREFIX), 0, 4 * tileRow()); // and MOVED: the gradients start anew
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at), own = clear(loadV(t.own + at), idle);
    storeV(laneArray(p, LOSS) + at, clear(mul(own, narrow(laneArray(p, SQUARES) + 2 * at, zero)), eq(own, zero)));
    storeV(laneArray(p, SCALE) + at, mul(splat(2), clear(loadV(t.mass + at), idle)));
  }
  addLosses(p, laneArray(p, LOSS), t.sample, t.n);
}

function gradients(p: Plan, t: Walk): void {
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR / 2) sweep(p, t, at, true);
  t.scales = laneArray(p, SCALE);
}
