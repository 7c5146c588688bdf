// Composite labels: cross entropy of the parts of a label under one softmax over the joint classes. Component m maps every
// class to a group; with I the classes in the group of the target, O the others, D = LSE(x_O) − LSE(x_I):
//
//   l_m = −log Σ_{c∈I} p_c = log(1 + e^D) = log1p(σ_O/σ_I),      σ_O, σ_I = Σ e^(x−m) over O and I
//   ∂l_m/∂x_k = p_k                                              for k in O
//             = −(σ_O/(σ_O + σ_I))·e_k/σ_I                       for k in I (p_k − e_k/σ_I without the cancellation)
//   l = s·Σ_m w_m·l_m
//
// Plain cross entropy is the component that maps every class to a group of its own; the caller adds it for a joint weight.
//
// Both sums may be taken relative to the row maximum while no e^(x−m) comes near underflow, that is while the logits of a
// sample span less than SPAN. Samples with a wider span (−Infinity masks, ±1e30) are computed one by one in float64, each
// group relative to its own maximum. Zero weights drop their term; a component with nothing outside costs exactly 0.

import {
  add, and, anyOf, clear, div, eq, lanes, loadV, lt, mul, neg, pmin, sameInt, select_, splat, storeV, sub,
} from '../lane';
import { log1p } from '../math';
import { Plan } from '../plan';
import { addLosses, copyFloats, sampleWeightOf } from '../reduce';
import { blank, expTile, maxTile, pack, TILE_RUN, tileRow, unpack } from '../sweep';
import { advance, begin, Cursor, laneArray, tileOf, scratchBytes } from '../walk';

/** e^−80 keeps 7 decades above the smallest normal float32. */
const SPAN: f32 = 80;
/** Differences below this are rounded by at most 4.8e-7. */
const FAR: f32 = 16;

const WEIGHT = 0; // s, 0 for a sample that is ignored or computed in float64
const INCOMING = 1; // incoming gradient · s
const LOSS = 2;
const EXACT = 3; // not 0 for a sample computed in float64
const EXACT_LOSS = 4;
const MAX = 5;
const REST = 6; // q

// tiles: logits; gradients of the samples computed in float64; e, then gradients; what multiplies e in the gradient
const TILES = 4;
// after the tiles, per component: the target's group (int32), the loss, and the loss of the samples computed in float64
const PER_COMPONENT = 3;

/** Scratch in bytes. */
export function componentScratch<V>(p: Plan): usize {
  return scratchBytes<V>(p, TILES) + <usize>(PER_COMPONENT * p.components) * tileRow<V>();
}

// @ts-ignore: decorator
@inline function componentArray<V>(p: Plan, component: i32, which: i32): usize {
  return tileOf<V>(p, TILES) + <usize>(PER_COMPONENT * component + which) * tileRow<V>();
}

// @ts-ignore: decorator
@inline function groupOf(p: Plan, component: i32, c: i32): usize {
  return p.groups + ((<usize>component * p.classes + c) << 2);
}

// @ts-ignore: decorator
@inline function componentWeight(p: Plan, component: i32): f32 {
  return load<f32>(p.componentWeights + (<usize>component << 2));
}

/** Component cross entropy over a plan. */
export function componentKernel<V, W>(p: Plan): void {
  const cursor = begin(p);
  const tile = tileOf<V>(p, 0), exact = tileOf<V>(p, 1), grads = tileOf<V>(p, 2);
  while (advance<V>(p, cursor, false)) {
    pack<V>(cursor.x, cursor.classStepX, cursor.sampleStep, p.classes, cursor.n, tile);
    maxTile<V>(tile, p.classes, cursor.n, laneArray<V>(p, MAX));
    let far = false;
    for (let i = 0; i < cursor.n; i += lanes<V>()) far = measure<V>(p, tile, i) || far;
    const some = gather<V>(p, cursor, tile, exact, far);
    // within a group far below the maximum the error of x − m shows, so it is taken back wherever it may exceed 5e-7
    expTile<V>(tile, grads, p.classes, cursor.n, laneArray<V>(p, MAX), laneArray<V>(p, REST), far);
    for (let i = 0; i < cursor.n; i += lanes<V>()) column<V>(p, grads, i);
    if (some) mergeExact<V>(p, cursor, grads, exact);
    addLosses<V, W>(p, laneArray<V>(p, LOSS), cursor.sample, cursor.n);
    for (let c = 0; c < p.components; c++) {
      const losses = componentArray<V>(p, c, 1);
      let sum: f64 = 0;
      for (let i = 0; i < cursor.n; i++) sum += load<f32>(losses + (<usize>i << 2));
      const total = p.componentSums + (<usize>c << 3);
      store<f64>(total, load<f64>(total) + sum);
      if (p.componentLosses) {
        copyFloats<V>(losses, p.componentLosses + (<usize>(c * p.componentStride + cursor.sample) << 2), cursor.n);
      }
    }
    if (p.grad) unpack<V>(grads, cursor.g, cursor.classStepG, cursor.sampleStep, p.classes, cursor.n);
  }
}

