// The only files that name f32x4, f64x2 and i32x4 are those of this folder. A vector is a v128 of four float32; a comparison
// returns a mask, all bits of a lane set or none. The relaxed tier is the same source with other multiply-adds; the scalar one
// is made of the simd module (src/machine/lower), which knows the instructions used here.

/** Lanes of a vector. */
export const LANES: i32 = 4;
/** Bytes of a vector. */
export const VECTOR: usize = 16;

const SIGN: usize = memory.data<f32>([-0.0], 16);

// @ts-ignore: decorator
@inline export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

// @ts-ignore: decorator
@inline export function loadV(p: usize): v128 {
  return v128.load(p);
}

/** Every lane holds the float32 at p. */
// @ts-ignore: decorator
@inline export function loadSplat(p: usize): v128 {
  return v128.load32_splat(p);
}

// @ts-ignore: decorator
@inline export function storeV(p: usize, v: v128): void {
  v128.store(p, v);
}

// @ts-ignore: decorator
@inline export function add(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}

// @ts-ignore: decorator
@inline export function sub(a: v128, b: v128): v128 {
  return f32x4.sub(a, b);
}

/** 2·v; of a product rather than of a factor, which may be more than half of what float32 holds. */
// @ts-ignore: decorator
@inline export function doubled(v: v128): v128 {
  return f32x4.add(v, v);
}

// @ts-ignore: decorator
@inline export function mul(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}

// @ts-ignore: decorator
@inline export function div(a: v128, b: v128): v128 {
  return f32x4.div(a, b);
}

/**
 * a·b + c: two roundings in the scalar and simd tiers, one or two in the relaxed tier, for which the build makes one instruction
 * of every such sum (assembly/optimize.mjs).
 */
// @ts-ignore: decorator
@inline export function madd(a: v128, b: v128, c: v128): v128 {
  return f32x4.add(f32x4.mul(a, b), c);
}

/** c − a·b, two roundings. */
// @ts-ignore: decorator
@inline export function nmadd(a: v128, b: v128, c: v128): v128 {
  return f32x4.sub(c, f32x4.mul(a, b));
}

/** The larger lane; a where they do not compare. One instruction on x86, where f32x4.max takes several. */
// @ts-ignore: decorator
@inline export function pmax(a: v128, b: v128): v128 {
  return f32x4.pmax(a, b);
}

/** The smaller lane; a where they do not compare. */
// @ts-ignore: decorator
@inline export function pmin(a: v128, b: v128): v128 {
  return f32x4.pmin(a, b);
}

// @ts-ignore: decorator
@inline export function eq(a: v128, b: v128): v128 {
  return f32x4.eq(a, b);
}

/** True also where a lane is NaN. */
// @ts-ignore: decorator
@inline export function ne(a: v128, b: v128): v128 {
  return f32x4.ne(a, b);
}

// @ts-ignore: decorator
@inline export function lt(a: v128, b: v128): v128 {
  return f32x4.lt(a, b);
}

// @ts-ignore: decorator
@inline export function le(a: v128, b: v128): v128 {
  return f32x4.le(a, b);
}

/** Lanes whose int32 at p is value. */
// @ts-ignore: decorator
@inline export function isInt(p: usize, value: i32): v128 {
  return i32x4.eq(v128.load(p), i32x4.splat(value));
}

/** Lanes whose bits, as int32, are equal. */
// @ts-ignore: decorator
@inline export function sameInt(a: v128, b: v128): v128 {
  return i32x4.eq(a, b);
}

// @ts-ignore: decorator
@inline export function and(a: v128, b: v128): v128 {
  return v128.and(a, b);
}

// @ts-ignore: decorator
@inline export function or(a: v128, b: v128): v128 {
  return v128.or(a, b);
}

/** All bits set. */
// @ts-ignore: decorator
@inline export function everyBit(): v128 {
  return i32x4.splat(-1);
}

/** a where the mask is clear, 0 where it is set. */
// @ts-ignore: decorator
@inline export function clear(a: v128, mask: v128): v128 {
  return v128.andnot(a, mask);
}

/** a where the mask is set, b where it is clear. */
// @ts-ignore: decorator
@inline export function select_(a: v128, b: v128, mask: v128): v128 {
  return v128.bitselect(a, b, mask);
}

// @ts-ignore: decorator
@inline export function abs_(a: v128): v128 {
  return f32x4.abs(a);
}

// @ts-ignore: decorator
@inline export function neg(a: v128): v128 {
  return f32x4.neg(a);
}

/** a with its sign flipped where s holds a sign bit. */
// @ts-ignore: decorator
@inline export function xor(a: v128, s: v128): v128 {
  return v128.xor(a, s);
}

/** v, negated where d is negative. */
// @ts-ignore: decorator
@inline export function signed(v: v128, d: v128): v128 {
  return v128.xor(v, v128.and(d, f32x4.splat(-0.0)));
}

/** v times the sign of d: 0 where that is 0, NaN where it is NaN. */
// @ts-ignore: decorator
@inline export function bySign(v: v128, d: v128): v128 {
  return v128.or(v128.and(signed(v, d), f32x4.ne(d, f32x4.splat(0))), f32x4.ne(d, d));
}

/** 1/(1 + a) for a ≥ 0: what the sum loses is put back. */
// @ts-ignore: decorator
@inline export function inverseOf1(a: v128): v128 {
  const one = f32x4.splat(1), n = f32x4.add(a, one), lost = f32x4.sub(a, f32x4.sub(n, one));
  const r = f32x4.div(one, n);
  return nmadd(r, f32x4.mul(lost, r), r);
}

/** a·b, 0 where a is 0, whatever b is. */
// @ts-ignore: decorator
@inline export function massTimes(a: v128, b: v128): v128 {
  return v128.and(f32x4.mul(a, b), f32x4.ne(a, f32x4.splat(0)));
}

/** The sign bit of every lane. It comes from memory: V8 makes such a constant anew wherever it is used, in three instructions. */
// @ts-ignore: decorator
@inline export function signBits(): v128 {
  return v128.load32_splat(SIGN);
}

/** Every bit set in the lanes whose sign bit is. */
// @ts-ignore: decorator
@inline export function negatives(a: v128): v128 {
  return i32x4.shr_s(a, 31);
}

/** The nearest whole number. */
// @ts-ignore: decorator
@inline export function nearest_(a: v128): v128 {
  return f32x4.nearest(a);
}

/** The largest lane, by the rule of pmax. */
// @ts-ignore: decorator
@inline export function maxOf(v: v128): f32 {
  const w = f32x4.pmax(v, v128.shuffle<f32>(v, v, 2, 3, 0, 1));
  return f32x4.extract_lane(f32x4.pmax(w, v128.shuffle<f32>(w, w, 1, 0, 3, 2)), 0);
}

/** Whether any lane of a mask is set. */
// @ts-ignore: decorator
@inline export function anyOf(mask: v128): bool {
  return v128.any_true(mask);
}
