// Binary cross entropy with logits. With σ = sigmoid, sp(x) = log(1 + e^x) = max(x, 0) + L, L = log1p(e^−|x|), weight w and
// posWeight P, and y the target after smoothing, (1−ε)·y + ε/2:
//
//   l = c₁·sp(x) + c₂·sp(−x),       c₁ = w·(1−y), c₂ = w·y·P
//   ∂l/∂x = c₁·σ(x) − c₂·σ(−x)
//
// Let h be the mass that the logit argues against (c₁ where x ≥ 0, c₂ where x < 0), k the other one, e = e^−|x|. Then
//
//   l = (c₁ + c₂)·L + h·|x|,        ∂l/∂x = ±(h − k·e)/(1 + e)
//
// where nothing cancels: a sure and right element keeps all digits of its loss and of its gradient (σ(x) − y would round
// to 0). h = 0 drops its term, so an infinite logit that agrees with its target costs 0. Source: PyTorch,
// aten/src/ATen/native/Loss.cpp (definition).
//
// Parameters: p0 labelSmoothing. Operands: a weight, b posWeight.

import { currentB } from '../elements/frame';
import { plainly } from '../elements/plain';
import { abs_, add, and, div, le, lt, madd, mul, ne, neg, nmadd, or, select_, splat, sub, xor } from '../lane/lane';
import { log1pInline } from '../math/log';
import { Plan } from '../plan';

@unmanaged
class BceWithLogits extends Plan {
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

  // the simple case: no smoothing, all masses together are 1

  // @ts-ignore: decorator
  @inline ratio(x: v128, y: v128, e: v128): v128 {
    return e;
  }

  // @ts-ignore: decorator
  @inline rest(x: v128, y: v128, e: v128): v128 {
    const h = select_(y, sub(splat(1), y), lt(x, splat(0)));
    return and(mul(abs_(x), h), ne(h, splat(0)));
  }

  // @ts-ignore: decorator
  @inline plain(x: v128, y: v128, f: v128, e: v128): v128 {
    const one = splat(1), negative = lt(x, splat(0));
    const h = select_(y, sub(one, y), negative);
    const d = div(nmadd(sub(one, h), e, h), add(e, one));
    return mul(xor(d, and(negative, splat(-0.0))), f);
  }

  // and every other

  // @ts-ignore: decorator
  @inline weighted(x: v128, y: v128, w: v128, e: v128): v128 {
    const zero = splat(0);
    const c1 = this.negative(y, w), c2 = this.positive(y, w);
    const h = select_(c2, c1, lt(x, zero)), l = log1pInline(e);
    const loss = madd(c1, l, madd(c2, l, and(mul(abs_(x), h), ne(h, zero))));
    return and(loss, or(ne(c1, zero), ne(c2, zero)));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128): v128 {
    const zero = splat(0), negative = lt(x, zero);
    const c1 = this.negative(y, f), c2 = this.positive(y, f);
    const h = select_(c2, c1, negative), k = select_(c1, c2, negative);
    const d = div(nmadd(k, e, h), add(e, splat(1)));
    return and(xor(d, and(negative, splat(-0.0))), or(ne(c1, zero), ne(c2, zero)));
  }

  /** The target after smoothing. */
  // @ts-ignore: decorator
  @inline smoothed(y: v128): v128 {
    return madd(y, splat(<f32>(1 - this.p0)), splat(<f32>(this.p0 * 0.5)));
  }

  // @ts-ignore: decorator
  @inline negative(y: v128, w: v128): v128 {
    return mul(w, sub(splat(1), this.smoothed(y)));
  }

  // @ts-ignore: decorator
  @inline positive(y: v128, w: v128): v128 {
    return mul(mul(w, this.smoothed(y)), currentB(this));
  }
}

export function bceWithLogits(p: Plan): usize {
  return plainly<BceWithLogits>(p, p.p0 == 0);
}
