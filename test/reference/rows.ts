/** The frame of losses that have one value per row of classes: weights, ignoring and reduction, once for all. */
import { type Layout, layoutOf, readRow, writeRow } from './layout.ts';
import { product, sumOf } from './numeric.ts';
import { reducerOf } from './reduce.ts';
import { isSparse, type ReferenceInputs, type ReferenceOptions, type ReferenceResult, type Tensor64 } from './types.ts';

/** Value of one sample and its gradient with respect to the row. */
export interface Row {
  readonly value: number;
  readonly grad: Float64Array;
}

/** A row, and what it adds to the denominator of the mean before sampleWeight; 1 if left out. */
export interface WeightedRow extends Row {
  readonly weight?: number | undefined;
}

export const zeroRow = (length: number): Row => ({ value: 0, grad: new Float64Array(length) });

export const nanRow = (length: number): Row => ({
  value: Number.NaN,
  grad: new Float64Array(length).fill(Number.NaN),
});

/** Σ weight · row; a weight of 0 drops its row, NaN and all. */
export function addRows(length: number, terms: readonly { readonly weight: number; readonly row: Row }[]): Row {
  const active = terms.filter(({ weight }) => weight !== 0);
  return {
    value: sumOf(active.map(({ weight, row }) => weight * row.value)),
    grad: Float64Array.from({ length }, (_, k) => sumOf(active.map(({ weight, row }) => weight * row.grad[k]!))),
  };
}

export const sampleWeights = ({ sampleWeight }: ReferenceOptions, layout: Layout): Float64Array =>
  sampleWeight?.data ?? new Float64Array(layout.samples).fill(1);

/** Calls `rowOf` for each sample; what it returns nothing for is ignored. */
export function reduceRows(
  input: Tensor64,
  options: ReferenceOptions,
  layout: Layout,
  rowOf: (x: Float64Array, sample: number) => WeightedRow | undefined,
): ReferenceResult {
  const s = sampleWeights(options, layout);
  const rows = Array.from(s, (_, i) => rowOf(readRow(input.data, layout, i), i));
  const weightSum = sumOf(rows.map((row, i) => (row === undefined ? 0 : s[i]! * (row.weight ?? 1))));
  const reducer = reducerOf(options, layout.sampleShape, layout.batch);
  const values = Float64Array.from(rows, (row, i) => (row === undefined ? 0 : product(s[i]!, row.value)));
  const grad = new Float64Array(input.data.length);
  for (const [i, row] of rows.entries()) {
    if (row === undefined) continue;
    const up = reducer.upstream(i, weightSum) * s[i]!;
    writeRow(
      grad,
      layout,
      i,
      row.grad.map((g) => product(up, g)),
    );
  }
  return {
    loss: reducer.loss(values, weightSum),
    grad: { data: grad, shape: input.shape },
    sum: sumOf(values),
    count: rows.filter((row) => row !== undefined).length,
    weightSum,
  };
}

/** The target as a tensor, for losses that take no sparse one. */
export function denseTarget({ target }: ReferenceInputs): Tensor64 {
  if (target === undefined || isSparse(target)) throw new TypeError('a target that is a tensor is needed');
  return target;
}

/**
 * Class index of each sample, -1 where it is ignored. `ignoreIndex` is compared with the raw value;
 * what is kept is looked up in `labels` when these are given.
 */
export function classIndices(target: Tensor64, classes: number, options: ReferenceOptions): Int32Array {
  const { ignoreIndex = -100, labels } = options;
  return Int32Array.from(target.data, (raw, i) => {
    if (raw === ignoreIndex) return -1;
    const index = labels === undefined ? raw : labels.indexOf(raw);
    if (!Number.isInteger(index) || index < 0 || index >= classes) {
      throw new RangeError(`target[${i}] is ${raw}, outside the ${classes} classes`);
    }
    return index;
  });
}

/** Loss of one sample of class `t` (-1 with probabilities) with masses `q`: weights and smoothing are in them. */
export type RowRule = (x: Float64Array, q: Float64Array, t: number, options: ReferenceOptions) => Row;

export interface Sample {
  readonly q: Float64Array;
  readonly t: number;
  /** What the sample adds to the denominator, next to its sampleWeight. */
  readonly weight: number;
}

/**
 * What a class loss knows of its samples. Masses of an index t: w_t (1-e) [k = t] + w_k e/C; of probabilities y:
 * w_k ((1-e) y_k + e/C). The mean divides by w_t of an index and by 1 for probabilities, as in PyTorch.
 */
export function samplesOf(inputs: ReferenceInputs, options: ReferenceOptions, layout: Layout): (Sample | undefined)[] {
  const { weight, labelSmoothing: e = 0 } = options;
  const { classes } = layout;
  const target = denseTarget(inputs);
  const soft = target.shape.length === inputs.input.shape.length;
  if (target.data.length !== (soft ? inputs.input.data.length : layout.samples)) throw new RangeError('target size');
  if (typeof weight === 'number') throw new TypeError('class weights are a tensor [C]');
  const w = weight?.data ?? new Float64Array(classes).fill(1);
  const masses = (y: (k: number) => number): Float64Array => w.map((v, k) => v * ((1 - e) * y(k) + e / classes));
  if (soft) {
    return Array.from({ length: layout.samples }, (_, i) => {
      const y = readRow(target.data, layout, i);
      return { q: masses((k) => y[k]!), t: -1, weight: 1 };
    });
  }
  return Array.from(classIndices(target, classes, options), (t) =>
    t < 0 ? undefined : { q: masses((k) => Number(k === t)), t, weight: w[t]! },
  );
}

/** A class loss from the rule of one row. `meanBy` samples leaves class weights out of the denominator. */
export function classCompute(rule: RowRule, meanBy: 'weights' | 'samples' = 'weights') {
  return (inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult => {
    const layout = layoutOf(inputs.input.shape, options.axis);
    const samples = samplesOf(inputs, options, layout);
    return reduceRows(inputs.input, options, layout, (x, i) => {
      const sample = samples[i];
      if (sample === undefined) return undefined;
      const { q, t } = sample;
      const row = q.every((mass) => mass === 0) ? zeroRow(x.length) : rule(x, q, t, options);
      return { ...row, weight: meanBy === 'weights' ? sample.weight : 1 };
    });
  };
}
