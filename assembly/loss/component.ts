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
  add, and, anyOf, clear, div, eq, exceeds, growHigh, growLow, isInt, lanes, loadV, loadW, logOf, lt, mul, neg, pmin, sameInt,
  select_, splat, storeV, storeW, sub, sumOf, widenAdd, zeroW,
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

// lane arrays: one value per sample of a tile
const TARGET = 0; // int32; past the last sample ignoreIndex
const WEIGHT = 1; // s; 0 for a sample that is ignored or computed in float64
const INCOMING = 2; // incoming gradient · s
const LOSS = 3;
const EXACT = 4; // not 0 for a sample computed in float64
const EXACT_LOSS = 5;
const MAX = 6;
const REST = 7; // q

// tiles: logits; gradients of the samples computed in float64; e, then gradients; what multiplies e in the gradient
const TILES = 4;
// after the tiles, per component: the target's group (int32), the loss, the loss of the samples computed in float64, and in
// float64 Π(1 + ratio) − 1 of the samples whose logarithm is still to be taken
const PER_COMPONENT = 4;
const GROUP = 0;
const PART = 1;
const EXACT_PART = 2;
const PRODUCT = 3;
/**
 * A product beyond this is closed. A ratio is below 2^40 in a tile without far samples and below 2^140 otherwise, so that
 * neither eight vectors of the one nor one of the other reach 2^1024 from here.
 */
const LARGE: f64 = 1e180;

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
  // where no sample's own loss is asked for, one logarithm serves many samples (reduce.ts, addLog)
  const lumped = !(p.loss | p.sampleWeight);
  for (let k = 0; k < p.components; k++) setProduct<V, W>(p, k, zeroW<W>(), zeroW<W>());
  while (advance<V>(p, cursor, false)) {
    pack<V>(cursor.x, cursor.classStepX, cursor.sampleStep, p.classes, cursor.n, tile);
    maxTile<V>(tile, p.classes, cursor.n, laneArray<V>(p, MAX));
    let far = false;
    for (let i = 0; i < cursor.n; i += lanes<V>()) far = measure<V>(p, tile, i) || far;
    const some = gather<V>(p, cursor, tile, exact, far);
    // within a group far below the maximum the error of x − m shows, so it is taken back wherever it may exceed 5e-7
    expTile<V>(tile, grads, p.classes, cursor.n, laneArray<V>(p, MAX), laneArray<V>(p, REST), far);
    for (let i = 0; i < cursor.n; i += lanes<V>()) column<V, W>(p, grads, <usize>i << 2, lumped, far);
    if (some) mergeExact<V>(p, cursor, grads, exact, lumped);
    if (!lumped) addParts<V, W>(p, cursor);
    else for (let k = 0; k < p.components; k++) closeLarge<V, W>(p, k);
    if (p.grad) unpack<V>(grads, cursor.g, cursor.classStepG, cursor.sampleStep, p.classes, cursor.n);
  }
  if (lumped) for (let k = 0; k < p.components; k++) close<V, W>(p, k);
}

/** Adds the losses of a tile, total and by component, and stores them where they are kept. */
function addParts<V, W>(p: Plan, cursor: Cursor): void {
  addLosses<V, W>(p, laneArray<V>(p, LOSS), cursor.sample, cursor.n);
  for (let k = 0; k < p.components; k++) {
    const parts = componentArray<V>(p, k, PART);
    let sum = zeroW<W>();
    for (let i = 0; i < cursor.n; i += lanes<V>()) sum = widenAdd<V, W>(sum, loadV<V>(parts + (<usize>i << 2)));
    addPart(p, k, sumOf<W>(sum));
    if (!p.componentLosses) continue;
    copyFloats<V>(parts, p.componentLosses + (<usize>(k * p.componentStride + cursor.sample) << 2), cursor.n);
  }
}

// @ts-ignore: decorator
@inline function addPart(p: Plan, k: i32, part: f64): void {
  const total = p.componentSums + (<usize>k << 3);
  store<f64>(total, load<f64>(total) + part);
}

