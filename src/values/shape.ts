// Shapes: the [outer, classes, inner] form of a class axis, and how weights broadcast over elements.

import { show, sizeOf } from './array.ts';
import type { NumericArray } from './types.ts';

/** [outer, classes, inner]: what lies before the class axis, the axis, and what lies behind it. */
export interface ClassGeometry {
  /** Where the class axis is, from 0. */
  readonly axis: number;
  readonly outer: number;
  readonly classes: number;
  readonly inner: number;
  /** The input's shape without the class axis. */
  readonly lossShape: readonly number[];
}

/** Splits a shape at its class axis: 1 by default, 0 for 1-D input; negatives count from the end. `where` opens messages. */
export function splitAtAxis(shape: readonly number[], axis: number | undefined, where: string): ClassGeometry {
  const asked = axis ?? (shape.length === 1 ? 0 : 1);
  const at = asked < 0 ? asked + shape.length : asked;
  if (!(at >= 0 && at < shape.length)) {
    throw new RangeError(
      `${where}: axis is ${asked}, expected an integer from ${-shape.length} to ${shape.length - 1} for ${show(shape)}`,
    );
  }
  const lossShape: number[] = [];
  let outer = 1;
  let inner = 1;
  for (let i = 0; i < shape.length; i++) {
    if (i === at) continue;
    const size = shape[i] as number;
    lossShape.push(size);
    if (i < at) outer *= size;
    else inner *= size;
  }
  return { axis: at, outer, classes: shape[at] ?? 0, inner, lossShape };
}

/** Strides (in elements) of an operand of shape `own` broadcast to `shape` by NumPy's rules; undefined if it does not. */
export function broadcastStrides(own: readonly number[], shape: readonly number[]): number[] | undefined {
  const lead = shape.length - own.length;
  if (lead < 0) return undefined;
  const strides: number[] = new Array<number>(shape.length).fill(0);
  let step = 1;
  for (let i = own.length - 1; i >= 0; i--) {
    const size = own[i] ?? 0;
    if (size !== 1) {
      if (size !== shape[i + lead]) return undefined;
      strides[i + lead] = step;
    }
    step *= size;
  }
  return strides;
}

/** Elements as [outer, rows, inner], with the strides of each broadcast operand along those. */
export interface ElementGeometry {
  readonly outer: number;
  readonly rows: number;
  readonly inner: number;
  readonly strides: readonly (readonly [number, number, number])[];
}

/**
 * Joins neighbouring axes along which every operand moves in one stride (or stands still). Undefined where more than three
 * axes remain; the caller then expands the operands.
 */
export function collapse(
  shape: readonly number[],
  operands: readonly (readonly number[])[],
): ElementGeometry | undefined {
  const sizes: number[] = [];
  const strides: number[][] = operands.map(() => []);
  shape.forEach((size, axis) => {
    if (size === 1) return;
    const joins = sizes.length > 0 && operands.every((own, k) => strides[k]?.at(-1) === (own[axis] ?? 0) * size);
    if (joins) {
      sizes[sizes.length - 1] = (sizes.at(-1) ?? 1) * size;
      operands.forEach((own, k) => {
        const list = strides[k];
        if (list) list[list.length - 1] = own[axis] ?? 0;
      });
    } else {
      sizes.push(size);
      operands.forEach((own, k) => {
        strides[k]?.push(own[axis] ?? 0);
      });
    }
  });
  if (sizes.length > 3) return undefined;
  const pad = 3 - sizes.length;
  const [outer, rows, inner] = [...new Array<number>(pad).fill(1), ...sizes] as [number, number, number];
  return {
    outer,
    rows,
    inner,
    strides: strides.map((list) => [...new Array<number>(pad).fill(0), ...list] as [number, number, number]),
  };
}

/** Writes an operand with strides over `shape` out to the front of `full`; returns how many values that were. */
export function expand(
  data: NumericArray,
  strides: readonly number[],
  shape: readonly number[],
  full: Float32Array,
): number {
  const size = sizeOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < size; to++) {
    full[to] = Number(data[from]);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      from += strides[axis] ?? 0;
      if (next < (shape[axis] ?? 0)) {
        index[axis] = next;
        break;
      }
      index[axis] = 0;
      from -= next * (strides[axis] ?? 0);
    }
  }
  return size;
}
