// Gaussian: with v = max(variance, eps) and r = x − y, l = ½·(log v + r²/v), ∂l/∂x = r/v; for the variance ½·(1 − r²/v)/v, not
// masked below eps, since PyTorch clamps outside of autograd. `full` adds ½·log 2π. Source: PyTorch,
// torch.nn.functional.gaussian_nll_loss. A few roundings of the terms.
//
// Parameters: p0 full, p1 eps. Operands: c variance, sideGrad its gradient.

import { elements } from '../elements/frame';
import { Run } from '../elements/walk';
import { div, eq, madd, massTimes, mul, nmadd, pmax, select_, splat, sub } from '../lane/lane';
import { logNormal } from '../math/log';
import { Plan } from '../plan';

@unmanaged
class GaussianNll extends Plan {
  /** eps; float32 has no logarithm of what it rounds to 0. */
  // @ts-ignore: decorator
  @inline constantA(): v128 {
    return splat(<f32>Math.max(this.p1, 1.17549435e-38));
  }

  /** What is added to the value. */
  // @ts-ignore: decorator
  @inline constantB(): v128 {
    return splat(this.p0 != 0 ? 0.9189385332046727 : 0);
  }

  // @ts-ignore: decorator
  @inline operand(run: Run): usize {
    return run.c;
  }

  // @ts-ignore: decorator
  @inline step(run: Run): usize {
    return run.stepC;
  }

  /** v. */
  // @ts-ignore: decorator
  @inline shared(x: v128, y: v128, e: v128, variance: v128, eps: v128, full: v128, c: v128): v128 {
    return pmax(variance, eps);
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128, v: v128, eps: v128, full: v128, c: v128): v128 {
    const r = sub(x, y), log = select_(v, logNormal(v), eq(v, splat(Infinity)));
    return madd(madd(r, div(r, v), log), splat(0.5), full);
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128, v: v128, eps: v128, full: v128, c: v128): v128 {
    return mul(div(sub(x, y), v), f);
  }

  /** 0 where f is: one NaN that does not count would show in the sum over all that share a variance. */
  // @ts-ignore: decorator
  @inline side(x: v128, y: v128, f: v128, e: v128, v: v128, eps: v128, full: v128, c: v128): v128 {
    const r = sub(x, y);
    return massTimes(f, mul(div(nmadd(r, div(r, v), splat(1)), v), splat(0.5)));
  }
}

export function gaussianNll(p: Plan): usize {
  return elements<GaussianNll>(p);
}
