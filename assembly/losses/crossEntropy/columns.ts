// Three or four classes: the losses and gradients of a tile whose exponentials are there (few.ts).

import { others, refineAt, sureLimit } from '../../classes/few';
import { tileRow } from '../../classes/pack';
import { IDLE, MAX, PRODUCT, UPSTREAM } from '../../classes/samples';
import { laneArray, Walk } from '../../classes/walk';
import {
  add, and, anyOf, clear, div, LANES, loadSplat, loadV, lt, massTimes, mul, or, sameInt, select_, splat, storeV, sub, VECTOR,
} from '../../lane/lane';
import { storeColumns } from '../../lane/shuffle';
import { growHigh, growLow, widenAdd } from '../../lane/wide';
import { expConstant } from '../../math/exp';
import { Plan } from '../../plan';
import { BEHIND, HALF, keepApart, Smooth, targetsAt } from './together';

const INTS: usize = memory.data<i32>([1, 2, 3], 16);

/** Without smoothing. */
@unmanaged
class Plain extends Plan {}

/** Losses and gradients of a tile. */
export function columns(
  p: Plan, t: Walk, x: usize, stepX: usize, es: usize, g: usize, stepG: usize, joins: bool, apart: bool,
): void {
  loop<Plain>(p, t, x, stepX, es, g, stepG, joins, apart);
}

/** columns with smoothing, compiled by itself: in one loop with it the other is a tenth slower. */
export function smoothColumns(
  p: Plan, t: Walk, x: usize, stepX: usize, es: usize, g: usize, stepG: usize, joins: bool, apart: bool,
): void {
  loop<Smooth>(p, t, x, stepX, es, g, stepG, joins, apart);
}

/** A class that is not there has the exponential 0. */
// @ts-ignore: decorator
@inline function loop<O>(
  p: Plan, t: Walk, x: usize, stepX: usize, es: usize, g: usize, stepG: usize, joins: bool, apart: bool,
): void {
  const o = changetype<O>(p);
  const tops = laneArray(p, MAX), row = tileRow(), classes = p.total;
  // loaded, so that V8 does not make them anew each turn
  const zero = splat(0), one = expConstant(9), half = loadSplat(HALF), limit = sureLimit();
  const first = loadSplat(INTS), second = loadSplat(INTS + 4), third = loadSplat(INTS + 8);
  const skip = loadSplat(changetype<usize>(p) + offsetof<Plan>('ignoreIndex'));
  const upstream = loadV(laneArray(p, UPSTREAM));
  const products = laneArray(p, PRODUCT);
  let low = loadV(products), high = loadV(products + 16), away = loadV(products + BEHIND);
  for (let at: usize = 0, n = t.n; n > 0; at += VECTOR, n -= LANES) {
    let target = loadV(targetsAt(p, t, n, apart));
    const x0 = x + at, x1 = x0 + stepX, x2 = x1 + stepX, x3 = x2 + stepX, e = es + at;
    let m = loadV(tops + at), factor = apart ? loadV(t.mass + at) : upstream;
    let e0 = loadV(e), e1 = loadV(e + row);
    let e2 = loadV(e + 2 * row), e3 = classes > 3 ? loadV(e + 3 * row) : zero;
    const idle = apart ? loadV(laneArray(p, IDLE) + at) : sameInt(target, skip);
    let q = others(e0, e1, e2, e3);
    if (anyOf(or(lt(q, limit), idle))) {
      const sure = clear(lt(q, limit), idle);
      if (anyOf(sure)) {
        const r0 = refineAt(e0, x0, m), r1 = refineAt(e1, x1, m);
        const r2 = refineAt(e2, x2, m), r3 = classes > 3 ? refineAt(e3, x3, m) : zero;
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
    own = or(own, and(loadV(x2), is2));
    if (classes > 3) own = or(own, and(loadV(x3), is3));
    const top = mul(m, half);
    let gap = sub(mul(own, half), top);
    if (isDefined(o.share)) {
      const share = o.share();
      let even = add(awayAt(x0, half, top, share), awayAt(x1, half, top, share));
      even = add(even, awayAt(x2, half, top, share));
      if (classes > 3) even = add(even, awayAt(x3, half, top, share));
      gap = clear(add(massTimes(o.kept(), gap), even), idle);
    }
    if (apart) keepApart(p, at, q, gap);
    else {
      low = growLow(low, q);
      high = growHigh(high, q);
      away = widenAdd(away, gap);
    }
    if (!p.grad) continue;
    // what is not of the target, and the sum of it
    const r0 = clear(e0, is0), r1 = clear(e1, is1), r2 = clear(e2, is2), r3 = clear(e3, is3);
    const pull = sub(zero, add(add(r0, r1), add(r2, r3))), scale = div(factor, add(q, one));
    let g0 = mul(or(r0, and(pull, is0)), scale), g1 = mul(or(r1, and(pull, is1)), scale);
    let g2 = mul(or(r2, and(pull, is2)), scale), g3 = mul(or(r3, and(pull, is3)), scale);
    if (isDefined(o.share)) {
      const even = mul(factor, o.share()), odd = sub(even, mul(factor, splat(<f32>p.p0)));
      g0 = sub(g0, select_(odd, even, is0));
      g1 = sub(g1, select_(odd, even, is1));
      g2 = sub(g2, select_(odd, even, is2));
      g3 = sub(g3, select_(odd, even, is3));
    }
    if (joins) storeColumns(g0, g1, g2, g3, g + (at >> 2) * t.sampleG, t.sampleG);
    else {
      storeV(g + at, g0);
      storeV(g + at + stepG, g1);
      storeV(g + at + 2 * stepG, g2);
      if (classes > 3) storeV(g + at + 3 * stepG, g3);
    }
  }
  storeV(products, low);
  storeV(products + 16, high);
  storeV(products + BEHIND, away);
}

/** The share of a class in smoothing times half of x − m; halves do not overflow. */
// @ts-ignore: decorator
@inline function awayAt(x: usize, half: v128, top: v128, share: v128): v128 {
  return mul(sub(mul(loadV(x), half), top), share);
}
