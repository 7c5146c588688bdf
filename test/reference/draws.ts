/** Random problems: what losses are tested with, ordinary and extreme. Every value is a float32. */
import { broadcastTo, type Layout, layoutOf, readRow, sizeOf, writeRow } from './layout.ts';
import { sumOf } from './numeric.ts';
import { below, between, chance, fill, normal, pick, type Random } from './random.ts';
import { classIndices } from './rows.ts';
import {
  type Change,
  isSparse,
  type OptionDraws,
  type Problem,
  type ReferenceOptions,
  type SparseTarget,
  type TargetKind,
  type Tensor64,
} from './types.ts';

export const tensorOf = (random: Random, shape: readonly number[], low: number, high: number): Tensor64 => ({
  data: fill(sizeOf(shape), () => between(random, low, high)),
  shape,
});

export const logitScales = [0.01, 1, 4, 30] as const;

export function logits(random: Random, shape: readonly number[]): Tensor64 {
  const scale = pick(random, logitScales);
  return { data: fill(sizeOf(shape), () => normal(random, scale)), shape };
}

/** The problem with some of the values of its input replaced. */
export const withInput = ({ inputs, options }: Problem, change: (x: number, flat: number) => number): Problem => ({
  inputs: {
    ...inputs,
    input: { data: fill(inputs.input.data.length, (i) => change(inputs.input.data[i]!, i)), shape: inputs.input.shape },
  },
  options,
});

export const withTarget = ({ inputs, options }: Problem, target: Tensor64 | SparseTarget): Problem => ({
  inputs: { ...inputs, target },
  options,
});

/** Class indices, without a class axis. */
export const indexTarget = (random: Random, { samples, classes, sampleShape }: Layout): Tensor64 => ({
  data: fill(samples, () => below(random, classes)),
  shape: sampleShape,
});

/** Class probabilities: one-hot, a distribution with or without zeros, or masses that add up to anything. */
export function massTarget(random: Random, shape: readonly number[], axis: number | undefined): Tensor64 {
  const layout = layoutOf(shape, axis);
  const data = new Float64Array(sizeOf(shape));
  const kind = pick(random, ['oneHot', 'distribution', 'sparse', 'masses'] as const);
  for (let i = 0; i < layout.samples; i++) {
    const t = below(random, layout.classes);
    const raw = Float64Array.from({ length: layout.classes }, (_, k) => {
      if (kind === 'oneHot') return Number(k === t);
      return kind === 'sparse' && k !== t && chance(random) ? 0 : 0.01 + 0.99 * random();
    });
    const total = kind === 'masses' ? 1 : sumOf(raw);
    writeRow(
      data,
      layout,
      i,
      raw.map((v) => Math.fround(v / total)),
    );
  }
  return { data, shape };
}

/** 0/1 for each position: `share` of them are 1. */
export const multiHot = (random: Random, shape: readonly number[], share = 0.4): Tensor64 => ({
  data: fill(sizeOf(shape), () => Number(chance(random, share))),
  shape,
});

/** The 1 of a 0/1 tensor, row by row of the class axis, the indices of a row in no order. */
export function sparseOf(random: Random, dense: Tensor64, axis: number | undefined): SparseTarget {
  const layout = layoutOf(dense.shape, axis);
  const indices: number[] = [];
  const offsets = [0];
  for (let i = 0; i < layout.samples; i++) {
    const row = readRow(dense.data, layout, i);
    const members = Array.from(row.keys()).filter((k) => row[k] !== 0);
    if (chance(random)) members.reverse();
    for (const member of members) indices.push(member); // more than a call takes arguments
    offsets.push(indices.length);
  }
  return { indices: Int32Array.from(indices), offsets: Int32Array.from(offsets) };
}

/** A sparse target as the 0/1 tensor that it stands for. */
export function denseOf(
  { indices, offsets }: SparseTarget,
  shape: readonly number[],
  axis: number | undefined,
): Tensor64 {
  const layout = layoutOf(shape, axis);
  if (offsets.length !== layout.samples + 1)
    throw new RangeError(`${offsets.length} offsets of ${layout.samples} rows`);
  const data = new Float64Array(sizeOf(shape));
  for (let i = 0; i < layout.samples; i++) {
    const row = new Float64Array(layout.classes);
    for (const k of indices.subarray(offsets[i]!, offsets[i + 1]!)) {
      if (!(k >= 0 && k < layout.classes)) throw new RangeError(`class ${k} of row ${i}`);
      row[k] = 1;
    }
    writeRow(data, layout, i, row);
  }
  return { data, shape };
}

