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

import { add, and, div, eq, lanes, loadV, madd, mul, ne, nmadd, select_, splat, storeV, sub } from '../lane';
import { log1p } from '../math';
import { Plan, PROBABILITIES } from '../plan';
import { addLog, addLosses, flushLogs, sampleWeightOf, upstreamOf } from '../reduce';
import {
  blank, expRow, massRow, maxRow, pack, scaleMassRow, scaleRow, shiftedSumRow, tileExp, tileMax, tileRow,
  tileShiftedSum, tileWidth, unpack,
} from '../sweep';
import { advance, begin, Cursor, laneArray, tileOf, walksRows } from '../walk';

// lane arrays: one float32 per sample of a tile
const LOGIT = 0; // x_t
const WEIGHT = 1; // s·w_t, 0 for an ignored sample
const SAMPLE = 2; // s, 0 for an ignored sample
const KEPT = 3; // 1, 0 for an ignored sample
const REST = 4; // q
const SCALE = 5; // gradient per e: the cross entropy's part
const SCALE_Z = 6; // and the zLoss part
const EVEN = 7; // gradient per unit of class mass
const SCALE_ALL = 8; // their sum
const INCOMING = 9; // incoming gradient
const LOSS = 10; // loss without zLoss
const Z = 11; // zLoss
const OWN = KEPT; // gradient at the target; KEPT has done its work by then

/** Cross entropy over a plan: losses, sums and, where p.grad is set, gradients. */
export function crossEntropyKernel<V, W>(p: Plan): void {
  const probabilities = (p.flags & PROBABILITIES) != 0;
  const rows = walksRows<V>(p);
  const cursor = begin(p);
  p.product = 0;
  while (advance<V>(p, cursor, rows)) {
    if (rows) {
      if (probabilities) rowOfProbabilities<V, W>(p, cursor);
      else rowOfIndex<V, W>(p, cursor);
    } else if (probabilities) tileOfProbabilities<V, W>(p, cursor);
    else tileOfIndices<V, W>(p, cursor);
  }
  flushLogs(p);
}

// ---- tiles: one sample per lane ----------------------------------------------------------------------------------------

function tileOfIndices<V, W>(p: Plan, cursor: Cursor): void {
  const tile = tileOf<V>(p, 0);
  pack<V>(cursor.x, cursor.classStepX, cursor.sampleStep, p.classes, cursor.n, tile);
  gatherTargets<V>(p, cursor, tile);
  for (let i = 0; i < cursor.n; i += lanes<V>()) indexColumn<V>(p, cursor, tile, i);
  addLosses<V, W>(p, laneArray<V>(p, LOSS), cursor.sample, cursor.n);
  if (p.zLoss != 0) addZLosses<V>(p, cursor);
  if (!p.grad) return;
  scatterTargets<V>(p, cursor, tile);
  unpack<V>(tile, cursor.g, cursor.classStepG, cursor.sampleStep, p.classes, cursor.n);
}

/** Reads what belongs to each sample; blanks the samples that must not count, so that no NaN of theirs goes on. */
function gatherTargets<V>(p: Plan, cursor: Cursor, tile: usize): void {
  const logits = laneArray<V>(p, LOGIT), weights = laneArray<V>(p, WEIGHT), samples = laneArray<V>(p, SAMPLE);
  const kept = laneArray<V>(p, KEPT), incoming = laneArray<V>(p, INCOMING);
  const lone = p.smoothing == 0 && p.zLoss == 0;
  clearLanes<V>(p, cursor);
  for (let i = 0; i < cursor.n; i++) {
    const at = <usize>i << 2;
    const sample = cursor.sample + i;
    const t = load<i32>(p.target + (<usize>sample << 2));
    let logit: f32 = 0, w: f32 = 0, s: f32 = 0, k: f32 = 0;
    if (t != p.ignoreIndex) {
      k = 1;
      s = sampleWeightOf(p, sample);
      w = p.weight ? s * load<f32>(p.weight + (<usize>t << 2)) : s;
      logit = load<f32>(tile + <usize>t * tileRow<V>() + at);
    }
    if (k == 0 || (w == 0 && lone)) {
      blank<V>(tile, p.classes, i);
      logit = 0;
    }
    store<f32>(logits + at, logit);
    store<f32>(weights + at, w);
    store<f32>(samples + at, s);
    store<f32>(kept + at, k);
    store<f32>(incoming + at, p.gradOutput ? load<f32>(p.gradOutput + (<usize>sample << 2)) : 1);
  }
}

