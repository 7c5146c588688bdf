// Class probabilities by tiles: one sample per lane.

import { TILE_RUN } from '../../classes/columns';
import { tileRow } from '../../classes/pack';
import { IDLE, LOSS, MAX, REST, SCALE } from '../../classes/samples';
import { nothing, tileOf, tiles, VALUES } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import {
  add, and, clear, div, eq, loadSplat, loadV, lt, madd, mul, ne, nmadd, select_, splat, storeV, sub,
} from '../../lane/lane';
import { addWide, narrow } from '../../lane/wide';
import { log1p } from '../../math/log';
import { Plan } from '../../plan';
import { addLosses } from '../../sums';
import { addSides, openSide, SHIFTED, SIDE_SCALE, sideColumn, TOTAL, traitsOf } from './options';
import { capGradients, moveTile } from './softcap';

/** A sample with q below this is sure: where its largest logit and most of its target mass agree, they cancel. */
const SURE: f32 = 0.5;

/** Cross entropy with class probabilities over a plan, by tiles. */
export function probabilityTiles<V, W>(p: Plan): usize {
  return tiles<V, W>(
    p, traitsOf(p) | VALUES, 0,
    (p: Plan, t: Walk): void => moveTile<V>(p, t),
    nothing,
    (p: Plan, t: Walk): void => masses<V, W>(p, t),
    nothing,
    (p: Plan, t: Walk): void => finish<V, W>(p, t),
    (p: Plan, t: Walk): void => gradients<V>(p, t),
    (p: Plan, t: Walk): void => capGradients<V>(p, t),
    nothing,
  );
}

/** t = w·(y·(1 − ε) + ε/C) of one class. */
// @ts-ignore: decorator
@inline function massOf<V>(p: Plan, y: V, c: i32, keep: V, even: V): V {
  const mass = madd<V>(y, keep, even);
  return p.a ? mul<V>(mass, loadSplat<V>(p.a + (<usize>c << 2))) : mass;
}

/** Adds Σ t and half of Σ t·(x − m) of a block of classes; a zero mass drops its term whatever x is. */
function masses<V, W>(p: Plan, t: Walk): void {
  const totals = laneArray<V>(p, TOTAL), shifted = laneArray<V>(p, SHIFTED);
  if (t.first == 0) {
    memory.fill(totals, 0, 2 * tileRow<V>());
    memory.fill(shifted, 0, 2 * tileRow<V>());
  }
  const zero = splat<V>(0), half = splat<V>(0.5);
  const keep = splat<V>(<f32>(1 - p.p0)), even = splat<V>(<f32>(p.p0 / p.total));
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const m = mul<V>(loadV<V>(laneArray<V>(p, MAX) + at), half);
    let x = tileOf<V>(p, 0) + at, y = tileOf<V>(p, 2) + at;
    for (let c = 0; c < t.count; ) {
      const end = min(c + TILE_RUN, t.count);
      let mass = zero, product = zero;
      for (; c < end; c++, x += tileRow<V>(), y += tileRow<V>()) {
        const part = massOf<V>(p, loadV<V>(y), t.first + c, keep, even);
        const d = sub<V>(mul<V>(loadV<V>(x), half), m);
        mass = add<V>(mass, part);
        product = add<V>(product, and<V>(mul<V>(part, d), ne<V>(part, zero)));
      }
      addWide<V, W>(totals + 2 * at, mass);
      addWide<V, W>(shifted + 2 * at, product);
    }
  }
}

/** Losses and gradient factors. */
function finish<V, W>(p: Plan, t: Walk): void {
  const zero = splat<V>(0), one = splat<V>(1);
  const side = p.p1 != 0;
  if (side) openSide<V>(p, t);
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const idle = loadV<V>(laneArray<V>(p, IDLE) + at);
    const q = loadV<V>(laneArray<V>(p, REST) + at);
    const log = log1p<V>(q), sum = add<V>(q, one);
    const s = clear<V>(loadV<V>(t.weight + at), idle);
    const total = narrow<V>(laneArray<V>(p, TOTAL) + 2 * at, zero);
    const shifted = narrow<V>(laneArray<V>(p, SHIFTED) + 2 * at, zero);
    const loss = sub<V>(mul<V>(mul<V>(s, total), log), mul<V>(add<V>(s, s), shifted));
    storeV<V>(laneArray<V>(p, LOSS) + at, clear<V>(loss, eq<V>(s, zero)));
    if (side) sideColumn<V>(p, at, log, sum);
    const mass = clear<V>(loadV<V>(t.weightMass + at), idle);
    storeV<V>(laneArray<V>(p, SCALE) + at, div<V>(mul<V>(mass, total), sum));
  }
  addLosses<V, W>(p, laneArray<V>(p, LOSS), t.sample, t.n);
  if (side) addSides<V>(p, t);
}

/** Leaves the gradients of a block of classes in the tile: s·(T·p − t) and that of zLoss. */
function gradients<V>(p: Plan, t: Walk): void {
  const zero = splat<V>(0), one = splat<V>(1);
  const keep = splat<V>(<f32>(1 - p.p0)), even = splat<V>(<f32>(p.p0 / p.total));
  for (let at: usize = 0; at < <usize>t.n << 2; at += sizeof<V>()) {
    const idle = loadV<V>(laneArray<V>(p, IDLE) + at);
    const mass = clear<V>(loadV<V>(t.weightMass + at), idle);
    const side = p.p1 != 0 ? clear<V>(loadV<V>(laneArray<V>(p, SIDE_SCALE) + at), idle) : zero;
    const q = loadV<V>(laneArray<V>(p, REST) + at);
    const total = narrow<V>(laneArray<V>(p, TOTAL) + 2 * at, zero);
    const scale = clear<V>(loadV<V>(laneArray<V>(p, SCALE) + at), idle);
    const rest = div<V>(mul<V>(total, q), add<V>(q, one));
    const sure = lt<V>(q, splat<V>(SURE));
    let place = tileOf<V>(p, 1) + at, y = tileOf<V>(p, 2) + at;
    for (let c = 0; c < t.count; c++, place += tileRow<V>(), y += tileRow<V>()) {
      const e = loadV<V>(place), part = massOf<V>(p, loadV<V>(y), t.first + c, keep, even);
      // at the maximum (e = 1) of a sure sample T·e/Σe − t = (T − t) − T·q/Σe keeps the digits
      const top = mul<V>(mass, sub<V>(sub<V>(total, part), rest));
      const g = select_<V>(top, nmadd<V>(part, mass, mul<V>(e, scale)), and<V>(sure, eq<V>(e, one)));
      storeV<V>(place, madd<V>(side, e, g));
    }
  }
}
