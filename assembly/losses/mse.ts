// Squared error: d = x − y, l = w·d², ∂l/∂x = 2·w·d. Source: PyTorch, aten/src/ATen/native/Loss.cpp. One rounding in d, one or
// two in each product. w·d first: the square alone could overflow.

import { plainly } from '../elements/plain';
import { mul, sub } from '../lane/lane';
import { Plan } from '../plan';

@unmanaged
class Mse extends Plan {
  // @ts-ignore: decorator
  @inline gain(): f64 {
    return 2;
  }

  // @ts-ignore: decorator
  @inline term<V>(x: V, y: V): V {
    const d = sub<V>(x, y);
    return mul<V>(d, d);
  }

  // @ts-ignore: decorator
  @inline weighted<V>(x: V, y: V, w: V): V {
    const d = sub<V>(x, y);
    return mul<V>(mul<V>(w, d), d);
  }

  // @ts-ignore: decorator
  @inline slope<V>(x: V, y: V, f: V): V {
    return mul<V>(sub<V>(x, y), f);
  }
}

export function mse<V, W>(p: Plan): usize {
  return plainly<Mse, V, W>(p, true);
}
