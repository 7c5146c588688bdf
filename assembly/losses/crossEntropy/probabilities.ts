// Class probabilities by tiles: one sample per lane. factorizedMultiLabel is cross entropy with the probabilities y/Y, Y = Σ y,
// and something beside it; its formula stands above factorizedMultiLabel.ts.

import { blankLanes, TILE_RUN } from '../../classes/columns';
import { tileRow } from '../../classes/pack';
import { IDLE, LOSS, MAX, REST, SCALE, WEIGHT, WEIGHT_MASS } from '../../classes/samples';
import { nothing, tileOf, tiles, VALUES } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import {
  add, and, anyOf, clear, div, doubled, eq, everyBit, loadSplat, loadV, lt, madd, massTimes, mul, ne, nmadd, or, pmax,
  select_, splat, storeV, sub, VECTOR, xor,
} from '../../lane/lane';
import { loadSome } from '../../lane/place';
import { addWide, narrow, product } from '../../lane/wide';
import { log, log1p } from '../../math/log';
import { Plan } from '../../plan';
import { addLosses, copyFloats } from '../../sums';
import { addSides, openSide, SHIFTED, SIDE_SCALE, sideColumn, TOTAL, traitsOf } from './options';
import { capGradients, moveTile } from './softcap';

/** Of the family: targets are how often each label was counted. */
export const COUNTED = 3;

/** float64: Σ y·log y; two arrays. */
const ENTROPY: usize = TOTAL + 2;
/** What is added to the loss of a sample. */
const EXTRA: usize = TOTAL + 4;
/** Mask of samples with a mass that is not 0, then of those without one: those cost 0 whatever their logits hold, but zLoss. */
const BLANK: usize = TOTAL + 5;

/** A sample with q below this is sure: where its largest logit and most of its target mass agree, they cancel. */
const SURE: f32 = 0.5;

/** Cross entropy with class probabilities over a plan, by tiles. */
export function probabilityTiles(p: Plan, kind: i32): usize {
  if (p.scratch) changetype<Walk>(p.scratch).kind = kind;
  return tiles(
    p, traitsOf(p) | VALUES, 0,
    (p: Plan, t: Walk): void => moveTile(p, t),
    nothing,
    (p: Plan, t: Walk): void => masses(p, t),
    nothing,
    (p: Plan, t: Walk): void => finish(p, t),
    (p: Plan, t: Walk): void => gradients(p, t),
    (p: Plan, t: Walk): void => capGradients(p, t),
    nothing,
  );
}

/** t = w·(y·(1 − ε) + ε/C) of one class. */
// @ts-ignore: decorator
@inline function massOf(y: v128, weight: usize, keep: v128, even: v128): v128 {
  const mass = madd(y, keep, even);
  return weight ? mul(mass, loadSplat(weight)) : mass;
}

