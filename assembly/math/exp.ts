// Elementary functions over lanes. Error bounds are in units in the last place of the float32 result (ULP), against
// the true value; test/math.test.ts sweeps them. Coefficients: minimax fits of our own (iteratively reweighted least
// squares in float64, then rounded), see the derivations beside each.

import { bitsToExponent } from '../lane/bits';
import { add, clear, eq, loadSplat, madd, mul, pmax, pmin, splat, sub } from '../lane/lane';

// V8 13 and later rebuild a splatted constant on every turn of a loop, so constants come from memory: either as
// locals that the caller loads before its loop (expWith), or by one broadcasting load each (exp).
const EXP: usize = memory.data<f32>([
  1.44269504088896340736, // 0: log2 e
  12583039.0, // 1: 1.5·2^23 + 127: adding it rounds to an integer and puts n + 127 into the low bits
  -0.693359375, // 2: −ln 2, upper 9 bits, so that n·ln2hi is exact (Cody and Waite 1980)
  2.12194440054690581e-4, // 3: −ln 2, the rest
  0.4999999403953552, // 4: c2
  0.1666652113199234, // 5: c3
  0.04166838899254799, // 6: c4
  0.00836874544620514, // 7: c5
  0.0013814539415761828, // 8: c6
  1.0, // 9
  -88.0, // 10: what lies below is taken for it; there 2^n is 0
  -87.33654, // 11: the same for 2^(n−1)
], 16);

/** The i-th constant of exp in every lane. */
// @ts-ignore: decorator
@inline export function expConstant(i: usize): v128 {
  return loadSplat(EXP + (i << 2));
}

/**
 * e^x for x ≤ 0, with the constants of expConstant in k0…k8 and k10. x = n·ln 2 + r, |r| ≤ ln2/2:
 * e^x = 2^n·(1 + r + r²(c2 + c3·r + c4·r² + c5·r³ + c6·r⁴)), truncated at 3.1e-9 relative. Below 1 ULP on [−87.68, 0],
 * 1.03 in the relaxed tier (every float32: 0.991 and 1.021).
 * e^0 is exactly 1; e^x is exactly 0 below −126.5·ln 2 = −87.68 (so for −Infinity), where n is −127 and 2^n a zero; above −87.34
 * it is normal. NaN stays NaN.
 * The polynomial is summed in pairs (Estrin): as many operations as Horner's rule, two thirds of its latency. 2^n·p + 2^n is
 * rounded as 2^n·(1 + p) is, but near underflow (0.93 ULP below −83), and needs no constant, of which loops have more than
 * x86 has registers.
 */
// @ts-ignore: decorator
@inline export function expWith(x: v128, k0: v128, k1: v128, k2: v128, k3: v128, k4: v128, k5: v128, k6: v128, k7: v128, k8: v128, k10: v128): v128 {
  const c = pmax(x, k10);
  const n = madd(c, k0, k1);
  const whole = sub(n, k1);
  const r = madd(whole, k3, madd(whole, k2, c));
  const r2 = mul(r, r);
  const low = madd(k5, r, k4), high = madd(k8, r2, madd(k7, r, k6));
  const p = madd(madd(high, r2, low), r2, r), power = bitsToExponent(n);
  return madd(p, power, power);
}

/** expWith, loading its constants. */
// @ts-ignore: decorator
@inline export function exp(x: v128): v128 {
  return expWith(
    x, expConstant(0), expConstant(1), expConstant(2), expConstant(3), expConstant(4), expConstant(5),
    expConstant(6), expConstant(7), expConstant(8), expConstant(10),
  );
}

/**
 * e^(x−m) from e = exp(d), d the rounded x − m. Rounding d costs up to |d|·2^−24 of e (4e-6 at a gap of 70); what it lost is
 * found exactly (Knuth's two-sum) and put back to first order: within 1.6 ULP of the exact difference. 0 stays 0.
 */
// @ts-ignore: decorator
@inline export function refine(e: v128, x: v128, m: v128, d: v128): v128 {
  const back = add(d, m);
  const lost = sub(sub(x, back), add(m, sub(d, back)));
  return clear(madd(e, lost, e), eq(e, splat(0))); // an infinite x has lost NaN
}

/**
 * e^x for any x, with the constants of expConstant: Infinity above 88.7228, as float32 has it, 0 below −86.98 (−125.5·ln 2).
 * Twice 2^(n−1)·e^r, since 2^128 is no float32. Above −86.64 (−125·ln 2) within 1 ULP like expWith (1.03 in the relaxed tier).
 */
// @ts-ignore: decorator
@inline export function expAnyWith(x: v128, k0: v128, k1: v128, k2: v128, k3: v128, k4: v128, k5: v128, k6: v128, k7: v128, k8: v128, k9: v128, k11: v128): v128 {
  const limited = pmax(pmin(x, splat(89)), k11); // NaN stays
  const n = madd(limited, k0, k1);
  const whole = sub(n, k1);
  const r = madd(whole, k3, madd(whole, k2, limited));
  const r2 = mul(r, r);
  const low = madd(k5, r, k4), high = madd(k8, r2, madd(k7, r, k6));
  const p = madd(madd(high, r2, low), r2, r), half = bitsToExponent(sub(n, k9)), e = madd(p, half, half);
  return add(e, e);
}

/** expAnyWith by a call, loading its constants. */
export function expAny(x: v128): v128 {
  return expAnyWith(
    x, expConstant(0), expConstant(1), expConstant(2), expConstant(3), expConstant(4), expConstant(5),
    expConstant(6), expConstant(7), expConstant(8), expConstant(9), expConstant(11),
  );
}
