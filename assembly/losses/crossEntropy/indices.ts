// Class indices by tiles: one sample per lane.

import { TILE_RUN, shiftedHalves } from '../../classes/columns';
import { tileRow } from '../../classes/pack';
import {
  AT_TARGET, AWAY, IDLE, LOSS, MAX, OF_TARGET, PRODUCT, REST, SCALE, TARGET,
} from '../../classes/samples';
import { othersOf, placeTargets } from '../../classes/target';
import { nothing, OF_TARGETS, tileOf, tiles, WEIGHS } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import {
  add, clear, div, eq, lanes, loadSplat, loadV, madd, mul, neg, nmadd, splat, storeV, sub,
} from '../../lane/lane';
import { addWide, growHigh, growLow, loadW, narrow, storeW, sumOf, widenAdd, zeroW } from '../../lane/wide';
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
export function indexTiles<V, W>(p: Plan): usize {
  return tiles<V, W>(
    p, traitsOf(p) | OF_TARGETS | WEIGHS, 0,
    (p: Plan, t: Walk): void => moveTile<V>(p, t),
    nothing,
    (p: Plan, t: Walk): void => { if (p.p0 != 0) smoothSums<V, W>(p, t); },
    nothing,
    (p: Plan, t: Walk): void => { if (lumps(p)) finishLumped<V, W>(p, t); else finish<V, W>(p, t); },
    (p: Plan, t: Walk): void => gradients<V>(p, t),
    (p: Plan, t: Walk): void => capGradients<V>(p, t),
    (p: Plan, t: Walk): void => { p.sum += closeProducts<W>(laneArray<V>(p, PRODUCT)); },
  );
}

/** The smoothed part of the losses but for the logarithm: Σ_c s·(ε/C)·w_c·(x_c − m). */
function smoothSums<V, W>(p: Plan, t: Walk): void {
  const sums = laneArray<V>(p, SHIFTED), half = splat<V>(0.5);
  if (t.first == 0) memory.fill(sums, 0, 2 * tileRow<V>());
  const twice = splat<V>(<f32>(2 * p.p0 / p.total));
  const weights = p.a ? p.a + (<usize>t.first << 2) : 0;
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const m = mul<V>(loadV<V>(laneArray<V>(p, MAX) + at), half);
    const even = mul<V>(loadV<V>(t.weight + at), twice);
    addWide<V, W>(sums + 2 * at, shiftedHalves<V>(tileOf<V>(p, 0) + at, weights, t.count, m, even));
  }
}

/** Losses of samples that all weigh 1: −(x − m) is added up, and the factors 1 + q multiplied. */
function finishLumped<V, W>(p: Plan, t: Walk): void {
  const products = laneArray<V>(p, PRODUCT);
  const one = splat<V>(1);
  let away = zeroW<W>();
  let low = loadW<W>(products), high = loadW<W>(products + 16);
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const idle = loadV<V>(laneArray<V>(p, IDLE) + at);
    const q = clear<V>(loadV<V>(laneArray<V>(p, REST) + at), idle);
    low = growLow<V, W>(low, q);
    high = growHigh<V, W>(high, q);
    away = widenAdd<V, W>(away, clear<V>(loadV<V>(laneArray<V>(p, AWAY) + at), idle));
    if (!p.grad) continue;
    const others = othersOf<V>(loadV<V>(laneArray<V>(p, OF_TARGET) + at), q);
    storeV<V>(laneArray<V>(p, AT_TARGET) + at, clear<V>(neg<V>(others), idle));
    storeV<V>(laneArray<V>(p, SCALE) + at, clear<V>(div<V>(loadV<V>(t.mass + at), add<V>(q, one)), idle));
  }
  storeW<W>(products, low);
  storeW<W>(products + 16, high);
  p.sum -= 2 * sumOf<W>(away);
  if (largeProducts<W>(products)) p.sum += closeProducts<W>(products);
}

/** Losses and what the gradients need. */
function finish<V, W>(p: Plan, t: Walk): void {
  if (p.p1 != 0) openSide<V>(p, t);
  const total = weightTotal(p);
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) column<V, W>(p, t, at, <f32>total);
  addLosses<V, W>(p, laneArray<V>(p, LOSS), t.sample, t.n);
  if (p.p1 != 0) addSides<V>(p, t);
}

