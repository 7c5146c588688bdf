// Sets of classes, or the positives of many labels, by row: indices and offsets (CSR).

import type { Operand } from './operand.ts';
import { readOperand } from './operand.ts';

/** A sparse target. */
export interface Sparse {
  readonly indices: Operand;
  readonly offsets: Operand;
  readonly rows: number;
  /** Columns of a row. */
  readonly width: number;
}

/** Whether a target is a sparse one. */
export const isSparse = (value: unknown): value is { readonly indices: unknown; readonly offsets: unknown } =>
  typeof value === 'object' && value !== null && 'indices' in value && 'offsets' in value;

/** Reads a sparse target; what its arrays hold is checked when it is used (`checkSparse`). */
export function readSparse(
  { indices, offsets }: { readonly indices: unknown; readonly offsets: unknown },
  where: string,
  rows: number,
  width: number,
): Sparse {
  const sparse = {
    indices: readOperand(indices, `${where}.indices`),
    offsets: readOperand(offsets, `${where}.offsets`),
    rows,
    width,
  };
  if (sparse.offsets.length !== rows + 1) {
    throw new RangeError(
      `${where}.offsets has ${sparse.offsets.length} values, expected ${rows + 1}, one more than rows`,
    );
  }
  checkSparse(sparse, sparse.indices.data, sparse.offsets.data, roomToSee(sparse));
  return sparse;
}

/** Room for one number per column; where there are no rows, columns may be any number. */
export const roomToSee = ({ rows, width }: Sparse): Int32Array => new Int32Array(rows === 0 ? 0 : width);

/** RangeError where a row is no set of columns. `seen` has room for one number per column. */
export function checkSparse(
  { indices, offsets, rows, width }: Sparse,
  columns: ArrayLike<number | bigint>,
  starts: ArrayLike<number | bigint>,
  seen: Int32Array,
): void {
  seen.fill(0);
  let from = 0;
  for (let row = 0; row <= rows; row++) {
    const to = Number(starts[row]);
    if (!Number.isInteger(to) || to < from || to > columns.length) {
      throw new RangeError(`${offsets.where}[${row}] is ${to}, expected an integer from ${from} to ${columns.length}`);
    }
    for (let at = row > 0 ? from : to; at < to; at++) {
      const column = Number(columns[at]);
      const before = seen[column]; // undefined for what is no index
      if (before === undefined) {
        throw new RangeError(`${indices.where}[${at}] is ${column}, outside [0, ${width})`);
      }
      if (before === row) {
        throw new RangeError(`${indices.where}[${at}] is ${column} for the second time in row ${row - 1}`);
      }
      seen[column] = row;
    }
    from = to;
  }
}
