// Blocks of samples turned into rows of classes and back: four samples at a time.

/** Transposes the 4 × 4 block with rows at p, p + rowBytes … into rows at q, q + toBytes …, and returns the maximum of these. */
// @ts-ignore: decorator
@inline export function transpose4(p: usize, rowBytes: usize, q: usize, toBytes: usize): v128 {
  return storeColumns(v128.load(p), v128.load(p + rowBytes), v128.load(p + 2 * rowBytes), v128.load(p + 3 * rowBytes), q, toBytes);
}

/** transpose4 of the rows times k. */
// @ts-ignore: decorator
@inline export function transposeScaled4(p: usize, rowBytes: usize, q: usize, toBytes: usize, k: v128): void {
  const a = f32x4.mul(v128.load(p), k), b = f32x4.mul(v128.load(p + rowBytes), k);
  const c = f32x4.mul(v128.load(p + 2 * rowBytes), k), d = f32x4.mul(v128.load(p + 3 * rowBytes), k);
  storeColumns(a, b, c, d, q, toBytes);
}

/** Stores the four columns of a block as its rows, and returns the maximum of these. */
// @ts-ignore: decorator
@inline export function storeColumns(a: v128, b: v128, c: v128, d: v128, q: usize, toBytes: usize): v128 {
  const low0 = lowPairs(a, b), low1 = lowPairs(c, d), high0 = highPairs(a, b), high1 = highPairs(c, d);
  const x0 = lowHalves(low0, low1), x1 = highHalves(low0, low1), x2 = lowHalves(high0, high1), x3 = highHalves(high0, high1);
  v128.store(q, x0);
  v128.store(q + toBytes, x1);
  v128.store(q + 2 * toBytes, x2);
  v128.store(q + 3 * toBytes, x3);
  return f32x4.pmax(f32x4.pmax(f32x4.pmax(x0, x1), x2), x3);
}

/** a0 b0 a1 b1 */
// @ts-ignore: decorator
@inline export function lowPairs(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 0, 4, 1, 5);
}

/** a2 b2 a3 b3 */
// @ts-ignore: decorator
@inline export function highPairs(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 2, 6, 3, 7);
}

/** a0 a1 b0 b1 */
// @ts-ignore: decorator
@inline export function lowHalves(a: v128, b: v128): v128 {
  return v128.shuffle<f64>(a, b, 0, 2);
}

/** a2 a3 b2 b3 */
// @ts-ignore: decorator
@inline export function highHalves(a: v128, b: v128): v128 {
  return v128.shuffle<f64>(a, b, 1, 3);
}

// Four samples of three classes are three vectors: [a0 b0 c0 a1] [b1 c1 a2 b2] [c2 a3 b3 c3]; of two classes, two.

// @ts-ignore: decorator
@inline export function splitTriples(p: usize, q: usize, toBytes: usize, maxima: usize): void {
  const u = v128.load(p), v = v128.load(p, 16), w = v128.load(p, 32);
  const a = v128.shuffle<f32>(v128.shuffle<f32>(u, v, 0, 3, 6, 6), w, 0, 1, 2, 5);
  const b = v128.shuffle<f32>(v128.shuffle<f32>(u, v, 1, 4, 7, 7), w, 0, 1, 2, 6);
  const c = v128.shuffle<f32>(v128.shuffle<f32>(u, v, 2, 5, 5, 5), w, 0, 1, 4, 7);
  v128.store(q, a);
  v128.store(q + toBytes, b);
  v128.store(q + 2 * toBytes, c);
  v128.store(maxima, f32x4.pmax(f32x4.pmax(a, b), c));
}

// @ts-ignore: decorator
@inline export function joinTriples(p: usize, rowBytes: usize, q: usize, k: v128): void {
  const a = f32x4.mul(v128.load(p), k), b = f32x4.mul(v128.load(p + rowBytes), k);
  const c = f32x4.mul(v128.load(p + 2 * rowBytes), k);
  v128.store(q, v128.shuffle<f32>(v128.shuffle<f32>(a, b, 0, 4, 1, 1), c, 0, 1, 4, 2));
  v128.store(q, v128.shuffle<f32>(v128.shuffle<f32>(a, b, 5, 2, 6, 6), c, 0, 5, 1, 2), 16);
  v128.store(q, v128.shuffle<f32>(v128.shuffle<f32>(a, b, 3, 7, 7, 7), c, 6, 0, 1, 7), 32);
}

// @ts-ignore: decorator
@inline export function splitPairs(p: usize, q: usize, toBytes: usize, maxima: usize): void {
  const u = v128.load(p), v = v128.load(p, 16);
  const a = v128.shuffle<f32>(u, v, 0, 2, 4, 6), b = v128.shuffle<f32>(u, v, 1, 3, 5, 7);
  v128.store(q, a);
  v128.store(q + toBytes, b);
  v128.store(maxima, f32x4.pmax(a, b));
}

// @ts-ignore: decorator
@inline export function joinPairs(a: v128, b: v128, q: usize): void {
  v128.store(q, lowPairs(a, b));
  v128.store(q, highPairs(a, b), 16);
}
