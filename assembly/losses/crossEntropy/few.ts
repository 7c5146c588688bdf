// Class indices of two to four classes where all samples weigh 1. The numbers are those of indices.ts, operation for operation,
// and so are the sums; but from its exponentials to its gradients a vector of samples stays in registers, its target is found
// by comparison, and no loop over the classes is begun and ended for four of them (docs/kernels.md).

import { SURE } from '../../classes/columns';
import { pack, tileRow, unpack } from '../../classes/pack';
import { ARRAYS, beginSamples, MAX, PRODUCT, SCALE, TARGET, UPSTREAM } from '../../classes/samples';
import { othersOf } from '../../classes/target';
import { advance, begin, closeChunk, laneArray, openChunk, Walk } from '../../classes/walk';
import {
  add, and, anyOf, clear, div, LANES, loadSplat, loadV, lt, mul, ne, neg, or, pmax, pmin, sameInt, select_, splat, storeV, sub, VECTOR,
} from '../../lane/lane';
import { growHigh, growLow, sumOf, widenAdd, zeroW } from '../../lane/wide';
import { expConstant, expWith, refine } from '../../math/exp';
import { CUT, Plan } from '../../plan';
import { closeProducts, largeProducts, openProducts } from '../../sums';
import { moves } from './softcap';

/** Classes at most. */
const FEW = 4;

const FLOATS: usize = memory.data<f32>([0.5, 0.00390625], 16);
const INTS: usize = memory.data<i32>([1, 2, 3], 16);

/** Whether a plan, all of whose samples weigh 1, is of this kind. */
export function isFew(p: Plan): bool {
  return p.total >= 2 && p.total <= FEW && p.incoming == 0 && (p.flags & CUT) == 0 && !moves(p);
}

/** Takes such a plan through the loss. */
export function fewClasses(p: Plan): usize {
  beginSamples(p);
  const t = begin(p), products = laneArray(p, PRODUCT), row = tileRow();
  const tile = laneArray(p, ARRAYS), exponentials = tile + <usize>p.total * row;
  openProducts(products);
  while (openChunk(p, t)) {
    while (advance(p, t, false)) {
      // lines of samples are read and written in their place, if they are whole turns of the loops
      const whole = t.n % (2 * LANES) == 0, placed = whole && t.sampleX == 4, sends = !whole || t.sampleG != 4;
      if (!placed) pack(t.x, t.classX, t.sampleX, p.total, t.n, tile);
      const x = placed ? t.x : tile, stepX = placed ? t.classX : row;
      exps(p, t, x, stepX, exponentials);
      columns(p, t, x, stepX, exponentials, sends ? exponentials : t.g, sends ? row : t.classG, sends);
      if (p.grad != 0 && sends) unpack(exponentials, t.g, t.classG, t.sampleG, p.total, t.n, laneArray(p, SCALE));
      if (largeProducts(products)) p.sum += closeProducts(products);
    }
    p.sum += closeProducts(products);
    closeChunk(p, t);
  }
  return 0;
}

/** The maxima of the samples, and the exponentials to the rows of a tile. */
function exps(p: Plan, t: Walk, x: usize, stepX: usize, to: usize): void {
  const k0 = expConstant(0), k1 = expConstant(1), k2 = expConstant(2), k3 = expConstant(3);
  const k4 = expConstant(4), k5 = expConstant(5), k6 = expConstant(6), k7 = expConstant(7);
  const k8 = expConstant(8), k9 = expConstant(9), k10 = expConstant(10);
  const end = <usize>t.n << 2, maxima = laneArray(p, MAX), classes = p.total;
  for (let at: usize = 0; at < end; at += VECTOR) {
    let m = pmax(loadV(x + at), loadV(x + stepX + at));
    if (classes > 2) m = pmax(m, loadV(x + 2 * stepX + at));
    if (classes > 3) m = pmax(m, loadV(x + 3 * stepX + at));
    storeV(maxima + at, m);
  }
  for (let c = 0; c < classes; c++, x += stepX, to += tileRow()) {
    // two columns a turn (columns.ts); what one past the last sample holds is never used
    for (let at: usize = 0; at < end; at += 2 * VECTOR) {
      const d0 = sub(loadV(x + at), loadV(maxima + at)), d1 = sub(loadV(x + at + VECTOR), loadV(maxima + at + VECTOR));
      storeV(to + at, expWith(d0, k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10));
      storeV(to + at + VECTOR, expWith(d1, k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10));
    }
  }
}

