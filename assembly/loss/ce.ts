// Cross entropy. With p = softmax(x), m = max x, q = Σ e^(x−m) − 1 (one maximum kept out), L = log1p(q), so that
// −log p_k = L − (x_k − m), a sum of two terms that are never negative:
//
//   index target t, class weight w, sample weight s, smoothing ε over C classes
//     l = s·[(1−ε)·w_t·(L − (x_t − m)) + (ε/C)·Σ_c w_c·(L − (x_c − m))]
//     ∂l/∂x_k = p_k·Q − (ε/C)·s·w_k − [k = t]·(1−ε)·s·w_t,   Q = s·[(1−ε)·w_t + (ε/C)·Σ_c w_c]
//   probability target y: t_c = w_c·((1−ε)·y_c + ε/C), T = Σ t_c (any value)
//     l = s·[T·L − Σ_c t_c·(x_c − m)],   ∂l/∂x_k = s·(T·p_k − t_k)
//   zLoss z: + z·lse² with lse = m + L;  ∂ = 2·z·lse·p_k
//
// At the class of the target p_k − 1 would cancel where the model is sure; −(Σ of the other e)/Σe is the same number
// with all its digits. Sources: PyTorch, aten/src/ATen/native/LossNLL.cpp (definition); smoothing: Szegedy et al. 2016;
// z-loss: Chowdhery et al. 2022 (PaLM).

import {
  add, and, anyOf, clear, div, eq, gather, growHigh, growLow, isInt, lanes, loadV, loadW, lt, madd, mul, ne, neg, nmadd, offsets, scatter, select_, splat,
  storeV, storeW, sub, sumOf, widenAdd, zeroW,
} from '../lane';
import { log1p } from '../math';
import { Plan, PROBABILITIES } from '../plan';
import {
  addLog, addLosses, closeProducts, copyFloats, flushLogs, largeProducts, openProducts, sampleWeightOf, upstreamOf,
} from '../reduce';
import { expRow, massRow, maxRow, scaleMassRow, scaleRow, shiftedSumRow } from '../sweep';
import { blank, blankLanes, maxTile, pack, TILE_RUN, tileRow, tileShiftedSum, tileWidth, unpack, UNSCALED } from '../tile';
import { advance, begin, Cursor, expSamples, laneArray, rowOf, tileOf, walksRows } from '../walk';

// lane arrays: one value per sample of a tile
const TARGET = 0; // int32; past the last sample ignoreIndex
const WEIGHT = 1; // s·w_t, where there are weights
const SAMPLE = 2; // s, where there are weights
const INCOMING = 3; // incoming gradient, where there is one per sample
const LOSS = 4; // loss without zLoss
const Z = 5; // zLoss
const MAX = 6; // m
const AWAY = 7; // x_t − m
const REST = 8; // q
const SHIFTED = 9; // Σ w·(x − m)
const SCALE = 10; // what multiplies the tile of gradients on its way out
const SPARE = 11;
const PLACE = 12; // where the target is in a tile (bytes)
const PRODUCT = 13; // Π(1 + q) − 1 of the samples whose logarithm is still to be taken (reduce.ts)

/** Cross entropy over a plan: losses, sums and, where p.grad is set, gradients. */
export function crossEntropyKernel<V, W>(p: Plan): void {
  const probabilities = (p.flags & PROBABILITIES) != 0;
  const rows = walksRows<V>(p);
  const cursor = begin(p);
  p.product = 0;
  openProducts<W>(laneArray<V>(p, PRODUCT));
  const lumped = !(p.weight | p.sampleWeight | p.loss) && p.smoothing == 0 && p.zLoss == 0;
  while (advance<V>(p, cursor, rows)) {
    if (rows) {
      if (probabilities) rowOfProbabilities<V, W>(p, cursor);
      else rowOfIndex<V, W>(p, cursor);
    } else if (probabilities) tileOfProbabilities<V, W>(p, cursor);
    else tileOfIndices<V, W>(p, cursor, lumped);
  }
  flushLogs(p);
  p.sum += closeProducts<W>(laneArray<V>(p, PRODUCT));
}

// ---- tiles: one sample per lane ----------------------------------------------------------------------------------------

