// Accumulators in float64: a v128 of two lanes. Four float32 go into one by halves, lower and upper.

/** An accumulator holding 0. */
// @ts-ignore: decorator
@inline export function zeroW(): v128 {
  return f64x2.splat(0);
}

/** The lower two lanes. */
// @ts-ignore: decorator
@inline export function low(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

/** The upper two lanes. */
// @ts-ignore: decorator
@inline export function high(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 2, 3));
}

/** acc + every lane of v. */
// @ts-ignore: decorator
@inline export function widenAdd(acc: v128, v: v128): v128 {
  return f64x2.add(acc, f64x2.add(low(v), high(v)));
}

// A product Π(1 + q) − 1 over the lanes of a vector needs two accumulators: of its lower and of its upper half.

// @ts-ignore: decorator
@inline function grow(acc: v128, q: v128): v128 {
  return f64x2.add(q, f64x2.mul(acc, f64x2.add(q, f64x2.splat(1))));
}

/** The product of the lower half, grown by q. */
// @ts-ignore: decorator
@inline export function growLow(acc: v128, q: v128): v128 {
  return grow(acc, low(q));
}

/** The product of the upper half, grown by q. */
// @ts-ignore: decorator
@inline export function growHigh(acc: v128, q: v128): v128 {
  return grow(acc, high(q));
}

/** Whether a product has passed a limit. */
// @ts-ignore: decorator
@inline export function exceeds(acc: v128, limit: f64): bool {
  return v128.any_true(f64x2.gt(acc, f64x2.splat(limit)));
}

/** Adds the lanes of v to four float64 at p. */
export function addWide(p: usize, v: v128): void {
  v128.store(p, f64x2.add(v128.load(p), low(v)));
  v128.store(p, f64x2.add(v128.load(p, 16), high(v)), 16);
}

/** Four float64 as float32. */
// @ts-ignore: decorator
@inline export function join(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(a), f32x4.demote_f64x2_zero(b), 0, 1, 4, 5);
}

/** Four float64 at p plus v, rounded once. */
export function narrow(p: usize, v: v128): v128 {
  return join(f64x2.add(v128.load(p), low(v)), f64x2.add(v128.load(p, 16), high(v)));
}

/** a·b·c, rounded once. */
export function product(a: v128, b: v128, c: f64): v128 {
  const by = f64x2.splat(c);
  return join(f64x2.mul(f64x2.mul(low(a), low(b)), by), f64x2.mul(f64x2.mul(high(a), high(b)), by));
}

// Two lanes of float64 by themselves.

// @ts-ignore: decorator
@inline export function splatW(x: f64): v128 {
  return f64x2.splat(x);
}

// @ts-ignore: decorator
@inline export function addW(a: v128, b: v128): v128 {
  return f64x2.add(a, b);
}

// @ts-ignore: decorator
@inline export function subW(a: v128, b: v128): v128 {
  return f64x2.sub(a, b);
}

// @ts-ignore: decorator
@inline export function mulW(a: v128, b: v128): v128 {
  return f64x2.mul(a, b);
}

// @ts-ignore: decorator
@inline export function divW(a: v128, b: v128): v128 {
  return f64x2.div(a, b);
}

/** Mask of the lanes in which a > b. */
// @ts-ignore: decorator
@inline export function gtW(a: v128, b: v128): v128 {
  return f64x2.gt(a, b);
}

// @ts-ignore: decorator
@inline export function neW(a: v128, b: v128): v128 {
  return f64x2.ne(a, b);
}

/** Stores both lanes as float32. */
// @ts-ignore: decorator
@inline export function storeNarrow(p: usize, acc: v128): void {
  v128.store64_lane(p, f32x4.demote_f64x2_zero(acc), 0);
}

/** The lanes of an accumulator. */
// @ts-ignore: decorator
@inline export function firstOf2(acc: v128): f64 {
  return f64x2.extract_lane(acc, 0);
}

// @ts-ignore: decorator
@inline export function secondOf2(acc: v128): f64 {
  return f64x2.extract_lane(acc, 1);
}

/** The sum of the accumulator's lanes. */
// @ts-ignore: decorator
@inline export function sumOf(acc: v128): f64 {
  return f64x2.extract_lane(acc, 0) + f64x2.extract_lane(acc, 1);
}
