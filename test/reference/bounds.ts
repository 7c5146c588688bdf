/** How far a float32 result may be from the reference: the scales of a loss, reduced and weighted as the loss is. */
import { layoutOf, sampleOf } from './layout.ts';
import { sumOf } from './numeric.ts';
import type { Family, Problem, ReferenceLoss, ReferenceOptions, Tensor64 } from './types.ts';

/** Half a last place of a float32 near 1. */
export const unit = 2 ** -24;
/** Smallest normal float32: a kernel may flush to zero below it. */
export const tiniest = 2 ** -126;

/** The largest |upstream gradient| that reaches each element of the input. */
function upstreamOf(family: Family, { inputs, options }: Problem): (flat: number) => number {
  const { gradOutput = 1, reduction = 'mean', axis, per } = options;
  const { shape } = inputs.input;
  if (typeof gradOutput === 'number') return () => Math.abs(gradOutput);
  const { data } = gradOutput;
  if (reduction !== 'none' || family === 'scalar') return () => Math.abs(data[0] ?? 0);
  if (family === 'element') return (flat) => Math.abs(data[flat]!);
  const layout = layoutOf(shape, family === 'row' ? -1 : axis);
  if (family !== 'overlap') return (flat) => Math.abs(data[sampleOf(layout, flat)]!);
  const inner = layout.samples / layout.batch;
  const { classes } = layout;
  const most = new Float64Array(classes === 0 ? 0 : data.length / classes);
  for (const [at, v] of data.entries()) {
    const group = Math.floor(at / classes);
    most[group] = Math.max(most[group]!, Math.abs(v));
  }
  return (flat) => most[per === 'batch' ? 0 : Math.floor(sampleOf(layout, flat) / inner)]!;
}

/** What a reduction divides by; 0 where the mean is over nothing. */
export function divisorOf(loss: ReferenceLoss, { inputs, options }: Problem): number {
  const { reduction = 'mean', zLoss = 0, axis } = options;
  if (loss.family === 'scalar' || reduction === 'none' || reduction === 'sum') return 1;
  const { shape } = inputs.input;
  if (reduction === 'batchmean') {
    const rows = loss.family === 'element' ? undefined : layoutOf(shape, loss.family === 'row' ? -1 : axis);
    return rows === undefined ? (shape[0] ?? 1) : rows.batch;
  }
  const { weightSum, count } = loss.compute(inputs, options);
  // zLoss has a mean of its own, by the count
  if (zLoss === 0) return Math.abs(weightSum);
  return weightSum === 0 ? count : Math.min(Math.abs(weightSum), count);
}

export interface Bounds {
  /** For each element of the loss as reduced. */
  readonly loss: Float64Array;
  readonly grad: Float64Array;
  readonly grads: Readonly<Record<string, Float64Array>>;
  readonly sum: number;
  readonly componentLosses?: Float64Array;
}

const finite = (v: number): number => (Number.isNaN(v) ? 0 : v);

function reduced(values: Float64Array, { reduction = 'mean' }: ReferenceOptions, divisor: number): Float64Array {
  return reduction === 'none'
    ? values.map(finite)
    : Float64Array.of(finite(divisor === 0 ? 0 : sumOf(values) / divisor));
}

/**
 * Largest errors of a float32 result, each `units` roundings of its scale. Infinite where the loss itself is, which has
 * to be compared for equality.
 */
export function errorBounds(loss: ReferenceLoss, problem: Problem, units: number, gradScale?: Float64Array): Bounds {
  const { options } = problem;
  const { scale = 1, gradOutput = 1 } = options;
  const scales = loss.scales(problem);
  const divisor = divisorOf(loss, problem);
  const upstream = upstreamOf(loss.family, problem);
  const most = typeof gradOutput === 'number' ? Math.abs(gradOutput) : largest(gradOutput);
  const factor = divisor === 0 ? 0 : (units * unit * Math.abs(scale)) / divisor;
  const others = Object.entries(scales.grads ?? {}).map(([name, values]) => [
    name,
    values.map((v) => finite(factor * most * v) + tiniest),
  ]);
  const ofLoss = (values: Float64Array): Float64Array =>
    reduced(values, options, divisor).map((v) => units * unit * v + tiniest);
  const parts = scales.componentLosses;
  const components = options.components?.length ?? 0;
  return {
    loss: ofLoss(scales.loss),
    grad: (gradScale ?? scales.grad).map((v, i) => finite(factor * upstream(i) * v) + tiniest),
    grads: Object.fromEntries(others),
    sum: units * unit * finite(sumOf(scales.loss)) + tiniest,
    ...(parts && {
      componentLosses: Float64Array.from(
        Array.from({ length: components }, (_, m) => partOf(parts, m, components)).flatMap((part) => [...ofLoss(part)]),
      ),
    }),
  };
}

const partOf = (parts: Float64Array, m: number, of: number): Float64Array =>
  parts.slice((m * parts.length) / of, ((m + 1) * parts.length) / of);

export function largest({ data }: Pick<Tensor64, 'data'>): number {
  return data.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 0);
}
