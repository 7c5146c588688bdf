// Tiles of several lines: where the samples of a line along inner are fewer than a tile has, whole lines stand in it side by side.
// Lines of less than a vector are copied by whole vectors, of which the next line overwrites what is too much.

import { LANES, loadV, mul, pmax, splat, storeV } from '../lane/lane';
import { pack, tileRow, unpack } from './pack';
import { Walk } from './walk';

/** Copies values of the walk's samples into a tile, and the largest of each sample to the array at maxima (pack.ts). */
export function bring(t: Walk, x: usize, classStep: usize, sampleStep: usize, lineStep: usize, tile: usize, maxima: usize): void {
  const n = t.n, line = t.line, classes = t.count, whole = n & ~(LANES - 1), row = tileRow();
  if (whole < n) {
    for (let c = 0; c < classes; c++) storeV(tile + <usize>c * row + (<usize>whole << 2), splat(0));
    storeV(maxima + (<usize>whole << 2), splat(0));
  }
  let i = 0;
  // a vector reaches into the next class, or the next line: neither is read behind its end
  if (line < LANES && sampleStep == 4 && classStep >= <usize>line << 2 && lineStep >= classStep * <usize>classes) {
    for (; i + LANES <= n; i += line, x += lineStep) {
      let m = splat(-Infinity), from = x, to = tile + (<usize>i << 2);
      for (let c = 0; c < classes; c++, from += classStep, to += row) {
        const v = loadV(from);
        storeV(to, v);
        m = pmax(m, v);
      }
      storeV(maxima + (<usize>i << 2), m);
    }
  }
  for (; i < n; i += line, x += lineStep) {
    pack(x, classStep, sampleStep, classes, line, tile + (<usize>i << 2), maxima + (<usize>i << 2));
  }
}

/** Copies the tile of gradients back out, each sample times its factor at scales. */
export function take(t: Walk, tile: usize, scales: usize): void {
  const n = t.n, line = t.line, classes = t.count, step = t.classG;
  let i = 0, g = t.g;
  if (line < LANES && t.sampleG == 4 && step == <usize>line << 2 && t.lineG == step * <usize>classes) {
    for (; i + LANES <= n; i += line, g += t.lineG) {
      const k = loadV(scales + (<usize>i << 2));
      let from = tile + (<usize>i << 2), to = g;
      for (let c = 0; c < classes; c++, from += tileRow(), to += step) storeV(to, mul(loadV(from), k));
    }
  }
  for (; i < n; i += line, g += t.lineG) {
    unpack(tile + (<usize>i << 2), g, step, t.sampleG, classes, line, scales + (<usize>i << 2));
  }
}
