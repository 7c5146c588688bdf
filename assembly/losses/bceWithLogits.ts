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
import { abs_, add, and, div, lt, madd, mul, ne, neg, nmadd, or, select_, splat, sub, xor } from '../lane/lane';
import { log1pInline } from '../math/log';
import { Plan } from '../plan';

@unmanaged
class BceWithLogits extends Plan {
  // @ts-ignore: decorator
  @inline bounded(): void {}

  // @ts-ignore: decorator
  @inline idle(): f32 {
    return -Infinity;
  }

  // @ts-ignore: decorator
  @inline exponent<V>(x: V, y: V): V {
    return neg<V>(abs_<V>(x));
  }

  // the simple case: no smoothing, all masses together are 1

  // @ts-ignore: decorator
  @inline ratio<V>(x: V, y: V, e: V): V {
    return e;
  }

  // @ts-ignore: decorator
  @inline rest<V>(x: V, y: V, e: V): V {
    const h = select_<V>(y, sub<V>(splat<V>(1), y), lt<V>(x, splat<V>(0)));
    return and<V>(mul<V>(abs_<V>(x), h), ne<V>(h, splat<V>(0)));
  }

  // @ts-ignore: decorator
  @inline plain<V>(x: V, y: V, f: V, e: V): V {
    const one = splat<V>(1), negative = lt<V>(x, splat<V>(0));
    const h = select_<V>(y, sub<V>(one, y), negative);
    const d = div<V>(nmadd<V>(sub<V>(one, h), e, h), add<V>(e, one));
    return mul<V>(xor<V>(d, and<V>(negative, splat<V>(-0.0))), f);
  }

  // and every other

  // @ts-ignore: decorator
  @inline weighted<V>(x: V, y: V, w: V, e: V): V {
    const zero = splat<V>(0);
    const c1 = this.negative<V>(y, w), c2 = this.positive<V>(y, w);
    const h = select_<V>(c2, c1, lt<V>(x, zero)), l = log1pInline<V>(e);
    const loss = madd<V>(c1, l, madd<V>(c2, l, and<V>(mul<V>(abs_<V>(x), h), ne<V>(h, zero))));
    return and<V>(loss, or<V>(ne<V>(c1, zero), ne<V>(c2, zero)));
  }

  // @ts-ignore: decorator
  @inline slope<V>(x: V, y: V, f: V, e: V): V {
    const zero = splat<V>(0), negative = lt<V>(x, zero);
    const c1 = this.negative<V>(y, f), c2 = this.positive<V>(y, f);
    const h = select_<V>(c2, c1, negative), k = select_<V>(c1, c2, negative);
    const d = div<V>(nmadd<V>(k, e, h), add<V>(e, splat<V>(1)));
    return and<V>(xor<V>(d, and<V>(negative, splat<V>(-0.0))), or<V>(ne<V>(c1, zero), ne<V>(c2, zero)));
  }

  /** The target after smoothing. */
  // @ts-ignore: decorator
  @inline smoothed<V>(y: V): V {
    return madd<V>(y, splat<V>(<f32>(1 - this.p0)), splat<V>(<f32>(this.p0 * 0.5)));
  }

  // @ts-ignore: decorator
  @inline negative<V>(y: V, w: V): V {
    return mul<V>(w, sub<V>(splat<V>(1), this.smoothed<V>(y)));
  }

  // @ts-ignore: decorator
  @inline positive<V>(y: V, w: V): V {
    return mul<V>(mul<V>(w, this.smoothed<V>(y)), currentB<V>(this));
  }
}

export function bceWithLogits<V, W>(p: Plan): usize {
  return plainly<BceWithLogits, V, W>(p, p.p0 == 0);
}
