// Elements as [outer, middle, inner] rows, in which operands that broadcast repeat.

import type { Use } from '../arguments/call.ts';
import { Operand } from '../arguments/operand.ts';
import { collapse, expand } from '../values/shape.ts';
import type { NumericArray } from '../values/types.ts';

/** Rows shorter than this are not walked one by one; operands that repeat in them are written out instead. */
const SHORT_ROW = 64;

/** An operand as the rows have it. */
export interface RowOperand {
  readonly use: Use;
  readonly operand: Operand;
  readonly strides: readonly [number, number, number];
  /** Where the operand was written out: writes the values of the original out again. */
  readonly refill?: (values: NumericArray) => void;
}

/** How an elementwise call is walked. */
export interface Rows {
  readonly middle: number;
  readonly inner: number;
  readonly operands: readonly RowOperand[];
}

/** Joins the axes of an elementwise call as far as its repeating operands allow. */
export function rowsOf(shape: readonly number[], size: number, all: readonly Use[]): Rows {
  const uses = all.filter(({ role }) => role === 'repeating');
  if (uses.length === 0) return { middle: 1, inner: size, operands: [] };
  const given = uses.map(({ strides = [] }) => strides);
  const joined = collapse(shape, given);
  // one with a gradient is walked in its own rows, however short
  const short =
    joined !== undefined &&
    joined.inner < SHORT_ROW &&
    joined.rows * joined.outer > 1 &&
    !uses.some(({ pulls }) => pulls);
  if (joined && !short) {
    const operands = uses.map((use, k) => ({
      use,
      operand: use.operand,
      strides: joined.strides[k] ?? ([0, 0, 0] as const),
    }));
    return { middle: joined.rows, inner: joined.inner, operands };
  }
  // operands that jump about or repeat within short rows are written out: by whole periods where they have one
  let axis = 0;
  while (axis < shape.length && given.every((strides) => strides[axis] === 0)) axis++;
  const row = shape.slice(axis);
  const period = row.reduce((n, d) => n * d, 1);
  const times = size === 0 ? 0 : Math.min(Math.ceil(1024 / period) * 4, Math.ceil(size / period));
  const inner = times * period;
  return {
    middle: size === 0 ? 1 : Math.ceil(size / inner),
    inner,
    operands: uses.map((use) => written(use, row, inner)),
  };
}

/** An operand written out over `row`, repeated to the length of `inner`. */
function written(use: Use, row: readonly number[], inner: number): RowOperand {
  const full = new Float32Array(inner);
  const strides = use.strides ?? [];
  const own = strides.slice(strides.length - row.length);
  return {
    use,
    operand: new Operand(use.operand.where, full, [inner], inner),
    strides: [0, 0, 1],
    refill: (values) => {
      const period = expand(values, own, row, full);
      for (let have = period; have < inner; have *= 2) full.copyWithin(have, 0, Math.min(have, inner - have));
    },
  };
}
