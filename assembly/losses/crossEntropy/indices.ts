// Class indices by tiles: one sample per lane. Focal and poly-1 loss are cross entropy of which each sample's value and pull
// are multiplied by something of p_t; their formulas stand above softmaxFocal.ts and polyLoss.ts.

import { shiftedHalves, weighedSum } from '../../classes/columns';
import { tileRow } from '../../classes/pack';
import { IDLE, LOSS, MAX, PRODUCT, REST, SCALE, TARGET } from '../../classes/samples';
import { atTarget, awayOf, ofTarget, othersOf, placeTargets } from '../../classes/target';
import { nothing, OF_TARGETS, SHARP, tileOf, tiles, WEIGHS } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import {
  add, clear, div, doubled, eq, inverseOf1, LANES, loadSplat, loadV, madd, massTimes, mul, neg, nmadd, select_, splat,
  storeV, sub, VECTOR,
} from '../../lane/lane';
import { growHigh, growLow, narrow, sumOf, widenAdd, zeroW } from '../../lane/wide';
import { log1p } from '../../math/log';
import { Plan } from '../../plan';
import { addLosses, closeProducts, largeProducts } from '../../sums';
import { fewClasses, isFew } from './few';
import { focal } from './focal';
import { addSides, addWeights, openSide, SHIFTED, SIDE_SCALE, sideColumn, traitsOf } from './options';
import { capGradients, moveTile } from './softcap';

// of the family
export const PLAIN = 0;
export const FOCAL = 1; // p3 gamma
export const POLY = 2; // p3 epsilon

// arrays of one value per sample
const WEIGHED: usize = SHIFTED + 2; // float64: Σ w·e; two arrays
const BEND: usize = SHIFTED + 4; // what multiplies e beside an even share
const SPARE_ARRAY: usize = SHIFTED + 5;

/** Whether all samples weigh 1 and nobody asks for the loss of one by itself: one logarithm serves many. */
// @ts-ignore: decorator
@inline function lumps(p: Plan): bool {
  return !(p.a | p.b | p.loss) && p.p0 == 0 && p.p1 == 0;
}

/** Cross entropy with class indices over a plan, by tiles. */
export function indexTiles(p: Plan, kind: i32): usize {
  addWeights(p);
  if (p.scratch) {
    if (kind == PLAIN && isFew(p)) return fewClasses(p); // with less scratch than is asked for below
    changetype<Walk>(p.scratch).kind = kind;
  }
  return tiles(
    p, traitsOf(p) | OF_TARGETS | WEIGHS | (kind == FOCAL ? SHARP : 0), 0,
    (p: Plan, t: Walk): void => moveTile(p, t),
    nothing,
    (p: Plan, t: Walk): void => { if (p.p0 != 0) smoothSums(p, t); },
    nothing,
    (p: Plan, t: Walk): void => { if (lumps(p) && t.kind == PLAIN) finishLumped(p, t); else finish(p, t); },
    (p: Plan, t: Walk): void => gradients(p, t),
    (p: Plan, t: Walk): void => capGradients(p, t),
    (p: Plan, t: Walk): void => { p.sum += closeProducts(laneArray(p, PRODUCT)); },
  );
}

/** The smoothed part of the losses but for the logarithm: Σ_c s·(ε/C)·w_c·(x_c − m); for poly-1 also Σ_c w_c·e_c. */
function smoothSums(p: Plan, t: Walk): void {
  const sums = laneArray(p, SHIFTED), half = splat(0.5);
  if (t.first == 0) memory.fill(sums, 0, 4 * tileRow()); // and WEIGHED
  const twice = splat(<f32>(2 * p.p0 / p.total));
  const weights = p.a ? p.a + (<usize>t.first << 2) : 0;
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const m = mul(loadV(laneArray(p, MAX) + at), half);
    const even = mul(loadV(t.weight + at), twice);
    shiftedHalves(tileOf(p, 0) + at, weights, t.count, m, even, sums + 2 * at);
    if (t.kind == POLY) weighedSum(tileOf(p, 1) + at, weights, t.count, laneArray(p, WEIGHED) + 2 * at);
  }
}

/** Losses of samples that all weigh 1: −(x − m) is added up, and the factors 1 + q multiplied. */
function finishLumped(p: Plan, t: Walk): void {
  const products = laneArray(p, PRODUCT);
  const one = splat(1);
  let away = zeroW();
  let low = loadV(products), high = loadV(products + 16);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at);
    const q = clear(loadV(laneArray(p, REST) + at), idle);
    low = growLow(low, q);
    high = growHigh(high, q);
    away = widenAdd(away, clear(awayOf(p, t, at), idle));
    if (!p.grad) continue;
    atTarget(p, at, clear(neg(othersOf(ofTarget(p, t, at), q)), idle));
    storeV(laneArray(p, SCALE) + at, clear(div(loadV(t.mass + at), add(q, one)), idle));
  }
  storeV(products, low);
  storeV(products + 16, high);
  p.sum -= 2 * sumOf(away);
  if (largeProducts(products)) p.sum += closeProducts(products);
}

/** Losses and what the gradients need. */
function finish(p: Plan, t: Walk): void {
  if (p.p1 != 0) openSide(p, t);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) column(p, t, at, <f32>t.total);
  addLosses(p, laneArray(p, LOSS), t.sample, t.n);
  if (p.p1 != 0) addSides(p, t);
}

