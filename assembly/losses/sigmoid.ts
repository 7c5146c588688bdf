// sigmoid and logSigmoid, forward and backward, from e = e^−|x|, which cannot overflow:
//
//   sigmoid     y = 1/(1+e), or e/(1+e) where x < 0     ∂ = g·e/(1+e)²
//   logSigmoid  y = min(x, 0) − log1p(e)                ∂ = g·sigmoid(−x)
//
// The derivative of sigmoid keeps its digits where y·(1 − y) would be 0 (x > 17 in float32).
// grad receives the result; target is the incoming gradient of the backward forms, 0 for the forward ones.

import { beginRuns, closeStrip, elementBytes, nextRun, openRun, openStrip } from '../elements/walk';
import {
  add, div, LANES, loadV, lt, madd, mul, or, pmin, select_, signBits, splat, storeV, sub, VECTOR,
} from '../lane/lane';
import { exp } from '../math/exp';
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

function stretch(p: Plan, x: usize, y: usize, g: usize, n: i32): void {
  const zero = splat(0), one = splat(1);
  const log = (p.flags & LOG) != 0;
  const end = x + (<usize>n << 2);
  for (; x < end; x += VECTOR, g += VECTOR) {
    const v = loadV(x);
    const e = exp(or(v, signBits()));
    if (log && !y) {
      storeV(g, sub(pmin(v, zero), log1pUnit(e)));
      continue;
    }
    const q = div(one, add(e, one));
    const small = mul(e, q);
    const negative = lt(v, zero);
    let result = log ? select_(q, small, negative) : select_(small, q, negative);
    if (y) {
      const incoming = loadV(y);
      if (log) result = mul(incoming, result);
      else {
        // one rounding each in g·e, in the square and in the quotient; what 1 + e lost is put back into the square
        const s = add(e, one), lost = sub(e, sub(s, one));
        result = div(mul(incoming, e), madd(add(lost, lost), s, mul(s, s)));
      }
      y += VECTOR;
    }
    storeV(g, result);
  }
}
