// Elementary functions over lanes. Error bounds are in units in the last place of the float32 result (ULP), against
// the true value; test/math.test.ts sweeps them. Coefficients: minimax fits of our own (iteratively reweighted least
// squares in float64, then rounded), see the derivations beside each.

import {
  add,
  bitsToExponent,
  clear,
  eq,
  exponentBits,
  exponentToFloat,
  inversePower,
  loadSplat,
  lt,
  madd,
  mul,
  nmadd,
  splat,
  sub,
} from './lane';

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

const LOG: usize = memory.data<f32>([
  0.3333333134651184, -0.2500081956386566, 0.20001226663589478, -0.16623356938362122, 0.14201757311820984,
  -0.13160182535648346, 0.1276157796382904, -0.07634498178958893,
  0.693359375, // 8: ln 2, upper bits
  -2.12194440054690581e-4, // 9: ln 2, the rest
  -0.5, // 10
  1.0, // 11
], 16);

// @ts-ignore: decorator
@inline function logConstant<V>(i: usize): V {
  return loadSplat<V>(LOG + (i << 2));
}

/**
 * log(1 + q) for 0 ≤ q < 2^126, right to 2 ULP however small q is; NaN stays NaN.
 * 1 + q = 2^k·(1 + f) with f = q·2^−k + (2^−k − 1): exact but for one rounding, and f = q where k = 0, so no digit of a
 * small q is lost to 1 + q (after SLEEF's log1pf). log(1+f) = f − f²/2 + f³·P(f) on [√½ − 1, √2 − 1], 5.9e-9 relative.
 */
// @ts-ignore: decorator
@inline export function log1p<V>(q: V): V {
  const one = logConstant<V>(11);
  const bits = exponentBits<V>(add<V>(q, one));
  const t = inversePower<V>(bits);
  const f = add<V>(mul<V>(q, t), sub<V>(t, one));
  const k = exponentToFloat<V>(bits);
  let p = madd<V>(logConstant<V>(7), f, logConstant<V>(6));
  p = madd<V>(p, f, logConstant<V>(5));
  p = madd<V>(p, f, logConstant<V>(4));
  p = madd<V>(p, f, logConstant<V>(3));
  p = madd<V>(p, f, logConstant<V>(2));
  p = madd<V>(p, f, logConstant<V>(1));
  p = madd<V>(p, f, logConstant<V>(0));
  const f2 = mul<V>(f, f);
  p = madd<V>(k, logConstant<V>(9), mul<V>(mul<V>(p, f), f2));
  p = add<V>(madd<V>(f2, logConstant<V>(10), p), f);
  return madd<V>(k, logConstant<V>(8), p);
}
