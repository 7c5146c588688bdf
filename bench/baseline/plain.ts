/**
 * The losses as a careful user writes them in plain JavaScript: one fused pass for loss and gradient over typed arrays, sums in
 * doubles, Math.exp and Math.log once where once is enough, nothing allocated, no branch on data where arithmetic does as well
 * (a wrong guess costs more than the rest of such a loop). They have the options that the workloads need.
 */

import { isSparse, type Problem, type ReferenceOptions, type Tensor64 } from '../../test/reference/index.ts';

export type Floats = Float32Array;

/** The data of a workload, as plain loops take it; what a loss does not have is empty. */
export interface Plain {
  readonly x: Floats;
  /** Target values of the input's shape. */
  readonly y: Floats;
  /** Class indices. */
  readonly index: Int32Array;
  /** Sets of classes: offsets[i] … offsets[i + 1] − 1 are those of sample i. */
  readonly indices: Int32Array;
  readonly offsets: Int32Array;
  /** What else has a gradient, and where that goes, by name. */
  readonly others: Readonly<Record<string, { readonly values: Floats; readonly grad: Floats }>>;
  /** The input is [outer, classes, inner], a row's classes inner apart. */
  readonly outer: number;
  readonly classes: number;
  readonly inner: number;
  readonly options: ReferenceOptions;
}

/** Puts loss and gradient (activations: NaN and the output) where they are asked for; the gradient is that of the mean. */
export type Loop = (grad: Floats) => number;

/** A loss in plain JavaScript. */
export type Baseline = (data: Plain) => Loop;

const noFloats = new Float32Array(0);
const noIndices = new Int32Array(0);

/** A problem as plain loops take it; buffers are made here, once. */
export function plainOf({ inputs: { input, target, others = {} }, options }: Problem): Plain {
  const [outer = 1, classes = 1, ...rest] = input.shape;
  const sparse = target !== undefined && isSparse(target) ? target : undefined;
  const dense = target !== undefined && !isSparse(target) ? target.data : new Float64Array(0);
  const hasValues = dense.length === input.data.length;
  const { variance } = options;
  const differentiated: Readonly<Record<string, Tensor64>> =
    typeof variance === 'object' ? { ...others, variance } : others;
  return {
    x: Float32Array.from(input.data),
    y: hasValues ? Float32Array.from(dense) : noFloats,
    index: hasValues ? noIndices : Int32Array.from(dense),
    indices: sparse?.indices ?? noIndices,
    offsets: sparse?.offsets ?? noIndices,
    others: Object.fromEntries(
      Object.entries(differentiated).map(([name, { data }]) => [
        name,
        { values: Float32Array.from(data), grad: new Float32Array(data.length) },
      ]),
    ),
    outer,
    classes,
    inner: rest.reduce((size, extent) => size * extent, 1),
    options,
  };
}