// @ts-ignore: decorator
@inline function setProduct<V, W>(p: Plan, k: i32, low: W, high: W): void {
  const place = componentArray<V>(p, k, PRODUCT);
  storeW<W>(place, low);
  storeW<W>(place + 16, high);
}

/** Moves the logarithms of a component's product into the sums. */
function close<V, W>(p: Plan, k: i32): void {
  const place = componentArray<V>(p, k, PRODUCT);
  const part = logOf<W>(loadW<W>(place)) + logOf<W>(loadW<W>(place + 16));
  setProduct<V, W>(p, k, zeroW<W>(), zeroW<W>());
  addPart(p, k, part);
  const w: f64 = componentWeight(p, k);
  if (w != 0) p.sum += w * part;
}

function closeLarge<V, W>(p: Plan, k: i32): void {
  const place = componentArray<V>(p, k, PRODUCT);
  if (exceeds<W>(loadW<W>(place), LARGE) || exceeds<W>(loadW<W>(place + 16), LARGE)) close<V, W>(p, k);
}

/** Reads what belongs to each sample and computes those that need float64; returns whether there were any. */
function gather<V>(p: Plan, cursor: Cursor, tile: usize, exact: usize, far: bool): bool {
  const targets = laneArray<V>(p, TARGET), one = splat<V>(1);
  copyFloats<V>(p.target + (<usize>cursor.sample << 2), targets, cursor.n);
  for (let i = cursor.n; i & (lanes<V>() - 1); i++) store<i32>(targets + (<usize>i << 2), p.ignoreIndex);
  let special = far || (p.sampleWeight | p.gradOutput) != 0;
  for (let i = 0; i < cursor.n; i += lanes<V>()) {
    const at = <usize>i << 2;
    storeV<V>(laneArray<V>(p, WEIGHT) + at, one);
    storeV<V>(laneArray<V>(p, INCOMING) + at, one);
    special = special || anyOf<V>(isInt<V>(targets + at, p.ignoreIndex));
  }
  const some = special && gatherSpecial<V>(p, cursor, tile, exact, far);
  const end = (cursor.n + lanes<V>() - 1) & ~(lanes<V>() - 1);
  for (let k = 0; k < p.components; k++) {
    const map = groupOf(p, k, 0), groups = componentArray<V>(p, k, GROUP);
    for (let at: usize = 0; at < <usize>end << 2; at += 4) {
      const t = load<i32>(targets + at);
      store<i32>(groups + at, load<i32>(map + (<usize>select<i32>(0, t, t == p.ignoreIndex) << 2)));
    }
  }
  return some;
}

