import type { Baseline, Floats, Plain } from './plain.ts';

/**
 * The rows of a workload, or of a tile of it, their classes side by side. Targets of samples stay where they are: row i is the
 * sample `first` + i. Dense targets are laid out like the input.
 */
export type Rows = (
  data: Pick<Plain, 'x' | 'y' | 'index' | 'indices' | 'offsets' | 'others' | 'classes'>,
  grad: Floats,
  rows: number,
  first: number,
  /** Multiplies the gradients. */
  upstream: number,
) => number;

/** Positions of a tile: whole cache lines of each class, and all of a tile's classes in the first cache. */
const tile = 64;

function copyIn(from: Floats, at: number, to: Floats, classes: number, inner: number, width: number): void {
  for (let c = 0; c < classes; c++) {
    const start = at + c * inner;
    for (let k = 0; k < width; k++) to[k * classes + c] = from[start + k]!;
  }
}

function copyOut(from: Floats, to: Floats, at: number, classes: number, inner: number, width: number): void {
  for (let c = 0; c < classes; c++) {
    const start = at + c * inner;
    for (let k = 0; k < width; k++) to[start + k] = from[k * classes + c]!;
  }
}

/**
 * A loss of rows, its mean by samples. A class axis in the middle is taken in tiles that are transposed: for losses with
 * exponentials, measured, as fast as loops that walk the memory in order with a slot for each position.
 */
export const rowwise =
  (rowsOf: (data: Plain) => Rows): Baseline =>
  (data) => {
    const { x, y, outer, classes, inner } = data;
    const samples = outer * inner;
    const upstream = 1 / samples;
    const loss = rowsOf(data);
    if (inner === 1) return (grad) => loss(data, grad, samples, 0, upstream) * upstream;
    const part = { ...data, x: new Float32Array(tile * classes), y: new Float32Array(y.length && tile * classes) };
    const gradient = new Float32Array(tile * classes);
    return (grad) => {
      let sum = 0;
      for (let n = 0; n < outer; n++) {
        for (let k = 0; k < inner; k += tile) {
          const width = Math.min(tile, inner - k);
          const at = n * classes * inner + k;
          copyIn(x, at, part.x, classes, inner, width);
          if (y.length) copyIn(y, at, part.y, classes, inner, width);
          sum += loss(part, gradient, width, n * inner + k, upstream);
          copyOut(gradient, grad, at, classes, inner, width);
        }
      }
      return sum * upstream;
    };
  };

export function rowMax(x: Floats, start: number, end: number): number {
  let max = x[start]!;
  for (let i = start + 1; i < end; i++) if (x[i]! > max) max = x[i]!;
  return max;
}

/** e^(x − max) of a row; returns the sum. */
export function exponentials(x: Floats, grad: Floats, start: number, end: number, max: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) {
    const e = Math.exp(x[i]! - max);
    grad[i] = e;
    sum += e;
  }
  return sum;
}
