// Smooth absolute error: with a = |x − y|, m = min(a, β) and t = m/β (1 where β is 0), l = t·(a − m/2), which is a²/(2β) below β
// and a − β/2 beyond; ∂l/∂x = t with the sign of x − y. Source: PyTorch, torch.nn.functional.smooth_l1_loss. At most four
// roundings.
//
// Parameters: p0 beta.

import { plainly } from '../elements/plain';
import { abs_, bySign, div, le, mul, pmin, select_, splat, sub } from '../lane/lane';
import { Plan } from '../plan';

@unmanaged
class SmoothL1 extends Plan {
  // @ts-ignore: decorator
  @inline term(x: v128, y: v128): v128 {
    const a = abs_(sub(x, y));
    return mul(this.share(a), sub(a, mul(pmin(a, splat(<f32>this.p0)), splat(0.5))));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128): v128 {
    const d = sub(x, y);
    return bySign(mul(this.share(abs_(d)), f), d);
  }

  /** a/β, at most 1. */
  // @ts-ignore: decorator
  @inline share(a: v128): v128 {
    const beta = splat(<f32>this.p0);
    return select_(splat(1), div(a, beta), le(beta, a));
  }
}

export function smoothL1(p: Plan): usize {
  return plainly<SmoothL1>(p, true);
}