/** Losses and gradient factors of one vector of samples. */
function column(p: Plan, t: Walk, at: usize, total: f32): void {
  const zero = splat(0), one = splat(1);
  const smooth = p.p0 != 0, side = p.p1 != 0;
  const idle = loadV(laneArray(p, IDLE) + at);
  let own = clear(loadV(t.own + at), idle), mass = clear(loadV(t.mass + at), idle);
  if (smooth) {
    const keep = splat(<f32>(1 - p.p0));
    own = mul(own, keep);
    mass = mul(mass, keep);
  }
  const q = loadV(laneArray(p, REST) + at), e = ofTarget(p, t, at), others = othersOf(e, q);
  const log = log1p(q), sum = add(q, one), share = inverseOf1(q), away = awayOf(p, t, at);
  let scale = zero;
  const left = mul(others, share), extra = t.kind == POLY ? splat(<f32>p.p3) : zero; // 1 − p_t, ε of poly-1
  if (t.kind == FOCAL) {
    const entropy = sub(log, add(away, away));
    const ratio = select_(one, div(massTimes(e, entropy), others), eq(others, zero)); // p_t·CE/(1 − p_t)
    const masses = laneArray(p, SPARE_ARRAY);
    focal(p.p3, own, mass, left, ratio, q, e, masses);
    own = loadV(masses);
    scale = loadV(masses + VECTOR);
  }
  // a zero mass drops its term: no 0·∞, and no NaN from a sample that counts for nothing
  let loss = clear(sub(mul(own, log), doubled(mul(own, away))), eq(own, zero));
  const bend = add(one, mul(extra, div(e, sum))); // 1 + ε·p_t
  if (t.kind == POLY) {
    loss = add(loss, massTimes(own, mul(extra, left)));
    mass = mul(mass, bend);
  }
  let even = zero, all = splat(total);
  if (smooth) {
    const share = splat(<f32>(p.p0 / p.total));
    even = clear(mul(loadV(t.weight + at), share), idle);
    const shifted = narrow(laneArray(p, SHIFTED) + 2 * at, zero);
    let spread = sub(mul(mul(even, all), log), shifted);
    if (t.kind == POLY) {
      const weighed = div(narrow(laneArray(p, WEIGHED) + 2 * at, zero), sum);
      spread = madd(mul(even, extra), sub(all, weighed), spread);
      all = madd(extra, weighed, all);
    }
    loss = add(loss, clear(spread, eq(even, zero)));
    even = clear(mul(loadV(t.weightMass + at), share), idle);
    mass = madd(even, all, mass);
  }
  storeV(laneArray(p, LOSS) + at, loss);
  if (side) sideColumn(p, at, log, sum);
  if (!p.grad) return;
  if (t.kind != FOCAL) scale = mul(mass, share);
  scale = clear(scale, idle);
  if (!smooth && !side) {
    atTarget(p, at, clear(neg(others), idle));
    storeV(laneArray(p, SCALE) + at, scale);
    return;
  }
  // here the gradients are sums, g = e·(mass/Σe + side) − w·even, and the tile holds them as they are
  const sideScale = side ? clear(loadV(laneArray(p, SIDE_SCALE) + at), idle) : zero;
  let target = madd(sideScale, e, neg(mul(scale, others)));
  target = madd(even, nmadd(targetWeights(p, laneArray(p, TARGET) + at), bend, all), target);
  atTarget(p, at, clear(target, idle));
  storeV(laneArray(p, SCALE) + at, add(scale, sideScale));
  storeV(laneArray(p, BEND) + at, div(extra, sum));
}

/** Class weights of the targets of one vector of samples; 1 where there are none. */
function targetWeights(p: Plan, targets: usize): v128 {
  if (!p.a) return splat(1);
  const place = laneArray(p, SPARE_ARRAY);
  for (let i = 0; i < LANES; i++) {
    const c = load<i32>(targets + (<usize>i << 2));
    store<f32>(place + (<usize>i << 2), c == p.ignoreIndex ? 0 : load<f32>(p.a + (<usize>c << 2)));
  }
  return loadV(place);
}

/** Leaves the gradients of a block of classes in the tile. */
function gradients(p: Plan, t: Walk): void {
  if (p.p0 != 0 || p.p1 != 0) sums(p, t);
  else t.scales = laneArray(p, SCALE);
  placeTargets(p, t);
}

/** The gradients that are sums. */
function sums(p: Plan, t: Walk): void {
  const share = splat(<f32>(p.p0 / p.total)), one = splat(1), classes = t.count;
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at);
    const scale = loadV(laneArray(p, SCALE) + at), bend = loadV(laneArray(p, BEND) + at);
    const even = clear(mul(loadV(t.weightMass + at), share), idle);
    let place = tileOf(p, 1) + at, w = p.a + (<usize>t.first << 2);
    if (p.a) {
      for (let c = 0; c < classes; c++, place += tileRow(), w += 4) {
        const e = loadV(place);
        storeV(place, nmadd(mul(loadSplat(w), even), madd(bend, e, one), mul(e, scale)));
      }
    } else {
      for (let c = 0; c < classes; c++, place += tileRow()) {
        const e = loadV(place);
        storeV(place, nmadd(even, madd(bend, e, one), mul(e, scale)));
      }
    }
  }
}
