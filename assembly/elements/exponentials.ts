// The exponentials of a strip, in a loop of their own that the losses share: there their constants fit the registers.

import { loadV, or, signBits, storeV, VECTOR } from '../lane/lane';
import { expAnyWith, expConstant, expWith } from '../math/exp';

/** e^−|x|. */
export const DECAY: i32 = 1;
/** e^x. */
export const GROWTH: i32 = 2;

/** The exponentials of the floats from x to `end`, whole vectors, go to `to`. */
export function exponentials(kind: i32, x: usize, end: usize, to: usize): void {
  const k0 = expConstant(0), k1 = expConstant(1), k2 = expConstant(2), k3 = expConstant(3);
  const k4 = expConstant(4), k5 = expConstant(5), k6 = expConstant(6), k7 = expConstant(7);
  const k8 = expConstant(8), k9 = expConstant(9);
  if (kind == DECAY) {
    const k10 = expConstant(10), sign = signBits();
    for (; x < end; x += VECTOR, to += VECTOR) {
      storeV(to, expWith(or(loadV(x), sign), k0, k1, k2, k3, k4, k5, k6, k7, k8, k10));
    }
  } else {
    const k11 = expConstant(11);
    for (; x < end; x += VECTOR, to += VECTOR) {
      storeV(to, expAnyWith(loadV(x), k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k11));
    }
  }
}