/** Losses and gradient factors of one vector of samples. */
function column<V, W>(p: Plan, t: Walk, at: usize, total: f32): void {
  const zero = splat<V>(0), one = splat<V>(1);
  const smooth = p.p0 != 0, side = p.p1 != 0;
  const idle = loadV<V>(laneArray<V>(p, IDLE) + at);
  let own = clear<V>(loadV<V>(t.own + at), idle), mass = clear<V>(loadV<V>(t.mass + at), idle);
  if (smooth) {
    const keep = splat<V>(<f32>(1 - p.p0));
    own = mul<V>(own, keep);
    mass = mul<V>(mass, keep);
  }
  const q = loadV<V>(laneArray<V>(p, REST) + at);
  const log = log1p<V>(q), sum = add<V>(q, one);
  // a zero mass drops its term: no 0·∞, and no NaN from a sample that counts for nothing
  const away = mul<V>(add<V>(own, own), loadV<V>(laneArray<V>(p, AWAY) + at));
  let loss = clear<V>(sub<V>(mul<V>(own, log), away), eq<V>(own, zero));
  let even = zero;
  const others = othersOf<V>(loadV<V>(laneArray<V>(p, OF_TARGET) + at), q);
  if (smooth) {
    const share = splat<V>(<f32>(p.p0 / p.total)), all = splat<V>(total);
    even = clear<V>(mul<V>(loadV<V>(t.weight + at), share), idle);
    const shifted = narrow<V>(laneArray<V>(p, SHIFTED) + 2 * at, zero);
    loss = add<V>(loss, clear<V>(sub<V>(mul<V>(mul<V>(even, all), log), shifted), eq<V>(even, zero)));
    even = clear<V>(mul<V>(loadV<V>(t.weightMass + at), share), idle);
    mass = madd<V>(even, all, mass);
  }
  storeV<V>(laneArray<V>(p, LOSS) + at, loss);
  if (side) sideColumn<V>(p, at, log, sum);
  if (!p.grad) return;
  const scale = clear<V>(div<V>(mass, sum), idle);
  if (!smooth && !side) {
    storeV<V>(laneArray<V>(p, AT_TARGET) + at, clear<V>(neg<V>(others), idle));
    storeV<V>(laneArray<V>(p, SCALE) + at, scale);
    return;
  }
  // here the gradients are sums, g = e·(mass/Σe + side) − w·even, and the tile holds them as they are
  const sideScale = side ? clear<V>(loadV<V>(laneArray<V>(p, SIDE_SCALE) + at), idle) : zero;
  const e = loadV<V>(laneArray<V>(p, OF_TARGET) + at);
  let target = madd<V>(sideScale, e, neg<V>(mul<V>(scale, others)));
  target = madd<V>(even, sub<V>(splat<V>(total), targetWeights<V>(p, laneArray<V>(p, TARGET) + at)), target);
  storeV<V>(laneArray<V>(p, AT_TARGET) + at, clear<V>(target, idle));
  storeV<V>(laneArray<V>(p, SCALE) + at, add<V>(scale, sideScale));
}

/** Class weights of the targets of one vector of samples; 1 where there are none. */
function targetWeights<V>(p: Plan, targets: usize): V {
  if (!p.a) return splat<V>(1);
  const place = laneArray<V>(p, TOTAL);
  for (let i = 0; i < lanes<V>(); i++) {
    const c = load<i32>(targets + (<usize>i << 2));
    store<f32>(place + (<usize>i << 2), c == p.ignoreIndex ? 0 : load<f32>(p.a + (<usize>c << 2)));
  }
  return loadV<V>(place);
}

/** Leaves the gradients of a block of classes in the tile. */
function gradients<V>(p: Plan, t: Walk): void {
  if (p.p0 != 0 || p.p1 != 0) sums<V>(p, t);
  else t.scales = laneArray<V>(p, SCALE);
  placeTargets<V>(p, t);
}

/** The gradients that are sums. */
function sums<V>(p: Plan, t: Walk): void {
  const share = splat<V>(<f32>(p.p0 / p.total));
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const idle = loadV<V>(laneArray<V>(p, IDLE) + at);
    const scale = loadV<V>(laneArray<V>(p, SCALE) + at);
    const even = clear<V>(mul<V>(loadV<V>(t.weightMass + at), share), idle);
    let place = tileOf<V>(p, 1) + at;
    for (let c = 0; c < t.count; c++, place += tileRow<V>()) {
      const w = p.a ? mul<V>(loadSplat<V>(p.a + (<usize>(t.first + c) << 2)), even) : even;
      storeV<V>(place, sub<V>(mul<V>(loadV<V>(place), scale), w));
    }
  }
}
