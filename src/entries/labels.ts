// Scores of many labels, rows along the last axis, and which labels apply: 0/1 of the scores' own shape, or by row.

import { internals as lib } from '../index.ts';
import type { SparseTarget, TensorInput } from '../values/types.ts';

/** Scores [N, L]. */
export interface Scores {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
  readonly rows: number;
  readonly width: number;
}

/** Reads scores, whose order `checkOrder` checks. */
export function readScores(name: string, scores: TensorInput): Scores {
  const operand = lib.readOperand(scores, `${name}: scores`, true);
  const shape = operand.shape ?? [operand.length];
  const width = shape.at(-1);
  if (width === undefined) throw new RangeError(`${name}: scores has shape [], expected [N, L] or [L]`);
  return {
    get data() {
      return operand.data as ArrayLike<number>; // what is read next may make memory grow in which it lies
    },
    shape,
    rows: lib.sizeOf(shape.slice(0, -1)),
    width,
  };
}

/** None of the scores that count may be NaN, which has no place in an order. */
export function checkOrder(name: string, scores: Scores, counts: (i: number) => boolean = () => true): void {
  const { data } = scores;
  for (let i = 0; i < data.length; i++) {
    if (!Number.isNaN(data[i]) || !counts(i)) continue;
    throw new RangeError(`${name}: scores[${i}] is NaN, which no order has a place for`);
  }
}

/** What a label that does not count becomes. */
export const LEFT_OUT = 2;

/** 0/1 labels of the shape of scores, as one byte each; LEFT_OUT where a label is ignored. */
export function readBits(
  name: string,
  what: string,
  target: TensorInput,
  { shape }: Scores,
  ignored: (value: number) => boolean = () => false,
): Uint8Array {
  const operand = lib.readOperand(target, `${name}: ${what}`);
  lib.fitExactly(operand, shape, () => 'the shape of scores');
  return Uint8Array.from(operand.data as ArrayLike<number>, (value, i) => {
    if (value === 0 || value === 1) return value;
    if (ignored(value)) return LEFT_OUT;
    throw new RangeError(`${name}: ${what}[${i}] is ${value}, expected 0 or 1`);
  });
}

/** Labels, row by row. */
export interface Positives {
  /** The columns of those that apply. */
  of(row: number): readonly number[];
  /** Whether a label counts. */
  counts(row: number, column: number): boolean;
}

/** The labels that apply. */
export function readPositives(
  name: string,
  target: TensorInput | SparseTarget,
  scores: Scores,
  ignored: (value: number) => boolean,
): Positives {
  const { rows, width } = scores;
  if (lib.isSparse(target)) {
    const sparse = lib.readSparse(target, `${name}: target`, rows, width);
    const [columns, starts] = [sparse.indices.data, sparse.offsets.data];
    return {
      of: (row) => Array.from(columns.slice(Number(starts[row]), Number(starts[row + 1])), Number),
      counts: () => true,
    };
  }
  const bits = readBits(name, 'target', target, scores, ignored);
  const of = (row: number): readonly number[] => {
    const found: number[] = [];
    for (let l = 0; l < width; l++) if (bits[row * width + l] === 1) found.push(l);
    return found;
  };
  return { of, counts: (row, column) => bits[row * width + column] !== LEFT_OUT };
}

/** The columns of the k largest of a row, in descending order; of equal ones the first. */
export function largest(
  data: ArrayLike<number>,
  start: number,
  width: number,
  k: number,
  counts: (column: number) => boolean = () => true,
): number[] {
  const kept: number[] = [];
  if (k <= 0) return kept;
  const value = (column: number): number => data[start + column] as number;
  for (let l = 0; l < width; l++) {
    if (!counts(l) || (kept.length === k && !(value(l) > value(kept[k - 1] as number)))) continue;
    if (kept.length === k) kept.pop();
    let at = kept.length;
    while (at > 0 && value(l) > value(kept[at - 1] as number)) at--;
    kept.splice(at, 0, l);
  }
  return kept;
}
