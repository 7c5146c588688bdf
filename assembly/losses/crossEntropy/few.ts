// Class indices of two to four classes, but for smoothing and zLoss. The formulas are those of indices.ts; but from its
// exponentials to its gradients a vector of samples stays in registers, its target is found by comparison, and no loop over the
// classes is begun and ended for four of them (docs/kernels.md).

import { expRows, FEW, maxima, others, refineAt, sureLimit } from '../../classes/few';
import { bring, take } from '../../classes/lines';
import { tileRow } from '../../classes/pack';
import {
  ARRAYS, AWAY, beginSamples, IDLE, LOSS, MAX, openSamples, PRODUCT, REST, SCALE, TARGET, UPSTREAM,
} from '../../classes/samples';
import { advance, begin, closeChunk, laneArray, openChunk, Walk } from '../../classes/walk';
import {
  add, and, anyOf, clear, div, LANES, loadSplat, loadV, lt, mul, or, sameInt, select_, splat, storeV, sub, VECTOR,
} from '../../lane/lane';
import { storeColumns } from '../../lane/shuffle';
import { growHigh, growLow, sumOf, widenAdd, zeroW } from '../../lane/wide';
import { expConstant } from '../../math/exp';
import { log1p } from '../../math/log';
import { CUT, Plan } from '../../plan';
import { addLosses, closeProducts, largeProducts, openProducts } from '../../sums';
import { moves } from './softcap';

const HALF: usize = memory.data<f32>([0.5], 16);
const INTS: usize = memory.data<i32>([1, 2, 3], 16);

/** Whether a plan is of this kind. */
export function isFew(p: Plan): bool {
  return p.total >= 2 && p.total <= FEW && p.p0 == 0 && p.p1 == 0 && (p.flags & CUT) == 0 && !moves(p);
}

/** Takes such a plan through the loss. */
export function fewClasses(p: Plan): usize {
  beginSamples(p);
  const t = begin(p), products = laneArray(p, PRODUCT), row = tileRow();
  const tile = laneArray(p, ARRAYS), exponentials = tile + <usize>p.total * row;
  // samples that weigh, or whose losses are asked for, one by one
  const apart = (p.a | p.b | p.loss | p.incoming) != 0;
  openProducts(products);
  t.count = p.total;
  while (openChunk(p, t)) {
    while (advance(p, t, false, true)) {
      if (apart) openSamples(p, t, true, false, false);
      // lines of samples are read and written in their place, if they are whole turns of the loops
      const whole = t.n % (2 * LANES) == 0 && t.line == t.n, four = whole && p.total == 4, placed = whole && t.sampleX == 4, sends = !whole || t.sampleG != 4;
      const x = placed ? t.x : tile, stepX = placed ? t.classX : row;
      if (placed) maxima(x, stepX, p.total, t.n, laneArray(p, MAX));
      else bring(t, t.x, t.classX, t.sampleX, t.lineX, tile, laneArray(p, MAX));
      expRows(x, stepX, exponentials, p.total, t.n, laneArray(p, MAX));
      // and lines of four classes are written as they are made
      const joins = sends && four && t.classG == 4, packs = sends && !joins;
      columns(p, t, x, stepX, exponentials, packs ? exponentials : t.g, packs ? row : t.classG, packs, joins, apart);
      if (apart) losses(p, t);
      if (p.grad != 0 && packs) take(t, exponentials, laneArray(p, SCALE));
      if (largeProducts(products)) p.sum += closeProducts(products);
    }
    p.sum += closeProducts(products);
    closeChunk(p, t);
  }
  return 0;
}

