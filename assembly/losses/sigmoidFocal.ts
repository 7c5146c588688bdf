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

import { plainly } from '../elements/plain';
import {
  abs_, add, and, div, eq, inverseOf1, le, lt, madd, massTimes, mul, neg, nmadd, pmin, select_, signed, splat, sub,
} from '../lane/lane';
import { log1pInline } from '../math/log';
import { power } from '../math/pow';
import { Plan } from '../plan';

@unmanaged
class SigmoidFocal extends Plan {
  // @ts-ignore: decorator
  @inline legal(x: v128, y: v128): v128 {
    return and(le(splat(0), y), le(y, splat(1)));
  }

  // @ts-ignore: decorator
  @inline idle(): f32 {
    return -Infinity;
  }

  // @ts-ignore: decorator
  @inline exponent(x: v128, y: v128): v128 {
    return neg(abs_(x));
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128): v128 {
    const a = this.against(x, y), s = div(splat(1), add(splat(1), e));
    const entropy = add(log1pInline(e), massTimes(a, abs_(x)));
    return mul(this.factor(y, mul(s, madd(sub(splat(1), a), e, a))), entropy);
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128): v128 {
    const one = splat(1), a = this.against(x, y), b = sub(one, a), rest = madd(b, e, a);
    // three factors s: what 1 + e loses is put back
    const s = inverseOf1(e);
    const share = select_(one, div(e, rest), eq(a, splat(0)));
    // beyond 128 e is 0, and so is the term
    const entropy = madd(a, pmin(abs_(x), splat(128)), log1pInline(e));
    const bracket = madd(mul(splat(<f32>this.p1), sub(a, b)), mul(share, entropy), nmadd(b, e, a));
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
  return plainly<SigmoidFocal>(p, true);
}
