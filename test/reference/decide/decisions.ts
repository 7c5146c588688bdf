/** Decisions from logits, in float64 and by definition. A row is the logits of one sample. */

export type Row = readonly number[];

/** The rows of a tensor along an axis, sample by sample in the order of the shape without that axis. */
export function rowsOf(data: ArrayLike<number>, shape: readonly number[], axis: number): number[][] {
  const inner = shape.slice(axis + 1).reduce((n, size) => n * size, 1);
  const outer = shape.slice(0, axis).reduce((n, size) => n * size, 1);
  const classes = shape[axis]!;
  return Array.from({ length: outer * inner }, (_, sample) => {
    const [o, i] = [Math.floor(sample / inner), sample % inner];
    return Array.from({ length: classes }, (__, c) => data[(o * classes + c) * inner + i]!);
  });
}

/** The tensor whose rows along an axis are these. */
export function fromRows(rows: readonly Row[], shape: readonly number[], axis: number): number[] {
  const inner = shape.slice(axis + 1).reduce((n, size) => n * size, 1);
  const classes = shape[axis]!;
  const data = new Array<number>(rows.length * classes);
  rows.forEach((row, sample) => {
    const [o, i] = [Math.floor(sample / inner), sample % inner];
    row.forEach((value, c) => {
      data[(o * classes + c) * inner + i] = value;
    });
  });
  return data;
}

export const hasNaN = (row: Row): boolean => row.some((x) => Number.isNaN(x));

/** log Σ e^x; −Infinity of nothing. */
export function logSumExp(row: Row): number {
  const top = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(top)) return hasNaN(row) ? Number.NaN : top;
  return top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0));
}

/** log p_c = (x_c − m) − log Σ e^(x−m). */
export function logProbability(row: Row, c: number): number {
  const top = row.reduce((max, v) => Math.max(max, v), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(top)) return Number.NaN;
  const first = row.indexOf(top);
  return row[c]! - top - Math.log1p(row.reduce((sum, x, k) => (k === first ? sum : sum + Math.exp(x - top)), 0));
}

export function softmax(row: Row): number[] {
  const whole = logSumExp(row);
  return row.map((x) => Math.exp(x - whole));
}

/** Classes by descending logit, of equal ones the first. */
export const ranking = (row: Row): number[] =>
  row.map((_, c) => c).sort((a, b) => (row[a] === row[b] ? a - b : row[b]! - row[a]!));

/** −log p summed over samples, at a temperature. */
export const negativeLogLikelihood = (rows: readonly Row[], targets: readonly number[], temperature: number): number =>
  rows.reduce(
    (sum, row, i) =>
      sum -
      logProbability(
        row.map((x) => x / temperature),
        targets[i]!,
      ),
    0,
  );
