// Poisson: l = e^x − y·x, ∂l/∂x = e^x − y; for rates l = x − y·log(x + eps), ∂ = 1 − y/(x + eps). `full` adds Stirling's
// y·log y − y + ½·log(2πy) where y > 1. Source: PyTorch, torch.nn.functional.poisson_nll_loss. A few roundings of the terms.
//
// Parameters: p0 logInput, p1 full, p2 eps.

import { GROWTH } from '../elements/exponentials';
import { elements } from '../elements/frame';
import { add, and, clear, div, eq, lt, madd, massTimes, mul, splat, sub } from '../lane/lane';
import { log } from '../math/log';
import { Plan } from '../plan';

@unmanaged
class PoissonNll extends Plan {
  // @ts-ignore: decorator
  @inline exponential(): i32 {
    return this.p0 != 0 ? GROWTH : 0;
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128): v128 {
    const rate = this.p0 != 0 ? e : x;
    const l = sub(rate, massTimes(y, this.p0 != 0 ? x : log(add(x, splat(<f32>this.p2)))));
    if (this.p1 == 0) return l;
    const stirling = madd(add(y, splat(0.5)), log(y), sub(splat(0.9189385332046727), y)); // ½·log 2π
    return add(l, and(stirling, lt(splat(1), y)));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128): v128 {
    if (this.p0 != 0) return mul(sub(e, y), f);
    const share = clear(div(y, add(x, splat(<f32>this.p2))), eq(y, splat(0))); // 1/x may be no float32 where y/x is
    return mul(sub(splat(1), share), f);
  }
}

export function poissonNll(p: Plan): usize {
  return elements<PoissonNll>(p);
}