/** Adds Σ t and half of Σ t·(x − m) of a block of classes; a zero mass drops its term whatever x is. */
function masses(p: Plan, t: Walk): void {
  const totals = laneArray(p, TOTAL), shifted = laneArray(p, SHIFTED);
  if (t.first == 0) {
    memory.fill(totals, 0, 2 * tileRow());
    memory.fill(shifted, 0, 2 * tileRow());
    memory.fill(laneArray(p, ENTROPY), 0, 2 * tileRow());
    memory.fill(laneArray(p, BLANK), 0, tileRow());
  }
  const keep = splat(<f32>(1 - p.p0)), even = splat(<f32>(p.p0 / p.total)), by = tileOf(p, 2) - tileOf(p, 0);
  let x = tileOf(p, 0);
  if (p.a != 0 || t.kind == COUNTED) {
    for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) massColumn(p, t, x + at, by, at, keep, even);
    return;
  }
  const zero = splat(0), half = splat(0.5), classes = t.count;
  for (let at: usize = 0; at < <usize>t.n << 2; at += 2 * VECTOR, x += 2 * VECTOR) {
    const maxima = laneArray(p, MAX) + at, counts = laneArray(p, BLANK) + at;
    const m0 = mul(loadV(maxima), half), m1 = mul(loadV(maxima + VECTOR), half);
    let some0 = loadV(counts), some1 = loadV(counts + VECTOR), place = x;
    for (let c = 0; c < classes; ) {
      const end = min(c + TILE_RUN, classes);
      let mass0 = zero, mass1 = zero, product0 = zero, product1 = zero;
      for (; c < end; c++, place += tileRow()) {
        const part0 = madd(loadV(place + by), keep, even), part1 = madd(loadV(place + by + VECTOR), keep, even);
        const d0 = sub(mul(loadV(place), half), m0), d1 = sub(mul(loadV(place + VECTOR), half), m1);
        const counts0 = ne(part0, zero), counts1 = ne(part1, zero);
        mass0 = add(mass0, part0);
        mass1 = add(mass1, part1);
        product0 = add(product0, and(mul(part0, d0), counts0));
        product1 = add(product1, and(mul(part1, d1), counts1));
        some0 = or(some0, counts0);
        some1 = or(some1, counts1);
      }
      addWide(totals + 2 * at, mass0);
      addWide(totals + 2 * at + 2 * VECTOR, mass1);
      addWide(shifted + 2 * at, product0);
      addWide(shifted + 2 * at + 2 * VECTOR, product1);
    }
    storeV(counts, some0);
    storeV(counts + VECTOR, some1);
  }
}

/** The same of one vector of samples with class weights, or of counts. */
function massColumn(p: Plan, t: Walk, x: usize, by: usize, at: usize, keep: v128, even: v128): void {
  const zero = splat(0), half = splat(0.5), one = splat(1);
  const m = mul(loadV(laneArray(p, MAX) + at), half);
  let some = loadV(laneArray(p, BLANK) + at), w = p.a ? p.a + (<usize>t.first << 2) : 0;
  for (let c = 0; c < t.count; ) {
    const end = min(c + TILE_RUN, t.count);
    let mass = zero, product = zero, entropy = zero;
    for (; c < end; c++, x += tileRow()) {
      const part = massOf(loadV(x + by), w, keep, even);
      if (w) w += 4;
      const d = sub(mul(loadV(x), half), m), counts = ne(part, zero);
      mass = add(mass, part);
      product = add(product, and(mul(part, d), counts));
      some = or(some, counts);
      // labels are mostly there or not, and 1·log 1 is 0
      if (t.kind == COUNTED && anyOf(and(counts, ne(part, one)))) entropy = add(entropy, massTimes(part, log(part)));
    }
    addWide(laneArray(p, TOTAL) + 2 * at, mass);
    addWide(laneArray(p, SHIFTED) + 2 * at, product);
    if (t.kind == COUNTED) addWide(laneArray(p, ENTROPY) + 2 * at, entropy);
  }
  storeV(laneArray(p, BLANK) + at, some);
}

/** Losses and gradient factors. */
function finish(p: Plan, t: Walk): void {
  const zero = splat(0), one = splat(1);
  const side = p.p1 != 0;
  if (side) openSide(p, t);
  if (t.kind == COUNTED) count(p, t);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at);
    const q = loadV(laneArray(p, REST) + at);
    const rise = log1p(q), sum = add(q, one);
    const extra = t.kind == COUNTED ? loadV(laneArray(p, EXTRA) + at) : zero;
    const blank = side ? zero : xor(everyBit(), loadV(laneArray(p, BLANK) + at));
    storeV(laneArray(p, BLANK) + at, blank);
    const s = clear(loadV(t.weight + at), or(idle, blank));
    const total = narrow(laneArray(p, TOTAL) + 2 * at, zero);
    const shifted = narrow(laneArray(p, SHIFTED) + 2 * at, zero);
    const loss = sub(mul(mul(s, total), rise), doubled(mul(s, shifted)));
    storeV(laneArray(p, LOSS) + at, add(clear(loss, eq(s, zero)), extra));
    if (side) sideColumn(p, at, rise, sum);
    const mass = clear(loadV(t.weightMass + at), idle);
    storeV(laneArray(p, SCALE) + at, div(mul(mass, total), sum));
  }
  addLosses(p, laneArray(p, LOSS), t.sample, t.n);
  if (side) addSides(p, t);
}