/** In a tile that is not full, the lanes past the last sample weigh nothing. */
function clearLanes<V>(p: Plan, cursor: Cursor): void {
  if (cursor.n < tileWidth<V>()) memory.fill(laneArray<V>(p, 0), 0, <usize>LOSS * tileRow<V>());
}

/** Losses and gradient factors of one vector of samples; their e^(x−m) replace the logits. */
function indexColumn<V>(p: Plan, cursor: Cursor, tile: usize, i: i32): void {
  const at = <usize>i << 2;
  const column = tile + at;
  const zero = splat<V>(0), one = splat<V>(1);
  const smooth = p.smoothing != 0;
  const m = tileMax<V>(column, p.classes);
  const shifted = smooth ? tileShiftedSum<V>(column, p.weight, p.classes, m) : zero;
  const q = tileExp<V>(column, p.classes, m);
  const log = log1p<V>(q);
  const sum = add<V>(q, one);
  const own = mul<V>(loadV<V>(laneArray<V>(p, WEIGHT) + at), splat<V>(<f32>(1 - p.smoothing)));
  const away = sub<V>(log, sub<V>(loadV<V>(laneArray<V>(p, LOGIT) + at), m));
  let loss = and<V>(mul<V>(own, away), ne<V>(own, zero));
  let mass = own;
  const incoming = loadV<V>(laneArray<V>(p, INCOMING) + at);
  const upstream = mul<V>(incoming, splat<V>(<f32>p.upstream));
  if (smooth) {
    const even = mul<V>(loadV<V>(laneArray<V>(p, SAMPLE) + at), splat<V>(<f32>(p.smoothing / p.classes)));
    const total = splat<V>(<f32>p.weightTotal);
    loss = add<V>(loss, and<V>(mul<V>(even, sub<V>(mul<V>(total, log), shifted)), ne<V>(even, zero)));
    mass = madd<V>(even, total, mass);
    storeV<V>(laneArray<V>(p, EVEN) + at, mul<V>(even, upstream));
  }
  const scale = div<V>(mul<V>(mass, upstream), sum);
  let all = scale;
  if (p.zLoss != 0) {
    const kept = loadV<V>(laneArray<V>(p, KEPT) + at);
    const lse = mul<V>(add<V>(m, log), kept);
    storeV<V>(laneArray<V>(p, Z) + at, mul<V>(mul<V>(lse, lse), splat<V>(<f32>p.zLoss)));
    const z = div<V>(mul<V>(mul<V>(lse, incoming), splat<V>(<f32>(2 * p.zLoss * p.zUpstream))), sum);
    storeV<V>(laneArray<V>(p, SCALE_Z) + at, z);
    all = add<V>(all, z);
  }
  storeV<V>(laneArray<V>(p, LOSS) + at, loss);
  if (!p.grad) return;
  storeV<V>(laneArray<V>(p, REST) + at, q);
  storeV<V>(laneArray<V>(p, SCALE) + at, scale);
  storeV<V>(laneArray<V>(p, SCALE_ALL) + at, all);
}

/** Turns the e of a tile into gradients. */
function scatterTargets<V>(p: Plan, cursor: Cursor, tile: usize): void {
  const smooth = p.smoothing != 0, z = p.zLoss != 0;
  const rests = laneArray<V>(p, REST), scales = laneArray<V>(p, SCALE), own = laneArray<V>(p, OWN);
  for (let i = 0; i < cursor.n; i++) {
    const t = load<i32>(p.target + (<usize>(cursor.sample + i) << 2));
    if (t == p.ignoreIndex) continue;
    const at = <usize>i << 2;
    const e = load<f32>(tile + <usize>t * tileRow<V>() + at);
    let g = -load<f32>(scales + at) * others(e, load<f32>(rests + at));
    if (z) g += load<f32>(laneArray<V>(p, SCALE_Z) + at) * e;
    if (smooth) g += load<f32>(laneArray<V>(p, EVEN) + at) * <f32>(p.weightTotal - <f64>classWeight(p, t));
    store<f32>(own + at, g);
  }
  for (let i = 0; i < cursor.n; i += lanes<V>()) {
    const at = <usize>i << 2;
    const scale = loadV<V>(laneArray<V>(p, SCALE_ALL) + at);
    const even = smooth ? loadV<V>(laneArray<V>(p, EVEN) + at) : splat<V>(0);
    let column = tile + at;
    for (let c = 0; c < p.classes; c++, column += tileRow<V>()) {
      let g = mul<V>(loadV<V>(column), scale);
      if (smooth) g = nmadd<V>(splat<V>(classWeight(p, c)), even, g);
      storeV<V>(column, g);
    }
  }
  for (let i = 0; i < cursor.n; i++) {
    const t = load<i32>(p.target + (<usize>(cursor.sample + i) << 2));
    const at = <usize>i << 2;
    if (t != p.ignoreIndex) store<f32>(tile + <usize>t * tileRow<V>() + at, load<f32>(own + at));
  }
}

