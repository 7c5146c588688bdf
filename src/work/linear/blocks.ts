// How many rows of logits a head computes at a time.

/** Bytes of linear memory that a head takes beside its operands and gradients: 4 MiB at most, most of it logits. */
const LOGITS = 704512;
/** Values of a window of a matrix that is not in linear memory: 256 KiB. */
const WINDOW = 65536;
/** Rows of a block, where they are short: enough that what a pass over the weight costs is spread. */
const FEWEST = 64;

/** Rows of a window over a matrix of rows of `width` values. */
export const windowOf = (rows: number, width: number): number =>
  Math.max(1, Math.min(rows, Math.floor(WINDOW / Math.max(1, width))));

/**
 * Rows of a block: as many as leave their logits and features in the second-level cache, but enough of them to spread the
 * passes over the weight; 0 where one row of logits is too much, and the class axis is cut. The shapes alone decide, so that
 * the bits are the same wherever operands are.
 */
export function rowsOfBlock(rows: number, columns: number, depth: number): number {
  const most = Math.floor(LOGITS / Math.max(1, columns));
  if (most === 0) return 0;
  const cached = Math.floor(WINDOW / Math.max(1, columns, depth));
  const high = Math.max(1, Math.min(rows, most, Math.max(FEWEST, cached), windowOf(rows, depth)));
  return Math.ceil(rows / Math.max(1, Math.ceil(rows / high)));
}
