// sigmoid and logSigmoid, forward and backward, from e = e^−|x|, which cannot overflow:
//
//   sigmoid     y = 1/(1+e), or e/(1+e) where x < 0     ∂ = g·e/(1+e)²
//   logSigmoid  y = min(x, 0) − log1p(e)                ∂ = g·sigmoid(−x)
//
// The derivative of sigmoid keeps its digits where y·(1 − y) would be 0 (x > 17 in float32).
// grad receives the result; target is the incoming gradient of the backward forms, 0 for the forward ones.

import { beginRuns, closeStrip, elementBytes, nextRun, openStrip } from '../elements/walk';
import { abs_, add, div, loadV, lt, madd, mul, neg, pmin, select_, splat, storeV, sub } from '../lane/lane';
import { exp } from '../math/exp';
import { log1pInline } from '../math/log';
import { LOG, Plan } from '../plan';

/** sigmoid or, with LOG, logSigmoid over a plan; backward where target is set. */
export function sigmoid<V, W>(p: Plan): usize {
  if (!p.scratch) return elementBytes<V>();
  const run = beginRuns(p);
  while (nextRun(p, run)) {
    const whole = run.n & -(sizeof<V>() >> 2), at = <usize>run.at << 2;
    stretch<V>(p, p.input + at, p.target ? p.target + at : 0, p.grad + at, whole);
    if (whole == run.n) continue;
    openStrip<V>(p, run, whole, 1);
    stretch<V>(p, run.x, p.target ? run.y : 0, run.slopes, run.size);
    closeStrip<V>(p, run, whole);
  }
  return 0;
}

function stretch<V>(p: Plan, x: usize, y: usize, g: usize, n: i32): void {
  const zero = splat<V>(0), one = splat<V>(1);
  const log = (p.flags & LOG) != 0;
  const end = x + (<usize>n << 2);
  for (; x < end; x += sizeof<V>(), g += sizeof<V>()) {
    const v = loadV<V>(x);
    const e = exp<V>(neg<V>(abs_<V>(v)));
    if (log && !y) {
      storeV<V>(g, sub<V>(pmin<V>(v, zero), log1pInline<V>(e)));
      continue;
    }
    const q = div<V>(one, add<V>(e, one));
    const small = mul<V>(e, q);
    const negative = lt<V>(v, zero);
    let result = log ? select_<V>(q, small, negative) : select_<V>(small, q, negative);
    if (y) {
      const incoming = loadV<V>(y);
      if (log) result = mul<V>(incoming, result);
      else {
        // one rounding each in g·e, in the square and in the quotient; what 1 + e lost is put back into the square
        const s = add<V>(e, one), lost = sub<V>(e, sub<V>(s, one));
        result = div<V>(mul<V>(incoming, e), madd<V>(add<V>(lost, lost), s, mul<V>(s, s)));
      }
      y += sizeof<V>();
    }
    storeV<V>(g, result);
  }
}
