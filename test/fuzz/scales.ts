/**
 * How large the terms of each result are. A float32 kernel rounds each of them a few times, so its error is a few units of
 * 2^-24 of these scales, whatever is left of the terms once they cancel. A probability p = e^(x - max) / Σ has the relative
 * error of its exponent, which is the gap max - x itself, beside that of the division.
 */

import { denseOf } from '../reference/draws.ts';
import type { Tensor64 } from '../reference/index.ts';
import { broadcastTo, type Layout, readRow } from '../reference/layout.ts';
import { type SoftmaxRow, sigmoid, softmaxRow, softplus } from '../reference/numeric.ts';
import type { Problem, Scales } from './types.ts';

/** In units of 2^-22: masses, losses and upstream gradients are float32, no finer than 2^-149, and rounded twice. */
const GRAIN = 2 ** -126;
/** In the same units: an exponential below 2^-126 may be 0. */
const FLUSH = 2 ** -104;

/** What the denominators are made of. */
export interface Totals {
  readonly weightSum: number;
  readonly count: number;
}

/** |gradOutput · scale / divisor| of a sample; 0 where the mean is over nothing. */
function upstreamOf({ truth, layout }: Problem, totals: Totals): (sample: number) => { up: number; z: number } {
  const { reduction = 'mean', gradOutput = 1, scale = 1 } = truth;
  const divisors = {
    none: [1, 1],
    sum: [1, 1],
    batchmean: [layout.batch, layout.batch],
    mean: [totals.weightSum, totals.count],
  }[reduction];
  const over = (by: number, value: number): number => (by === 0 ? 0 : Math.abs((value * scale) / by) + GRAIN);
  return (sample) => {
    const value = typeof gradOutput === 'number' ? gradOutput : gradOutput.data[reduction === 'none' ? sample : 0]!;
    return { up: over(divisors[0]!, value), z: over(divisors[1]!, value) };
  };
}

const dataOf = (value: number | Tensor64 | undefined, length: number): Float64Array =>
  typeof value === 'object' ? value.data : new Float64Array(length).fill(value ?? 1);

/**
 * p_k with the units of its exponent's error and of a float32 sum over the classes; 0 where a class is masked. Not more than
 * 1: by golden/README.md the whole mass is the scale.
 */
function blurred(row: SoftmaxRow, x: Float64Array): Float64Array {
  let max = Number.NEGATIVE_INFINITY;
  for (const value of x) max = Math.max(max, value);
  const sum = 2 + Math.sqrt(x.length) / 8;
  return row.p.map((p, k) => {
    if (x[k] === Number.NEGATIVE_INFINITY) return 0;
    return p === 0 ? FLUSH : Math.min(1, p * (sum + (max - x[k]!)) + FLUSH);
  });
}

/** A row of the input and its softmax. */
function rowOf({ input, layout }: Problem, sample: number) {
  const x = readRow(input.tensor.data, layout, sample);
  const row = softmaxRow(x);
  return { x, row, p: blurred(row, x) };
}

const total = (values: Float64Array): number => values.reduce((sum, v) => sum + Math.abs(v), 0);
/** The size of a mass that is not 0. */
const grained = (mass: number): number => (mass === 0 ? 0 : Math.abs(mass) + GRAIN);
const finite = (value: number): number => (Number.isFinite(value) ? Math.abs(value) : 0);

const place = (layout: Layout, sample: number, k: number): number =>
  Math.floor(sample / layout.inner) * layout.classes * layout.inner + k * layout.inner + (sample % layout.inner);

/** |q_c|: class weight × smoothed target × sample weight, without what a sample that is ignored would have. */
function massesOf({ truth, target, layout }: Problem, sample: number) {
  const { classes } = layout;
  const { ignoreIndex = -100, labels, labelSmoothing: e = 0 } = truth;
  const w = dataOf(truth.weight, classes);
  const s = truth.sampleWeight?.data[sample] ?? 1;
  const y = target!.tensor;
  if (y.shape.length === layout.sampleShape.length) {
    const raw = y.data[sample]!;
    if (raw === ignoreIndex) return undefined;
    const t = labels === undefined ? raw : labels.indexOf(raw);
    return { t, q: Float64Array.from(w, (v, k) => grained(s * v * ((k === t ? 1 - e : 0) + e / classes))) };
  }
  const q = readRow(y.data, layout, sample).map((v, k) => grained(s * w[k]! * ((1 - e) * Math.abs(v) + e / classes)));
  return { t: -1, q };
}

/**
 * Loss Σ|q|(1 + |log p|), gradient T·p + |q| with T = Σ|q|, but not more than T; at an index target the terms of all other
 * classes cancel, so T itself. zLoss adds its own.
 */
export function crossEntropyScales(problem: Problem, totals: Totals): Scales {
  const { layout, truth } = problem;
  const zLoss = Math.abs(truth.zLoss ?? 0);
  const upstream = upstreamOf(problem, totals);
  const loss = new Float64Array(layout.samples);
  const grad = new Float64Array(problem.input.tensor.data.length);
  for (let i = 0; i < layout.samples; i++) {
    const masses = massesOf(problem, i);
    if (masses === undefined) continue;
    const { t, q } = masses;
    const { row, p } = rowOf(problem, i);
    const mass = total(q);
    const { up, z } = upstream(i);
    const lse = finite(row.lse);
    const cross = q.reduce((sum, v, k) => sum + v * (1 + finite(row.nll[k]!)), 0);
    loss[i] = 1.25 * cross + 2 * zLoss * (1 + lse * lse) + GRAIN;
    p.forEach((v, k) => {
      const own = k === t ? mass : Math.min(mass, mass * v + q[k]!);
      grad[place(layout, i, k)] = up * own + (zLoss === 0 ? 0 : 2 * zLoss * z * (1 + lse) * v);
    });
  }
  return { loss, grad };
}

