// Absolute error: l = |x − y|, ∂l/∂x = the sign of x − y, 0 at equality. Source: PyTorch, torch.nn.functional.l1_loss. One
// rounding.

import { plainly } from '../elements/plain';
import { abs_, bySign, sub } from '../lane/lane';
import { Plan } from '../plan';

@unmanaged
class L1 extends Plan {
  // @ts-ignore: decorator
  @inline term(x: v128, y: v128): v128 {
    return abs_(sub(x, y));
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128): v128 {
    return bySign(f, sub(x, y));
  }
}

export function l1(p: Plan): usize {
  return plainly<L1>(p, true);
}
