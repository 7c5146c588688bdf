// Tiles: few classes, or a class axis in the middle. Some vectors' worth of samples are packed into scratch as
// [classes][samples] and computed with one sample per lane, so that there is no horizontal sum, no tail of classes, and a
// large class stride cannot throw a cache line out before all of it is used. A tile has an even number of columns (vectors
// of samples); what one past the last sample holds is never used.

import { lanes, loadV, mul, splat, storeV } from '../lane/lane';

/**
 * Vectors of samples in a tile. With one, a class stride of 16 KiB throws each cache line out before its other samples are
 * read; sixteen read whole lines and spread the cost of a tile, while a tile of 1000 classes stays in the second-level cache.
 */
const TILE_VECTORS = 16;

/** Samples of a tile. */
// @ts-ignore: decorator
@inline export function tileWidth<V>(): i32 {
  return TILE_VECTORS * lanes<V>();
}

/** Bytes of one class row of a tile, and of an array of one value per sample. */
// @ts-ignore: decorator
@inline export function tileRow<V>(): usize {
  return TILE_VECTORS * sizeof<V>();
}

/** Copies n samples × classes into the tile; the rest of the last vector becomes 0. One of the two strides (bytes) is 4. */
export function pack<V>(x: usize, classStep: usize, sampleStep: usize, classes: i32, n: i32, tile: usize): void {
  const row = tileRow<V>();
  const whole = n & ~(lanes<V>() - 1);
  if (whole < n) for (let c = 0; c < classes; c++) storeV<V>(tile + <usize>c * row + (<usize>whole << 2), splat<V>(0));
  if (sampleStep == 4) {
    for (let c = 0; c < classes; c++, x += classStep, tile += row) copyLine<V>(x, tile, n);
    return;
  }
  let i = 0;
  if (isVector<V>() && classes >= 4) {
    for (; i + 4 <= n; i += 4) {
      const from = x + <usize>i * sampleStep, to = tile + (i << 2);
      for (let c = 0; c < classes; c += 4) {
        const at = min(c, classes - 4); // the last block overlaps the one before
        transpose4(from + (at << 2), sampleStep, to + <usize>at * row, row);
      }
    }
  } else if (isVector<V>() && classes == 3) {
    for (; i + 4 <= n; i += 4) splitTriples(x + <usize>i * sampleStep, tile + (i << 2), row);
  } else if (isVector<V>() && classes == 2) {
    for (; i + 4 <= n; i += 4) splitPairs(x + <usize>i * sampleStep, tile + (i << 2), row);
  }
  for (; i < n; i++) {
    const from = x + <usize>i * sampleStep, to = tile + (i << 2);
    for (let c = 0; c < classes; c++) store<f32>(to + <usize>c * row, load<f32>(from + (c << 2)));
  }
}

/** One factor for each sample of a tile, all 1. */
export const UNSCALED: usize = memory.data<f32>([
  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
], 16);

/** Copies n samples × classes of the tile back out, each sample times its factor at scales. */
export function unpack<V>(
  tile: usize, g: usize, classStep: usize, sampleStep: usize, classes: i32, n: i32, scales: usize,
): void {
  const row = tileRow<V>();
  if (sampleStep == 4) {
    for (let c = 0; c < classes; c++, g += classStep, tile += row) scaleLine<V>(tile, g, n, scales);
    return;
  }
  let i = 0;
  if (isVector<V>() && classes >= 4) {
    for (; i + 4 <= n; i += 4) {
      const from = tile + (i << 2), to = g + <usize>i * sampleStep;
      const k = v128.load(scales + (i << 2));
      for (let c = 0; c < classes; c += 4) {
        const at = min(c, classes - 4);
        transposeScaled4(from + <usize>at * row, row, to + (at << 2), sampleStep, k);
      }
    }
  } else if (isVector<V>() && classes == 3) {
    for (; i + 4 <= n; i += 4) joinTriples(tile + (i << 2), row, g + <usize>i * sampleStep, v128.load(scales + (i << 2)));
  } else if (isVector<V>() && classes == 2) {
    for (; i + 4 <= n; i += 4) joinPairs(tile + (i << 2), row, g + <usize>i * sampleStep, v128.load(scales + (i << 2)));
  }
  for (; i < n; i++) {
    const from = tile + (i << 2), to = g + <usize>i * sampleStep;
    const k = load<f32>(scales + (i << 2));
    for (let c = 0; c < classes; c++) store<f32>(to + (c << 2), load<f32>(from + <usize>c * row) * k);
  }
}

