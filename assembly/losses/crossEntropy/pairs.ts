// Two classes: with d the difference of their logits, the exponential of one is 1 and that of the other e = e^−|d|, so that one
// exponential is all a sample needs, and q = e. Where the target has the larger logit it is pulled by e, else by 1, and the other
// class is pushed as hard.

import { IDLE, PRODUCT, UPSTREAM } from '../../classes/samples';
import { laneArray, Walk } from '../../classes/walk';
import {
  add, and, anyOf, clear, div, LANES, loadSplat, loadV, lt, massTimes, mul, or, pmax, pmin, sameInt, select_, signBits, splat,
  storeV, sub, VECTOR,
} from '../../lane/lane';
import { joinPairs } from '../../lane/shuffle';
import { growHigh, growLow, widenAdd } from '../../lane/wide';
import { expConstant, expWith, refine } from '../../math/exp';
import { Plan } from '../../plan';
import { BEHIND, HALF, keepApart, Smooth, targetsAt } from './together';

/** The exponentials of n samples; rows of samples at x, `step` bytes apart. */
export function expPairs(x: usize, step: usize, to: usize, n: i32): void {
  const k0 = expConstant(0), k1 = expConstant(1), k2 = expConstant(2), k3 = expConstant(3);
  const k4 = expConstant(4), k5 = expConstant(5), k6 = expConstant(6), k7 = expConstant(7);
  const k8 = expConstant(8), k10 = expConstant(10), sign = signBits();
  // two columns a turn (columns.ts); what one past the last sample holds is never used
  for (let at: usize = 0; at < <usize>n << 2; at += 2 * VECTOR) {
    const y = x + at, d0 = or(sub(loadV(y), loadV(y + step)), sign), d1 = or(sub(loadV(y + VECTOR), loadV(y + step + VECTOR)), sign);
    storeV(to + at, expWith(d0, k0, k1, k2, k3, k4, k5, k6, k7, k8, k10));
    storeV(to + at + VECTOR, expWith(d1, k0, k1, k2, k3, k4, k5, k6, k7, k8, k10));
  }
}

/** Losses and gradients of a tile whose exponentials are there. */
export function pairs(
  p: Plan, t: Walk, x: usize, stepX: usize, es: usize, g: usize, stepG: usize, joins: bool, apart: bool,
): void {
  const o = changetype<Smooth>(p);
  // loaded, so that V8 does not make them anew each turn
  const zero = splat(0), one = expConstant(9), half = loadSplat(HALF);
  const skip = loadSplat(changetype<usize>(p) + offsetof<Plan>('ignoreIndex'));
  const upstream = loadV(laneArray(p, UPSTREAM)), products = laneArray(p, PRODUCT), smooth = p.p0 != 0;
  let low = loadV(products), high = loadV(products + 16), away = loadV(products + BEHIND);
  for (let at: usize = 0, n = t.n; n > 0; at += VECTOR, n -= LANES) {
    const target = loadV(targetsAt(p, t, n, apart)), a = loadV(x + at), b = loadV(x + stepX + at);
    const idle = apart ? loadV(laneArray(p, IDLE) + at) : sameInt(target, skip);
    const least = pmin(a, b), m = pmax(a, b), first = sameInt(target, zero);
    let e = loadV(es + at), factor = apart ? loadV(t.mass + at) : upstream;
    e = refine(e, least, m, sub(least, m));
    let q = add(e, sub(m, m)); // NaN where m is infinite
    if (anyOf(idle)) {
      e = clear(e, idle);
      q = clear(q, idle);
      factor = clear(factor, idle);
    }
    const behind = lt(select_(a, b, first), m), scale = div(factor, add(q, one)), distance = sub(mul(least, half), mul(m, half));
    let gap = clear(and(distance, behind), idle);
    if (smooth) gap = clear(add(massTimes(o.kept(), gap), mul(distance, o.share())), idle);
    if (apart) keepApart(p, at, q, gap);
    else {
      low = growLow(low, q);
      high = growHigh(high, q);
      away = widenAdd(away, gap);
    }
    if (!p.grad) continue;
    let push = mul(select_(one, e, behind), scale);
    if (smooth) push = sub(push, mul(factor, o.share()));
    const pull = sub(zero, push), g0 = select_(pull, push, first), g1 = select_(push, pull, first);
    if (joins) joinPairs(g0, g1, g + 2 * at);
    else {
      storeV(g + at, g0);
      storeV(g + at + stepG, g1);
    }
  }
  storeV(products, low);
  storeV(products + 16, high);
  storeV(products + BEHIND, away);
}