// A tile goes through its steps one after the other, each over all its columns: a column's own steps depend on each other,
// its neighbours' do not, so the processor overlaps them.
function tileOfIndices<V, W>(p: Plan, cursor: Cursor, lumped: bool): void {
  const tile = tileOf<V>(p, 0), grads = tileOf<V>(p, 1);
  const classes = p.classes, n = cursor.n;
  const maxima = laneArray<V>(p, MAX), places = laneArray<V>(p, PLACE);
  pack<V>(cursor.x, cursor.classStepX, cursor.sampleStep, classes, n, tile);
  gatherSamples<V>(p, cursor);
  maxTile<V>(tile, classes, n, maxima);
  for (let i = 0; i < n; i += lanes<V>()) {
    const at = <usize>i << 2;
    const m = loadV<V>(maxima + at);
    storeV<V>(laneArray<V>(p, AWAY) + at, sub<V>(gather<V>(tile, places + at), m));
    if (p.smoothing != 0) storeV<V>(laneArray<V>(p, SHIFTED) + at, tileShiftedSum<V>(tile + at, p.weight, classes, m));
  }
  expSamples<V>(p, cursor, tile, grads, maxima, laneArray<V>(p, REST));
  if (lumped) lumpedLosses<V, W>(p, grads, n);
  else {
    for (let i = 0; i < n; i += lanes<V>()) indexLoss<V>(p, grads, <usize>i << 2);
    addLosses<V, W>(p, laneArray<V>(p, LOSS), cursor.sample, n);
    if (p.zLoss != 0) addZLosses<V>(p, cursor);
  }
  if (p.grad) unpack<V>(grads, cursor.g, cursor.classStepG, cursor.sampleStep, classes, n, laneArray<V>(p, SCALE));
}

/** Losses of samples that all weigh 1, where nobody asks for one by itself: one logarithm for many samples. */
function lumpedLosses<V, W>(p: Plan, grads: usize, n: i32): void {
  const products = laneArray<V>(p, PRODUCT);
  const upstream = splat<V>(<f32>p.upstream);
  let away = zeroW<W>();
  let low = loadW<W>(products), high = loadW<W>(products + 16);
  for (let i = 0; i < n; i += lanes<V>()) {
    const at = <usize>i << 2;
    const ignored = isInt<V>(laneArray<V>(p, TARGET) + at, p.ignoreIndex);
    const q = clear<V>(loadV<V>(laneArray<V>(p, REST) + at), ignored);
    low = growLow<V, W>(low, q);
    high = growHigh<V, W>(high, q);
    away = widenAdd<V, W>(away, clear<V>(loadV<V>(laneArray<V>(p, AWAY) + at), ignored));
    if (!p.grad) continue;
    const incoming = p.gradOutput ? mul<V>(loadV<V>(laneArray<V>(p, INCOMING) + at), upstream) : upstream;
    setGradient<V>(p, grads, at, incoming, q, ignored);
  }
  storeW<W>(products, low);
  storeW<W>(products + 16, high);
  p.sum -= sumOf<W>(away);
  if (largeProducts<W>(products)) p.sum += closeProducts<W>(products);
}

/**
 * Leaves the gradients of one vector of samples as e times a factor for each sample. At the target it is
 * −(Σ e without its own), which is −q where the target is a maximum (e = 1), times the same factor.
 */
// @ts-ignore: decorator
@inline function setGradient<V>(p: Plan, grads: usize, at: usize, mass: V, q: V, idle: V): void {
  const places = laneArray<V>(p, PLACE) + at, one = splat<V>(1);
  const e = gather<V>(grads, places);
  scatter<V>(grads, places, neg<V>(othersOf<V>(e, q)));
  storeV<V>(laneArray<V>(p, SCALE) + at, div<V>(mass, add<V>(q, one)));
  if (anyOf<V>(idle)) blankLanes<V>(grads + at, p.classes, idle);
}

