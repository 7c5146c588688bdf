// Pinball loss: with u = y − x, l = max(q·u, (q − 1)·u), ∂l/∂x = −q where u > 0, 1 − q where u < 0, 0 at u = 0 (any value
// between is right). Source: Koenker & Bassett 1978. Two roundings.
//
// Parameters: p0 q.

import { elements } from '../elements/frame';
import { and, lt, mul, ne, neg, select_, splat, sub } from '../lane/lane';
import { Plan } from '../plan';

@unmanaged
class Quantile extends Plan {
  // @ts-ignore: decorator
  @inline term(x: v128, y: v128): v128 {
    const u = sub(y, x);
    return mul(u, this.share(u));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128): v128 {
    const u = sub(y, x);
    return select_(u, and(neg(mul(this.share(u), f)), ne(u, splat(0))), ne(u, u)); // NaN stays
  }

  /** ∂l/∂u. */
  // @ts-ignore: decorator
  @inline share(u: v128): v128 {
    return select_(splat(<f32>(this.p0 - 1)), splat(<f32>this.p0), lt(u, splat(0)));
  }
}

export function quantile(p: Plan): usize {
  return elements<Quantile>(p);
}