/** Samples weigh 1/Y each, and the number of their labels costs something too. */
function count(p: Plan, t: Walk): void {
  const zero = splat(0), one = splat(1), mu = splat(<f32>p.p3), low = splat(0.01);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const total = narrow(laneArray(p, TOTAL) + 2 * at, zero), none = eq(total, zero);
    const by = clear(div(one, total), none);
    const z = loadPast(p.d, t, at), mass = loadV(t.weightMass + at);
    const d = sub(pmax(z, low), total), entropy = mul(narrow(laneArray(p, ENTROPY) + 2 * at, zero), by);
    const idle = loadV(laneArray(p, IDLE) + at); // past the last sample
    storeV(laneArray(p, EXTRA) + at, clear(add(massTimes(massTimes(mu, d), d), clear(sub(entropy, log(total)), none)), idle));
    storeV(laneArray(p, WEIGHT) + at, by);
    storeV(laneArray(p, LOSS) + at, clear(mul(massTimes(add(mu, mu), d), mass), lt(z, low)));
    storeV(laneArray(p, WEIGHT_MASS) + at, mul(mass, by));
  }
  if (p.sideGrad) copyFloats(laneArray(p, LOSS), p.sideGrad + (<usize>t.sample << 2), t.n);
  t.weight = laneArray(p, WEIGHT);
  t.weightMass = laneArray(p, WEIGHT_MASS);
}

/** A vector of an operand with one value per sample, of which `t.n` are there. */
// @ts-ignore: decorator
@inline function loadPast(operand: usize, t: Walk, at: usize): v128 {
  return loadSome(operand + (<usize>t.sample << 2) + at, t.n - <i32>(at >> 2), 1);
}

/** Leaves the gradients of a block of classes in the tile: s·(T·p − t) and that of zLoss. */
function gradients(p: Plan, t: Walk): void {
  const zero = splat(0), one = splat(1), sided = p.p1 != 0, classes = t.count;
  const keep = splat(<f32>(1 - p.p0)), even = splat(<f32>(p.p0 / p.total)), by = tileOf(p, 2) - tileOf(p, 1);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at);
    const mass = clear(loadV(t.weightMass + at), idle);
    const side = sided ? clear(loadV(laneArray(p, SIDE_SCALE) + at), idle) : zero;
    const q = loadV(laneArray(p, REST) + at);
    const total = narrow(laneArray(p, TOTAL) + 2 * at, zero);
    const scale = clear(loadV(laneArray(p, SCALE) + at), idle);
    const rest = div(mul(total, q), add(q, one));
    // a row without labels has no distribution, whatever its logits hold
    const sure = lt(q, splat(SURE)), none = eq(mass, zero);
    let place = tileOf(p, 1) + at, w = p.a ? p.a + (<usize>t.first << 2) : 0;
    if (w | <usize>sided | <usize>anyOf(or(sure, none))) {
      for (let c = 0; c < classes; c++, place += tileRow()) {
        const e = loadV(place), part = massOf(loadV(place + by), w, keep, even);
        if (w) w += 4;
        // at the maximum (e = 1) of a sure sample T·e/Σe − t = (T − t) − T·q/Σe keeps the digits
        const top = mul(mass, sub(sub(total, part), rest));
        const g = select_(top, nmadd(part, mass, mul(e, scale)), and(sure, eq(e, one)));
        const own = clear(g, none);
        storeV(place, sided ? madd(side, e, own) : own);
      }
    } else {
      for (let c = 0; c < classes; c++, place += tileRow()) {
        storeV(place, nmadd(madd(loadV(place + by), keep, even), mass, mul(loadV(place), scale)));
      }
    }
    const blank = loadV(laneArray(p, BLANK) + at);
    if (!anyOf(blank)) continue;
    blankLanes(tileOf(p, 1) + at, t.count, blank);
    storeV(laneArray(p, IDLE) + at, or(idle, blank)); // for what follows
    t.marked = true;
  }
}
