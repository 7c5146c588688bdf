// l = log(1 + e^(−y·x)) for y = ±1, ∂l/∂x = −y·σ(−y·x). With v = y·x and e = e^−|v|: l = max(−v, 0) + log1p(e), σ(−v) = 1/(1+e)
// or, where v > 0, e/(1+e). Source: PyTorch, torch.nn.functional.soft_margin_loss (which overflows). Within 3 ULP.
//
// Operands: a weight.

import { DECAY } from '../elements/exponentials';
import { elements } from '../elements/frame';
import { add, and, div, lt, mul, neg, pmax, pmin, splat, sub } from '../lane/lane';
import { log1pUnit } from '../math/log';
import { Plan } from '../plan';

@unmanaged
class SoftMargin extends Plan {
  // @ts-ignore: decorator
  @inline exponential(): i32 {
    return DECAY;
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128): v128 {
    return sub(log1pUnit(e), pmin(mul(x, y), splat(0)));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128): v128 {
    const one = splat(1);
    const share = div(pmax(e, and(one, lt(mul(x, y), splat(0)))), add(one, e)); // e is at most 1
    return neg(mul(mul(y, share), f));
  }
}

export function softMargin(p: Plan): usize {
  return elements<SoftMargin>(p);
}