/** Lane arrays of what belongs to each sample, as far as there is any. */
function gatherSamples<V>(p: Plan, cursor: Cursor): void {
  const targets = laneArray<V>(p, TARGET);
  copyFloats<V>(p.target + (<usize>cursor.sample << 2), targets, cursor.n);
  for (let i = cursor.n; i < tileWidth<V>(); i++) store<i32>(targets + (<usize>i << 2), p.ignoreIndex);
  for (let i = 0; i < cursor.n; i += lanes<V>()) {
    const at = <usize>i << 2;
    storeV<V>(laneArray<V>(p, PLACE) + at, offsets<V>(targets + at, p.ignoreIndex, <i32>tileRow<V>(), <i32>at, 4));
  }
  if (p.gradOutput) copyFloats<V>(p.gradOutput + (<usize>cursor.sample << 2), laneArray<V>(p, INCOMING), cursor.n);
  if (!(p.weight | p.sampleWeight)) return;
  for (let i = 0; i < cursor.n; i++) {
    const at = <usize>i << 2;
    const t = load<i32>(targets + at);
    const kept = t != p.ignoreIndex;
    const s: f32 = kept ? sampleWeightOf(p, cursor.sample + i) : 0;
    const w: f32 = kept ? s * classWeight(p, t) : 0;
    store<f32>(laneArray<V>(p, SAMPLE) + at, s);
    store<f32>(laneArray<V>(p, WEIGHT) + at, w);
  }
}

/** Losses and gradient factors of one vector of samples. */
function indexLoss<V>(p: Plan, grads: usize, at: usize): void {
  const zero = splat<V>(0), one = splat<V>(1);
  const smooth = p.smoothing != 0, weighted = (p.weight | p.sampleWeight) != 0, z = p.zLoss != 0;
  const ignored = isInt<V>(laneArray<V>(p, TARGET) + at, p.ignoreIndex);
  const s = clear<V>(weighted ? loadV<V>(laneArray<V>(p, SAMPLE) + at) : one, ignored);
  let own = clear<V>(weighted ? loadV<V>(laneArray<V>(p, WEIGHT) + at) : one, ignored);
  if (smooth) own = mul<V>(own, splat<V>(<f32>(1 - p.smoothing)));
  const upstream = splat<V>(<f32>p.upstream);
  const incoming = p.gradOutput ? mul<V>(loadV<V>(laneArray<V>(p, INCOMING) + at), upstream) : upstream;
  const q = loadV<V>(laneArray<V>(p, REST) + at);
  const log = log1p<V>(q);
  const sum = add<V>(q, one);

  // a zero mass drops its term: no 0·∞, and no NaN from a sample that counts for nothing
  let loss = clear<V>(mul<V>(own, sub<V>(log, loadV<V>(laneArray<V>(p, AWAY) + at))), eq<V>(own, zero));
  let mass = own, even = zero;
  if (smooth) {
    even = mul<V>(s, splat<V>(<f32>(p.smoothing / p.classes)));
    const total = splat<V>(<f32>p.weightTotal);
    const shifted = loadV<V>(laneArray<V>(p, SHIFTED) + at);
    loss = add<V>(loss, clear<V>(mul<V>(even, sub<V>(mul<V>(total, log), shifted)), eq<V>(even, zero)));
    mass = madd<V>(even, total, mass);
    even = mul<V>(even, incoming);
  }
  storeV<V>(laneArray<V>(p, LOSS) + at, loss);
  let scaleZ = zero;
  if (z) {
    const lse = clear<V>(add<V>(loadV<V>(laneArray<V>(p, MAX) + at), log), ignored);
    storeV<V>(laneArray<V>(p, Z) + at, mul<V>(mul<V>(lse, lse), splat<V>(<f32>p.zLoss)));
    const upstreamZ = splat<V>(<f32>(2 * p.zLoss * p.zUpstream));
    const incomingZ = p.gradOutput ? mul<V>(loadV<V>(laneArray<V>(p, INCOMING) + at), upstreamZ) : upstreamZ;
    scaleZ = div<V>(mul<V>(lse, incomingZ), sum);
  }
  if (!p.grad) return;
  const idle = z ? ignored : smooth ? eq<V>(s, zero) : eq<V>(own, zero);
  mass = mul<V>(mass, incoming);
  if (smooth || z) setSum<V>(p, grads, at, mass, even, scaleZ, q, idle);
  else setGradient<V>(p, grads, at, mass, q, idle);
}

