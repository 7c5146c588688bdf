/** Parts of problems along their first axis: what a caller cuts into shards or mini-batches. */
import type { FormName } from './library.ts';
import {
  isSparse,
  type Problem,
  references,
  type SparseTarget,
  type Target,
  type Tensor64,
} from './reference/index.ts';
import { sizeOf } from './reference/layout.ts';

/** Whether the first axis is one of samples, so that a problem can be cut there; `axis` is the class axis. */
export function isDivisible(op: FormName, shape: readonly number[], axis: number): boolean {
  const { family } = references[op];
  if (family === 'element') return shape.length > 1;
  if (family === 'row') return shape.length > 1;
  return (axis + shape.length) % shape.length > 0;
}

const rowsOf = ({ data, shape }: Tensor64, rows: readonly number[]): Tensor64 => {
  const inner = sizeOf(shape.slice(1));
  const taken = new Float64Array(rows.length * inner);
  for (const [to, from] of rows.entries()) taken.set(data.subarray(from * inner, (from + 1) * inner), to * inner);
  return { data: taken, shape: [rows.length, ...shape.slice(1)] };
};

/** Sparse rows of the rows of a batch, of which each has the same number. */
function sparseRows({ indices, offsets }: SparseTarget, rows: readonly number[], batch: number): SparseTarget {
  const each = (offsets.length - 1) / batch;
  const own: number[] = [];
  const ends = [0];
  for (const row of rows) {
    for (let at = row * each; at < (row + 1) * each; at++) {
      own.push(...indices.subarray(offsets[at]!, offsets[at + 1]!));
      ends.push(own.length);
    }
  }
  return { indices: Int32Array.from(own), offsets: Int32Array.from(ends) };
}

/** Rows `from` … `to` − 1 of a problem. */
export const shardOf = (op: FormName, problem: Problem, from: number, to: number): Problem =>
  takeRows(
    op,
    problem,
    Array.from({ length: to - from }, (_, i) => from + i),
  );

/** Rows of a problem, in any order, as often as they are named. */
export function takeRows(op: FormName, { inputs, options }: Problem, rows: readonly number[]): Problem {
  const { input, target, others } = inputs;
  const batch = input.shape[0]!;
  const part = (tensor: Tensor64): Tensor64 => rowsOf(tensor, rows);
  const cut = (own: Target): Target => (isSparse(own) ? sparseRows(own, rows, batch) : part(own));
  /** An operand that lies along the axes of the input, one for each row of the batch or the same one for all. */
  const aligned = (own: number | Tensor64): number | Tensor64 =>
    typeof own !== 'number' && own.shape.length === input.shape.length && own.shape[0] === batch ? part(own) : own;
  const { sampleWeight, weight, posWeight, variance } = options;
  const byElement = references[op].family === 'element';
  return {
    inputs: {
      input: part(input),
      target: target && cut(target),
      ...(others && { others: Object.fromEntries(Object.entries(others).map(([name, own]) => [name, part(own)])) }),
    },
    options: {
      ...options,
      ...(sampleWeight && { sampleWeight: part(sampleWeight) }),
      ...(weight !== undefined && byElement && { weight: aligned(weight) }),
      ...(posWeight !== undefined && { posWeight: aligned(posWeight) }),
      ...(typeof variance === 'object' && { variance: variance.shape.length === 0 ? variance : part(variance) }),
    },
  };
}
