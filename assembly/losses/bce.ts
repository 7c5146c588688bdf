// Binary cross entropy of probabilities: l = −[y·max(log x, −100) + (1−y)·max(log(1−x), −100)],
// ∂l/∂x = (x − y)/max(x·(1−x), 1e-12), which is not the derivative of the clamped loss. Source: PyTorch,
// aten/src/ATen/native/Loss.cpp. Within 4 ULP: log1p(−x) keeps the digits of a small x.
//
// Operands: a weight.

import { elements } from '../elements/frame';
import { div, eq, madd, mul, neg, pmax, select_, splat, sub } from '../lane/lane';
import { log1pInline, logOfUnit } from '../math/log';
import { Plan } from '../plan';

@unmanaged
class Bce extends Plan {
  // @ts-ignore: decorator
  @inline term(x: v128, y: v128): v128 {
    const floor = splat(-100), one = splat(1);
    const p = pmax(logOfUnit(x), floor), q = select_(floor, log1pInline(neg(x)), eq(x, one));
    return neg(madd(y, p, mul(sub(one, y), q)));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128): v128 {
    return mul(div(sub(x, y), pmax(mul(sub(splat(1), x), x), splat(1e-12))), f);
  }
}

export function bce(p: Plan): usize {
  return elements<Bce>(p);
}
