// Generalized Kullback-Leibler divergence of log-rates x and masses y: l = y·(log y − x) − y + e^x, ∂l/∂x = e^x − y. With
// t = x − log y the value is y·(e^t − 1 − t), whose series keeps its digits near t = 0; e^x where y is 0. In the gradient log y
// would cost more digits than the difference does. Source: optax, generalized_kl_divergence. A few roundings of the terms.

import { GROWTH } from '../elements/exponentials';
import { elements } from '../elements/frame';
import { abs_, lt, madd, massTimes, mul, select_, splat, sub } from '../lane/lane';
import { logOfMass } from '../math/log';
import { Plan } from '../plan';

@unmanaged
class GeneralizedKlDiv extends Plan {
  // @ts-ignore: decorator
  @inline exponential(): i32 {
    return GROWTH;
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128): v128 {
    const t = sub(x, logOfMass(y)), z = mul(t, t);
    // e^t − 1 − t near 0
    const series = mul(z, madd(t, madd(t, madd(t, splat(0.008333333), splat(0.041666668)), splat(0.16666667)), splat(0.5)));
    const far = sub(sub(e, y), massTimes(y, t));
    return select_(mul(y, series), far, lt(abs_(t), splat(0.1)));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128): v128 {
    return mul(sub(e, y), f);
  }
}

export function generalizedKlDiv(p: Plan): usize {
  return elements<GeneralizedKlDiv>(p);
}
