// Vectors whose lanes lie apart in memory, and those that a row does not fill.

/** Byte offsets for the int32 t at p: t·row + first, `step` more for each lane; t = 0 where it is skip. */
// @ts-ignore: decorator
@inline export function offsets(p: usize, skip: i32, row: i32, first: i32, step: i32): v128 {
  const t = v128.load(p);
  const kept = v128.andnot(t, i32x4.eq(t, i32x4.splat(skip)));
  const own = i32x4.add(i32x4.splat(first), i32x4.mul(i32x4.splat(step), i32x4(0, 1, 2, 3)));
  return i32x4.add(i32x4.mul(kept, i32x4.splat(row)), own);
}

/** The float32 at base + each offset of those at p. */
// @ts-ignore: decorator
@inline export function gather(base: usize, p: usize): v128 {
  let v = v128.load32_zero(base + load<u32>(p));
  v = v128.load32_lane(base + load<u32>(p, 4), v, 1);
  v = v128.load32_lane(base + load<u32>(p, 8), v, 2);
  return v128.load32_lane(base + load<u32>(p, 12), v, 3);
}

/** Stores each lane at base + its offset of those at p. */
// @ts-ignore: decorator
@inline export function scatter(base: usize, p: usize, v: v128): void {
  v128.store32_lane(base + load<u32>(p), v, 0);
  v128.store32_lane(base + load<u32>(p, 4), v, 1);
  v128.store32_lane(base + load<u32>(p, 8), v, 2);
  v128.store32_lane(base + load<u32>(p, 12), v, 3);
}

/** The first n < 4 float32 at p; the other lanes hold filler. */
export function loadPart(p: usize, n: i32, filler: f32): v128 {
  let v = v128.load32_lane(p, f32x4.splat(filler), 0);
  if (n > 1) v = v128.load32_lane(p, v, 1, 4);
  if (n > 2) v = v128.load32_lane(p, v, 2, 8);
  return v;
}

/** Stores the first n < 4 lanes. */
export function storePart(p: usize, v: v128, n: i32): void {
  v128.store32_lane(p, v, 0);
  if (n > 1) v128.store32_lane(p, v, 1, 4);
  if (n > 2) v128.store32_lane(p, v, 2, 8);
}

/** A whole vector where four lanes or more remain, else the rest of the row and filler. */
// @ts-ignore: decorator
@inline export function loadSome(p: usize, n: i32, filler: f32): v128 {
  return n < 4 ? loadPart(p, n, filler) : v128.load(p);
}

// @ts-ignore: decorator
@inline export function storeSome(p: usize, v: v128, n: i32): void {
  if (n < 4) storePart(p, v, n);
  else v128.store(p, v);
}
