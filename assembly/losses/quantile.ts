// Pinball loss: with u = y − x, l = max(q·u, (q − 1)·u), ∂l/∂x = −q where u > 0, 1 − q where u < 0, 0 at u = 0 (any value
// between is right). Source: Koenker & Bassett 1978. Two roundings.
//
// Parameters: p0 q.

import { plainly } from '../elements/plain';
import { clear, eq, lt, mul, ne, neg, or, select_, splat, sub } from '../lane/lane';
import { Plan } from '../plan';

@unmanaged
class Quantile extends Plan {
  // @ts-ignore: decorator
  @inline constantA(): v128 {
    return splat(<f32>this.p0);
  }

  // @ts-ignore: decorator
  @inline constantB(): v128 {
    return splat(<f32>(this.p0 - 1));
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128, z: v128, q: v128, rest: v128, c: v128): v128 {
    const u = sub(y, x);
    return mul(u, select_(rest, q, lt(u, splat(0))));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128, z: v128, q: v128, rest: v128, c: v128): v128 {
    const u = sub(y, x);
    return or(clear(neg(mul(select_(rest, q, lt(u, splat(0))), f)), eq(u, splat(0))), ne(u, u));
  }
}

export function quantile(p: Plan): usize {
  return plainly<Quantile>(p);
}