/** Reads what belongs to each sample and computes those that need float64; returns whether there were any. */
function gather<V>(p: Plan, cursor: Cursor, tile: usize, exact: usize, far: bool): bool {
  let some = false;
  const end = (cursor.n + lanes<V>() - 1) & ~(lanes<V>() - 1);
  for (let i = 0; i < end; i++) {
    const at = <usize>i << 2;
    const sample = cursor.sample + i;
    let t = i < cursor.n ? load<i32>(p.target + (<usize>sample << 2)) : p.ignoreIndex;
    let s: f32 = 0;
    if (t == p.ignoreIndex) t = 0;
    else s = sampleWeightOf(p, sample);
    if (s == 0) drop<V>(p, tile, i);
    let incoming = p.gradOutput && s != 0 ? s * load<f32>(p.gradOutput + (<usize>sample << 2)) : s;
    for (let c = 0; c < p.components; c++) {
      store<i32>(componentArray<V>(p, c, 0) + at, load<i32>(groupOf(p, c, t)));
    }
    if (far) {
      const wide = s != 0 && load<i32>(laneArray<V>(p, EXACT) + at) != 0;
      store<i32>(laneArray<V>(p, EXACT) + at, wide);
      if (wide) {
        some = true;
        store<f32>(laneArray<V>(p, EXACT_LOSS) + at, exactSample<V>(p, tile + at, exact + at, t, s, incoming));
        drop<V>(p, tile, i);
        s = 0;
        incoming = 0;
      }
    }
    store<f32>(laneArray<V>(p, WEIGHT) + at, s);
    store<f32>(laneArray<V>(p, INCOMING) + at, incoming);
  }
  return some;
}

/** Takes a sample out of the tile: its logits and their maximum become 0. */
function drop<V>(p: Plan, tile: usize, i: i32): void {
  blank<V>(tile, p.classes, i);
  store<f32>(laneArray<V>(p, MAX) + (<usize>i << 2), 0);
}

/** Marks the samples of a vector whose logits do not span less than SPAN; returns whether any span is FAR or more. */
function measure<V>(p: Plan, tile: usize, i: i32): bool {
  const at = <usize>i << 2;
  let column = tile + at;
  let low = loadV<V>(column);
  let odd = splat<V>(0); // x − x: 0, or NaN where x is not finite
  for (let c = 0; c < p.classes; c++, column += tileRow<V>()) {
    const x = loadV<V>(column);
    low = pmin<V>(low, x);
    odd = add<V>(odd, sub<V>(x, x));
  }
  const span = add<V>(sub<V>(loadV<V>(laneArray<V>(p, MAX) + at), low), odd);
  storeV<V>(laneArray<V>(p, EXACT) + at, clear<V>(splat<V>(1), lt<V>(span, splat<V>(SPAN))));
  return anyOf<V>(clear<V>(splat<V>(1), lt<V>(span, splat<V>(FAR))));
}

/** Losses and gradients of one vector of samples. */
function column<V>(p: Plan, grads: usize, i: i32): void {
  const at = <usize>i << 2;
  const first = grads + at, row = tileRow<V>(), end = first + <usize>p.classes * row;
  const factors = tileOf<V>(p, 3) - grads; // from a gradient to its factor
  const zero = splat<V>(0);
  const sum = add<V>(loadV<V>(laneArray<V>(p, REST) + at), splat<V>(1));
  const s = loadV<V>(laneArray<V>(p, WEIGHT) + at);
  const incoming = mul<V>(loadV<V>(laneArray<V>(p, INCOMING) + at), splat<V>(<f32>p.upstream));
  const unit = div<V>(incoming, sum); // gradient of a class outside, per e and weight
  let loss = zero;
  for (let k = 0; k < p.components; k++) {
    const group = loadV<V>(componentArray<V>(p, k, 0) + at);
    let inside = zero, outside = zero;
    for (let place = first, map = groupOf(p, k, 0); place < end; ) {
      const stop = min(place + <usize>TILE_RUN * row, end);
      let near = zero, far = zero;
      for (; place < stop; place += row, map += 4) {
        const e = loadV<V>(place);
        const mask = sameInt<V>(group, map);
        far = add<V>(far, clear<V>(e, mask));
        near = add<V>(near, and<V>(e, mask));
      }
      outside = add<V>(outside, far);
      inside = add<V>(inside, near);
    }
    const ratio = div<V>(outside, inside);
    const part = log1p<V>(ratio);
    const w = splat<V>(componentWeight(p, k));
    loss = add<V>(loss, clear<V>(mul<V>(w, part), eq<V>(w, zero)));
    storeV<V>(componentArray<V>(p, k, 1) + at, mul<V>(s, part));
    if (!p.grad) continue;
    const away = mul<V>(unit, w), near = neg<V>(mul<V>(away, ratio));
    for (let place = first + factors, map = groupOf(p, k, 0); place < end + factors; place += row, map += 4) {
      const factor = select_<V>(near, away, sameInt<V>(group, map));
      storeV<V>(place, k == 0 ? factor : add<V>(loadV<V>(place), factor));
    }
  }
  storeV<V>(laneArray<V>(p, LOSS) + at, mul<V>(s, loss));
  if (!p.grad) return;
  for (let place = first; place < end; place += row) storeV<V>(place, mul<V>(loadV<V>(place), loadV<V>(place + factors)));
}

