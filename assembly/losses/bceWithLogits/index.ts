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

import { DECAY } from '../../elements/exponentials';
import { elements } from '../../elements/frame';
import { periodOf } from '../../elements/period';
import { isSimple, stretches } from '../../elements/plain';
import { Run } from '../../elements/walk';
import {
  abs_, add, and, div, lt, madd, mul, ne, nmadd, or, select_, signBits, splat, sub, xor,
} from '../../lane/lane';
import { log1pUnit } from '../../math/log';
import { Plan } from '../../plan';
import { periodic, stretch } from './simple';

@unmanaged
class BceWithLogits extends Plan {
  // @ts-ignore: decorator
  @inline exponential(): i32 {
    return DECAY;
  }

  /** The target after smoothing is y·keep + even. */
  // @ts-ignore: decorator
  @inline constantA(): v128 {
    return splat(<f32>(1 - this.p0));
  }

  // @ts-ignore: decorator
  @inline constantB(): v128 {
    return splat(<f32>(this.p0 * 0.5));
  }

  /** posWeight. */
  // @ts-ignore: decorator
  @inline operand(run: Run): usize {
    return run.b;
  }

  // @ts-ignore: decorator
  @inline step(run: Run): usize {
    return run.stepB;
  }

  // @ts-ignore: decorator
  @inline weighted(x: v128, y: v128, w: v128, e: v128, positive: v128, keep: v128, even: v128, c: v128): v128 {
    const zero = splat(0), target = madd(y, keep, even);
    // 1 − target, of which the rest after 1 would be rounded as 1 is
    const c1 = mul(w, madd(sub(splat(1), y), keep, even)), c2 = mul(mul(w, target), positive);
    const h = select_(c2, c1, lt(x, zero)), l = log1pUnit(e);
    const loss = madd(c1, l, madd(c2, l, and(mul(abs_(x), h), ne(h, zero))));
    return and(loss, or(ne(c1, zero), ne(c2, zero)));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128, positive: v128, keep: v128, even: v128, c: v128): v128 {
    const zero = splat(0), one = splat(1), negative = lt(x, zero), target = madd(y, keep, even);
    const c1 = mul(f, madd(sub(one, y), keep, even)), c2 = mul(mul(f, target), positive);
    const h = select_(c2, c1, negative), k = select_(c1, c2, negative);
    const d = div(nmadd(k, e, h), add(e, one));
    return and(xor(d, and(negative, signBits())), or(ne(c1, zero), ne(c2, zero)));
  }
}

export function bceWithLogits(p: Plan): usize {
  if (p.p0 != 0 || !isSimple(p, true)) return elements<BceWithLogits>(p);
  if (p.a) {
    const vectors = periodOf(p);
    return vectors ? periodic(p, vectors) : elements<BceWithLogits>(p);
  }
  return stretches(
    p, 1, -Infinity,
    (p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize, f: v128): v128 => stretch(p, x, y, g, n, sums, f),
  );
}
