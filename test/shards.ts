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

const rowsOf = ({ data, shape }: Tensor64, from: number, to: number): Tensor64 => {
  const inner = sizeOf(shape.slice(1));
  return { data: data.slice(from * inner, to * inner), shape: [to - from, ...shape.slice(1)] };
};

/** Sparse rows of the rows of a batch, of which each has the same number. */
function sparseRows({ indices, offsets }: SparseTarget, from: number, to: number, batch: number): SparseTarget {
  const each = (offsets.length - 1) / batch;
  const own = offsets.slice(from * each, to * each + 1);
  const first = own[0] ?? 0;
  return { indices: indices.slice(first, own.at(-1)), offsets: own.map((at) => at - first) };
}

/** Rows `from` … `to` − 1 of a problem. */
export function shardOf(op: FormName, { inputs, options }: Problem, from: number, to: number): Problem {
  const { input, target, others } = inputs;
  const batch = input.shape[0]!;
  const part = (tensor: Tensor64): Tensor64 => rowsOf(tensor, from, to);
  const cut = (own: Target): Target => (isSparse(own) ? sparseRows(own, from, to, batch) : part(own));
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
