// Huber: with d = x − y and m = min(|d|, δ), l = m·(|d| − m/2), which is d²/2 up to δ and δ·(|d| − δ/2) beyond; ∂l/∂x = m with
// the sign of d. Source: PyTorch, torch.nn.functional.huber_loss. At most four roundings.
//
// Parameters: p0 delta, p1 not 0: all of it divided by delta (smoothL1.ts).

import { plainly } from '../elements/plain';
import { abs_, mul, pmin, signed, splat, sub } from '../lane/lane';
import { Plan } from '../plan';

@unmanaged
class Huber extends Plan {
  // @ts-ignore: decorator
  @inline gain(): f64 {
    return this.p1 != 0 ? 1 / this.p0 : 1;
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128): v128 {
    const a = abs_(sub(x, y)), m = pmin(a, splat(<f32>this.p0));
    return mul(mul(m, splat(<f32>this.gain())), sub(a, mul(m, splat(0.5))));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128): v128 {
    const d = sub(x, y);
    return signed(mul(pmin(abs_(d), splat(<f32>this.p0)), f), d);
  }
}

export function huber(p: Plan): usize {
  return plainly<Huber>(p, true);
}
