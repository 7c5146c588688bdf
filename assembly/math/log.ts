// Logarithms over lanes, as math/exp.ts states its bounds: in ULP of the float32 result, against the true value.

import { exponentBits, exponentToFloat, inversePower, mantissa } from '../lane/bits';
import { abs_, add, div, eq, le, loadSplat, lt, madd, mul, nmadd, or, select_, splat, sub } from '../lane/lane';

const LOG: usize = memory.data<f32>([
  0.6666677594184875, 0.39977535605430603, 0.29871866106987, // logPart
  0.6666641235351562, 0.4002169966697693, 0.27999138832092285, 0.2802446484565735, // 3: log1pUnit
  0.693359375, // 7: ln 2, upper bits
  -2.12194440054690581e-4, // 8: ln 2, the rest
  1.0, // 9
  2.0, // 10
], 16);

// @ts-ignore: decorator
@inline function logConstant(i: usize): v128 {
  return loadSplat(LOG + (i << 2));
}

// With s = f/(2 + f) and z = s², log(1 + f) = 2·artanh s = s·(2 + z·P(z)) = f − s·(f − z·P(z)): f itself is exact, and what is
// subtracted is small beside it. P is a fit of (2·artanh(√z)/√z − 2)/z.

/** k·ln 2 + log(1 + f) for f on [√½ − 1, √2 − 1], P of degree 2: 8.1e-10 relative. */
// @ts-ignore: decorator
@inline export function logPart(f: v128, k: v128): v128 {
  const s = div(f, add(f, logConstant(10))), z = mul(s, s);
  const p = madd(madd(logConstant(2), z, logConstant(1)), z, logConstant(0));
  const rest = nmadd(s, nmadd(z, p, f), mul(k, logConstant(8)));
  return madd(k, logConstant(7), add(rest, f));
}

/** log(1 + e) for e on [0, 1], such as e^−|x|, within 1.3 ULP: P of degree 3 serves all of it, 4.5e-9 relative. NaN stays NaN. */
// @ts-ignore: decorator
@inline export function log1pUnit(e: v128): v128 {
  const s = div(e, add(e, logConstant(10))), z = mul(s, s);
  const p = madd(madd(madd(logConstant(6), z, logConstant(5)), z, logConstant(4)), z, logConstant(3));
  return nmadd(s, nmadd(z, p, e), e);
}

/**
 * log(1 + q) for −1 < q < 2^126, right to 1.6 ULP however small q is; NaN stays NaN.
 * 1 + q = 2^k·(1 + f) with f = q·2^−k + (2^−k − 1): exact but for one rounding, and f = q where k = 0, so no digit of a
 * small q is lost to 1 + q (after SLEEF's log1pf).
 */
// @ts-ignore: decorator
@inline export function log1pInline(q: v128): v128 {
  const one = logConstant(9);
  const bits = exponentBits(add(q, one));
  const t = inversePower(bits);
  return logPart(add(mul(q, t), sub(t, one)), exponentToFloat(bits));
}

/** log1pInline by a call, where few logarithms are taken and bytes count; of Infinity too. */
export function log1p(q: v128): v128 {
  return select_(q, log1pInline(q), eq(q, splat(Infinity)));
}

/**
 * log(1 + u) for −½ ≤ u < 2^126 as log1p has it, or log v, v = 1 + u, where the mask is set: 1 + u would round v away. Of a v
 * that is not normal, 0 included, some number near log 2^−127.
 */
export function logNear(u: v128, v: v128, far: v128): v128 {
  const one = logConstant(9), bits = exponentBits(select_(v, add(u, one), far)), t = inversePower(bits);
  const f = select_(sub(mantissa(v, bits), one), add(mul(u, t), sub(t, one)), far);
  return logPart(f, exponentToFloat(bits));
}

/** log x of a normal x within 1 ULP, NaN staying NaN; log Infinity is 128·ln 2. */
// @ts-ignore: decorator
@inline export function logNormal(x: v128): v128 {
  const bits = exponentBits(x);
  return logPart(sub(mantissa(x, bits), logConstant(9)), exponentToFloat(bits));
}

/** log x of x on [0, 1] within 1 ULP, subnormal x too; −104.7 in place of log 0, and of log −0. */
// @ts-ignore: decorator
@inline export function logOfUnit(x: v128): v128 {
  const u = mul(abs_(x), splat(16777216)), bits = exponentBits(u); // 2^24
  return logPart(sub(mantissa(u, bits), logConstant(9)), sub(exponentToFloat(bits), splat(24)));
}

/** The log y of y·log y: logNormal, NaN below 0. What it is of a subnormal y makes no difference, nor does that of Infinity. */
// @ts-ignore: decorator
@inline export function logOfMass(y: v128): v128 {
  return or(logNormal(y), lt(y, splat(0)));
}

/** log x within 1 ULP, subnormal x too; log 0 is −Infinity, log Infinity Infinity, NaN below 0. */
// @ts-ignore: decorator
@inline export function logInline(x: v128): v128 {
  const tiny = lt(x, splat(1.17549435e-38));
  const u = select_(mul(x, splat(16777216)), x, tiny); // 2^24
  const bits = exponentBits(u);
  const k = add(exponentToFloat(bits), select_(splat(-24), splat(0), tiny));
  let y = logPart(sub(mantissa(u, bits), logConstant(9)), k);
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
