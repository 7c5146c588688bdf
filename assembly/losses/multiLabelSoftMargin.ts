// l = (1/C)·Σ_c w_c·[y·sp(−x) + (1 − y)·sp(x)] over the last axis, sp(x) = max(x, 0) + log1p(e^−|x|); ∂l/∂x = w_c·(σ(x) − y)/C.
// With a the mass that the logit argues against (1 − y where x ≥ 0, y where x < 0) and e = e^−|x| the term is log1p(e) + a·|x|
// and its slope ±(a − (1 − a)·e)/(1 + e), without a cancellation. Source: PyTorch,
// torch.nn.functional.multilabel_soft_margin_loss.
//
// Operands: a weight [C].

import { summed } from '../classes/summed';
import { abs_, add, div, lt, massTimes, mul, neg, nmadd, select_, splat, sub } from '../lane/lane';
import { exp } from '../math/exp';
import { log1pUnit } from '../math/log';
import { Plan } from '../plan';

@unmanaged
class MultiLabelSoftMargin extends Plan {
  // @ts-ignore: decorator
  @inline shared(x: v128, y: v128): v128 {
    return exp(neg(abs_(x)));
  }

  // @ts-ignore: decorator
  @inline value(x: v128, y: v128, w: v128, e: v128): v128 {
    return massTimes(mul(w, this.share()), add(log1pUnit(e), massTimes(this.against(x, y), abs_(x))));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, w: v128, e: v128): v128 {
    const one = splat(1), a = this.against(x, y);
    const slope = div(nmadd(sub(one, a), e, a), add(one, e));
    return massTimes(mul(w, this.share()), select_(neg(slope), slope, lt(x, splat(0)))); // −0 is not below 0
  }

  // @ts-ignore: decorator
  @inline against(x: v128, y: v128): v128 {
    return select_(y, sub(splat(1), y), lt(x, splat(0)));
  }

  // @ts-ignore: decorator
  @inline share(): v128 {
    return splat(<f32>(1 / <f64>this.total));
  }
}

export function multiLabelSoftMargin(p: Plan): usize {
  return summed<MultiLabelSoftMargin>(p);
}
