// Tiles: few classes, or a class axis in the middle. Some vectors' worth of samples are packed into scratch as
// [classes][samples] and computed with one sample per lane, so that there is no horizontal sum, no tail of classes, and a
// large class stride cannot throw a cache line out before all of it is used. A tile has an even number of columns (vectors
// of samples); what one past the last sample holds is never used.

import { LANES, loadV, mul, splat, storeV, VECTOR } from '../lane/lane';
import { joinPairs, joinTriples, splitPairs, splitTriples, transpose4, transposeScaled4 } from '../lane/shuffle';

/**
 * Vectors of samples in a tile. With one, a class stride of 16 KiB throws each cache line out before its other samples are
 * read; sixteen read whole lines and spread the cost of a tile, while a tile of 1000 classes stays in the second-level cache.
 */
const TILE_VECTORS = 16;

/** Samples of a tile. */
// @ts-ignore: decorator
@inline export function tileWidth(): i32 {
  return TILE_VECTORS * LANES;
}

/** Bytes of one class row of a tile, and of an array of one value per sample. */
// @ts-ignore: decorator
@inline export function tileRow(): usize {
  return <usize>TILE_VECTORS * VECTOR;
}

/** Copies n samples × classes into the tile; the rest of the last vector becomes 0. Strides in bytes. */
export function pack(x: usize, classStep: usize, sampleStep: usize, classes: i32, n: i32, tile: usize): void {
  const row = tileRow();
  const whole = n & ~(LANES - 1);
  if (whole < n) for (let c = 0; c < classes; c++) storeV(tile + <usize>c * row + (<usize>whole << 2), splat(0));
  if (sampleStep == 4) {
    for (let c = 0; c < classes; c++, x += classStep, tile += row) copyLine(x, tile, n);
    return;
  }
  const flat = classStep == 4;
  let i = 0;
  if (flat && classes >= 4) {
    for (; i + 4 <= n; i += 4) {
      const from = x + <usize>i * sampleStep, to = tile + (i << 2);
      for (let c = 0; c < classes; c += 4) {
        const at = min(c, classes - 4); // the last block overlaps the one before
        transpose4(from + (at << 2), sampleStep, to + <usize>at * row, row);
      }
    }
  } else if (flat && classes == 3 && sampleStep == 12) {
    for (; i + 4 <= n; i += 4) splitTriples(x + <usize>i * sampleStep, tile + (i << 2), row);
  } else if (flat && classes == 2 && sampleStep == 8) {
    for (; i + 4 <= n; i += 4) splitPairs(x + <usize>i * sampleStep, tile + (i << 2), row);
  }
  for (; i < n; i++) {
    const from = x + <usize>i * sampleStep, to = tile + (i << 2);
    for (let c = 0; c < classes; c++) store<f32>(to + <usize>c * row, load<f32>(from + <usize>c * classStep));
  }
}

/** Copies n samples × classes of the tile back out, each sample times its factor at scales. */
export function unpack(
  tile: usize, g: usize, classStep: usize, sampleStep: usize, classes: i32, n: i32, scales: usize,
): void {
  const row = tileRow();
  if (sampleStep == 4) {
    for (let c = 0; c < classes; c++, g += classStep, tile += row) scaleLine(tile, g, n, scales);
    return;
  }
  const flat = classStep == 4;
  let i = 0;
  if (flat && classes >= 4) {
    for (; i + 4 <= n; i += 4) {
      const from = tile + (i << 2), to = g + <usize>i * sampleStep;
      const k = v128.load(scales + (i << 2));
      for (let c = 0; c < classes; c += 4) {
        const at = min(c, classes - 4);
        transposeScaled4(from + <usize>at * row, row, to + (at << 2), sampleStep, k);
      }
    }
  } else if (flat && classes == 3 && sampleStep == 12) {
    for (; i + 4 <= n; i += 4) joinTriples(tile + (i << 2), row, g + <usize>i * sampleStep, v128.load(scales + (i << 2)));
  } else if (flat && classes == 2 && sampleStep == 8) {
    for (; i + 4 <= n; i += 4) joinPairs(tile + (i << 2), row, g + <usize>i * sampleStep, v128.load(scales + (i << 2)));
  }
  for (; i < n; i++) {
    const from = tile + (i << 2), to = g + <usize>i * sampleStep;
    const k = load<f32>(scales + (i << 2));
    for (let c = 0; c < classes; c++) store<f32>(to + <usize>c * classStep, load<f32>(from + <usize>c * row) * k);
  }
}

// A line that is no multiple of the vector length ends with a vector that overlaps the one before, if it has one.

// @ts-ignore: decorator
@inline function copyLine(from: usize, to: usize, n: i32): void {
  let i = 0;
  for (; i + LANES <= n; i += LANES) storeV(to + (i << 2), loadV(from + (i << 2)));
  if (i == n) return;
  if (n > LANES) {
    i = n - LANES;
    storeV(to + (i << 2), loadV(from + (i << 2)));
  } else for (; i < n; i++) store<f32>(to + (i << 2), load<f32>(from + (i << 2)));
}

// @ts-ignore: decorator
@inline function scaleLine(from: usize, to: usize, n: i32, scales: usize): void {
  let i = 0;
  for (; i + LANES <= n; i += LANES) scaleAt(from, to, i << 2, scales);
  if (i == n) return;
  if (n > LANES) scaleAt(from, to, (n - LANES) << 2, scales);
  else for (; i < n; i++) store<f32>(to + (i << 2), load<f32>(from + (i << 2)) * load<f32>(scales + (i << 2)));
}

// @ts-ignore: decorator
@inline function scaleAt(from: usize, to: usize, at: usize, scales: usize): void {
  storeV(to + at, mul(loadV(from + at), loadV(scales + at)));
}
