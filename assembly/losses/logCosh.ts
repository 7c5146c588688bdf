// l = log cosh d, d = x − y, ∂l/∂x = tanh d = −m/(2 + m), m = e^(−2a) − 1, with the sign of d. With a = |d|: a + log1p(e^(−2a))
// − log 2, below 1 a²·P(a²), where the first form would cancel. Source: Keras. Within 4 ULP; P is a fit of log(cosh √z)/z on
// [0, 1], 1.4e-8 relative.

import { elements } from '../elements/frame';
import { abs_, add, div, lt, madd, mul, select_, signed, splat, sub } from '../lane/lane';
import { expm1 } from '../math/expm1';
import { log1pUnit } from '../math/log';
import { Plan } from '../plan';

@unmanaged
class LogCosh extends Plan {
  /** m = e^(−2a) − 1. */
  // @ts-ignore: decorator
  @inline shared(x: v128, y: v128, e: v128, z: v128, a: v128, b: v128, c: v128): v128 {
    return expm1(mul(abs_(sub(x, y)), splat(-2)));
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128, m: v128, b: v128, c: v128, d: v128): v128 {
    const a = abs_(sub(x, y)), z = mul(a, a);
    const far = sub(a, sub(splat(0.6931471805599453), log1pUnit(add(m, splat(1)))));
    return select_(mul(z, series(z)), far, lt(a, splat(1)));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128, m: v128, a: v128, b: v128, c: v128): v128 {
    return mul(signed(div(m, add(m, splat(2))), sub(y, x)), f);
  }
}

/** log(cosh √z)/z on [0, 1]. */
// @ts-ignore: decorator
@inline function series(z: v128): v128 {
  let p = madd(splat(0.00008657097351), z, splat(-0.0005562256557));
  p = madd(p, z, splat(0.0020773469));
  p = madd(p, z, splat(-0.006710438058));
  p = madd(p, z, splat(0.02221657522));
  p = madd(p, z, splat(-0.08333299309));
  return madd(p, z, splat(0.5));
}

export function logCosh(p: Plan): usize {
  return elements<LogCosh>(p);
}