/** Leaves the gradients of one vector of samples where they are sums: g = e·(mass/Σe + scaleZ) − w·even. */
function setSum<V>(p: Plan, grads: usize, at: usize, mass: V, even: V, scaleZ: V, q: V, idle: V): void {
  const one = splat<V>(1), places = laneArray<V>(p, PLACE) + at;
  const scale = div<V>(mass, add<V>(q, one));
  const e = gather<V>(grads, places);
  let target = neg<V>(mul<V>(scale, othersOf<V>(e, q)));
  target = madd<V>(scaleZ, e, target);
  target = madd<V>(even, sub<V>(splat<V>(<f32>p.weightTotal), targetWeights<V>(p, laneArray<V>(p, TARGET) + at)), target);
  const factor = add<V>(scale, scaleZ);
  let column = grads + at;
  for (let c = 0; c < p.classes; c++, column += tileRow<V>()) {
    const g = nmadd<V>(splat<V>(classWeight(p, c)), even, mul<V>(loadV<V>(column), factor));
    storeV<V>(column, clear<V>(g, idle));
  }
  scatter<V>(grads, places, clear<V>(target, idle));
  storeV<V>(laneArray<V>(p, SCALE) + at, one);
}

/** The class weights of one vector of targets; 1 for an ignored one. */
function targetWeights<V>(p: Plan, targets: usize): V {
  const place = laneArray<V>(p, SPARE);
  for (let i = 0; i < lanes<V>(); i++) {
    const t = load<i32>(targets + (<usize>i << 2));
    store<f32>(place + (<usize>i << 2), t == p.ignoreIndex ? 1 : classWeight(p, t));
  }
  return loadV<V>(place);
}

/** Σ e without the target's own e: where the target is a maximum (e = 1) that is q itself. */
// @ts-ignore: decorator
@inline function othersOf<V>(e: V, q: V): V {
  const one = splat<V>(1);
  return select_<V>(add<V>(sub<V>(q, e), one), q, lt<V>(e, one));
}

// @ts-ignore: decorator
@inline function classWeight(p: Plan, c: i32): f32 {
  return p.weight ? load<f32>(p.weight + (<usize>c << 2)) : 1;
}

function addZLosses<V>(p: Plan, cursor: Cursor): void {
  for (let i = 0; i < cursor.n; i++) addZ(p, cursor.sample + i, load<f32>(laneArray<V>(p, Z) + (<usize>i << 2)));
}

/** Adds the zLoss of one sample. */
function addZ(p: Plan, sample: i32, z: f64): void {
  p.zSum += z;
  if (!p.loss) return;
  const place = p.loss + (<usize>sample << 2);
  store<f32>(place, <f32>(<f64>load<f32>(place) + z));
}

function tileOfProbabilities<V, W>(p: Plan, cursor: Cursor): void {
  const tile = tileOf<V>(p, 0), grads = tileOf<V>(p, 1), masses = tileOf<V>(p, 2);
  const classes = p.classes;
  pack<V>(cursor.x, cursor.classStepX, cursor.sampleStep, classes, cursor.n, tile);
  pack<V>(cursor.y, cursor.classStepY, cursor.sampleStep, classes, cursor.n, masses);
  const weights = laneArray<V>(p, WEIGHT), incoming = laneArray<V>(p, INCOMING);
  // in a tile that is not full, the lanes past the last sample weigh nothing
  if (cursor.n < tileWidth<V>()) memory.fill(weights, 0, tileRow<V>());
  for (let i = 0; i < cursor.n; i++) {
    const s = sampleWeightOf(p, cursor.sample + i);
    if (s == 0 && p.zLoss == 0) {
      blank<V>(tile, classes, i);
      blank<V>(masses, classes, i);
    }
    store<f32>(weights + (<usize>i << 2), s);
    store<f32>(incoming + (<usize>i << 2), p.gradOutput ? load<f32>(p.gradOutput + (<usize>(cursor.sample + i) << 2)) : 1);
  }
  maxTile<V>(tile, classes, cursor.n, laneArray<V>(p, MAX));
  expSamples<V>(p, cursor, tile, grads, laneArray<V>(p, MAX), laneArray<V>(p, REST));
  for (let i = 0; i < cursor.n; i += lanes<V>()) probabilityColumn<V>(p, tile, grads, masses, i);
  addLosses<V, W>(p, laneArray<V>(p, LOSS), cursor.sample, cursor.n);
  if (p.zLoss != 0) addZLosses<V>(p, cursor);
  if (p.grad) unpack<V>(grads, cursor.g, cursor.classStepG, cursor.sampleStep, classes, cursor.n, UNSCALED);
}

