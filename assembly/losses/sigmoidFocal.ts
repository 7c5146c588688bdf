// Focal loss of a sigmoid (Lin et al. 2017): l = α_t·(1 − p_t)^γ·CE with p_t = y·σ(x) + (1 − y)·σ(−x), CE the binary cross
// entropy, α_t = α·y + (1 − α)·(1 − y), or 1 where α is negative.
//
// With e = e^−|x|, s = 1/(1 + e), a the mass that the logit argues against (1 − y where x ≥ 0, y where x < 0) and b = 1 − a:
//
//   1 − p_t = s·(a + b·e),   CE = log1p(e) + a·|x|
//   ∂l/∂x = ±α_t·(1 − p_t)^γ·s·[a − b·e + γ·(a − b)·R·CE],   R = e/(a + b·e), 1 where a is 0
//
// without a cancellation for sure elements, and without the power γ − 1, which is infinite for γ < 1; for γ = 2, the most
// frequent one, (1 − p_t)²·R is (1 − p_t)·s·e. An element whose α_t is 0 costs 0 whatever its logit is. Source: torchvision.ops,
// sigmoid_focal_loss. Parameters: p0 alpha, p1 gamma. Operands: a weight.

import { DECAY } from '../elements/exponentials';
import { elements } from '../elements/frame';
import {
  add, and, clear, div, eq, inverseOf1, madd, massTimes, mul, negatives, nmadd, pmax, select_, signBits, splat, sub,
  xor,
} from '../lane/lane';
import { log1pUnit } from '../math/log';
import { power } from '../math/pow';
import { Plan } from '../plan';

@unmanaged
class SigmoidFocal extends Plan {
  // @ts-ignore: decorator
  @inline exponential(): i32 {
    return DECAY;
  }

  /** α_t is y·positive + (1 − y)·negative. */
  // @ts-ignore: decorator
  @inline constantA(): v128 {
    return splat(this.p0 < 0 ? 1 : <f32>this.p0);
  }

  // @ts-ignore: decorator
  @inline constantB(): v128 {
    return splat(this.p0 < 0 ? 1 : <f32>(1 - this.p0));
  }

  // @ts-ignore: decorator
  @inline constantC(): v128 {
    return splat(<f32>this.p1);
  }

  /** CE. */
  // @ts-ignore: decorator
  @inline shared(x: v128, y: v128, e: v128, z: v128, positive: v128, negative: v128, gamma: v128): v128 {
    return add(log1pUnit(e), pmax(splat(0), mul(this.against(x, y), x)));
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128, entropy: v128, positive: v128, negative: v128, gamma: v128): v128 {
    const b = this.base(x, y, e), p = this.p1 == 2 ? mul(b, b) : power(b, this.p1);
    return massTimes(this.alpha(y, positive, negative), mul(p, entropy));
  }

  // @ts-ignore: decorator
  @inline slope(
    x: v128, y: v128, f: v128, e: v128, entropy: v128, positive: v128, negative: v128, gamma: v128,
  ): v128 {
    const one = splat(1), h = this.size(x, y), b = sub(one, h), own = nmadd(b, e, h), rest = madd(b, e, h);
    const bend = mul(gamma, sub(h, b));
    let slope: v128;
    if (this.p1 == 2) slope = mul(mul(rest, madd(bend, massTimes(e, entropy), mul(rest, own))), cubeOf1(e));
    else {
      const s = inverseOf1(e), share = select_(one, div(e, rest), eq(h, splat(0)));
      slope = mul(mul(power(mul(rest, s), this.p1), madd(bend, massTimes(share, entropy), own)), s);
    }
    return xor(massTimes(mul(this.alpha(y, positive, negative), f), slope), and(x, signBits()));
  }

  /** a with the sign of x: a·x is a·|x|. */
  // @ts-ignore: decorator
  @inline against(x: v128, y: v128): v128 {
    return sub(clear(splat(1), negatives(x)), y);
  }

  /** a. */
  // @ts-ignore: decorator
  @inline size(x: v128, y: v128): v128 {
    return clear(this.against(x, y), signBits());
  }

  /** 1 − p_t. */
  // @ts-ignore: decorator
  @inline base(x: v128, y: v128, e: v128): v128 {
    const one = splat(1), h = this.size(x, y);
    return mul(madd(sub(one, h), e, h), inverseOf1(e));
  }

  // @ts-ignore: decorator
  @inline alpha(y: v128, positive: v128, negative: v128): v128 {
    return madd(y, positive, mul(sub(splat(1), y), negative));
  }
}

/**
 * 1/(1 + e)³: one rounding for each of two products and a quotient, of which a cube of s would take one three times over; what
 * 1 + e loses is put back.
 */
// @ts-ignore: decorator
@inline function cubeOf1(e: v128): v128 {
  const one = splat(1), n = add(e, one), lost = sub(e, sub(n, one)), square = mul(n, n), c = div(one, mul(square, n));
  return nmadd(mul(c, square), mul(mul(lost, splat(3)), c), c);
}

export function sigmoidFocal(p: Plan): usize {
  return elements<SigmoidFocal>(p);
}
