// The only file that names f32x4 and f64x2. Every kernel is written once over a lane type V, which is
//   v128  four float32 lanes (simd and relaxed tiers), or
//   f32   one lane (scalar tier, and the tails of the vector tiers),
// and over an accumulator type W: v128 (two float64 lanes) beside v128, f64 beside f32.
// A comparison returns a mask: all bits set or none, in the shape of V.

const SIGN: u32 = 0x80000000;

/** Number of float32 lanes in V. */
// @ts-ignore: decorator
@inline export function lanes<V>(): i32 {
  return <i32>(sizeof<V>() >> 2);
}

// @ts-ignore: decorator
@inline export function splat<V>(x: f32): V {
  if (isVector<V>()) return f32x4.splat(x) as V;
  return x as V;
}

// @ts-ignore: decorator
@inline export function loadV<V>(p: usize): V {
  if (isVector<V>()) return v128.load(p) as V;
  return load<f32>(p) as V;
}

/** Every lane holds the float32 at p. */
// @ts-ignore: decorator
@inline export function loadSplat<V>(p: usize): V {
  if (isVector<V>()) return v128.load32_splat(p) as V;
  return load<f32>(p) as V;
}

// @ts-ignore: decorator
@inline export function storeV<V>(p: usize, v: V): void {
  if (isVector<V>()) v128.store(p, v as v128);
  else store<f32>(p, v as f32);
}

// @ts-ignore: decorator
@inline export function add<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.add(a as v128, b as v128) as V;
  return <V>((a as f32) + (b as f32));
}

// @ts-ignore: decorator
@inline export function sub<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.sub(a as v128, b as v128) as V;
  return <V>((a as f32) - (b as f32));
}

// @ts-ignore: decorator
@inline export function mul<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.mul(a as v128, b as v128) as V;
  return <V>((a as f32) * (b as f32));
}

// @ts-ignore: decorator
@inline export function div<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.div(a as v128, b as v128) as V;
  return <V>((a as f32) / (b as f32));
}

/** a·b + c: two roundings in the scalar and simd tiers, one or two in the relaxed tier. */
// @ts-ignore: decorator
@inline export function madd<V>(a: V, b: V, c: V): V {
  if (isVector<V>()) {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a as v128, b as v128, c as v128) as V;
    return f32x4.add(f32x4.mul(a as v128, b as v128), c as v128) as V;
  }
  return <V>((a as f32) * (b as f32) + (c as f32));
}

/** c − a·b, rounded like madd. */
// @ts-ignore: decorator
@inline export function nmadd<V>(a: V, b: V, c: V): V {
  if (isVector<V>()) {
    if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_nmadd(a as v128, b as v128, c as v128) as V;
    return f32x4.sub(c as v128, f32x4.mul(a as v128, b as v128)) as V;
  }
  return <V>((c as f32) - (a as f32) * (b as f32));
}

/** The larger lane; a where they do not compare. One instruction on x86, where f32x4.max takes several. */
// @ts-ignore: decorator
@inline export function pmax<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.pmax(a as v128, b as v128) as V;
  return (a as f32) < (b as f32) ? b : a;
}

/** The smaller lane; a where they do not compare. */
// @ts-ignore: decorator
@inline export function pmin<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.pmin(a as v128, b as v128) as V;
  return (b as f32) < (a as f32) ? b : a;
}

// @ts-ignore: decorator
@inline function maskOf<V>(yes: bool): V {
  return <V>reinterpret<f32>(-(<i32>yes));
}

// @ts-ignore: decorator
@inline export function eq<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.eq(a as v128, b as v128) as V;
  return maskOf<V>((a as f32) == (b as f32));
}

/** True also where a lane is NaN. */
// @ts-ignore: decorator
@inline export function ne<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.ne(a as v128, b as v128) as V;
  return maskOf<V>((a as f32) != (b as f32));
}

// @ts-ignore: decorator
@inline export function lt<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.lt(a as v128, b as v128) as V;
  return maskOf<V>((a as f32) < (b as f32));
}

// @ts-ignore: decorator
@inline export function le<V>(a: V, b: V): V {
  if (isVector<V>()) return f32x4.le(a as v128, b as v128) as V;
  return maskOf<V>((a as f32) <= (b as f32));
}

/** Lanes whose int32 at p is value. */
// @ts-ignore: decorator
@inline export function isInt<V>(p: usize, value: i32): V {
  if (isVector<V>()) return i32x4.eq(v128.load(p), i32x4.splat(value)) as V;
  return maskOf<V>(load<i32>(p) == value);
}

/** Lanes whose bits, as int32, are equal. */
// @ts-ignore: decorator
@inline export function sameInt<V>(a: V, b: V): V {
  if (isVector<V>()) return i32x4.eq(a as v128, b as v128) as V;
  return maskOf<V>(reinterpret<i32>(a as f32) == reinterpret<i32>(b as f32));
}

// @ts-ignore: decorator
@inline export function and<V>(a: V, b: V): V {
  if (isVector<V>()) return v128.and(a as v128, b as v128) as V;
  return <V>reinterpret<f32>(reinterpret<u32>(a as f32) & reinterpret<u32>(b as f32));
}

// @ts-ignore: decorator
@inline export function or<V>(a: V, b: V): V {
  if (isVector<V>()) return v128.or(a as v128, b as v128) as V;
  return <V>reinterpret<f32>(reinterpret<u32>(a as f32) | reinterpret<u32>(b as f32));
}

