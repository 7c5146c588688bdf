// Logarithms over lanes, as math/exp.ts states its bounds: in ULP of the float32 result, against the true value.

import { exponentBits, exponentToFloat, inversePower, mantissa } from '../lane/bits';
import { add, eq, le, loadSplat, lt, madd, mul, select_, splat, sub } from '../lane/lane';

const LOG: usize = memory.data<f32>([
  0.3333333134651184, -0.2500081956386566, 0.20001226663589478, -0.16623356938362122, 0.14201757311820984,
  -0.13160182535648346, 0.1276157796382904, -0.07634498178958893,
  0.693359375, // 8: ln 2, upper bits
  -2.12194440054690581e-4, // 9: ln 2, the rest
  -0.5, // 10
  1.0, // 11
], 16);

// @ts-ignore: decorator
@inline function logConstant(i: usize): v128 {
  return loadSplat(LOG + (i << 2));
}

/** k·ln 2 + log(1 + f) for f on [√½ − 1, √2 − 1]: f − f²/2 + f³·P(f), 5.9e-9 relative. */
// @ts-ignore: decorator
@inline export function logPart(f: v128, k: v128): v128 {
  let p = madd(logConstant(7), f, logConstant(6));
  p = madd(p, f, logConstant(5));
  p = madd(p, f, logConstant(4));
  p = madd(p, f, logConstant(3));
  p = madd(p, f, logConstant(2));
  p = madd(p, f, logConstant(1));
  p = madd(p, f, logConstant(0));
  const f2 = mul(f, f);
  p = madd(k, logConstant(9), mul(mul(p, f), f2));
  p = add(madd(f2, logConstant(10), p), f);
  return madd(k, logConstant(8), p);
}

/**
 * log(1 + q) for −1 < q < 2^126, right to 2 ULP however small q is; NaN stays NaN.
 * 1 + q = 2^k·(1 + f) with f = q·2^−k + (2^−k − 1): exact but for one rounding, and f = q where k = 0, so no digit of a
 * small q is lost to 1 + q (after SLEEF's log1pf).
 */
// @ts-ignore: decorator
@inline export function log1pInline(q: v128): v128 {
  const one = logConstant(11);
  const bits = exponentBits(add(q, one));
  const t = inversePower(bits);
  return logPart(add(mul(q, t), sub(t, one)), exponentToFloat(bits));
}

/** log1pInline by a call, where few logarithms are taken and bytes count. */
export function log1p(q: v128): v128 {
  return log1pInline(q);
}

/** log x within 1.5 ULP, subnormal x too; log 0 is −Infinity, log Infinity Infinity, NaN below 0. */
// @ts-ignore: decorator
@inline export function logInline(x: v128): v128 {
  const tiny = lt(x, splat(1.17549435e-38));
  const u = select_(mul(x, splat(16777216)), x, tiny); // 2^24
  const bits = exponentBits(u);
  const k = add(exponentToFloat(bits), select_(splat(-24), splat(0), tiny));
  let y = logPart(sub(mantissa(u, bits), logConstant(11)), k);
  y = select_(y, splat(NaN), le(splat(0), x));
  y = select_(splat(-Infinity), y, eq(x, splat(0)));
  return select_(x, y, eq(x, splat(Infinity)));
}

/** logInline by a call. */
export function log(x: v128): v128 {
  return logInline(x);
}

const ATANH: usize = memory.data<f64>([
  0.07308292712444311, 0.07665855309105386, 0.09091444727837474, 0.11111105565129939, 0.14285714313001635, 0.19999999999949722,
  0.3333333333333335,
], 16);

/**
 * log(1 + q) in float64 for q ≥ 0, within 2 ULP. 1 + q = 2^k·(1 + f) as above; with s = f/(2 + f) it is
 * k·ln 2 + 2·s + 2·s³·P(s²), P a fit of (artanh √z/√z − 1)/z on [0, 0.0295], 4.7e-18.
 */
export function log1pDouble(q: f64): f64 {
  if (q == Infinity) return q;
  const k = (reinterpret<i64>(1 + q) - 0x3fe6a09e667f3bcd) >> 52; // of √½
  const t = reinterpret<f64>((1023 - k) << 52);
  const f = q * t + (t - 1), s = f / (2 + f), z = s * s;
  let p: f64 = 0;
  for (let at: usize = 0; at < 56; at += 8) p = p * z + load<f64>(ATANH + at);
  // ln 2 in two parts
  return <f64>k * 0.6931471803691238 + (2 * s + (2 * s * z * p + <f64>k * 1.9082149292705877e-10));
}
