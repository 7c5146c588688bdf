// Logarithms over lanes, as math/exp.ts states its bounds: in ULP of the float32 result, against the true value.

import {
  add, eq, exponentBits, exponentToFloat, inversePower, le, loadSplat, lt, madd, mantissa, mul, select_, splat, sub,
} from '../lane/lane';

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

/** k·ln 2 + log(1 + f) for f on [√½ − 1, √2 − 1]: f − f²/2 + f³·P(f), 5.9e-9 relative. */
// @ts-ignore: decorator
@inline function logOf<V>(f: V, k: V): V {
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

/**
 * log(1 + q) for −1 < q < 2^126, right to 2 ULP however small q is; NaN stays NaN.
 * 1 + q = 2^k·(1 + f) with f = q·2^−k + (2^−k − 1): exact but for one rounding, and f = q where k = 0, so no digit of a
 * small q is lost to 1 + q (after SLEEF's log1pf).
 */
// @ts-ignore: decorator
@inline export function log1pInline<V>(q: V): V {
  const one = logConstant<V>(11);
  const bits = exponentBits<V>(add<V>(q, one));
  const t = inversePower<V>(bits);
  return logOf<V>(add<V>(mul<V>(q, t), sub<V>(t, one)), exponentToFloat<V>(bits));
}

/** log1pInline by a call, where few logarithms are taken and bytes count. */
export function log1p<V>(q: V): V {
  return log1pInline<V>(q);
}

/** log x within 1.5 ULP, subnormal x too; log 0 is −Infinity, log Infinity Infinity, NaN below 0. */
export function log<V>(x: V): V {
  const tiny = lt<V>(x, splat<V>(1.17549435e-38));
  const u = select_<V>(mul<V>(x, splat<V>(16777216)), x, tiny); // 2^24
  const bits = exponentBits<V>(u);
  const k = add<V>(exponentToFloat<V>(bits), select_<V>(splat<V>(-24), splat<V>(0), tiny));
  let y = logOf<V>(sub<V>(mantissa<V>(u, bits), logConstant<V>(11)), k);
  y = select_<V>(y, splat<V>(NaN), le<V>(splat<V>(0), x));
  y = select_<V>(splat<V>(-Infinity), y, eq<V>(x, splat<V>(0)));
  return select_<V>(x, y, eq<V>(x, splat<V>(Infinity)));
}