/** Losses and gradients of the samples; a class that is not there has the exponential 0. */
function columns(
  p: Plan, t: Walk, x: usize, stepX: usize, es: usize, g: usize, stepG: usize, scales: bool, joins: bool, apart: bool,
): void {
  const tops = laneArray(p, MAX), row = tileRow(), classes = p.total;
  // loaded, so that V8 does not make them anew each turn
  const zero = splat(0), one = expConstant(9), half = loadSplat(HALF), limit = sureLimit();
  const first = loadSplat(INTS), second = loadSplat(INTS + 4), third = loadSplat(INTS + 8);
  const skip = loadSplat(changetype<usize>(p) + offsetof<Plan>('ignoreIndex'));
  const upstream = loadV(laneArray(p, UPSTREAM));
  const products = laneArray(p, PRODUCT);
  let low = loadV(products), high = loadV(products + 16), away = zeroW();
  for (let at: usize = 0, n = t.n; n > 0; at += VECTOR, n -= LANES) {
    let target = loadV(apart ? laneArray(p, TARGET) + at : n < LANES ? rest(p, t, n) : p.indices + (<usize>t.sample << 2) + at);
    const x0 = x + at, x1 = x0 + stepX, x2 = x1 + stepX, x3 = x2 + stepX, e = es + at;
    let m = loadV(tops + at), factor = apart ? loadV(t.mass + at) : upstream;
    let e0 = loadV(e), e1 = loadV(e + row);
    let e2 = classes > 2 ? loadV(e + 2 * row) : zero, e3 = classes > 3 ? loadV(e + 3 * row) : zero;
    const idle = apart ? loadV(laneArray(p, IDLE) + at) : sameInt(target, skip);
    let q = others(e0, e1, e2, e3);
    if (anyOf(or(lt(q, limit), idle))) {
      const sure = clear(lt(q, limit), idle);
      if (anyOf(sure)) {
        const r0 = refineAt(e0, x0, m), r1 = refineAt(e1, x1, m);
        const r2 = classes > 2 ? refineAt(e2, x2, m) : zero, r3 = classes > 3 ? refineAt(e3, x3, m) : zero;
        e0 = select_(r0, e0, sure);
        e1 = select_(r1, e1, sure);
        e2 = select_(r2, e2, sure);
        e3 = select_(r3, e3, sure);
        q = others(e0, e1, e2, e3);
      }
      // idle samples have no class, and nothing to add or to pull
      e0 = clear(e0, idle);
      e1 = clear(e1, idle);
      e2 = clear(e2, idle);
      e3 = clear(e3, idle);
      m = clear(m, idle);
      factor = clear(factor, idle);
      target = or(target, idle);
      q = clear(q, idle);
    }
    const is0 = sameInt(target, zero), is1 = sameInt(target, first);
    const is2 = sameInt(target, second), is3 = sameInt(target, third);
    let own = or(and(loadV(x0), is0), and(loadV(x1), is1));
    if (classes > 2) own = or(own, and(loadV(x2), is2));
    if (classes > 3) own = or(own, and(loadV(x3), is3));
    const whole = add(q, one), gap = sub(mul(own, half), mul(m, half));
    if (apart) {
      storeV(laneArray(p, REST) + at, q);
      storeV(laneArray(p, AWAY) + at, gap);
    } else {
      low = growLow(low, q);
      high = growHigh(high, q);
      away = widenAdd(away, gap);
    }
    if (!p.grad) continue;
    // what is not of the target, and the sum of it
    const r0 = clear(e0, is0), r1 = clear(e1, is1), r2 = clear(e2, is2), r3 = clear(e3, is3);
    const pull = sub(zero, add(add(r0, r1), add(r2, r3))), scale = div(factor, whole);
    const g0 = or(r0, and(pull, is0)), g1 = or(r1, and(pull, is1)), g2 = or(r2, and(pull, is2)), g3 = or(r3, and(pull, is3));
    if (joins) {
      storeColumns(mul(g0, scale), mul(g1, scale), mul(g2, scale), mul(g3, scale), g + (at >> 2) * t.sampleG, t.sampleG);
      continue;
    }
    const by = scales ? one : scale;
    storeV(laneArray(p, SCALE) + at, scale);
    storeV(g + at, mul(g0, by));
    storeV(g + at + stepG, mul(g1, by));
    if (classes > 2) storeV(g + at + 2 * stepG, mul(g2, by));
    if (classes > 3) storeV(g + at + 3 * stepG, mul(g3, by));
  }
  storeV(products, low);
  storeV(products + 16, high);
  p.sum -= 2 * sumOf(away);
}

/** The losses of samples one by one; those of idle ones are 0. */
function losses(p: Plan, t: Walk): void {
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const own = loadV(t.own + at), gap = loadV(laneArray(p, AWAY) + at);
    storeV(laneArray(p, LOSS) + at, sub(mul(own, log1p(loadV(laneArray(p, REST) + at))), mul(add(own, own), gap)));
  }
  addLosses(p, laneArray(p, LOSS), t.sample, t.n);
}

/** Where the targets of the last samples are, which do not fill a vector; the other lanes are idle. */
function rest(p: Plan, t: Walk, n: i32): usize {
  const to = laneArray(p, TARGET), from = p.indices + (<usize>(t.sample + t.n - n) << 2);
  for (let i = 0; i < LANES; i++) {
    const at = <usize>i << 2;
    store<i32>(to + at, i < n ? load<i32>(from + at) : p.ignoreIndex);
  }
  return to;
}