/** A number, or a tensor that broadcasts to the shape by NumPy's rules. */
export function broadcastable(random: Random, shape: readonly number[], low: number, high: number): number | Tensor64 {
  if (chance(random, 0.2)) return between(random, low, high);
  const sizes = shape.slice(below(random, shape.length + 1)).map((n) => (chance(random, 0.4) ? 1 : n));
  return tensorOf(random, sizes, low, high);
}

export const drawTarget = (random: Random, shape: readonly number[], axis: number | undefined, kind: TargetKind) =>
  kind === 'index' ? indexTarget(random, layoutOf(shape, axis)) : massTarget(random, shape, axis);

const layoutFor = ({ inputs, options }: Problem): Layout => layoutOf(inputs.input.shape, options.axis);

/** Draws of options that many class losses have. */
export const drawSampleWeight: Required<OptionDraws>['sampleWeight'] = (random, problem) => {
  const { sampleShape } = layoutFor(problem);
  const drawn = tensorOf(random, sampleShape, 0.25, 2);
  return { data: drawn.data.map((s) => (chance(random, 0.1) ? 0 : s)), shape: sampleShape };
};

export const drawClassWeight: Required<OptionDraws>['weight'] = (random, problem) => {
  const { classes } = layoutFor(problem);
  return tensorOf(random, [classes], 0.25, 2);
};

/** Weights of the input's own shape, by whose sum a mean divides. */
export const drawElementWeight: Required<OptionDraws>['weight'] = (random, { inputs }) =>
  tensorOf(random, inputs.input.shape, 0.25, 2);

export const drawBroadcastWeight: Required<OptionDraws>['weight'] = (random, { inputs }) =>
  broadcastable(random, inputs.input.shape, 0.25, 4);

const isIndex = ({ inputs: { input, target } }: Problem): boolean =>
  target !== undefined && !isSparse(target) && target.shape.length < input.shape.length;

/** A fifth of the samples ignored, by a value inside or outside the range of classes. */
export const ignoreIndex: Change = (random, problem) => {
  const { inputs, options } = problem;
  if (!isIndex(problem)) return problem;
  const value = pick(random, [-100, 255, 0]);
  const target = inputs.target as Tensor64;
  const changed = withTarget(problem, {
    data: target.data.map((t) => (chance(random, 0.2) ? value : t)),
    shape: target.shape,
  });
  return { inputs: changed.inputs, options: { ...options, ignoreIndex: value } };
};

/** Classes called by other numbers than 0 … C-1. */
export const labels: Change = (random, problem) => {
  const { inputs, options } = problem;
  if (!isIndex(problem)) return problem;
  const { classes } = layoutFor(problem);
  const shift = pick(random, [-1, 10]);
  const names = Array.from({ length: classes }, (_, k) => k + shift).reverse();
  const target = inputs.target as Tensor64;
  const index = classIndices(target, classes, options);
  const changed = withTarget(problem, {
    data: target.data.map((raw, i) => (index[i]! < 0 ? raw : names[index[i]!]!)),
    shape: target.shape,
  });
  return { inputs: changed.inputs, options: { ...options, labels: names } };
};

/** A fifth of the targets missing, marked by NaN or by a value. */
export const ignoreValue =
  (values: readonly number[]): Change =>
  (random, problem) => {
    const { inputs, options } = problem;
    const { target } = inputs;
    if (target === undefined || isSparse(target)) return problem;
    const value = pick(random, values);
    const changed = withTarget(problem, {
      data: target.data.map((y) => (chance(random, 0.2) ? value : y)),
      shape: target.shape,
    });
    return { inputs: changed.inputs, options: { ...options, ignoreValue: value } };
  };

/** Options that all losses share, for a loss of that shape without reduction. */
export function commonOptions(random: Random, lossShape: readonly number[]): ReferenceOptions {
  const reduction = pick(random, ['mean', 'sum', 'none', 'batchmean'] as const);
  const number = between(random, -2, 2);
  const upstream = pick(random, [1, number, { data: Float64Array.of(number), shape: [] }]);
  return {
    reduction,
    gradOutput: reduction === 'none' ? tensorOf(random, lossShape, -2, 2) : upstream,
    ...(chance(random) && { scale: between(random, -4, 4) }),
    ...(chance(random) && { emptyMean: pick(random, ['nan', 'zero'] as const) }),
  };
}

/** The value of a broadcast option for each element. */
export const spread = (value: number | Tensor64 | undefined, shape: readonly number[], otherwise = 1): Float64Array =>
  broadcastTo(value ?? otherwise, shape);
