// Columns of rows that are longer: taken out side by side, and added back.

import { internals as lib } from '../index.ts';

/** A row of more values than this is copied as a whole. */
const LONG = 16;

/** Copies `width` values of each row, from column `from` on, side by side. */
export function takeColumns(
  data: ArrayLike<number>,
  columns: number,
  from: number,
  to: Float32Array,
  width: number,
): void {
  if (width === columns) {
    to.set(data);
    return;
  }
  for (let at = 0, start = from; at < to.length; at += width, start += columns) {
    if (width > LONG && data instanceof Float32Array) to.set(data.subarray(start, start + width), at);
    else for (let k = 0; k < width; k++) to[at + k] = Number(data[start + k]);
  }
}

/** Adds rows that lie side by side, each value times a factor, to those columns. */
export function addColumns(
  data: Float32Array,
  width: number,
  to: Float32Array,
  columns: number,
  from: number,
  factor: number,
): void {
  for (let at = 0, start = from; at < data.length; at += width, start += columns) {
    for (let k = 0; k < width; k++) {
      to[start + k] = lib.real((to[start + k] as number) + factor * (data[at + k] as number));
    }
  }
}
