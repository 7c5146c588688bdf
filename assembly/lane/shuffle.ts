// Blocks of samples turned into rows of classes and back: four samples at a time.

/** Transposes the 4 × 4 block with rows at p, p + rowBytes … into rows at q, q + toBytes …. */
// @ts-ignore: decorator
@inline export function transpose4(p: usize, rowBytes: usize, q: usize, toBytes: usize): void {
  storeColumns(v128.load(p), v128.load(p + rowBytes), v128.load(p + 2 * rowBytes), v128.load(p + 3 * rowBytes), q, toBytes);
}

/** transpose4 of the rows times k. */
// @ts-ignore: decorator
@inline export function transposeScaled4(p: usize, rowBytes: usize, q: usize, toBytes: usize, k: v128): void {
  const a = f32x4.mul(v128.load(p), k), b = f32x4.mul(v128.load(p + rowBytes), k);
  const c = f32x4.mul(v128.load(p + 2 * rowBytes), k), d = f32x4.mul(v128.load(p + 3 * rowBytes), k);
  storeColumns(a, b, c, d, q, toBytes);
}

// @ts-ignore: decorator
@inline function storeColumns(a: v128, b: v128, c: v128, d: v128, q: usize, toBytes: usize): void {
  const ab0 = v128.shuffle<f32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const cd0 = v128.shuffle<f32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<f32>(c, d, 2, 6, 3, 7);
  v128.store(q, v128.shuffle<f64>(ab0, cd0, 0, 2));
  v128.store(q + toBytes, v128.shuffle<f64>(ab0, cd0, 1, 3));
  v128.store(q + 2 * toBytes, v128.shuffle<f64>(ab1, cd1, 0, 2));
  v128.store(q + 3 * toBytes, v128.shuffle<f64>(ab1, cd1, 1, 3));
}

// Four samples of three classes are three vectors: [a0 b0 c0 a1] [b1 c1 a2 b2] [c2 a3 b3 c3]; of two classes, two.

// @ts-ignore: decorator
@inline export function splitTriples(p: usize, q: usize, toBytes: usize): void {
  const u = v128.load(p), v = v128.load(p, 16), w = v128.load(p, 32);
  v128.store(q, v128.shuffle<f32>(v128.shuffle<f32>(u, v, 0, 3, 6, 6), w, 0, 1, 2, 5));
  v128.store(q + toBytes, v128.shuffle<f32>(v128.shuffle<f32>(u, v, 1, 4, 7, 7), w, 0, 1, 2, 6));
  v128.store(q + 2 * toBytes, v128.shuffle<f32>(v128.shuffle<f32>(u, v, 2, 5, 5, 5), w, 0, 1, 4, 7));
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
@inline export function splitPairs(p: usize, q: usize, toBytes: usize): void {
  const u = v128.load(p), v = v128.load(p, 16);
  v128.store(q, v128.shuffle<f32>(u, v, 0, 2, 4, 6));
  v128.store(q + toBytes, v128.shuffle<f32>(u, v, 1, 3, 5, 7));
}

// @ts-ignore: decorator
@inline export function joinPairs(p: usize, rowBytes: usize, q: usize, k: v128): void {
  const a = f32x4.mul(v128.load(p), k), b = f32x4.mul(v128.load(p + rowBytes), k);
  v128.store(q, v128.shuffle<f32>(a, b, 0, 4, 1, 5));
  v128.store(q, v128.shuffle<f32>(a, b, 2, 6, 3, 7), 16);
}
