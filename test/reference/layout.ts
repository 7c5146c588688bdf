import type { Tensor64 } from './types.ts';

/** A shape seen as [outer, classes, inner], the class axis in the middle. */
export interface Layout {
  readonly outer: number;
  readonly classes: number;
  readonly inner: number;
  /** outer * inner: the number of class rows. */
  readonly samples: number;
  /** The shape without the class axis. */
  readonly sampleShape: readonly number[];
  /** Size of the first axis that is not the class axis; 1 if there is none. */
  readonly batch: number;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The class axis is 1 by default, 0 for 1-D input; negative axes count from the end. */
export function layoutOf(shape: readonly number[], axis = shape.length === 1 ? 0 : 1): Layout {
  const at = axis < 0 ? axis + shape.length : axis;
  if (at < 0 || at >= shape.length) throw new RangeError(`axis ${axis} of shape [${shape.join(', ')}]`);
  const outer = sizeOf(shape.slice(0, at));
  const inner = sizeOf(shape.slice(at + 1));
  const sampleShape = shape.filter((_, dimension) => dimension !== at);
  return { outer, classes: shape[at]!, inner, samples: outer * inner, sampleShape, batch: sampleShape[0] ?? 1 };
}

/** Offset of class 0 of a sample; its classes follow at distance `inner`. */
export function rowStart(layout: Layout, sample: number): number {
  const outer = Math.floor(sample / layout.inner);
  return outer * layout.classes * layout.inner + (sample - outer * layout.inner);
}

/** The sample that a flat element belongs to. */
export function sampleOf(layout: Layout, flat: number): number {
  const outer = Math.floor(flat / (layout.classes * layout.inner));
  return outer * layout.inner + (flat % layout.inner);
}

export function readRow(data: Float64Array, layout: Layout, sample: number): Float64Array {
  const start = rowStart(layout, sample);
  return Float64Array.from({ length: layout.classes }, (_, k) => data[start + k * layout.inner]!);
}

export function writeRow(data: Float64Array, layout: Layout, sample: number, row: Float64Array): void {
  const start = rowStart(layout, sample);
  for (let k = 0; k < layout.classes; k++) data[start + k * layout.inner] = row[k]!;
}

/** NumPy broadcasting: shapes are aligned at their last axis, and an axis of size 1 (or a missing one) repeats. */
export function broadcastTo(source: number | Tensor64, shape: readonly number[]): Float64Array {
  const size = sizeOf(shape);
  if (typeof source === 'number') return new Float64Array(size).fill(source);
  const lead = shape.length - source.shape.length;
  const fits = lead >= 0 && source.shape.every((n, d) => n === 1 || n === shape[lead + d]);
  if (!fits) throw new RangeError(`[${source.shape.join(', ')}] does not broadcast to [${shape.join(', ')}]`);
  const result = new Float64Array(size);
  for (let flat = 0; flat < size; flat++) {
    let rest = flat;
    let offset = 0;
    let stride = 1;
    for (let d = shape.length - 1; d >= lead; d--) {
      const n = source.shape[d - lead]!;
      if (n !== 1) offset += (rest % shape[d]!) * stride;
      stride *= n;
      rest = Math.floor(rest / shape[d]!);
    }
    result[flat] = source.data[offset]!;
  }
  return result;
}
