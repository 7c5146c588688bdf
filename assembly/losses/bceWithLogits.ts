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

import { DECAY, exponentials } from '../elements/exponentials';
import { elements } from '../elements/frame';
import { isSimple, stretches } from '../elements/plain';
import { padOf, Run } from '../elements/walk';
import {
  abs_, add, and, clear, div, everyBit, LANES, le, loadV, lt, madd, mul, ne, negatives, nmadd, or, pmax, select_,
  signBits, splat, storeV, sub, VECTOR, xor,
} from '../lane/lane';
import { exceeds, growHigh, growLow, widenAdd, zeroW } from '../lane/wide';
import { expConstant } from '../math/exp';
import { log1pUnit } from '../math/log';
import { Plan } from '../plan';
import { LARGE, logBoth } from '../sums';

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
    const c1 = mul(w, sub(splat(1), target)), c2 = mul(mul(w, target), positive);
    const h = select_(c2, c1, lt(x, zero)), l = log1pUnit(e);
    const loss = madd(c1, l, madd(c2, l, and(mul(abs_(x), h), ne(h, zero))));
    return and(loss, or(ne(c1, zero), ne(c2, zero)));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128, positive: v128, keep: v128, even: v128, c: v128): v128 {
    const zero = splat(0), one = splat(1), negative = lt(x, zero), target = madd(y, keep, even);
    const c1 = mul(f, sub(one, target)), c2 = mul(mul(f, target), positive);
    const h = select_(c2, c1, negative), k = select_(c1, c2, negative);
    const d = div(nmadd(k, e, h), add(e, one));
    return and(xor(d, and(negative, signBits())), or(ne(c1, zero), ne(c2, zero)));
  }
}

/** Elements whose factors 1 + e ≤ 2 are multiplied in float32: 2^16 is their product at most. */
const SHORT = 16 * LANES;

/**
 * Simple calls without smoothing, where all masses together are 1. With a = 1 − y where x ≥ 0 and −y where x < 0, h·|x| is a·x
 * and the slope is a ∓ e/(1 + e). The logarithms of all elements are one of their product (sums.ts).
 */
function stretch(p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize, f: v128): v128 {
  const one = expConstant(9), sign = signBits(), zero = splat(0), pad = padOf(p, 4);
  const step: usize = g ? VECTOR : 0;
  let acc = loadV(sums), right = everyBit(), low = zeroW(), high = low;
  if (!g) g = pad;
  for (let left = n; left > 0; left -= SHORT) {
    const end = x + (<usize>min(left, SHORT) << 2);
    let e = padOf(p, 5), sum = zero, product = zero;
    exponentials(DECAY, x, end, e);
    for (; x < end; x += VECTOR, y += VECTOR, e += VECTOR, g += step) {
      const v = loadV(x), t = loadV(y), q = loadV(e), whole = add(q, one), a = sub(clear(one, negatives(v)), t);
      right = and(right, and(le(zero, t), le(t, one)));
      storeV(g, mul(sub(a, xor(div(q, whole), and(v, sign))), f));
      // an infinite logit that agrees with its target costs 0; NaN comes back with e
      sum = add(sum, pmax(zero, mul(a, v)));
      product = madd(product, whole, q);
    }
    acc = widenAdd(acc, sum);
    low = growLow(low, product);
    high = growHigh(high, product);
    if (exceeds(low, LARGE) || exceeds(high, LARGE)) {
      p.sum += logBoth(low) + logBoth(high);
      low = high = zeroW();
    }
  }
  p.sum += logBoth(low) + logBoth(high);
  storeV(sums, acc);
  return clear(everyBit(), right);
}

export function bceWithLogits(p: Plan): usize {
  if (p.p0 != 0 || !isSimple(p)) return elements<BceWithLogits>(p);
  return stretches(
    p, 1, -Infinity,
    (p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize, f: v128): v128 => stretch(p, x, y, g, n, sums, f),
  );
}
