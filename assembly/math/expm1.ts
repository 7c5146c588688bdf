// e^x − 1 and the hyperbolic tangent over lanes, as math/exp.ts states its bounds.

import {
  abs_, add, and, bitsToExponent, div, madd, mul, neg, nmadd, pmax, pmin, splat, sub, xor,
} from '../lane/lane';
import { expConstant } from './exp';

/**
 * e^x − 1 with all digits of a small x, within 3 ULP; Infinity above 88.7228. With x = n·ln 2 + r and P = e^r − 1, it is
 * 2^n·P + (2^n − 1), computed at half its size, since 2^128 is no float32.
 */
export function expm1<V>(x: V): V {
  const limited = pmax<V>(pmin<V>(x, splat<V>(89)), splat<V>(-60)); // NaN stays
  const n = madd<V>(limited, expConstant<V>(0), expConstant<V>(1));
  const whole = sub<V>(n, expConstant<V>(1));
  const r = nmadd<V>(whole, expConstant<V>(3), nmadd<V>(whole, expConstant<V>(2), limited));
  const r2 = mul<V>(r, r);
  const low = madd<V>(expConstant<V>(5), r, expConstant<V>(4));
  const high = madd<V>(expConstant<V>(8), r2, madd<V>(expConstant<V>(7), r, expConstant<V>(6)));
  const p = madd<V>(madd<V>(high, r2, low), r2, r);
  const half = bitsToExponent<V>(sub<V>(n, expConstant<V>(9)));
  const y = madd<V>(half, p, sub<V>(half, splat<V>(0.5)));
  return add<V>(y, y);
}

/** tanh x within 4 ULP: −m/(2 + m), m = e^(−2|x|) − 1, with the sign of x. */
// @ts-ignore: decorator
@inline export function tanh<V>(x: V): V {
  const m = expm1<V>(mul<V>(splat<V>(-2), abs_<V>(x)));
  const t = div<V>(neg<V>(m), add<V>(splat<V>(2), m));
  return xor<V>(t, and<V>(x, splat<V>(-0.0)));
}
