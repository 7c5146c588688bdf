// Tiles: few classes, or a class axis in the middle. Some vectors' worth of samples are packed into scratch as
// [classes][samples] and computed with one sample per lane, so that there is no horizontal sum, no tail of classes, and a
// large class stride cannot throw a cache line out before all of it is used. A tile has an even number of columns (vectors
// of samples); what one past the last sample holds is never used.

import { LANES, loadV, mul, pmax, splat, storeV, VECTOR } from '../lane/lane';
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

/**
 * Copies n samples × classes into the tile, and the largest of each sample to the array at maxima (a NaN may be passed over).
 * Strides in bytes.
 */
export function pack(
  x: usize, classStep: usize, sampleStep: usize, classes: i32, n: i32, tile: usize, maxima: usize,
): void {
  const row = tileRow();
  if (sampleStep == 4) {
    packLines(x, classStep, classes, n, tile, maxima);
    return;
  }
  const flat = classStep == 4;
  let i = 0;
  if (flat && classes == 4) {
    // of which most of the time would go into a loop of one turn
    for (; i + 4 <= n; i += 4) storeV(maxima + (i << 2), transpose4(x + <usize>i * sampleStep, sampleStep, tile + (i << 2), row));
  } else if (flat && classes > 4) {
    for (; i + 4 <= n; i += 4) {
      const from = x + <usize>i * sampleStep, to = tile + (i << 2);
      let m = splat(-Infinity);
      for (let c = 0; c < classes; c += 4) {
        const at = min(c, classes - 4); // the last block overlaps the one before
        m = pmax(m, transpose4(from + (at << 2), sampleStep, to + <usize>at * row, row));
      }
      storeV(maxima + (i << 2), m);
    }
  } else if (flat && classes == 3 && sampleStep == 12) {
    for (; i + 4 <= n; i += 4) splitTriples(x + <usize>i * sampleStep, tile + (i << 2), row, maxima + (i << 2));
  } else if (flat && classes == 2 && sampleStep == 8) {
    for (; i + 4 <= n; i += 4) splitPairs(x + <usize>i * sampleStep, tile + (i << 2), row, maxima + (i << 2));
  }
  for (; i < n; i++) packSample(x + <usize>i * sampleStep, classStep, classes, tile + (i << 2), maxima + (i << 2));
}

/** A sample by itself. */
function packSample(x: usize, classStep: usize, classes: i32, tile: usize, maximum: usize): void {
  let m = load<f32>(x);
  for (let c = 0; c < classes; c++, x += classStep, tile += tileRow()) {
    const value = load<f32>(x);
    store<f32>(tile, value);
    if (value > m) m = value;
  }
  store<f32>(maximum, m);
}

/** Lines of samples, one for each class; a cache line of each at a time, before the next class can throw it out. */
function packLines(x: usize, classStep: usize, classes: i32, n: i32, tile: usize, maxima: usize): void {
  const row = tileRow(), none = splat(-Infinity);
  let i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES) {
    let m0 = none, m1 = none, m2 = none, m3 = none;
    let from = x + (<usize>i << 2), to = tile + (<usize>i << 2);
    for (let c = 0; c < classes; c++, from += classStep, to += row) {
      const x0 = loadV(from), x1 = loadV(from + VECTOR), x2 = loadV(from + 2 * VECTOR), x3 = loadV(from + 3 * VECTOR);
      storeV(to, x0);
      storeV(to + VECTOR, x1);
      storeV(to + 2 * VECTOR, x2);
      storeV(to + 3 * VECTOR, x3);
      m0 = pmax(m0, x0);
      m1 = pmax(m1, x1);
      m2 = pmax(m2, x2);
      m3 = pmax(m3, x3);
    }
    const place = maxima + (<usize>i << 2);
    storeV(place, m0);
    storeV(place + VECTOR, m1);
    storeV(place + 2 * VECTOR, m2);
    storeV(place + 3 * VECTOR, m3);
  }
  // a line that is no multiple of the vector length ends with a vector that overlaps the one before, if it has one
  for (; i < n; i += LANES) {
    if (n < LANES) {
      for (; i < n; i++) packSample(x + (<usize>i << 2), classStep, classes, tile + (<usize>i << 2), maxima + (<usize>i << 2));
      return;
    }
    const at = <usize>min(i, n - LANES) << 2;
    let m = none, from = x + at, to = tile + at;
    for (let c = 0; c < classes; c++, from += classStep, to += row) {
      const v = loadV(from);
      storeV(to, v);
      m = pmax(m, v);
    }
    storeV(maxima + at, m);
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
  if (flat && classes == 4) {
    for (; i + 4 <= n; i += 4) transposeScaled4(tile + (i << 2), row, g + <usize>i * sampleStep, sampleStep, v128.load(scales + (i << 2)));
  } else if (flat && classes > 4) {
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
    for (; i + 4 <= n; i += 4) {
      const from = tile + (i << 2), k = v128.load(scales + (i << 2));
      joinPairs(mul(loadV(from), k), mul(loadV(from + row), k), g + <usize>i * sampleStep);
    }
  }
  for (; i < n; i++) {
    const from = tile + (i << 2), to = g + <usize>i * sampleStep;
    const k = load<f32>(scales + (i << 2));
    for (let c = 0; c < classes; c++) store<f32>(to + <usize>c * classStep, load<f32>(from + <usize>c * row) * k);
  }
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
