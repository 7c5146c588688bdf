// Kullback-Leibler divergence, pointwise, of log-probabilities x: l = y·(log y − x), ∂l/∂x = −y; with logTarget
// l = e^y·(y − x), ∂ = −e^y. A mass of 0 drops its term. Source: PyTorch, torch.nn.functional.kl_div. A few roundings of the
// terms.
//
// Parameters: p0 logTarget.

import { elements } from '../elements/frame';
import { massTimes, mul, neg, sub } from '../lane/lane';
import { expAny } from '../math/exp';
import { logOfMass } from '../math/log';
import { Plan } from '../plan';

@unmanaged
class KlDiv extends Plan {
  // @ts-ignore: decorator
  @inline term(x: v128, y: v128): v128 {
    if (this.p0 == 0) return massTimes(y, sub(logOfMass(y), x));
    return massTimes(expAny(y), sub(y, x));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128): v128 {
    return neg(mul(this.p0 == 0 ? y : expAny(y), f));
  }
}

export function klDiv(p: Plan): usize {
  return elements<KlDiv>(p);
}
