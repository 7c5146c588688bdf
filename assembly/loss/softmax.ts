// softmax and logSoftmax, forward and backward. With q = Σ e^(x−m) − 1 (one maximum kept out), S = 1 + q, p = e/S:
//
//   softmax     y = p                        ∂ = p·(g − Σ g·p)
//   logSoftmax  y = (x − m) − log1p(q)       ∂ = g − p·Σ g
//
// grad receives the result; target is the incoming gradient of the backward forms, 0 for the forward ones.

import { add, div, lanes, loadSome, loadV, madd, mul, nmadd, splat, storeSome, storeV, sub, sumOf, widenAdd, zeroW } from '../lane';
import { log1p } from '../math';
import { LOG, Plan } from '../plan';
import { expRow, maxRow, scaleRow } from '../sweep';
import { maxTile, pack, TILE_RUN, tileRow, unpack, UNSCALED } from '../tile';
import { advance, begin, Cursor, expSamples, laneArray, rowOf, tileOf, walksRows } from '../walk';

// lane arrays
const MAX = 0;
const REST = 1;

/** softmax or, with LOG, logSoftmax over a plan; backward where target is set. */
export function softmaxKernel<V, W>(p: Plan): void {
  const rows = walksRows<V>(p);
  const cursor = begin(p);
  while (advance<V>(p, cursor, rows)) {
    if (rows) row<V, W>(p, cursor);
    else tile<V>(p, cursor);
  }
}

function tile<V>(p: Plan, cursor: Cursor): void {
  const tile = tileOf<V>(p, 0), results = tileOf<V>(p, 1), incoming = tileOf<V>(p, 2);
  pack<V>(cursor.x, cursor.classStepX, cursor.sampleStep, p.classes, cursor.n, tile);
  if (p.target) pack<V>(cursor.y, cursor.classStepY, cursor.sampleStep, p.classes, cursor.n, incoming);
  const maxima = laneArray<V>(p, MAX), rests = laneArray<V>(p, REST);
  maxTile<V>(tile, p.classes, cursor.n, maxima);
  expSamples<V>(p, cursor, tile, results, maxima, rests);
  let scales = UNSCALED;
  for (let i = 0; i < cursor.n; i += lanes<V>()) {
    const at = <usize>i << 2;
    if (p.target) backwardColumn<V>(p, results + at, incoming + at, loadV<V>(rests + at));
    else if (p.flags & LOG) logColumn<V>(p, tile + at, results + at, loadV<V>(maxima + at), loadV<V>(rests + at));
    else storeV<V>(rests + at, inverse<V>(loadV<V>(rests + at)));
  }
  if (!p.target && !(p.flags & LOG)) scales = rests;
  unpack<V>(results, cursor.g, cursor.classStepG, cursor.sampleStep, p.classes, cursor.n, scales);
}

/** 1/(1 + q). */
// @ts-ignore: decorator
@inline function inverse<V>(q: V): V {
  return div<V>(splat<V>(1), add<V>(q, splat<V>(1)));
}

function logColumn<V>(p: Plan, column: usize, to: usize, m: V, q: V): void {
  const end = to + <usize>p.classes * tileRow<V>();
  const log = log1p<V>(q);
  for (; to < end; column += tileRow<V>(), to += tileRow<V>()) storeV<V>(to, sub<V>(sub<V>(loadV<V>(column), m), log));
}

function backwardColumn<V>(p: Plan, to: usize, incoming: usize, q: V): void {
  const log = (p.flags & LOG) != 0;
  const scale = inverse<V>(q);
  let dot = splat<V>(0);
  for (let c = 0; c < p.classes; ) {
    const end = min(c + TILE_RUN, p.classes);
    let sum = splat<V>(0);
    for (; c < end; c++) {
      const at = <usize>c * tileRow<V>();
      const g = loadV<V>(incoming + at);
      sum = log ? add<V>(sum, g) : madd<V>(g, loadV<V>(to + at), sum);
    }
    dot = add<V>(dot, sum);
  }
  if (!log) dot = mul<V>(dot, scale);
  for (let c = 0; c < p.classes; c++, to += tileRow<V>(), incoming += tileRow<V>()) {
    const g = loadV<V>(incoming), y = mul<V>(loadV<V>(to), scale);
    storeV<V>(to, log ? nmadd<V>(y, dot, g) : mul<V>(y, sub<V>(g, dot)));
  }
}

function row<V, W>(p: Plan, cursor: Cursor): void {
  const log = (p.flags & LOG) != 0;
  const classes = p.classes;
  const m = maxRow<V>(cursor.x, classes);
  if (log && !p.target) {
    const shift = <f32>Math.log1p(expRow<V, W>(cursor.x, 0, classes, m));
    shiftRow<V>(cursor.x, cursor.g, classes, m, shift);
    return;
  }
  const es = rowOf<V>(p);
  const scale = <f32>(1 / (1 + expRow<V, W>(cursor.x, es, classes, m)));
  scaleRow<V>(es, p.target ? es : cursor.g, 0, classes, scale, 0);
  if (p.target) backwardRow<V, W>(es, cursor.y, cursor.g, classes, log);
}

/** y = (x − m) − shift. */
function shiftRow<V>(x: usize, y: usize, n: i32, m: f32, shift: f32): void {
  const step = lanes<V>();
  const top = splat<V>(m), log = splat<V>(shift);
  for (; n > 0; n -= step, x += 4 * step, y += 4 * step) storeSome<V>(y, sub<V>(sub<V>(loadSome<V>(x, n, 0), top), log), n);
}

/** The vector-Jacobian product from the probabilities at y and the incoming gradient at g. */
function backwardRow<V, W>(y: usize, g: usize, to: usize, n: i32, log: bool): void {
  const step = lanes<V>();
  let dot = zeroW<W>();
  for (let i = 0; i < n; i += step) {
    const at = <usize>i << 2;
    const v = loadSome<V>(g + at, n - i, 0);
    dot = widenAdd<V, W>(dot, log ? v : mul<V>(v, loadSome<V>(y + at, n - i, 0)));
  }
  const all = splat<V>(<f32>sumOf<W>(dot));
  for (let i = 0; i < n; i += step) {
    const at = <usize>i << 2;
    const v = loadSome<V>(g + at, n - i, 0), s = loadSome<V>(y + at, n - i, 0);
    storeSome<V>(to + at, log ? nmadd<V>(s, all, v) : mul<V>(s, sub<V>(v, all)), n - i);
  }
}
