// Accumulators in float64 beside the lanes of V: type W is v128 (two lanes) beside v128, f64 beside f32.

/** An accumulator holding 0. */
// @ts-ignore: decorator
@inline export function zeroW<W>(): W {
  if (isVector<W>()) return f64x2.splat(0) as W;
  return <W>(<f64>0);
}

/** acc + every lane of v, in float64. */
// @ts-ignore: decorator
@inline export function widenAdd<V, W>(acc: W, v: V): W {
  if (isVector<V>()) {
    const low = f64x2.promote_low_f32x4(v as v128);
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(v as v128, v as v128, 2, 3, 2, 3));
    return f64x2.add(acc as v128, f64x2.add(low, high)) as W;
  }
  return <W>((acc as f64) + <f64>(v as f32));
}

// A product Π(1 + q) − 1 in float64 over the lanes of V needs two accumulators: of its lower and of its upper half.

// @ts-ignore: decorator
@inline function grow<W>(acc: W, q: W): W {
  if (isVector<W>()) {
    const a = acc as v128, b = q as v128;
    return f64x2.add(b, f64x2.mul(a, f64x2.add(b, f64x2.splat(1)))) as W;
  }
  return <W>((q as f64) + (acc as f64) * ((q as f64) + 1));
}

/** The product of the lower half, grown by q. */
// @ts-ignore: decorator
@inline export function growLow<V, W>(acc: W, q: V): W {
  if (isVector<V>()) return grow<W>(acc, f64x2.promote_low_f32x4(q as v128) as W);
  return grow<W>(acc, <W>(<f64>(q as f32)));
}

/** The product of the upper half, grown by q; V of one lane has none. */
// @ts-ignore: decorator
@inline export function growHigh<V, W>(acc: W, q: V): W {
  if (!isVector<V>()) return acc;
  return grow<W>(acc, f64x2.promote_low_f32x4(v128.shuffle<f32>(q as v128, q as v128, 2, 3, 2, 3)) as W);
}

/** Whether a product has passed a limit. */
// @ts-ignore: decorator
@inline export function exceeds<W>(acc: W, limit: f64): bool {
  if (isVector<W>()) return v128.any_true(f64x2.gt(acc as v128, f64x2.splat(limit)));
  return (acc as f64) > limit;
}

/** log1p of every lane, added up. */
export function logOf<W>(acc: W): f64 {
  if (isVector<W>()) {
    return Math.log1p(f64x2.extract_lane(acc as v128, 0)) + Math.log1p(f64x2.extract_lane(acc as v128, 1));
  }
  return Math.log1p(acc as f64);
}

// @ts-ignore: decorator
@inline export function loadW<W>(p: usize): W {
  if (isVector<W>()) return v128.load(p) as W;
  return load<f64>(p) as W;
}

// @ts-ignore: decorator
@inline export function storeW<W>(p: usize, acc: W): void {
  if (isVector<W>()) v128.store(p, acc as v128);
  else store<f64>(p, acc as f64);
}

/** Adds the lanes of v to as many float64 at p. */
export function addWide<V, W>(p: usize, v: V): void {
  if (!isVector<V>()) {
    store<f64>(p, load<f64>(p) + <f64>(v as f32));
    return;
  }
  const high = v128.shuffle<f32>(v as v128, v as v128, 2, 3, 2, 3);
  v128.store(p, f64x2.add(v128.load(p), f64x2.promote_low_f32x4(v as v128)));
  v128.store(p, f64x2.add(v128.load(p, 16), f64x2.promote_low_f32x4(high)), 16);
}

/** As many float64 at p as V has lanes, rounded, plus v. */
export function narrow<V>(p: usize, v: V): V {
  if (!isVector<V>()) return <V>(<f32>(load<f64>(p) + <f64>(v as f32)));
  const high = v128.shuffle<f32>(v as v128, v as v128, 2, 3, 2, 3);
  const a = f32x4.demote_f64x2_zero(f64x2.add(v128.load(p), f64x2.promote_low_f32x4(v as v128)));
  const b = f32x4.demote_f64x2_zero(f64x2.add(v128.load(p, 16), f64x2.promote_low_f32x4(high)));
  return v128.shuffle<f32>(a, b, 0, 1, 4, 5) as V;
}

/** a·b·c, rounded once. */
export function product<V>(a: V, b: V, c: f64): V {
  if (!isVector<V>()) return <V>(<f32>(<f64>(a as f32) * <f64>(b as f32) * c));
  const u = a as v128, v = b as v128, by = f64x2.splat(c);
  const uHigh = v128.shuffle<f32>(u, u, 2, 3, 2, 3), vHigh = v128.shuffle<f32>(v, v, 2, 3, 2, 3);
  const low = f64x2.mul(f64x2.mul(f64x2.promote_low_f32x4(u), f64x2.promote_low_f32x4(v)), by);
  const high = f64x2.mul(f64x2.mul(f64x2.promote_low_f32x4(uHigh), f64x2.promote_low_f32x4(vHigh)), by);
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5) as V;
}

/** a·c, rounded once. */
export function scaled<V>(a: V, c: f64): V {
  if (!isVector<V>()) return <V>(<f32>(<f64>(a as f32) * c));
  const u = a as v128, by = f64x2.splat(c);
  const low = f64x2.mul(f64x2.promote_low_f32x4(u), by);
  const high = f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<f32>(u, u, 2, 3, 2, 3)), by);
  return v128.shuffle<f32>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 1, 4, 5) as V;
}

/** The sum of the accumulator's lanes. */
// @ts-ignore: decorator
@inline export function sumOf<W>(acc: W): f64 {
  if (isVector<W>()) return f64x2.extract_lane(acc as v128, 0) + f64x2.extract_lane(acc as v128, 1);
  return acc as f64;
}
