// l = max(0, m), m = margin − s·x, or its square; s = 1 where y = 1 and −1 where it is 0 or −1. ∂l/∂x = −s where m > 0, or
// −2·s·max(0, m). Source: Cortes & Vapnik 1995. At most three roundings.
//
// Parameters: p0 margin, p1 squared. Operands: a weight, b posWeight, which counts where s = 1.

import { currentB, elements } from '../elements/frame';
import { and, lt, massTimes, mul, ne, neg, or, pmax, select_, splat, sub } from '../lane/lane';
import { Plan } from '../plan';

@unmanaged
class Hinge extends Plan {
  // @ts-ignore: decorator
  @inline term(x: v128, y: v128): v128 {
    return this.weighted(x, y, splat(1));
  }

  // @ts-ignore: decorator
  @inline weighted(x: v128, y: v128, w: v128): v128 {
    const m = this.excess(x, y), v = massTimes(this.mass(y, w), m);
    return this.p1 != 0 ? massTimes(v, m) : v;
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128): v128 {
    const m = this.excess(x, y), by = this.mass(y, f);
    const nan = and(ne(m, m), ne(by, splat(0)));
    const s = this.p1 != 0 ? mul(massTimes(by, m), splat(2)) : or(and(by, lt(splat(0), m)), nan);
    return select_(neg(s), s, lt(splat(0), y));
  }

  // @ts-ignore: decorator
  @inline mass(y: v128, w: v128): v128 {
    return select_(mul(w, currentB(this)), w, lt(splat(0), y));
  }

  /** max(0, m). */
  // @ts-ignore: decorator
  @inline excess(x: v128, y: v128): v128 {
    const m = sub(splat(<f32>this.p0), select_(x, neg(x), lt(splat(0), y)));
    return pmax(m, splat(0));
  }
}

export function hinge(p: Plan): usize {
  return elements<Hinge>(p);
}
