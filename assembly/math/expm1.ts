// e^x − 1 and the hyperbolic tangent over lanes, as math/exp.ts states its bounds.

import { bitsToExponent } from '../lane/bits';
import { abs_, add, and, div, madd, mul, pmax, pmin, splat, sub, xor } from '../lane/lane';
import { expConstant } from './exp';

/**
 * e^x − 1 with all digits of a small x, within 3 ULP; Infinity above 88.7228. With x = n·ln 2 + r and P = e^r − 1, it is
 * 2^n·P + (2^n − 1), computed at half its size, since 2^128 is no float32.
 */
export function expm1(x: v128): v128 {
  const limited = pmax(pmin(x, splat(89)), splat(-60)); // NaN stays
  const n = madd(limited, expConstant(0), expConstant(1));
  const whole = sub(n, expConstant(1));
  const r = madd(whole, expConstant(3), madd(whole, expConstant(2), limited));
  const r2 = mul(r, r);
  const low = madd(expConstant(5), r, expConstant(4));
  const high = madd(expConstant(8), r2, madd(expConstant(7), r, expConstant(6)));
  const p = madd(madd(high, r2, low), r2, r);
  const half = bitsToExponent(sub(n, expConstant(9)));
  const y = madd(half, p, sub(half, splat(0.5)));
  return add(y, y);
}

/** tanh x within 4 ULP: −m/(2 + m), m = e^(−2|x|) − 1, with the sign of x. */
// @ts-ignore: decorator
@inline export function tanh(x: v128): v128 {
  const m = expm1(mul(splat(-2), abs_(x)));
  const t = div(sub(splat(0), m), add(splat(2), m)); // 0 of 0
  return xor(t, and(x, splat(-0.0)));
}