/** Losses and gradients of the samples; a class that is not there has the exponential 0. */
function columns(p: Plan, t: Walk, x: usize, stepX: usize, es: usize, g: usize, stepG: usize, scales: bool): void {
  const maxima = laneArray(p, MAX), row = tileRow(), classes = p.total;
  // loaded, so that V8 does not make them anew each turn
  const zero = splat(0), one = expConstant(9), half = loadSplat(FLOATS), limit = loadSplat(FLOATS + 4);
  const first = loadSplat(INTS), second = loadSplat(INTS + 4), third = loadSplat(INTS + 8);
  const skip = loadSplat(changetype<usize>(p) + offsetof<Plan>('ignoreIndex'));
  const upstream = loadV(laneArray(p, UPSTREAM));
  const products = laneArray(p, PRODUCT);
  let low = loadV(products), high = loadV(products + 16), away = zeroW();
  for (let at: usize = 0, n = t.n; n > 0; at += VECTOR, n -= LANES) {
    const target = loadV(n < LANES ? rest(p, t, n) : p.indices + (<usize>t.sample << 2) + at);
    const idle = sameInt(target, skip);
    const x0 = x + at, x1 = x0 + stepX, x2 = x1 + stepX, x3 = x2 + stepX, e = es + at, m = loadV(maxima + at);
    let e0 = loadV(e), e1 = loadV(e + row);
    let e2 = classes > 2 ? loadV(e + 2 * row) : zero, e3 = classes > 3 ? loadV(e + 3 * row) : zero;
    if (anyOf(idle)) {
      e0 = clear(e0, idle);
      e1 = clear(e1, idle);
      e2 = clear(e2, idle);
      e3 = clear(e3, idle);
    }
    let q = others(e0, e1, e2, e3);
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
    const is0 = sameInt(target, zero), is1 = sameInt(target, first);
    const is2 = sameInt(target, second), is3 = sameInt(target, third);
    let own = or(and(loadV(x0), is0), and(loadV(x1), is1));
    if (classes > 2) own = or(own, and(loadV(x2), is2));
    if (classes > 3) own = or(own, and(loadV(x3), is3));
    q = clear(q, idle);
    const whole = add(q, one);
    low = growLow(low, q);
    high = growHigh(high, q);
    away = widenAdd(away, clear(sub(mul(own, half), mul(m, half)), idle));
    if (!p.grad) continue;
    const pulled = or(or(or(and(e0, is0), and(e1, is1)), and(e2, is2)), and(e3, is3));
    const pull = clear(neg(othersOf(pulled, q)), idle), scale = clear(div(upstream, whole), idle);
    const by = scales ? one : scale;
    storeV(laneArray(p, SCALE) + at, scale);
    storeV(g + at, mul(select_(pull, e0, is0), by));
    storeV(g + at + stepG, mul(select_(pull, e1, is1), by));
    if (classes > 2) storeV(g + at + 2 * stepG, mul(select_(pull, e2, is2), by));
    if (classes > 3) storeV(g + at + 3 * stepG, mul(select_(pull, e3, is3), by));
  }
  storeV(products, low);
  storeV(products + 16, high);
  p.sum -= 2 * sumOf(away);
}

/** The sum of four exponentials but for one that is 1, the largest: pairs are put in order. NaN where one is. */
// @ts-ignore: decorator
@inline function others(a: v128, b: v128, c: v128, d: v128): v128 {
  const sum = add(add(a, b), add(c, d));
  return or(add(add(pmin(a, b), pmin(c, d)), pmin(pmax(a, b), pmax(c, d))), ne(sum, sum));
}

// @ts-ignore: decorator
@inline function refineAt(e: v128, x: usize, m: v128): v128 {
  const v = loadV(x);
  return refine(e, v, m, sub(v, m));
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