/** Losses and gradients of one vector of samples with probability targets. */
function probabilityColumn<V>(p: Plan, tile: usize, grads: usize, masses: usize, i: i32): void {
  const at = <usize>i << 2;
  const classes = p.classes;
  const zero = splat<V>(0), one = splat<V>(1);
  const keep = splat<V>(<f32>(1 - p.smoothing)), even = splat<V>(<f32>(p.smoothing / classes));
  const m = loadV<V>(laneArray<V>(p, MAX) + at);
  let total = zero, shifted = zero;
  for (let c = 0; c < classes; ) {
    const end = min(c + TILE_RUN, classes);
    let part = zero, product = zero;
    for (; c < end; c++) {
      const place = masses + <usize>c * tileRow<V>() + at;
      const t = mul<V>(madd<V>(loadV<V>(place), keep, even), splat<V>(classWeight(p, c)));
      const d = sub<V>(loadV<V>(tile + <usize>c * tileRow<V>() + at), m);
      storeV<V>(place, t);
      part = add<V>(part, t);
      product = add<V>(product, and<V>(mul<V>(t, d), ne<V>(t, zero)));
    }
    total = add<V>(total, part);
    shifted = add<V>(shifted, product);
  }
  const q = loadV<V>(laneArray<V>(p, REST) + at);
  const log = log1p<V>(q);
  const sum = add<V>(q, one);
  const s = loadV<V>(laneArray<V>(p, WEIGHT) + at);
  const loss = mul<V>(s, sub<V>(mul<V>(total, log), shifted));
  storeV<V>(laneArray<V>(p, LOSS) + at, and<V>(loss, ne<V>(s, zero)));
  const incoming = loadV<V>(laneArray<V>(p, INCOMING) + at);
  const shift = mul<V>(mul<V>(s, incoming), splat<V>(<f32>p.upstream));
  let z = zero;
  if (p.zLoss != 0) {
    const lse = add<V>(m, log);
    storeV<V>(laneArray<V>(p, Z) + at, mul<V>(mul<V>(lse, lse), splat<V>(<f32>p.zLoss)));
    z = div<V>(mul<V>(mul<V>(lse, incoming), splat<V>(<f32>(2 * p.zLoss * p.zUpstream))), sum);
  }
  if (!p.grad) return;
  const scale = madd<V>(shift, div<V>(total, sum), z);
  const rest = div<V>(mul<V>(total, q), sum);
  for (let c = 0; c < classes; c++) {
    const place = grads + <usize>c * tileRow<V>() + at;
    const e = loadV<V>(place), t = loadV<V>(masses + <usize>c * tileRow<V>() + at);
    // where e = 1, T·e/Σe − t = (T − t) − T·q/Σe keeps the digits of a sure sample
    const sure = madd<V>(shift, sub<V>(sub<V>(total, t), rest), z);
    storeV<V>(place, select_<V>(sure, nmadd<V>(t, shift, mul<V>(e, scale)), eq<V>(e, one)));
  }
}

// ---- rows: one sample at a time ----------------------------------------------------------------------------------------

