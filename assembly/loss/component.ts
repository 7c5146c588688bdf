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
  add, and, anyOf, clear, div, eq, everyBit, gather, growHigh, growLow, isInt, lanes, loadSplat, loadV, loadW, lt, mul, neg,
  offsets, or, pmax, pmin, sameInt, splat, storeV, storeW, sub, sumOf, widenAdd, xor, zeroW,
} from '../lane';
import { log1p } from '../math';
import { Plan } from '../plan';
import { addLosses, closeProducts, copyFloats, growProducts, largeProducts, openProducts, sampleWeightOf } from '../reduce';
import { blank, pack, TILE_RUN, tileRow, unpack } from '../tile';
import { advance, begin, Cursor, expSamples, laneArray, tileOf, scratchBytes } from '../walk';

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
const SCALE = 8; // what multiplies the tile of gradients on its way out
const PLACE = 9; // 4·target
const REMOTE = 10; // mask of the samples whose logits span FAR or more

// tiles: logits; gradients of the samples computed in float64; e, then gradients; what multiplies e in the gradient
const TILES = 4;
// after the tiles, per component: the target's group (int32), the loss, the loss of the samples computed in float64, and in
// float64 Π(1 + ratio) − 1 of the samples whose logarithm is still to be taken
const PER_COMPONENT = 4;
const GROUP = 0;
const PART = 1; // before that σ_O/σ_I
const EXACT_PART = 2;
const PRODUCT = 3;

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
  for (let k = 0; k < p.components; k++) openProducts<W>(componentArray<V>(p, k, PRODUCT));
  while (advance<V>(p, cursor, false)) {
    pack<V>(cursor.x, cursor.classStepX, cursor.sampleStep, p.classes, cursor.n, tile);
    const far = measure<V>(p, tile, cursor.n);
    const some = prepare<V>(p, cursor, tile, exact, far);
    // within a group far below the maximum the error of x − m shows, so it is taken back wherever it may exceed 5e-7
    expSamples<V>(p, cursor, tile, grads, laneArray<V>(p, MAX), laneArray<V>(p, REST), far ? laneArray<V>(p, REMOTE) : 0);
    if (!lumped) memory.fill(laneArray<V>(p, LOSS), 0, tileRow<V>());
    for (let k = 0; k < p.components; k++) {
      ratios<V, W>(p, grads, k, cursor.n, lumped && !far);
      if (p.grad) factors<V>(p, grads, k, cursor.n);
      if (!lumped) parts<V>(p, k, cursor.n);
      else if (far) lumpFar<V, W>(p, k, cursor.n);
      else closeLarge<V, W>(p, k);
    }
    if (p.grad) scales<V>(p, cursor.n);
    if (some) mergeExact<V>(p, cursor, grads, exact, lumped);
    if (!lumped) addParts<V, W>(p, cursor);
    if (p.grad) unpack<V>(grads, cursor.g, cursor.classStepG, cursor.sampleStep, p.classes, cursor.n, laneArray<V>(p, SCALE));
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

/** Moves the logarithms of a component's products into the sums. */
function close<V, W>(p: Plan, k: i32): void {
  const part = closeProducts<W>(componentArray<V>(p, k, PRODUCT));
  addPart(p, k, part);
  const w: f64 = componentWeight(p, k);
  if (w != 0) p.sum += w * part;
}

/** Reads what belongs to each sample and computes those that need float64; returns whether there were any. */
function prepare<V>(p: Plan, cursor: Cursor, tile: usize, exact: usize, far: bool): bool {
  const targets = laneArray<V>(p, TARGET), places = laneArray<V>(p, PLACE), one = splat<V>(1);
  copyFloats<V>(p.target + (<usize>cursor.sample << 2), targets, cursor.n);
  for (let i = cursor.n; i & (lanes<V>() - 1); i++) store<i32>(targets + (<usize>i << 2), p.ignoreIndex);
  let ignored = splat<V>(0);
  for (let i = 0; i < cursor.n; i += lanes<V>()) {
    const at = <usize>i << 2;
    storeV<V>(places + at, offsets<V>(targets + at, p.ignoreIndex, 4, 0, 0));
    storeV<V>(laneArray<V>(p, WEIGHT) + at, one);
    storeV<V>(laneArray<V>(p, INCOMING) + at, one);
    ignored = or<V>(ignored, isInt<V>(targets + at, p.ignoreIndex));
  }
  const special = far || (p.sampleWeight | p.gradOutput) != 0 || anyOf<V>(ignored);
  const some = special && prepareSpecial<V>(p, cursor, tile, exact, far);
  const end = (cursor.n + lanes<V>() - 1) & ~(lanes<V>() - 1);
  for (let k = 0; k < p.components; k++) {
    const map = groupOf(p, k, 0), groups = componentArray<V>(p, k, GROUP);
    for (let at: usize = 0; at < <usize>end << 2; at += sizeof<V>()) storeV<V>(groups + at, gather<V>(map, places + at));
  }
  return some;
}

/** prepare for a tile with samples that are ignored, weighted, have gradients of their own or may need float64. */
function prepareSpecial<V>(p: Plan, cursor: Cursor, tile: usize, exact: usize, far: bool): bool {
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

/** Maxima, and marks on the samples whose logits do not span less than SPAN or FAR; returns whether any spans FAR. */
function measure<V>(p: Plan, tile: usize, n: i32): bool {
  const row = tileRow<V>(), size = sizeof<V>(), height = <usize>p.classes * row;
  const maxima = laneArray<V>(p, MAX), marks = laneArray<V>(p, EXACT);
  const one = splat<V>(1), wide = splat<V>(SPAN), far = splat<V>(FAR), all = everyBit<V>();
  const remote = laneArray<V>(p, REMOTE);
  let any = splat<V>(0);
  for (let at: usize = 0; at < <usize>n << 2; at += 2 * size) {
    const end = tile + at + height;
    let high0 = loadV<V>(tile + at), high1 = loadV<V>(tile + at + size), low0 = high0, low1 = high1;
    for (let place = tile + at + row; place < end; place += row) {
      const x0 = loadV<V>(place), x1 = loadV<V>(place + size);
      high0 = pmax<V>(high0, x0);
      high1 = pmax<V>(high1, x1);
      low0 = pmin<V>(low0, x0);
      low1 = pmin<V>(low1, x1);
    }
    storeV<V>(maxima + at, high0);
    storeV<V>(maxima + at + size, high1);
    // not less than anything where the span is infinite; a NaN that was passed over comes back with the exponentials
    const span0 = sub<V>(high0, low0), span1 = sub<V>(high1, low1);
    storeV<V>(marks + at, clear<V>(one, lt<V>(span0, wide)));
    storeV<V>(marks + at + size, clear<V>(one, lt<V>(span1, wide)));
    const far0 = clear<V>(all, lt<V>(span0, far)), far1 = clear<V>(all, lt<V>(span1, far));
    storeV<V>(remote + at, far0);
    storeV<V>(remote + at + size, far1);
    any = or<V>(any, <usize>n << 2 > at + size ? or<V>(far0, far1) : far0);
  }
  return anyOf<V>(any);
}

/** σ_O/σ_I of a component for each sample, 0 for one that is idle; `grow` lets its products grow by them. */
function ratios<V, W>(p: Plan, grads: usize, k: i32, n: i32, grow: bool): void {
  const row = tileRow<V>(), size = sizeof<V>(), map = groupOf(p, k, 0), height = <usize>p.classes * row;
  const weights = laneArray<V>(p, WEIGHT), groups = componentArray<V>(p, k, GROUP), to = componentArray<V>(p, k, PART);
  const zero = splat<V>(0), products = componentArray<V>(p, k, PRODUCT), last = (<usize>n << 2) - size;
  let low = loadW<W>(products), high = loadW<W>(products + 16);
  for (let at: usize = 0; at < <usize>n << 2; at += 2 * size) {
    const group0 = loadV<V>(groups + at), group1 = loadV<V>(groups + at + size);
    const end = grads + at + height;
    let inside0 = zero, outside0 = zero, inside1 = zero, outside1 = zero;
    for (let place = grads + at, c = map; place < end; ) {
      const stop = min(place + <usize>TILE_RUN * row, end);
      let near0 = zero, rest0 = zero, near1 = zero, rest1 = zero;
      for (; place < stop; place += row, c += 4) {
        const own = loadSplat<V>(c), e0 = loadV<V>(place), e1 = loadV<V>(place + size);
        const mask0 = sameInt<V>(group0, own), mask1 = sameInt<V>(group1, own);
        rest0 = add<V>(rest0, clear<V>(e0, mask0));
        near0 = add<V>(near0, and<V>(e0, mask0));
        rest1 = add<V>(rest1, clear<V>(e1, mask1));
        near1 = add<V>(near1, and<V>(e1, mask1));
      }
      outside0 = add<V>(outside0, rest0);
      inside0 = add<V>(inside0, near0);
      outside1 = add<V>(outside1, rest1);
      inside1 = add<V>(inside1, near1);
    }
    const ratio0 = clear<V>(div<V>(outside0, inside0), eq<V>(loadV<V>(weights + at), zero));
    const ratio1 = clear<V>(div<V>(outside1, inside1), eq<V>(loadV<V>(weights + at + size), zero));
    storeV<V>(to + at, ratio0);
    storeV<V>(to + at + size, ratio1);
    if (!grow) continue;
    low = growLow<V, W>(low, ratio0);
    high = growHigh<V, W>(high, ratio0);
    if (<isize>at >= <isize>last) continue;
    low = growLow<V, W>(low, ratio1);
    high = growHigh<V, W>(high, ratio1);
  }
  storeW<W>(products, low);
  storeW<W>(products + 16, high);
}

/** What multiplies e in the gradient: the sum over the components of w outside and −w·ratio inside. The last one does it. */
function factors<V>(p: Plan, grads: usize, k: i32, n: i32): void {
  const row = tileRow<V>(), size = sizeof<V>(), map = groupOf(p, k, 0), height = <usize>p.classes * row;
  const groups = componentArray<V>(p, k, GROUP), ratios = componentArray<V>(p, k, PART);
  const sums = tileOf<V>(p, 3) - grads; // from a gradient to its factor
  const w = splat<V>(componentWeight(p, k));
  const last = k == p.components - 1;
  for (let at: usize = 0; at < <usize>n << 2; at += 2 * size) {
    const group0 = loadV<V>(groups + at), group1 = loadV<V>(groups + at + size);
    const flip0 = xor<V>(w, neg<V>(mul<V>(w, loadV<V>(ratios + at)))); // turns one factor into the other
    const flip1 = xor<V>(w, neg<V>(mul<V>(w, loadV<V>(ratios + at + size))));
    const end = grads + at + height;
    for (let place = grads + at, c = map; place < end; place += row, c += 4) {
      const own = loadSplat<V>(c);
      let factor0 = xor<V>(w, and<V>(flip0, sameInt<V>(group0, own)));
      let factor1 = xor<V>(w, and<V>(flip1, sameInt<V>(group1, own)));
      if (k > 0) {
        factor0 = add<V>(factor0, loadV<V>(place + sums));
        factor1 = add<V>(factor1, loadV<V>(place + sums + size));
      }
      if (last) {
        storeV<V>(place, mul<V>(loadV<V>(place), factor0));
        storeV<V>(place + size, mul<V>(loadV<V>(place + size), factor1));
      } else {
        storeV<V>(place + sums, factor0);
        storeV<V>(place + sums + size, factor1);
      }
    }
  }
}

/** The gradient of a class outside, per e and weight. */
function scales<V>(p: Plan, n: i32): void {
  const one = splat<V>(1), upstream = splat<V>(<f32>p.upstream);
  for (let at: usize = 0; at < <usize>n << 2; at += sizeof<V>()) {
    const incoming = mul<V>(loadV<V>(laneArray<V>(p, INCOMING) + at), upstream);
    storeV<V>(laneArray<V>(p, SCALE) + at, div<V>(incoming, add<V>(loadV<V>(laneArray<V>(p, REST) + at), one)));
  }
}

/** One logarithm for the losses of many samples, in a tile where a product is looked at after each vector. */
function lumpFar<V, W>(p: Plan, k: i32, n: i32): void {
  const ratios = componentArray<V>(p, k, PART), products = componentArray<V>(p, k, PRODUCT);
  for (let at: usize = 0; at < <usize>n << 2; at += sizeof<V>()) {
    growProducts<V, W>(products, loadV<V>(ratios + at));
    closeLarge<V, W>(p, k);
  }
}

// A ratio is below 2^40 in a tile without far samples and below 2^140 otherwise, so that neither sixteen vectors of the one
// nor one of the other make large products overflow.
function closeLarge<V, W>(p: Plan, k: i32): void {
  if (largeProducts<W>(componentArray<V>(p, k, PRODUCT))) close<V, W>(p, k);
}

/** The losses of the samples by themselves: of this component, and added to those of the others. */
function parts<V>(p: Plan, k: i32, n: i32): void {
  const place = componentArray<V>(p, k, PART), losses = laneArray<V>(p, LOSS);
  const w = componentWeight(p, k);
  for (let at: usize = 0; at < <usize>n << 2; at += sizeof<V>()) {
    const part = mul<V>(loadV<V>(laneArray<V>(p, WEIGHT) + at), log1p<V>(loadV<V>(place + at)));
    storeV<V>(place + at, part);
    if (w != 0) storeV<V>(losses + at, add<V>(loadV<V>(losses + at), mul<V>(splat<V>(w), part)));
  }
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
    store<f32>(laneArray<V>(p, SCALE) + at, 1);
    for (let c = 0; c < p.classes; c++) {
      const place = <usize>c * tileRow<V>() + at;
      store<f32>(grads + place, load<f32>(exact + place));
    }
  }
}
