// sigmoid and logSigmoid, forward and backward, from e = e^−|x|, which cannot overflow:
//
//   sigmoid     y = 1/(1+e), or e/(1+e) where x < 0     ∂ = g·e/(1+e)²
//   logSigmoid  y = min(x, 0) − log1p(e)                ∂ = g·sigmoid(−x)
//
// The derivative of sigmoid keeps its digits where y·(1 − y) would be 0 (x > 17 in float32).
// grad receives the result; target is the incoming gradient of the backward forms, 0 for the forward ones.

import { beginRuns, nextRun, Run } from '../elements';
import { abs_, add, div, lanes, loadV, lt, madd, mul, neg, pmin, select_, splat, storeV, sub } from '../lane';
import { exp, log1p } from '../math';
import { LOG, Plan } from '../plan';

/** sigmoid or, with LOG, logSigmoid over a plan; backward where target is set. */
export function sigmoidKernel<V>(p: Plan): void {
  const run = beginRuns(p, 0);
  while (nextRun<V>(p, run)) sigmoidRun<V>(p, run);
}

function sigmoidRun<V>(p: Plan, run: Run): void {
  const step = lanes<V>(), size = <usize>step << 2;
  const zero = splat<V>(0), one = splat<V>(1);
  const log = (p.flags & LOG) != 0;
  let x = run.x, y = run.y, g = run.grad;
  for (let n = run.n; n > 0; n -= step, x += size, g += size) {
    const v = loadV<V>(x);
    const e = exp<V>(neg<V>(abs_<V>(v)));
    if (log && !y) {
      storeV<V>(g, sub<V>(pmin<V>(v, zero), log1p<V>(e)));
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
      y += size;
    }
    storeV<V>(g, result);
  }
}
