// sigmoid and logSigmoid, forward and backward, from e = e^−|x|, which cannot overflow:
//
//   sigmoid     y = 1/(1+e), or e/(1+e) where x < 0     ∂ = g·e/(1+e)²
//   logSigmoid  y = min(x, 0) − log1p(e)                ∂ = g·sigmoid(−x)
//
// The derivative of sigmoid keeps its digits where y·(1 − y) would be 0 (x > 17 in float32).
// grad receives the result; target is the incoming gradient of the backward forms, 0 for the forward ones.

import { beginRuns, nextRun, Run } from '../elements';
import { abs_, add, div, lanes, loadV, lt, mul, neg, pmin, select_, splat, storeV, sub } from '../lane';
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
      if (!log) result = mul<V>(small, q);
      result = mul<V>(loadV<V>(y), result);
      y += size;
    }
    storeV<V>(g, result);
  }
}
