// Focal loss of a sigmoid (Lin et al. 2017): l = α_t·(1 − p_t)^γ·CE with p_t = y·σ(x) + (1 − y)·σ(−x), CE the binary cross
// entropy, α_t = α·y + (1 − α)·(1 − y), or 1 where α is negative.
//
// With e = e^−|x|, s = 1/(1 + e), a the mass that the logit argues against (1 − y where x ≥ 0, y where x < 0) and b = 1 − a:
//
//   1 − p_t = s·(a + b·e),   CE = log1p(e) + a·|x|
//   ∂l/∂x = ±α_t·(1 − p_t)^γ·s·[a − b·e + γ·(a − b)·R·CE],   R = e/(a + b·e), 1 where a is 0
//
// without a cancellation for sure elements, and without the power γ − 1, which is infinite for γ < 1. Source: torchvision.ops,
// sigmoid_focal_loss. Parameters: p0 alpha, p1 gamma. Operands: a weight.

import { elements } from '../elements/frame';
import {
  abs_, add, div, eq, inverseOf1, lt, madd, massTimes, mul, neg, nmadd, select_, signed, splat, sub,
} from '../lane/lane';
import { log1p } from '../math/log';
import { power } from '../math/pow';
import { Plan } from '../plan';

@unmanaged
class SigmoidFocal extends Plan {
  // @ts-ignore: decorator
  @inline exponent(x: v128, y: v128): v128 {
    return neg(abs_(x));
  }

  /** CE. */
  // @ts-ignore: decorator
  @inline shared(x: v128, y: v128, e: v128): v128 {
    return add(log1p(e), massTimes(this.against(x, y), abs_(x)));
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128, entropy: v128): v128 {
    const a = this.against(x, y), s = inverseOf1(e);
    return mul(this.factor(y, mul(s, madd(sub(splat(1), a), e, a))), entropy);
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128, entropy: v128): v128 {
    const one = splat(1), a = this.against(x, y), b = sub(one, a), rest = madd(b, e, a), s = inverseOf1(e);
    const share = select_(one, div(e, rest), eq(a, splat(0)));
    const bracket = madd(mul(splat(<f32>this.p1), sub(a, b)), massTimes(share, entropy), nmadd(b, e, a));
    return signed(mul(this.factor(y, mul(s, rest)), mul(mul(bracket, s), f)), x);
  }

  // @ts-ignore: decorator
  @inline against(x: v128, y: v128): v128 {
    return select_(y, sub(splat(1), y), lt(x, splat(0)));
  }

  /** α_t·(1 − p_t)^γ. */
  // @ts-ignore: decorator
  @inline factor(y: v128, rest: v128): v128 {
    const p = this.p1 == 2 ? mul(rest, rest) : power(rest, this.p1);
    if (this.p0 < 0) return p;
    const alpha = madd(y, splat(<f32>this.p0), mul(sub(splat(1), y), splat(<f32>(1 - this.p0))));
    return mul(p, alpha);
  }
}

export function sigmoidFocal(p: Plan): usize {
  return elements<SigmoidFocal>(p);
}