/** One sample in float64, its gradient in the same column of the other tile; returns its loss. */
function exactSample<V>(p: Plan, x: usize, g: usize, t: i32, s: f32, incoming: f32): f32 {
  const row = tileRow<V>();
  for (let c = 0; c < p.classes; c++) store<f32>(g + <usize>c * row, 0);
  const lane = x - tileOf<V>(p, 0);
  let loss: f64 = 0;
  for (let k = 0; k < p.components; k++) {
    const group = load<i32>(groupOf(p, k, t));
    const top = groupMax<V>(p, x, k, group, true), topOut = groupMax<V>(p, x, k, group, false);
    const sum = groupSum<V>(p, x, k, group, true, top), sumOut = groupSum<V>(p, x, k, group, false, topOut);
    // nothing outside: cost 0. NaN anywhere makes one of the sums NaN and with it the sample.
    const gap = sumOut == 0 ? -Infinity : topOut - top + (Math.log(sumOut) - Math.log(sum));
    const e = Math.exp(-Math.abs(gap));
    const part = gap == -Infinity ? 0 : Math.max(gap, 0) + Math.log1p(e);
    const share = (gap > 0 ? 1 : e) / (1 + e); // p of the classes outside
    const w: f64 = componentWeight(p, k);
    store<f32>(componentArray<V>(p, k, 2) + lane, <f32>(s * part));
    if (w == 0) continue;
    loss += w * part;
    const unit = w * incoming * p.upstream * share;
    if (unit == 0) continue;
    for (let c = 0; c < p.classes; c++) {
      const place = g + <usize>c * row;
      const v: f64 = load<f32>(x + <usize>c * row);
      const d = load<i32>(groupOf(p, k, c)) == group ? -inGroup(v, top, sum) : inGroup(v, topOut, sumOut);
      store<f32>(place, <f32>(load<f32>(place) + unit * d));
    }
  }
  return <f32>(s * loss);
}

/** Softmax inside a group; a group that is masked as a whole (maximum −Infinity) shares evenly, its limit. */
function inGroup(x: f64, top: f64, sum: f64): f64 {
  return top == -Infinity ? 1 / sum : Math.exp(x - top) / sum;
}

function groupMax<V>(p: Plan, x: usize, k: i32, group: i32, inside: bool): f64 {
  let m: f64 = -Infinity;
  for (let c = 0; c < p.classes; c++, x += tileRow<V>()) {
    if ((load<i32>(groupOf(p, k, c)) == group) != inside) continue;
    const v: f64 = load<f32>(x);
    if (v != v) return v;
    if (v > m) m = v;
  }
  return m;
}

/** Σ e^(x−top) over the classes inside or outside a group; for a masked group inside, the number of its classes. */
function groupSum<V>(p: Plan, x: usize, k: i32, group: i32, inside: bool, top: f64): f64 {
  let sum: f64 = 0;
  for (let c = 0; c < p.classes; c++, x += tileRow<V>()) {
    if ((load<i32>(groupOf(p, k, c)) != group) == inside) continue;
    if (top == -Infinity) sum += inside ? 1 : 0;
    else sum += Math.exp(<f64>load<f32>(x) - top);
  }
  return sum;
}

/** Puts the samples computed in float64 back beside the others. */
function mergeExact<V>(p: Plan, cursor: Cursor, grads: usize, exact: usize): void {
  for (let i = 0; i < cursor.n; i++) {
    const at = <usize>i << 2;
    if (load<i32>(laneArray<V>(p, EXACT) + at) == 0) continue;
    store<f32>(laneArray<V>(p, LOSS) + at, load<f32>(laneArray<V>(p, EXACT_LOSS) + at));
    for (let k = 0; k < p.components; k++) {
      store<f32>(componentArray<V>(p, k, 1) + at, load<f32>(componentArray<V>(p, k, 2) + at));
    }
    for (let c = 0; c < p.classes; c++) {
      const place = <usize>c * tileRow<V>() + at;
      store<f32>(grads + place, load<f32>(exact + place));
    }
  }
}
