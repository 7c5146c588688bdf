// Lanes as integers: the exponents of float32, and counters.

/** The bits of a moved into the exponent field. */
// @ts-ignore: decorator
@inline export function bitsToExponent(a: v128): v128 {
  return i32x4.shl(a, 23);
}

/** The exponent k of u = 2^k·m with m in [√½, √2), as k·2^23 (an integer). */
// @ts-ignore: decorator
@inline export function exponentBits(u: v128): v128 {
  // 0x3f3504f3 is √½ as float32
  return v128.and(i32x4.sub(u, i32x4.splat(0x3f3504f3)), i32x4.splat(0xff800000));
}

/** 2^−k from k·2^23. */
// @ts-ignore: decorator
@inline export function inversePower(bits: v128): v128 {
  return i32x4.sub(i32x4.splat(0x3f800000), bits);
}

/** k as float32 from k·2^23. */
// @ts-ignore: decorator
@inline export function exponentToFloat(bits: v128): v128 {
  return f32x4.convert_i32x4_s(i32x4.shr_s(bits, 23));
}

/** u·2^−k from k·2^23: exact, the mantissa of u in [√½, √2). */
// @ts-ignore: decorator
@inline export function mantissa(u: v128, bits: v128): v128 {
  return i32x4.sub(u, bits);
}

/** Counts set lanes of masks: four int32 counters. */
// @ts-ignore: decorator
@inline export function tally(counters: v128, mask: v128): v128 {
  return i32x4.sub(counters, mask);
}

/** The counters of tally as float32. */
// @ts-ignore: decorator
@inline export function tallies(counters: v128): v128 {
  return f32x4.convert_i32x4_s(counters);
}

/** All counters of tally together. */
// @ts-ignore: decorator
@inline export function tallied(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

/** Lanes whose int32 at p is not in [0, n), but for those that are skip. */
// @ts-ignore: decorator
@inline export function outside(p: usize, n: i32, skip: v128): v128 {
  return v128.andnot(i32x4.ge_u(v128.load(p), i32x4.splat(n)), skip);
}

/** Lanes that are, as int32, a class. */
// @ts-ignore: decorator
@inline export function isClass(targets: v128, c: i32): v128 {
  return i32x4.eq(targets, i32x4.splat(c));
}

/** The first lane of a mask that is set. */
export function firstOf(mask: v128): i32 {
  if (i32x4.extract_lane(mask, 0)) return 0;
  if (i32x4.extract_lane(mask, 1)) return 1;
  return i32x4.extract_lane(mask, 2) ? 2 : 3;
}
