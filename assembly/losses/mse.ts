// Squared error: d = x − y, l = w·d², ∂l/∂x = 2·w·d. Source: PyTorch, aten/src/ATen/native/Loss.cpp. One rounding in d, one or
// two in each product. w·d first: the square alone could overflow.

import { plainly } from '../elements/plain';
import { madd, mul, sub } from '../lane/lane';
import { Plan } from '../plan';

@unmanaged
class Mse extends Plan {
  // @ts-ignore: decorator
  @inline gain(): f64 {
    return 2;
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128): v128 {
    const d = sub(x, y);
    return mul(d, d);
  }

  // @ts-ignore: decorator
  @inline plus(sum: v128, x: v128, y: v128): v128 {
    const d = sub(x, y);
    return madd(d, d, sum);
  }

  // @ts-ignore: decorator
  @inline weighted(x: v128, y: v128, w: v128): v128 {
    const d = sub(x, y);
    return mul(mul(w, d), d);
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128): v128 {
    return mul(sub(x, y), f);
  }
}

export function mse(p: Plan): usize {
  return plainly<Mse>(p);
}
