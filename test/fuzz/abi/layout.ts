/** How the tensors of a call lie in memory: strides that no wrapper uses, or those that one does. */
import type { Layout } from '../../reference/layout.ts';
import type { Problem } from '../types.ts';

/** Values left out behind the classes of a sample and behind its rows, and whether samples of inner 1 lie side by side. */
export interface StrideDraw {
  readonly step: number;
  readonly outer: number;
  readonly transposed: boolean;
  /** Words that it starts behind a line of 64 bytes. */
  readonly offset: number;
}

export interface Strided {
  readonly step: number;
  readonly outer: number;
  /** Where the i-th value of the tensor is. */
  readonly place: (i: number) => number;
  readonly words: number;
}

/** The strides of a tensor [outer, classes, inner]. */
export function classStrides({ outer, classes, inner }: Layout, draw: StrideDraw): Strided {
  const transposed = draw.transposed && inner === 1;
  const step = transposed ? outer + draw.step : inner + draw.step;
  const row = transposed ? 1 : Math.max(1, classes) * step + draw.outer;
  const place = (i: number): number => {
    const o = Math.floor(i / (classes * inner));
    const rest = i - o * classes * inner;
    return o * row + Math.floor(rest / inner) * step + (rest % inner);
  };
  const last = Math.max(0, outer - 1) * row + Math.max(0, classes - 1) * step + inner;
  return { step, outer: row, place, words: last };
}

/** Elements as rows: three axes at most. */
export interface Rows {
  readonly outer: number;
  readonly middle: number;
  readonly inner: number;
}

export function rowsOf(shape: readonly number[]): Rows | undefined {
  if (shape.length > 3) return undefined;
  const [outer = 1, middle = 1, inner = 1] = [...[1, 1, 1].slice(shape.length), ...shape];
  return { outer, middle, inner };
}

/** An operand that repeats along some of the axes, its rows further apart than they need be. */
export function repeated(own: readonly number[], { outer, middle, inner }: Rows, pad: number) {
  const sizes = [1, 1, 1, ...own].slice(-3);
  const [a, b, c] = [outer, middle, inner].map((size, d) => sizes[d] === size && size > 1);
  const c2 = c ? 1 : 0;
  const c1 = b ? (c ? inner : 1) + pad : 0;
  const c0 = a ? (b ? middle * c1 : c ? inner : 1) + pad : 0;
  const places: number[] = [];
  for (let o = 0; o < (a ? outer : 1); o++) {
    for (let m = 0; m < (b ? middle : 1); m++)
      for (let i = 0; i < (c ? inner : 1); i++) places.push(o * c0 + m * c1 + i);
  }
  return { strides: [c0, c1, c2] as const, places, words: (places.at(-1) ?? 0) + 1 };
}

/** Whether what a tensor option repeats along is an axis of the input: sizes of 0 have no values to place. */
export const isEmpty = ({ draw }: Problem): boolean => draw.shape.includes(0);
