// Σ |P − Q|·|log(P/Q)| over the last axis, of masses Q (the input) and P (the target) of at least 1e-7: Jeffreys' divergence, no
// term of which is negative. |log(P/Q)| = log1p(|P − Q|/min(P, Q)) keeps its digits where P and Q are close;
// ∂/∂Q = −log(P/Q) − (P − Q)/Q, 0 where Q is clipped. Source: a loss of Keras users, clipped as Keras does.

import { summed } from '../classes/summed';
import { abs_, add, and, anyOf, div, eq, le, mul, ne, neg, or, pmax, pmin, select_, signed, splat, sub } from '../lane/lane';
import { log1pInline } from '../math/log';
import { Plan } from '../plan';

/** Masses are not below this. */
const FLOOR: f32 = 1e-7;
/** 2^100. */
const FAR: f32 = 1.2676506002282294e30;
/** 2^125, which finite masses do not reach. */
const MOST: f32 = 4.253529586511731e37;

@unmanaged
class AbsKlDiv extends Plan {
  // @ts-ignore: decorator
  @inline shared(x: v128, y: v128): v128 {
    return distance(floored(y), floored(x));
  }

  // @ts-ignore: decorator
  @inline value(x: v128, y: v128, w: v128, z: v128): v128 {
    return mul(abs_(sub(floored(y), floored(x))), z);
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, w: v128, z: v128): v128 {
    const q = floored(x), d = sub(floored(y), q);
    const slope = neg(add(signed(z, d), div(d, q)));
    return and(slope, or(le(splat(FLOOR), x), ne(x, x)));
  }
}

// @ts-ignore: decorator
@inline function floored(x: v128): v128 {
  return pmax(x, splat(FLOOR));
}

/** |log(P/Q)|; 2^30 is taken off ratios that log1p does not reach. */
function distance(p: v128, q: v128): v128 {
  const gap = abs_(sub(p, q)), least = pmin(p, q), ratio = div(gap, least), far = le(splat(FAR), ratio);
  let reached = ratio, more = splat(0);
  if (anyOf(far)) {
    const near = div(mul(gap, splat(9.313225746154785e-10)), least);
    reached = select_(pmin(near, splat(MOST)), ratio, far);
    more = and(select_(gap, splat(20.79441541679836), eq(gap, splat(Infinity))), far);
  }
  return add(log1pInline(reached), more);
}

export function absKlDiv(p: Plan): usize {
  return summed<AbsKlDiv>(p);
}