/** All bits set. */
// @ts-ignore: decorator
@inline export function everyBit<V>(): V {
  if (isVector<V>()) return i32x4.splat(-1) as V;
  return maskOf<V>(true);
}

/** a where the mask is clear, 0 where it is set. */
// @ts-ignore: decorator
@inline export function clear<V>(a: V, mask: V): V {
  if (isVector<V>()) return v128.andnot(a as v128, mask as v128) as V;
  return <V>reinterpret<f32>(reinterpret<u32>(a as f32) & ~reinterpret<u32>(mask as f32));
}

/** a where the mask is set, b where it is clear. */
// @ts-ignore: decorator
@inline export function select_<V>(a: V, b: V, mask: V): V {
  if (isVector<V>()) return v128.bitselect(a as v128, b as v128, mask as v128) as V;
  return reinterpret<u32>(mask as f32) ? a : b;
}

// @ts-ignore: decorator
@inline export function abs_<V>(a: V): V {
  if (isVector<V>()) return f32x4.abs(a as v128) as V;
  return <V>reinterpret<f32>(reinterpret<u32>(a as f32) & ~SIGN);
}

// @ts-ignore: decorator
@inline export function neg<V>(a: V): V {
  if (isVector<V>()) return f32x4.neg(a as v128) as V;
  return <V>reinterpret<f32>(reinterpret<u32>(a as f32) ^ SIGN);
}

/** a with its sign flipped where s holds a sign bit. */
// @ts-ignore: decorator
@inline export function xor<V>(a: V, s: V): V {
  if (isVector<V>()) return v128.xor(a as v128, s as v128) as V;
  return <V>reinterpret<f32>(reinterpret<u32>(a as f32) ^ reinterpret<u32>(s as f32));
}

/** The bits of a moved into the exponent field. */
// @ts-ignore: decorator
@inline export function bitsToExponent<V>(a: V): V {
  if (isVector<V>()) return i32x4.shl(a as v128, 23) as V;
  return <V>reinterpret<f32>(reinterpret<u32>(a as f32) << 23);
}

/** The exponent k of u = 2^k·m with m in [√½, √2), as k·2^23 (an integer). */
// @ts-ignore: decorator
@inline export function exponentBits<V>(u: V): V {
  // 0x3f3504f3 is √½ as float32
  if (isVector<V>()) return v128.and(i32x4.sub(u as v128, i32x4.splat(0x3f3504f3)), i32x4.splat(0xff800000)) as V;
  return <V>reinterpret<f32>((reinterpret<u32>(u as f32) - 0x3f3504f3) & 0xff800000);
}

/** 2^−k from k·2^23. */
// @ts-ignore: decorator
@inline export function inversePower<V>(bits: V): V {
  if (isVector<V>()) return i32x4.sub(i32x4.splat(0x3f800000), bits as v128) as V;
  return <V>reinterpret<f32>(0x3f800000 - reinterpret<u32>(bits as f32));
}

/** k as float32 from k·2^23. */
// @ts-ignore: decorator
@inline export function exponentToFloat<V>(bits: V): V {
  if (isVector<V>()) return f32x4.convert_i32x4_s(i32x4.shr_s(bits as v128, 23)) as V;
  return <V>(<f32>(reinterpret<i32>(bits as f32) >> 23));
}

/** u·2^−k from k·2^23: exact, the mantissa of u in [√½, √2). */
// @ts-ignore: decorator
@inline export function mantissa<V>(u: V, bits: V): V {
  if (isVector<V>()) return i32x4.sub(u as v128, bits as v128) as V;
  return <V>reinterpret<f32>(reinterpret<u32>(u as f32) - reinterpret<u32>(bits as f32));
}

/** The nearest whole number. */
// @ts-ignore: decorator
@inline export function nearest_<V>(a: V): V {
  if (isVector<V>()) return f32x4.nearest(a as v128) as V;
  return <V>nearest<f32>(a as f32);
}

/** The largest lane, by the rule of pmax. */
// @ts-ignore: decorator
@inline export function maxOf<V>(v: V): f32 {
  if (isVector<V>()) {
    const a = v as v128;
    const b = f32x4.pmax(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
    return f32x4.extract_lane(f32x4.pmax(b, v128.shuffle<f32>(b, b, 1, 0, 3, 2)), 0);
  }
  return v as f32;
}

/** Counts set lanes of masks: int32 counters in the shape of V. */
// @ts-ignore: decorator
@inline export function tally<V>(counters: V, mask: V): V {
  if (isVector<V>()) return i32x4.sub(counters as v128, mask as v128) as V;
  return <V>reinterpret<f32>(reinterpret<i32>(counters as f32) - reinterpret<i32>(mask as f32));
}

/** The counters of tally as float32. */
// @ts-ignore: decorator
@inline export function tallies<V>(counters: V): V {
  if (isVector<V>()) return f32x4.convert_i32x4_s(counters as v128) as V;
  return <V>(<f32>reinterpret<i32>(counters as f32));
}

/** All counters of tally together. */
// @ts-ignore: decorator
@inline export function tallied<V>(counters: V): i32 {
  if (isVector<V>()) {
    const v = counters as v128;
    return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
  }
  return reinterpret<i32>(counters as f32);
}

/** Whether any lane of a mask is set. */
// @ts-ignore: decorator
@inline export function anyOf<V>(mask: V): bool {
  if (isVector<V>()) return v128.any_true(mask as v128);
  return reinterpret<u32>(mask as f32) != 0;
}
