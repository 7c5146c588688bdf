// softmax and logSoftmax, forward and backward. With q = Σ e^(x−m) − 1 (one maximum kept out), S = 1 + q, p = e/S:
//
//   softmax     y = p                        ∂ = p·(g − Σ g·p)
//   logSoftmax  y = (x − m) − log1p(q)       ∂ = g − p·Σ g
//
// grad receives the result; target is the incoming gradient of the backward forms, 0 for the forward ones.

import { TILE_RUN } from '../classes/columns';
import { tileRow } from '../classes/pack';
import { RUN, scaleRow, TURN } from '../classes/row';
import { rows } from '../classes/rows';
import { FREE, MAX, REST, SCALE } from '../classes/samples';
import { EXPONENTIALS, nothing, tileOf, tiles, VALUES } from '../classes/tiles';
import { laneArray, Walk, walksRows } from '../classes/walk';
import { add, anyOf, div, LANES, loadV, madd, mul, ne, nmadd, splat, storeV, sub, VECTOR } from '../lane/lane';
import { loadSome, storeSome } from '../lane/place';
import { addWide, high, join, low, mulW, narrow, sumOf, widenAdd, zeroW } from '../lane/wide';
import { log1p, log1pDouble } from '../math/log';
import { LOG, Plan } from '../plan';

/** Σ g·e or, for logSoftmax, Σ g of each sample: float64, two arrays. */
const DOT: usize = FREE;

/** softmax or, with LOG, logSoftmax over a plan; backward where target is set. */
export function softmax(p: Plan): usize {
  if (walksRows(p)) {
    return rows(
      p, false,
      (p: Plan, t: Walk): bool => true,
      nothing,
      (p: Plan, t: Walk): void => { if (p.target) t.u += dotRow(t.y, p.flags & LOG ? 0 : t.e, t.count); },
      nothing,
      (p: Plan, t: Walk): void => row(p, t),
      nothing,
    );
  }
  return tiles(
    p, EXPONENTIALS | (p.target ? VALUES : 0), 0,
    nothing, nothing,
    (p: Plan, t: Walk): void => { if (p.target) dots(p, t); },
    nothing,
    (p: Plan, t: Walk): void => finish(p, t),
    (p: Plan, t: Walk): void => tile(p, t),
    nothing, nothing,
  );
}

// ---- tiles: one sample per lane ----------------------------------------------------------------------------------------

function dots(p: Plan, t: Walk): void {
  const log = (p.flags & LOG) != 0, dot = laneArray(p, DOT), row = tileRow();
  if (t.first == 0) memory.fill(dot, 0, 2 * row);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const to = dot + 2 * at;
    let e = tileOf(p, 1) + at, incoming = tileOf(p, 2) + at;
    for (let c = 0; c < t.count; ) {
      const start = c, end = min(c + TILE_RUN, t.count);
      let sum = splat(0);
      for (; c < end; c++, e += row, incoming += row) {
        const g = loadV(incoming);
        sum = log ? add(sum, g) : madd(g, loadV(e), sum);
      }
      if (!overflows(sum)) {
        addWide(to, sum);
        continue;
      }
      for (let back = <usize>(c - start) * row; back > 0; back -= row) {
        const g = loadV(incoming - back);
        addWide(to, log ? g : mul(g, loadV(e - back)));
      }
    }
  }
}

/** Whether any sum is no number, as where a float32 was too small for it. */
// @ts-ignore: decorator
@inline function overflows(sum: v128): bool {
  return anyOf(ne(sub(sum, sum), splat(0)));
}

/** 1/Σe of each sample; for logSoftmax the logarithm of Σe. */
function finish(p: Plan, t: Walk): void {
  const one = splat(1);
  const logs = (p.flags & LOG) != 0 && !p.target;
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const q = loadV(laneArray(p, REST) + at);
    storeV(laneArray(p, SCALE) + at, logs ? log1p(q) : div(one, add(q, one)));
  }
}