function rowOfIndex<V, W>(p: Plan, cursor: Cursor): void {
  const classes = p.classes, sample = cursor.sample;
  const t = load<i32>(p.target + (<usize>sample << 2));
  const s: f64 = sampleWeightOf(p, sample);
  const w: f64 = t == p.ignoreIndex ? 0 : s * <f64>classWeight(p, t);
  const smooth = p.smoothing != 0 && s != 0;
  if (t == p.ignoreIndex || (w == 0 && !smooth && p.zLoss == 0)) {
    if (p.loss) store<f32>(p.loss + (<usize>sample << 2), 0);
    if (p.grad) memory.fill(cursor.g, 0, <usize>classes << 2);
    return;
  }
  const m = maxRow<V>(cursor.x, classes);
  const d = <f64>load<f32>(cursor.x + (<usize>t << 2)) - <f64>m;
  const shifted = smooth ? shiftedSumRow<V, W>(cursor.x, p.weight, classes, m) : 0;
  const es = p.grad ? rowOf<V>(p) : 0;
  const q = expRow<V, W>(cursor.x, es, classes, m);
  const even = smooth ? s * p.smoothing / classes : 0;
  const own = w * (1 - p.smoothing);
  let log: f64 = 0;
  if (w == 1 && !smooth && p.zLoss == 0 && !p.loss) {
    addLog(p, q);
    p.sum -= d;
  } else {
    log = Math.log1p(q);
    let loss = own != 0 ? own * (log - d) : 0;
    if (smooth) loss += even * (p.weightTotal * log - shifted);
    p.sum += loss;
    if (p.loss) store<f32>(p.loss + (<usize>sample << 2), <f32>loss);
  }
  const z = rowZLoss(p, sample, m, log, q);
  if (!p.grad) return;
  const upstream = upstreamOf(p, sample);
  const scale = (own + even * p.weightTotal) * upstream / (1 + q);
  const e = <f64>load<f32>(es + (<usize>t << 2));
  const others = e < 1 ? 1 + (q - e) : q; // othersOf in float64
  const g = z * e - scale * others + even * upstream * (p.weightTotal - <f64>classWeight(p, t));
  scaleRow<V>(es, cursor.g, p.weight, classes, <f32>(scale + z), <f32>(even * upstream));
  store<f32>(cursor.g + (<usize>t << 2), <f32>g);
}

/** Adds the zLoss of a row; returns what multiplies its e in the gradient. */
function rowZLoss(p: Plan, sample: i32, m: f32, log: f64, q: f64): f64 {
  if (p.zLoss == 0) return 0;
  const lse = <f64>m + log;
  addZ(p, sample, p.zLoss * lse * lse);
  const incoming: f64 = p.gradOutput ? load<f32>(p.gradOutput + (<usize>sample << 2)) : 1;
  return 2 * p.zLoss * lse * incoming * p.zUpstream / (1 + q);
}

function rowOfProbabilities<V, W>(p: Plan, cursor: Cursor): void {
  const classes = p.classes, sample = cursor.sample;
  const s: f64 = sampleWeightOf(p, sample);
  if (s == 0 && p.zLoss == 0) {
    if (p.loss) store<f32>(p.loss + (<usize>sample << 2), 0);
    if (p.grad) memory.fill(cursor.g, 0, <usize>classes << 2);
    return;
  }
  const keep = <f32>(1 - p.smoothing), even = <f32>(p.smoothing / classes);
  const m = maxRow<V>(cursor.x, classes);
  const shiftedAt = laneArray<V>(p, 0);
  const total = massRow<V, W>(cursor.x, cursor.y, p.weight, classes, m, keep, even, shiftedAt);
  const shifted = load<f64>(shiftedAt);
  const es = p.grad ? rowOf<V>(p) : 0;
  const q = expRow<V, W>(cursor.x, es, classes, m);
  const log = Math.log1p(q);
  const loss = s != 0 ? s * (total * log - shifted) : 0;
  p.sum += loss;
  if (p.loss) store<f32>(p.loss + (<usize>sample << 2), <f32>loss);
  const z = rowZLoss(p, sample, m, log, q);
  if (!p.grad) return;
  const shift = s * upstreamOf(p, sample);
  const top = q < 0.5 ? topOf(es, classes) : -1; // a sure sample: its maximum is cancelled by its target
  const scale = <f32>(total * shift / (1 + q) + z);
  scaleMassRow<V>(es, cursor.g, cursor.y, p.weight, classes, scale, <f32>shift, keep, even);
  if (top < 0) return;
  const t = (<f64>load<f32>(cursor.y + (<usize>top << 2)) * <f64>keep + <f64>even) * <f64>classWeight(p, top);
  store<f32>(cursor.g + (<usize>top << 2), <f32>(shift * ((total - t) - total * q / (1 + q)) + z));
}

/** The first class with e = 1. */
function topOf(e: usize, classes: i32): i32 {
  let c = 0;
  while (c < classes - 1 && load<f32>(e + (<usize>c << 2)) != 1) c++;
  return c;
}