/** Components have the sum of their weights as mass, whichever group a class is in (golden/README.md). */
export function componentScales(problem: Problem, totals: Totals): Scales {
  const { layout, truth } = problem;
  const { components = [], weights, jointWeight = 0 } = truth;
  const upstream = upstreamOf(problem, totals);
  const loss = new Float64Array(layout.samples);
  const parts = new Float64Array(components.length * layout.samples);
  const grad = new Float64Array(problem.input.tensor.data.length);
  const mass = components.reduce((sum, _, m) => sum + Math.abs(weights?.[m] ?? 1), Math.abs(jointWeight));
  for (let i = 0; i < layout.samples; i++) {
    const s = Math.abs(truth.sampleWeight?.data[i] ?? 1);
    const { row } = rowOf(problem, i);
    const worst = row.nll.reduce((most, v) => Math.max(most, finite(v)), 0);
    loss[i] = grained(s * mass) * (1 + worst) + GRAIN;
    components.forEach((_, m) => {
      parts[m * layout.samples + i] = grained(s) * (1 + worst) + GRAIN;
    });
    const { up } = upstream(i);
    for (let k = 0; k < layout.classes; k++) grad[place(layout, i, k)] = up * grained(s * mass);
  }
  return { loss, grad, parts };
}

/** Both masses of an element, with softplus and the sigmoid as their values and slopes. */
export function binaryScales(problem: Problem, totals: Totals): Scales {
  const { input, target, truth } = problem;
  const { shape } = input.tensor;
  const { labelSmoothing: e = 0 } = truth;
  const w = broadcastTo(truth.weight ?? 1, shape);
  const pw = broadcastTo(truth.posWeight ?? 1, shape);
  const upstream = upstreamOf(problem, totals);
  const grad = new Float64Array(input.tensor.data.length);
  const values = target!.sparse ? denseOf(target!.sparse, shape, -1).data : target!.tensor.data;
  const loss = input.tensor.data.map((x, i) => {
    const y = values[i]!;
    if (Number.isNaN(y)) return 0;
    const positive = grained(w[i]! * pw[i]! * ((1 - e) * Math.abs(y) + e / 2));
    // 1 - y is rounded as a number near 1
    const negative = grained(w[i]! * (y === 1 && e === 0 ? 0 : 1));
    grad[i] = upstream(i).up * (positive * (sigmoid(-x) + FLUSH) + negative * (sigmoid(x) + FLUSH)) * 2;
    return 1.5 * (positive * finite(softplus(-x)) + negative * finite(softplus(x))) + GRAIN;
  });
  return { loss, grad };
}

/** w(x - y)² and 2w(x - y): a difference is rounded once, its square twice that. */
export function squareScales(problem: Problem, totals: Totals): Scales {
  const { input, target, truth } = problem;
  const w = dataOf(truth.weight, input.tensor.data.length);
  const upstream = upstreamOf(problem, totals);
  const grad = new Float64Array(input.tensor.data.length);
  const loss = input.tensor.data.map((x, i) => {
    const difference = x - target!.tensor.data[i]!;
    grad[i] = finite(upstream(i).up * 2 * grained(w[i]!) * difference);
    return 1.5 * finite(grained(w[i]!) * difference * difference) + GRAIN;
  });
  return { loss, grad };
}

function rowwise(
  problem: Problem,
  scale: (row: SoftmaxRow, p: Float64Array, g: Float64Array) => { loss: Float64Array; grad: Float64Array },
): Scales {
  const { layout, input, truth } = problem;
  const g = dataOf(truth.gradOutput, input.tensor.data.length);
  const loss = new Float64Array(input.tensor.data.length);
  const grad = new Float64Array(input.tensor.data.length);
  for (let i = 0; i < layout.samples; i++) {
    const { row, p } = rowOf(problem, i);
    const own = scale(row, p, readRow(g, layout, i));
    for (let k = 0; k < layout.classes; k++) {
      loss[place(layout, i, k)] = own.loss[k]!;
      grad[place(layout, i, k)] = own.grad[k]!;
    }
  }
  return { loss, grad };
}

/** p; backward p(g - Σ g p), each g of which weighs by its own probability. */
export const softmaxScales = (problem: Problem): Scales =>
  rowwise(problem, (_row, p, g) => {
    const mean = p.reduce((sum, v, k) => sum + v * Math.abs(g[k]!), 0);
    return { loss: p, grad: p.map((v, k) => v * (Math.abs(g[k]!) + mean)) };
  });

/** -log p; backward g - p Σ g. */
export const logSoftmaxScales = (problem: Problem): Scales =>
  rowwise(problem, (row, p, g) => {
    const sum = total(g);
    return { loss: row.nll.map((v) => 1 + finite(v)), grad: p.map((v, k) => Math.abs(g[k]!) + v * sum) };
  });

/** σ(x), whose derivative is σ(x) σ(-x). */
export const sigmoidScales = (problem: Problem): Scales => pointwise(problem, sigmoid, (x) => sigmoid(x) * sigmoid(-x));

/** log σ(x), whose derivative is σ(-x). */
export const logSigmoidScales = (problem: Problem): Scales =>
  pointwise(
    problem,
    (x) => softplus(-x),
    (x) => sigmoid(-x),
  );

function pointwise({ input, truth }: Problem, value: (x: number) => number, slope: (x: number) => number): Scales {
  const { data } = input.tensor;
  const g = dataOf(truth.gradOutput, data.length);
  return {
    loss: data.map((x) => 2 * finite(value(x)) + FLUSH),
    grad: data.map((x, i) => Math.abs(g[i]!) * (2 * slope(x) + FLUSH)),
  };
}
