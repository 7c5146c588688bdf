// Absolute error: l = |x − y|, ∂l/∂x = the sign of x − y, 0 at equality. Source: PyTorch, torch.nn.functional.l1_loss. One
// rounding.

import { plainly } from '../elements/plain';
import { and, clear, ne, or, signBits, splat, sub, xor } from '../lane/lane';
import { Plan } from '../plan';

@unmanaged
class L1 extends Plan {
  // @ts-ignore: decorator
  @inline constantA(): v128 {
    return signBits();
  }

  // @ts-ignore: decorator
  @inline term(x: v128, y: v128, e: v128, z: v128, sign: v128, b: v128, c: v128): v128 {
    return clear(sub(x, y), sign);
  }

  // @ts-ignore: decorator
  @inline slope(x: v128, y: v128, f: v128, e: v128, z: v128, sign: v128, b: v128, c: v128): v128 {
    const d = sub(x, y);
    // 0 where d is 0, NaN where it is NaN
    return or(and(xor(f, and(d, sign)), ne(d, splat(0))), ne(d, d));
  }
}

export function l1(p: Plan): usize {
  return plainly<L1>(p);
}