// A line that is no multiple of the vector length ends with a vector that overlaps the one before, if it has one.

// @ts-ignore: decorator
@inline function copyLine<V>(from: usize, to: usize, n: i32): void {
  let i = 0;
  for (; i + lanes<V>() <= n; i += lanes<V>()) storeV<V>(to + (i << 2), loadV<V>(from + (i << 2)));
  if (i == n) return;
  if (n > lanes<V>()) {
    i = n - lanes<V>();
    storeV<V>(to + (i << 2), loadV<V>(from + (i << 2)));
  } else for (; i < n; i++) store<f32>(to + (i << 2), load<f32>(from + (i << 2)));
}

// @ts-ignore: decorator
@inline function scaleLine<V>(from: usize, to: usize, n: i32, scales: usize): void {
  let i = 0;
  for (; i + lanes<V>() <= n; i += lanes<V>()) scaleAt<V>(from, to, i << 2, scales);
  if (i == n) return;
  if (n > lanes<V>()) scaleAt<V>(from, to, (n - lanes<V>()) << 2, scales);
  else for (; i < n; i++) scaleAt<f32>(from, to, i << 2, scales);
}

// @ts-ignore: decorator
@inline function scaleAt<V>(from: usize, to: usize, at: usize, scales: usize): void {
  storeV<V>(to + at, mul<V>(loadV<V>(from + at), loadV<V>(scales + at)));
}

/** Transposes the 4 × 4 block with rows at p, p + rowBytes … into rows at q, q + toBytes … (vector tiers). */
// @ts-ignore: decorator
@inline function transpose4(p: usize, rowBytes: usize, q: usize, toBytes: usize): void {
  storeColumns(v128.load(p), v128.load(p + rowBytes), v128.load(p + 2 * rowBytes), v128.load(p + 3 * rowBytes), q, toBytes);
}

/** transpose4 of the rows times k. */
// @ts-ignore: decorator
@inline function transposeScaled4(p: usize, rowBytes: usize, q: usize, toBytes: usize, k: v128): void {
  const a = mul<v128>(v128.load(p), k), b = mul<v128>(v128.load(p + rowBytes), k);
  const c = mul<v128>(v128.load(p + 2 * rowBytes), k), d = mul<v128>(v128.load(p + 3 * rowBytes), k);
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
@inline function splitTriples(p: usize, q: usize, toBytes: usize): void {
  const u = v128.load(p), v = v128.load(p, 16), w = v128.load(p, 32);
  v128.store(q, v128.shuffle<f32>(v128.shuffle<f32>(u, v, 0, 3, 6, 6), w, 0, 1, 2, 5));
  v128.store(q + toBytes, v128.shuffle<f32>(v128.shuffle<f32>(u, v, 1, 4, 7, 7), w, 0, 1, 2, 6));
  v128.store(q + 2 * toBytes, v128.shuffle<f32>(v128.shuffle<f32>(u, v, 2, 5, 5, 5), w, 0, 1, 4, 7));
}

// @ts-ignore: decorator
@inline function joinTriples(p: usize, rowBytes: usize, q: usize, k: v128): void {
  const a = mul<v128>(v128.load(p), k), b = mul<v128>(v128.load(p + rowBytes), k);
  const c = mul<v128>(v128.load(p + 2 * rowBytes), k);
  v128.store(q, v128.shuffle<f32>(v128.shuffle<f32>(a, b, 0, 4, 1, 1), c, 0, 1, 4, 2));
  v128.store(q, v128.shuffle<f32>(v128.shuffle<f32>(a, b, 5, 2, 6, 6), c, 0, 5, 1, 2), 16);
  v128.store(q, v128.shuffle<f32>(v128.shuffle<f32>(a, b, 3, 7, 7, 7), c, 6, 0, 1, 7), 32);
}

// @ts-ignore: decorator
@inline function splitPairs(p: usize, q: usize, toBytes: usize): void {
  const u = v128.load(p), v = v128.load(p, 16);
  v128.store(q, v128.shuffle<f32>(u, v, 0, 2, 4, 6));
  v128.store(q + toBytes, v128.shuffle<f32>(u, v, 1, 3, 5, 7));
}

// @ts-ignore: decorator
@inline function joinPairs(p: usize, rowBytes: usize, q: usize, k: v128): void {
  const a = mul<v128>(v128.load(p), k), b = mul<v128>(v128.load(p + rowBytes), k);
  v128.store(q, v128.shuffle<f32>(a, b, 0, 4, 1, 5));
  v128.store(q, v128.shuffle<f32>(a, b, 2, 6, 3, 7), 16);
}