/** gather for a tile with samples that are ignored, weighted, have gradients of their own or may need float64. */
function gatherSpecial<V>(p: Plan, cursor: Cursor, tile: usize, exact: usize, far: bool): bool {
  const end = (cursor.n + lanes<V>() - 1) & ~(lanes<V>() - 1);
  let some = false;
  for (let i = 0; i < end; i++) {
    const at = <usize>i << 2;
    const sample = cursor.sample + i;
    const t = load<i32>(laneArray<V>(p, TARGET) + at);
    const s: f32 = t == p.ignoreIndex ? 0 : sampleWeightOf(p, sample);
    let kept = s;
    let incoming: f32 = p.gradOutput && s != 0 ? s * load<f32>(p.gradOutput + (<usize>sample << 2)) : s;
    if (far) {
      const wide = s != 0 && load<i32>(laneArray<V>(p, EXACT) + at) != 0;
      store<i32>(laneArray<V>(p, EXACT) + at, wide);
      if (wide) {
        some = true;
        store<f32>(laneArray<V>(p, EXACT_LOSS) + at, exactSample<V>(p, tile + at, exact + at, t, s, incoming));
        kept = incoming = 0;
      }
    }
    if (kept == 0) drop<V>(p, tile, i);
    store<f32>(laneArray<V>(p, WEIGHT) + at, kept);
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
  for (let c = 1; c < p.classes; c++) {
    column += tileRow<V>();
    low = pmin<V>(low, loadV<V>(column));
  }
  // not less than anything where the span is infinite; a NaN that pmin passed over comes back with the exponentials
  const span = sub<V>(loadV<V>(laneArray<V>(p, MAX) + at), low);
  storeV<V>(laneArray<V>(p, EXACT) + at, clear<V>(splat<V>(1), lt<V>(span, splat<V>(SPAN))));
  return anyOf<V>(clear<V>(splat<V>(1), lt<V>(span, splat<V>(FAR))));
}

/** Losses and gradients of one vector of samples. */
function column<V, W>(p: Plan, grads: usize, at: usize, lumped: bool, far: bool): void {
  const first = grads + at, row = tileRow<V>(), end = first + <usize>p.classes * row;
  const factors = tileOf<V>(p, 3) - grads; // from a gradient to its factor
  const zero = splat<V>(0), one = splat<V>(1);
  const s = loadV<V>(laneArray<V>(p, WEIGHT) + at);
  const idle = eq<V>(s, zero);
  const incoming = mul<V>(loadV<V>(laneArray<V>(p, INCOMING) + at), splat<V>(<f32>p.upstream));
  // gradient of a class outside, per e and weight
  const unit = div<V>(incoming, add<V>(loadV<V>(laneArray<V>(p, REST) + at), one));
  let loss = zero;
  for (let k = 0; k < p.components; k++) {
    const group = loadV<V>(componentArray<V>(p, k, GROUP) + at);
    let inside = zero, outside = zero;
    for (let place = first, map = groupOf(p, k, 0); place < end; ) {
      const stop = min(place + <usize>TILE_RUN * row, end);
      let near = zero, rest = zero;
      for (; place < stop; place += row, map += 4) {
        const e = loadV<V>(place);
        const mask = sameInt<V>(group, map);
        rest = add<V>(rest, clear<V>(e, mask));
        near = add<V>(near, and<V>(e, mask));
      }
      outside = add<V>(outside, rest);
      inside = add<V>(inside, near);
    }
    const ratio = clear<V>(div<V>(outside, inside), idle);
    const w = componentWeight(p, k);
    if (lumped) {
      const place = componentArray<V>(p, k, PRODUCT);
      storeW<W>(place, growLow<V, W>(loadW<W>(place), ratio));
      storeW<W>(place + 16, growHigh<V, W>(loadW<W>(place + 16), ratio));
      if (far) closeLarge<V, W>(p, k);
    } else {
      const part = mul<V>(s, log1p<V>(ratio));
      storeV<V>(componentArray<V>(p, k, PART) + at, part);
      if (w != 0) loss = add<V>(loss, mul<V>(splat<V>(w), part));
    }
    if (!p.grad) continue;
    const away = mul<V>(unit, splat<V>(w)), near = neg<V>(mul<V>(away, ratio));
    const last = k == p.components - 1;
    for (let place = first, map = groupOf(p, k, 0); place < end; place += row, map += 4) {
      let factor = select_<V>(near, away, sameInt<V>(group, map));
      if (k > 0) factor = add<V>(factor, loadV<V>(place + factors));
      if (last) storeV<V>(place, mul<V>(loadV<V>(place), factor));
      else storeV<V>(place + factors, factor);
    }
  }
  if (!lumped) storeV<V>(laneArray<V>(p, LOSS) + at, loss);
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
    store<f32>(componentArray<V>(p, k, EXACT_PART) + lane, <f32>(s * part));
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
function mergeExact<V>(p: Plan, cursor: Cursor, grads: usize, exact: usize, lumped: bool): void {
  for (let i = 0; i < cursor.n; i++) {
    const at = <usize>i << 2;
    if (load<i32>(laneArray<V>(p, EXACT) + at) == 0) continue;
    const loss = load<f32>(laneArray<V>(p, EXACT_LOSS) + at);
    if (lumped) p.sum += loss;
    else store<f32>(laneArray<V>(p, LOSS) + at, loss);
    for (let k = 0; k < p.components; k++) {
      const part = load<f32>(componentArray<V>(p, k, EXACT_PART) + at);
      if (lumped) addPart(p, k, part);
      else store<f32>(componentArray<V>(p, k, PART) + at, part);
    }
    for (let c = 0; c < p.classes; c++) {
      const place = <usize>c * tileRow<V>() + at;
      store<f32>(grads + place, load<f32>(exact + place));
    }
  }
}
