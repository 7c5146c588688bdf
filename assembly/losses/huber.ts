// Huber: with d = x − y and m = d within ±δ, l = m·(d − m/2), which is d²/2 up to δ and δ·(|d| − δ/2) beyond; ∂l/∂x = m.
// Source: PyTorch, torch.nn.functional.huber_loss. At most four roundings.
//
// Parameters: p0 delta, p1 not 0: all of it divided by delta (smoothL1.ts).

import { plainly } from '../elements/plain';
import { mul, pmax, pmin, splat, sub } from '../lane/lane';
import { Plan } from '../plan';

@unmanaged
class Huber extends Plan {
  // @ts-ignore: decorator
  @inline gain(): f64 {
    return this.p1 != 0 ? 1 / this.p0 : 1;
  }

  // @ts-ignore: decorator
  @inline constantA(): v128 {
    return splat(<f32>this.p0);
  }

  // @ts-ignore: decorator
  @inline constantB(): v128 {
    return splat(<f32>-this.p0);
  }

  // @ts-ignore: decorator
  @inline constantC(): v128 {
    return splat(<f32>this.gain());
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128, z: v128, high: v128, low: v128, by: v128): v128 {
    const d = sub(x, y), m = pmax(pmin(d, high), low);
    return mul(mul(m, by), sub(d, mul(m, splat(0.5))));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128, z: v128, high: v128, low: v128, by: v128): v128 {
    return mul(pmax(pmin(sub(x, y), high), low), f);
  }
}

export function huber(p: Plan): usize {
  return plainly<Huber>(p);
}
