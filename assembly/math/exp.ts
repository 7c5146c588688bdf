// Elementary functions over lanes. Error bounds are in units in the last place of the float32 result (ULP), against
// the true value; test/math.test.ts sweeps them. Coefficients: minimax fits of our own (iteratively reweighted least
// squares in float64, then rounded), see the derivations beside each.

import { add, bitsToExponent, clear, eq, loadSplat, lt, madd, mul, nmadd, pmin, splat, sub } from '../lane/lane';

// V8 13 and later rebuild a splatted constant on every turn of a loop, so constants come from memory: either as
// locals that the caller loads before its loop (expWith), or by one broadcasting load each (exp).
const EXP: usize = memory.data<f32>([
  1.44269504088896340736, // 0: log2 e
  12583039.0, // 1: 1.5·2^23 + 127: adding it rounds to an integer and puts n + 127 into the low bits
  0.693359375, // 2: ln 2, upper 9 bits, so that n·ln2hi is exact (Cody and Waite 1980)
  -2.12194440054690581e-4, // 3: ln 2, the rest
  0.4999999403953552, // 4: c2
  0.1666652113199234, // 5: c3
  0.04166838899254799, // 6: c4
  0.00836874544620514, // 7: c5
  0.0013814539415761828, // 8: c6
  1.0, // 9
  -87.33654, // 10: below it e^x would be subnormal; the result is 0
], 16);

/** The i-th constant of exp in every lane. */
// @ts-ignore: decorator
@inline export function expConstant<V>(i: usize): V {
  return loadSplat<V>(EXP + (i << 2));
}

/**
 * e^x for x ≤ 0, with the constants of expConstant in k0…k10. x = n·ln 2 + r, |r| ≤ ln2/2:
 * e^x = 2^n·(1 + r + r²(c2 + c3·r + c4·r² + c5·r³ + c6·r⁴)), truncated at 3.1e-9 relative. Below 1 ULP on [−87.3365, 0],
 * 1.03 in the relaxed tier (every float32: 0.991 and 1.021).
 * e^0 is exactly 1; e^x is exactly 0 below −87.3365 (so for −Infinity); NaN stays NaN.
 * The polynomial is summed in pairs (Estrin): as many operations as Horner's rule, two thirds of its latency.
 */
// @ts-ignore: decorator
@inline export function expWith<V>(x: V, k0: V, k1: V, k2: V, k3: V, k4: V, k5: V, k6: V, k7: V, k8: V, k9: V, k10: V): V {
  const n = madd<V>(x, k0, k1);
  const whole = sub<V>(n, k1);
  const r = nmadd<V>(whole, k3, nmadd<V>(whole, k2, x));
  const r2 = mul<V>(r, r);
  const low = madd<V>(k5, r, k4), high = madd<V>(k8, r2, madd<V>(k7, r, k6));
  const p = add<V>(madd<V>(madd<V>(high, r2, low), r2, r), k9);
  return clear<V>(mul<V>(p, bitsToExponent<V>(n)), lt<V>(x, k10));
}

/** expWith, loading its constants. */
// @ts-ignore: decorator
@inline export function exp<V>(x: V): V {
  return expWith<V>(
    x, expConstant<V>(0), expConstant<V>(1), expConstant<V>(2), expConstant<V>(3), expConstant<V>(4), expConstant<V>(5),
    expConstant<V>(6), expConstant<V>(7), expConstant<V>(8), expConstant<V>(9), expConstant<V>(10),
  );
}

/**
 * e^(x−m) from e = exp(d), d the rounded x − m. Rounding d costs up to |d|·2^−24 of e (4e-6 at a gap of 70); what it lost is
 * found exactly (Knuth's two-sum) and put back to first order: within 1.6 ULP of the exact difference. 0 stays 0.
 */
// @ts-ignore: decorator
@inline export function refine<V>(e: V, x: V, m: V, d: V): V {
  const back = add<V>(d, m);
  const lost = sub<V>(sub<V>(x, back), add<V>(m, sub<V>(d, back)));
  return clear<V>(madd<V>(e, lost, e), eq<V>(e, splat<V>(0))); // an infinite x has lost NaN
}

/**
 * e^x for any x: Infinity above 88.7228, as float32 has it, 0 below −87.3365. Twice 2^(n−1)·e^r, since 2^128 is no float32.
 * Within 1 ULP like expWith (1.03 in the relaxed tier).
 */
// @ts-ignore: decorator
@inline export function expAny<V>(x: V): V {
  const limited = pmin<V>(splat<V>(89), x); // NaN stays
  const n = madd<V>(limited, expConstant<V>(0), expConstant<V>(1));
  const whole = sub<V>(n, expConstant<V>(1));
  const r = nmadd<V>(whole, expConstant<V>(3), nmadd<V>(whole, expConstant<V>(2), limited));
  const r2 = mul<V>(r, r);
  const low = madd<V>(expConstant<V>(5), r, expConstant<V>(4));
  const high = madd<V>(expConstant<V>(8), r2, madd<V>(expConstant<V>(7), r, expConstant<V>(6)));
  const p = add<V>(madd<V>(madd<V>(high, r2, low), r2, r), expConstant<V>(9));
  const one = expConstant<V>(9);
  const half = mul<V>(p, bitsToExponent<V>(sub<V>(n, one)));
  return clear<V>(add<V>(half, half), lt<V>(x, expConstant<V>(10)));
}
