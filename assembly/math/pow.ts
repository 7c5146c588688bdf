// Powers with one exponent for all lanes, or one for each.

import { bitsToExponent, exponentBits, exponentToFloat, mantissa } from '../lane/bits';
import { add, clear, le, lt, madd, mul, nearest_, or, splat, sub } from '../lane/lane';
import { expAny, expConstant } from './exp';
import { logPart } from './log';

/** Exponents up to this that are whole are multiplied out, which loses no digits of a small base. */
const WHOLE: f64 = 8;

/** b^g for 0 ≤ b ≤ 1 and g ≥ 0; 0^0 is 1. Within g ULP for a whole g up to 8, else as powerOf. */
export function power(b: v128, g: f64): v128 {
  if (g <= WHOLE && g == Math.floor(g)) {
    let p = splat(1);
    for (let i: f64 = 0; i < g; i++) p = mul(p, b);
    return p;
  }
  return powerOf(b, splat(<f32>g));
}

/**
 * The same for an exponent of each lane, above 0. With b = 2^k·m it is 2^n·e^r, r = (g·k − n)·ln 2 + g·log m, n whole: nothing
 * large is rounded but g·k, which is exact where g has few digits. Within 2 + g/2 ULP then, else + 0.7·g·|k|; 0 of a b below
 * 2^−126, and where the power is below that; NaN
 * where b is.
 */
export function powerOf(b: v128, g: v128): v128 {
  const bits = exponentBits(b);
  const whole = mul(g, exponentToFloat(bits));
  const rest = mul(g, logPart(sub(mantissa(b, bits), splat(1)), splat(0)));
  const n = nearest_(madd(rest, expConstant(0), whole));
  const r = madd(sub(whole, n), splat(0.6931471805599453), rest);
  const p = mul(expAny(r), bitsToExponent(add(n, expConstant(1))));
  return madd(b, splat(0), clear(p, or(lt(b, splat(1.17549435e-38)), le(n, splat(-127))))); // 0·NaN
}
