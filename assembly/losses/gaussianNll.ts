// Gaussian: with v = max(variance, eps) and r = x − y, l = ½·(log v + r²/v), ∂l/∂x = r/v; for the variance ½·(1 − r²/v)/v, not
// masked below eps, since PyTorch clamps outside of autograd. `full` adds ½·log 2π. Source: PyTorch,
// torch.nn.functional.gaussian_nll_loss. A few roundings of the terms.
//
// Parameters: p0 full, p1 eps. Operands: c variance, sideGrad its gradient.

import { currentC, elements } from '../elements/frame';
import { add, div, madd, mul, nmadd, pmax, splat, sub } from '../lane/lane';
import { log } from '../math/log';
import { Plan } from '../plan';

@unmanaged
class GaussianNll extends Plan {
  // @ts-ignore: decorator
  @inline term(x: v128, y: v128): v128 {
    const v = this.variance(), r = sub(x, y);
    const l = mul(splat(0.5), madd(r, div(r, v), log(v)));
    return this.p0 != 0 ? add(l, splat(0.9189385332046727)) : l;
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128): v128 {
    return mul(div(sub(x, y), this.variance()), f);
  }

  // @ts-ignore: decorator
  @inline side(x: v128, y: v128, f: v128): v128 {
    const v = this.variance(), r = sub(x, y);
    return mul(div(nmadd(r, div(r, v), splat(1)), v), mul(f, splat(0.5)));
  }

  // @ts-ignore: decorator
  @inline variance(): v128 {
    return pmax(currentC(this), splat(<f32>this.p1));
  }
}

export function gaussianNll(p: Plan): usize {
  return elements<GaussianNll>(p);
}
