// softmax and logSoftmax, forward and backward. With q = Σ e^(x−m) − 1 (one maximum kept out), S = 1 + q, p = e/S:
//
//   softmax     y = p                        ∂ = p·(g − Σ g·p)
//   logSoftmax  y = (x − m) − log1p(q)       ∂ = g − p·Σ g
//
// grad receives the result; target is the incoming gradient of the backward forms, 0 for the forward ones.

import { TILE_RUN } from '../classes/columns';
import { tileRow } from '../classes/pack';
import { scaleRow } from '../classes/row';
import { rows } from '../classes/rows';
import { FREE, MAX, REST, SCALE } from '../classes/samples';
import { EXPONENTIALS, nothing, tileOf, tiles, VALUES } from '../classes/tiles';
import { laneArray, Walk, walksRows } from '../classes/walk';
import { add, div, lanes, loadV, madd, mul, nmadd, splat, storeV, sub } from '../lane/lane';
import { loadSome, storeSome } from '../lane/place';
import { addWide, narrow, sumOf, widenAdd, zeroW } from '../lane/wide';
import { log1p } from '../math/log';
import { LOG, Plan } from '../plan';

/** Σ g·e or, for logSoftmax, Σ g of each sample: float64, two arrays. */
const DOT: usize = FREE;

/** softmax or, with LOG, logSoftmax over a plan; backward where target is set. */
export function softmax<V, W>(p: Plan): usize {
  if (walksRows<V>(p)) {
    return rows<V, W>(
      p, false,
      (p: Plan, t: Walk): bool => true,
      nothing,
      (p: Plan, t: Walk): void => { if (p.target) t.u += dotRow<V, W>(t.y, p.flags & LOG ? 0 : t.e, t.count); },
      nothing,
      (p: Plan, t: Walk): void => row<V>(p, t),
      nothing,
    );
  }
  return tiles<V, W>(
    p, EXPONENTIALS | (p.target ? VALUES : 0), 0,
    nothing, nothing,
    (p: Plan, t: Walk): void => { if (p.target) dots<V, W>(p, t); },
    nothing,
    (p: Plan, t: Walk): void => finish<V>(p, t),
    (p: Plan, t: Walk): void => tile<V>(p, t),
    nothing, nothing,
  );
}

// ---- tiles: one sample per lane ----------------------------------------------------------------------------------------

function dots<V, W>(p: Plan, t: Walk): void {
  const log = (p.flags & LOG) != 0, to = laneArray<V>(p, DOT);
  if (t.first == 0) memory.fill(to, 0, 2 * tileRow<V>());
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    let e = tileOf<V>(p, 1) + at, incoming = tileOf<V>(p, 2) + at;
    for (let c = 0; c < t.count; ) {
      const end = min(c + TILE_RUN, t.count);
      let sum = splat<V>(0);
      for (; c < end; c++, e += tileRow<V>(), incoming += tileRow<V>()) {
        const g = loadV<V>(incoming);
        sum = log ? add<V>(sum, g) : madd<V>(g, loadV<V>(e), sum);
      }
      addWide<V, W>(to + 2 * at, sum);
    }
  }
}

/** 1/Σe of each sample; for logSoftmax the logarithm of Σe. */
function finish<V>(p: Plan, t: Walk): void {
  const one = splat<V>(1);
  const logs = (p.flags & LOG) != 0 && !p.target;
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const q = loadV<V>(laneArray<V>(p, REST) + at);
    storeV<V>(laneArray<V>(p, SCALE) + at, logs ? log1p<V>(q) : div<V>(one, add<V>(q, one)));
  }
}

function tile<V>(p: Plan, t: Walk): void {
  const log = (p.flags & LOG) != 0, scales = laneArray<V>(p, SCALE);
  if (!p.target && !log) {
    t.scales = scales;
    return;
  }
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const scale = loadV<V>(scales + at), m = loadV<V>(laneArray<V>(p, MAX) + at);
    let x = tileOf<V>(p, 0) + at, e = tileOf<V>(p, 1) + at, incoming = tileOf<V>(p, 2) + at;
    if (!p.target) {
      for (let c = 0; c < t.count; c++, x += tileRow<V>(), e += tileRow<V>()) {
        storeV<V>(e, sub<V>(sub<V>(loadV<V>(x), m), scale));
      }
      continue;
    }
    let dot = narrow<V>(laneArray<V>(p, DOT) + 2 * at, splat<V>(0));
    if (!log) dot = mul<V>(dot, scale);
    for (let c = 0; c < t.count; c++, e += tileRow<V>(), incoming += tileRow<V>()) {
      const g = loadV<V>(incoming), y = mul<V>(loadV<V>(e), scale);
      storeV<V>(e, log ? nmadd<V>(y, dot, g) : mul<V>(y, sub<V>(g, dot)));
    }
  }
}

// ---- rows: one sample at a time ----------------------------------------------------------------------------------------

/** Σ g·e, or Σ g where e is 0. */
function dotRow<V, W>(g: usize, e: usize, n: i32): f64 {
  const step = lanes<V>();
  let dot = zeroW<W>();
  for (; n > 0; n -= step, g += 4 * step) {
    const v = loadSome<V>(g, n, 0);
    dot = widenAdd<V, W>(dot, e ? mul<V>(v, loadSome<V>(e, n, 0)) : v);
    if (e) e += 4 * step;
  }
  return sumOf<W>(dot);
}

function row<V>(p: Plan, t: Walk): void {
  const log = (p.flags & LOG) != 0;
  const scale = <f32>(1 / (1 + t.q));
  if (p.target) backwardRow<V>(t.e, t.y, t.g, t.count, scale, log, <f32>(log ? t.u : t.u / (1 + t.q)));
  else if (log) shiftRow<V>(t.x, t.g, t.count, <f32>t.top, <f32>Math.log1p(t.q));
  else scaleRow<V>(t.e, t.g, 0, t.count, scale, 0);
}

/** y = (x − m) − shift. */
function shiftRow<V>(x: usize, y: usize, n: i32, m: f32, shift: f32): void {
  const step = lanes<V>();
  const top = splat<V>(m), log = splat<V>(shift);
  for (; n > 0; n -= step, x += 4 * step, y += 4 * step) storeSome<V>(y, sub<V>(sub<V>(loadSome<V>(x, n, 0), top), log), n);
}

/** The vector-Jacobian product from the exponentials at e and the incoming gradient at g. */
function backwardRow<V>(e: usize, g: usize, to: usize, n: i32, scale: f32, log: bool, dot: f32): void {
  const step = lanes<V>();
  const by = splat<V>(scale), all = splat<V>(dot);
  for (; n > 0; n -= step, e += 4 * step, g += 4 * step, to += 4 * step) {
    const v = loadSome<V>(g, n, 0), y = mul<V>(loadSome<V>(e, n, 0), by);
    storeSome<V>(to, log ? nmadd<V>(y, all, v) : mul<V>(y, sub<V>(v, all)), n);
  }
}