/** Σ e without the target's own e: where the target is a maximum (e = 1) that is q itself. */
// @ts-ignore: decorator
@inline function others<F>(e: F, q: F): F {
  return e < <F>1 ? <F>1 + (q - e) : q;
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
  const tile = tileOf<V>(p, 0), masses = tileOf<V>(p, 1);
  const classes = p.classes;
  pack<V>(cursor.x, cursor.classStepX, cursor.sampleStep, classes, cursor.n, tile);
  pack<V>(cursor.y, cursor.classStepY, cursor.sampleStep, classes, cursor.n, masses);
  const weights = laneArray<V>(p, WEIGHT), incoming = laneArray<V>(p, INCOMING);
  clearLanes<V>(p, cursor);
  for (let i = 0; i < cursor.n; i++) {
    const s = sampleWeightOf(p, cursor.sample + i);
    if (s == 0 && p.zLoss == 0) {
      blank<V>(tile, classes, i);
      blank<V>(masses, classes, i);
    }
    store<f32>(weights + (<usize>i << 2), s);
    store<f32>(incoming + (<usize>i << 2), p.gradOutput ? load<f32>(p.gradOutput + (<usize>(cursor.sample + i) << 2)) : 1);
  }
  for (let i = 0; i < cursor.n; i += lanes<V>()) probabilityColumn<V>(p, tile, masses, i);
  addLosses<V, W>(p, laneArray<V>(p, LOSS), cursor.sample, cursor.n);
  if (p.zLoss != 0) addZLosses<V>(p, cursor);
  if (p.grad) unpack<V>(tile, cursor.g, cursor.classStepG, cursor.sampleStep, classes, cursor.n);
}

/** Losses and gradients of one vector of samples with probability targets. */
function probabilityColumn<V>(p: Plan, tile: usize, masses: usize, i: i32): void {
  const at = <usize>i << 2;
  const classes = p.classes;
  const zero = splat<V>(0), one = splat<V>(1);
  const keep = splat<V>(<f32>(1 - p.smoothing)), even = splat<V>(<f32>(p.smoothing / classes));
  const m = tileMax<V>(tile + at, classes);
  let total = zero, shifted = zero;
  for (let c = 0; c < classes; c++) {
    const place = masses + <usize>c * tileRow<V>() + at;
    const t = mul<V>(madd<V>(loadV<V>(place), keep, even), splat<V>(classWeight(p, c)));
    const d = sub<V>(loadV<V>(tile + <usize>c * tileRow<V>() + at), m);
    storeV<V>(place, t);
    total = add<V>(total, t);
    shifted = add<V>(shifted, and<V>(mul<V>(t, d), ne<V>(t, zero)));
  }
  const q = tileExp<V>(tile + at, classes, m);
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
    const place = tile + <usize>c * tileRow<V>() + at;
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
  const q = expRow<V, W>(cursor.x, cursor.g, classes, m);
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
  const place = cursor.g + (<usize>t << 2);
  const e = <f64>load<f32>(place);
  const g = z * e - scale * others<f64>(e, q) + even * upstream * (p.weightTotal - <f64>classWeight(p, t));
  scaleRow<V>(cursor.g, p.weight, classes, <f32>(scale + z), <f32>(even * upstream));
  store<f32>(place, <f32>g);
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
  const q = expRow<V, W>(cursor.x, cursor.g, classes, m);
  const log = Math.log1p(q);
  const loss = s != 0 ? s * (total * log - shifted) : 0;
  p.sum += loss;
  if (p.loss) store<f32>(p.loss + (<usize>sample << 2), <f32>loss);
  const z = rowZLoss(p, sample, m, log, q);
  if (!p.grad) return;
  const shift = s * upstreamOf(p, sample);
  const top = q < 0.5 ? topOf(cursor.g, classes) : -1; // a sure sample: its maximum is cancelled by its target
  scaleMassRow<V>(cursor.g, cursor.y, p.weight, classes, <f32>(total * shift / (1 + q) + z), <f32>shift, keep, even);
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
