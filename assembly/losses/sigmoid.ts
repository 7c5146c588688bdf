// sigmoid and logSigmoid, forward and backward, from e = e^−|x|, which cannot overflow:
//
//   sigmoid     y = 1/(1+e), or e/(1+e) where x < 0     ∂ = g·e/(1+e)²
//   logSigmoid  y = min(x, 0) − log1p(e)                ∂ = g·sigmoid(−x)
//
// The derivative of sigmoid keeps its digits where y·(1 − y) would be 0 (x > 17 in float32).
// grad receives the result; target is the incoming gradient of the backward forms, 0 for the forward ones.

import { beginRuns, closeStrip, elementBytes, nextRun, openRun, openStrip } from '../elements/walk';
import {
  add, and, clear, div, LANES, loadV, lt, madd, mul, or, pmax, pmin, signBits, splat, storeV, sub, VECTOR,
} from '../lane/lane';
import { exp, expConstant, expWith } from '../math/exp';
import { log1pUnit } from '../math/log';
import { LOG, Plan } from '../plan';

/** sigmoid or, with LOG, logSigmoid over a plan; backward where target is set. */
export function sigmoid(p: Plan): usize {
  if (!p.scratch) return elementBytes();
  const run = beginRuns(p);
  while (nextRun(p, run)) {
    const whole = run.n & -LANES, at = <usize>run.at << 2;
    stretch(p, p.input + at, p.target ? p.target + at : 0, p.grad + at, whole);
    if (whole == run.n) continue;
    openRun(p, run);
    openStrip(p, run, whole, 1);
    stretch(p, run.x, p.target ? run.y : 0, run.slopes, run.size);
    closeStrip(p, run, whole);
  }
  return 0;
}

/**
 * sigmoid forward: two vectors a turn, with the constants of their exponentials at hand. e is at most 1, so that the larger of it
 * and of 1 where x ≥ 0 is the numerator: one operation less than a choice, which is three.
 */
function plain(x: usize, g: usize, end: usize): void {
  const k0 = expConstant(0), k1 = expConstant(1), k2 = expConstant(2), k3 = expConstant(3);
  const k4 = expConstant(4), k5 = expConstant(5), k6 = expConstant(6), k7 = expConstant(7);
  const k8 = expConstant(8), k9 = expConstant(9), k10 = expConstant(10);
  const zero = splat(0), signs = signBits();
  for (const last = end - VECTOR; x < end; x += 2 * VECTOR, g += 2 * VECTOR) {
    const other = x < last ? VECTOR : 0; // the last vector by itself is done twice
    const v0 = loadV(x), v1 = loadV(x + other);
    const e0 = expWith(or(v0, signs), k0, k1, k2, k3, k4, k5, k6, k7, k8, k10);
    const e1 = expWith(or(v1, signs), k0, k1, k2, k3, k4, k5, k6, k7, k8, k10);
    const q0 = div(k9, add(e0, k9)), q1 = div(k9, add(e1, k9));
    storeV(g, mul(pmax(e0, clear(k9, lt(v0, zero))), q0));
    storeV(g + other, mul(pmax(e1, clear(k9, lt(v1, zero))), q1));
  }
}

function stretch(p: Plan, x: usize, y: usize, g: usize, n: i32): void {
  const log = (p.flags & LOG) != 0;
  const end = x + (<usize>n << 2);
  if (!log && !y) {
    plain(x, g, end);
    return;
  }
  const zero = splat(0), one = splat(1);
  for (; x < end; x += VECTOR, g += VECTOR) {
    const v = loadV(x);
    const e = exp(or(v, signBits()));
    if (log && !y) {
      storeV(g, sub(pmin(v, zero), log1pUnit(e)));
      continue;
    }
    const incoming = loadV(y), s = add(e, one);
    y += VECTOR;
    if (log) {
      const q = div(one, s);
      storeV(g, mul(incoming, mul(pmax(e, and(one, lt(v, zero))), q)));
    } else {
      // one rounding each in g·e, in the square and in the quotient; what 1 + e lost is put back into the square
      const lost = sub(e, sub(s, one));
      storeV(g, div(mul(incoming, e), madd(add(lost, lost), s, mul(s, s))));
    }
  }
}
