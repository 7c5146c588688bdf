// Class indices by tiles: one sample per lane.

import { shiftedHalves } from '../../classes/columns';
import { tileRow } from '../../classes/pack';
import { IDLE, LOSS, MAX, PRODUCT, REST, SCALE, TARGET } from '../../classes/samples';
import { atTarget, awayOf, ofTarget, othersOf, placeTargets } from '../../classes/target';
import { nothing, OF_TARGETS, tileOf, tiles, WEIGHS } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import {
  add, clear, div, eq, LANES, loadSplat, loadV, madd, mul, neg, splat, storeV, sub, VECTOR,
} from '../../lane/lane';
import { addWide, growHigh, growLow, narrow, sumOf, widenAdd, zeroW } from '../../lane/wide';
import { log1p } from '../../math/log';
import { Plan } from '../../plan';
import { addLosses, closeProducts, largeProducts } from '../../sums';
import { addSides, openSide, SHIFTED, SIDE_SCALE, sideColumn, TOTAL, traitsOf, weightTotal } from './options';
import { capGradients, moveTile } from './softcap';

/** Whether all samples weigh 1 and nobody asks for the loss of one by itself: one logarithm serves many. */
// @ts-ignore: decorator
@inline function lumps(p: Plan): bool {
  return !(p.a | p.b | p.loss) && p.p0 == 0 && p.p1 == 0;
}

/** Cross entropy with class indices over a plan, by tiles. */
export function indexTiles(p: Plan): usize {
  return tiles(
    p, traitsOf(p) | OF_TARGETS | WEIGHS, 0,
    (p: Plan, t: Walk): void => moveTile(p, t),
    nothing,
    (p: Plan, t: Walk): void => { if (p.p0 != 0) smoothSums(p, t); },
    nothing,
    (p: Plan, t: Walk): void => { if (lumps(p)) finishLumped(p, t); else finish(p, t); },
    (p: Plan, t: Walk): void => gradients(p, t),
    (p: Plan, t: Walk): void => capGradients(p, t),
    (p: Plan, t: Walk): void => { p.sum += closeProducts(laneArray(p, PRODUCT)); },
  );
}

/** The smoothed part of the losses but for the logarithm: Σ_c s·(ε/C)·w_c·(x_c − m). */
function smoothSums(p: Plan, t: Walk): void {
  const sums = laneArray(p, SHIFTED), half = splat(0.5);
  if (t.first == 0) memory.fill(sums, 0, 2 * tileRow());
  const twice = splat(<f32>(2 * p.p0 / p.total));
  const weights = p.a ? p.a + (<usize>t.first << 2) : 0;
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const m = mul(loadV(laneArray(p, MAX) + at), half);
    const even = mul(loadV(t.weight + at), twice);
    addWide(sums + 2 * at, shiftedHalves(tileOf(p, 0) + at, weights, t.count, m, even));
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
  const total = weightTotal(p);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) column(p, t, at, <f32>total);
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
  const q = loadV(laneArray(p, REST) + at);
  const log = log1p(q), sum = add(q, one);
  // a zero mass drops its term: no 0·∞, and no NaN from a sample that counts for nothing
  const away = mul(add(own, own), awayOf(p, t, at));
  let loss = clear(sub(mul(own, log), away), eq(own, zero));
  let even = zero;
  const e = ofTarget(p, t, at), others = othersOf(e, q);
  if (smooth) {
    const share = splat(<f32>(p.p0 / p.total)), all = splat(total);
    even = clear(mul(loadV(t.weight + at), share), idle);
    const shifted = narrow(laneArray(p, SHIFTED) + 2 * at, zero);
    loss = add(loss, clear(sub(mul(mul(even, all), log), shifted), eq(even, zero)));
    even = clear(mul(loadV(t.weightMass + at), share), idle);
    mass = madd(even, all, mass);
  }
  storeV(laneArray(p, LOSS) + at, loss);
  if (side) sideColumn(p, at, log, sum);
  if (!p.grad) return;
  const scale = clear(div(mass, sum), idle);
  if (!smooth && !side) {
    atTarget(p, at, clear(neg(others), idle));
    storeV(laneArray(p, SCALE) + at, scale);
    return;
  }
  // here the gradients are sums, g = e·(mass/Σe + side) − w·even, and the tile holds them as they are
  const sideScale = side ? clear(loadV(laneArray(p, SIDE_SCALE) + at), idle) : zero;
  let target = madd(sideScale, e, neg(mul(scale, others)));
  target = madd(even, sub(splat(total), targetWeights(p, laneArray(p, TARGET) + at)), target);
  atTarget(p, at, clear(target, idle));
  storeV(laneArray(p, SCALE) + at, add(scale, sideScale));
}

/** Class weights of the targets of one vector of samples; 1 where there are none. */
function targetWeights(p: Plan, targets: usize): v128 {
  if (!p.a) return splat(1);
  const place = laneArray(p, TOTAL);
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
  const share = splat(<f32>(p.p0 / p.total));
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at);
    const scale = loadV(laneArray(p, SCALE) + at);
    const even = clear(mul(loadV(t.weightMass + at), share), idle);
    let place = tileOf(p, 1) + at;
    for (let c = 0; c < t.count; c++, place += tileRow()) {
      const w = p.a ? mul(loadSplat(p.a + (<usize>(t.first + c) << 2)), even) : even;
      storeV(place, sub(mul(loadV(place), scale), w));
    }
  }
}
