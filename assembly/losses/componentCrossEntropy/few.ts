// Components of two to four classes, in tiles without samples that are far: a vector of samples stays in registers from its
// exponentials to its gradients. The numbers are those of near.ts.

import { expRows, others, refineAt, sureLimit } from '../../classes/few';
import { tileRow } from '../../classes/pack';
import { IDLE, MAX, SCALE } from '../../classes/samples';
import { tileOf } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import {
  add, and, anyOf, clear, div, loadSplat, loadV, lt, mul, neg, sameInt, select_, splat, storeV, VECTOR, xor,
} from '../../lane/lane';
import { gather } from '../../lane/place';
import { expConstant } from '../../math/exp';
import { Plan } from '../../plan';
import { growProducts } from '../../sums';
import { CLASS, closeLarge, mapOf, productsOf, weightOf } from './parts';

/** Losses and gradients of a tile. */
export function few(p: Plan, t: Walk): void {
  const tile = tileOf(p, 0), es = tileOf(p, 1), row = tileRow(), tops = laneArray(p, MAX), classes = t.count;
  const zero = splat(0), one = expConstant(9), limit = sureLimit();
  expRows(tile, row, es, classes, t.n, tops);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const x = tile + at, e = es + at, m = loadV(tops + at), idle = loadV(laneArray(p, IDLE) + at);
    let e0 = loadV(e), e1 = loadV(e + row);
    let e2 = classes > 2 ? loadV(e + 2 * row) : zero, e3 = classes > 3 ? loadV(e + 3 * row) : zero;
    let q = others(e0, e1, e2, e3);
    const sure = lt(q, limit);
    if (anyOf(sure)) {
      e0 = select_(refineAt(e0, x, m), e0, sure);
      e1 = select_(refineAt(e1, x + row, m), e1, sure);
      if (classes > 2) e2 = select_(refineAt(e2, x + 2 * row, m), e2, sure);
      if (classes > 3) e3 = select_(refineAt(e3, x + 3 * row, m), e3, sure);
      q = others(e0, e1, e2, e3);
    }
    let f0 = zero, f1 = zero, f2 = zero, f3 = zero;
    for (let k = 0; k < p.members; k++) {
      const map = mapOf(p, k), group = gather(map, laneArray(p, CLASS) + at), w = splat(weightOf(p, k));
      const is0 = sameInt(group, loadSplat(map)), is1 = sameInt(group, loadSplat(map + 4));
      const is2 = classes > 2 ? sameInt(group, loadSplat(map + 8)) : zero;
      const is3 = classes > 3 ? sameInt(group, loadSplat(map + 12)) : zero;
      const inside = add(add(add(and(e0, is0), and(e1, is1)), and(e2, is2)), and(e3, is3));
      const outside = add(add(add(clear(e0, is0), clear(e1, is1)), clear(e2, is2)), clear(e3, is3));
      const ratio = clear(div(outside, inside), idle);
      growProducts(productsOf(p, k), ratio);
      const flip = xor(w, neg(mul(w, ratio))); // turns the factor outside, w, into that inside
      f0 = add(f0, xor(w, and(flip, is0)));
      f1 = add(f1, xor(w, and(flip, is1)));
      f2 = add(f2, xor(w, and(flip, is2)));
      f3 = add(f3, xor(w, and(flip, is3)));
    }
    storeV(e, mul(e0, f0));
    storeV(e + row, mul(e1, f1));
    if (classes > 2) storeV(e + 2 * row, mul(e2, f2));
    if (classes > 3) storeV(e + 3 * row, mul(e3, f3));
    storeV(laneArray(p, SCALE) + at, div(clear(loadV(t.mass + at), idle), add(q, one)));
  }
  for (let k = 0; k < p.members; k++) closeLarge(p, k, productsOf(p, k));
}