function tile(p: Plan, t: Walk): void {
  const log = (p.flags & LOG) != 0, scales = laneArray(p, SCALE);
  if (!p.target && !log) {
    t.scales = scales;
    return;
  }
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const scale = loadV(scales + at), m = loadV(laneArray(p, MAX) + at);
    let x = tileOf(p, 0) + at, e = tileOf(p, 1) + at, incoming = tileOf(p, 2) + at;
    if (!p.target) {
      for (let c = 0; c < t.count; c++, x += tileRow(), e += tileRow()) {
        storeV(e, sub(sub(loadV(x), m), scale));
      }
      continue;
    }
    const sums = laneArray(p, DOT) + 2 * at;
    const dot = log ? narrow(sums, splat(0)) : join(mulW(loadV(sums), low(scale)), mulW(loadV(sums + 16), high(scale)));
    for (let c = 0; c < t.count; c++, e += tileRow(), incoming += tileRow()) {
      const g = loadV(incoming), y = mul(loadV(e), scale);
      storeV(e, log ? nmadd(y, dot, g) : mul(y, sub(g, dot)));
    }
  }
}

// ---- rows: one sample at a time ----------------------------------------------------------------------------------------

/** Σ g·e, or Σ g where e is 0. */
function dotRow(g: usize, e: usize, n: i32): f64 {
  const whole = n & -(2 * LANES);
  let dot = zeroW();
  n %= 2 * LANES;
  for (let left = <usize>whole << 2; left > 0; ) {
    const run = min(left, <usize>RUN * TURN), end = g + run, beside = e - g;
    let even = splat(0), odd = even;
    left -= run;
    for (; g != end; g += TURN) {
      const a = loadV(g), b = loadV(g + VECTOR);
      even = e ? madd(a, loadV(g + beside), even) : add(even, a);
      odd = e ? madd(b, loadV(g + beside + VECTOR), odd) : add(odd, b);
    }
    const sum = add(even, odd);
    if (overflows(sum)) {
      for (let at = end - run; at != end; at += VECTOR) {
        const v = loadV(at);
        dot = widenAdd(dot, e ? mul(v, loadV(at + beside)) : v);
      }
    } else dot = widenAdd(dot, sum);
    if (e) e += run;
  }
  for (; n > 0; n -= LANES, g += VECTOR) {
    const v = loadSome(g, n, 0);
    dot = widenAdd(dot, e ? mul(v, loadSome(e, n, 0)) : v);
    if (e) e += VECTOR;
  }
  return sumOf(dot);
}

function row(p: Plan, t: Walk): void {
  const log = (p.flags & LOG) != 0;
  const scale = <f32>(1 / (1 + t.q));
  if (p.target) backwardRow(t.e, t.y, t.g, t.count, scale, log, <f32>(log ? t.u : t.u / (1 + t.q)));
  else if (log) shiftRow(t.x, t.g, t.count, <f32>t.top, <f32>log1pDouble(t.q));
  else scaleRow(t.e, t.g, 0, t.count, scale, 0);
}

/** y = (x − m) − shift. */
function shiftRow(x: usize, y: usize, n: i32, m: f32, shift: f32): void {
  const top = splat(m), log = splat(shift), end = x + (<usize>(n & -(2 * LANES)) << 2);
  for (; x != end; x += TURN, y += TURN) {
    storeV(y, sub(sub(loadV(x), top), log));
    storeV(y + VECTOR, sub(sub(loadV(x + VECTOR), top), log));
  }
  n %= 2 * LANES;
  for (; n > 0; n -= LANES, x += VECTOR, y += VECTOR) storeSome(y, sub(sub(loadSome(x, n, 0), top), log), n);
}

/** The vector-Jacobian product from the exponentials at e and the incoming gradient at g. */
function backwardRow(e: usize, g: usize, to: usize, n: i32, scale: f32, log: bool, dot: f32): void {
  const by = splat(scale), all = splat(dot), end = e + (<usize>(n & -(2 * LANES)) << 2);
  for (; e != end; e += TURN, g += TURN, to += TURN) {
    const v0 = loadV(g), v1 = loadV(g + VECTOR), y0 = mul(loadV(e), by), y1 = mul(loadV(e + VECTOR), by);
    storeV(to, log ? nmadd(y0, all, v0) : mul(y0, sub(v0, all)));
    storeV(to + VECTOR, log ? nmadd(y1, all, v1) : mul(y1, sub(v1, all)));
  }
  n %= 2 * LANES;
  for (; n > 0; n -= LANES, e += VECTOR, g += VECTOR, to += VECTOR) {
    const v = loadSome(g, n, 0), y = mul(loadSome(e, n, 0), by);
    storeSome(to, log ? nmadd(y, all, v) : mul(y, sub(v, all)), n);
  }
}
