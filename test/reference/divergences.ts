/** Divergences between what is predicted and what is given, and labels seen as their number times a distribution. */
import { massTarget, tensorOf } from './draws.ts';
import { elementLoss, elementSpice, flagNear, targetOf } from './elements.ts';
import { layoutFor, rowLoss, rowScales } from './entries.ts';
import { layoutOf, readRow } from './layout.ts';
import { expm1Rest, product, softmaxBack, softmaxRow, sumOf } from './numeric.ts';
import { between, chance, normal, pick, type Random } from './random.ts';
import { type Row, reduceRows } from './rows.ts';
import type { ReferenceInputs, ReferenceOptions, ReferenceResult } from './types.ts';

/** A logarithm of a probability. */
const logProbability = (random: Random, scale: number): number => -Math.abs(normal(random, scale)) - 0.01;

/**
 * y (log y - x) of log-probabilities x (torch.nn.functional.kl_div); with logTarget e^y (y - x). Slope -y or -e^y. A
 * mass of 0 drops its term.
 */
export const klDiv = elementLoss({
  at: (x, y, { logTarget = false }) =>
    logTarget ? [product(Math.exp(y), y - x), -Math.exp(y)] : [product(y, Math.log(y)) - product(y, x), -y],
  switched: 'logTarget',
  pair: (random, scale, { logTarget = false }) => [
    logProbability(random, scale),
    logTarget ? logProbability(random, 1) : chance(random, 0.2) ? 0 : random(),
  ],
  domain: () => [-Infinity, 0],
  terms(x, y, { logTarget = false }) {
    const mass = logTarget ? Math.exp(y) : Math.abs(y);
    return [product(mass, Math.abs(x) + Math.abs(logTarget ? y : Math.log(y))), mass];
  },
});

/**
 * y (log y - x) - y + e^x of log-rates x and masses y (optax generalized_kl_divergence). With t = x - log y it is
 * y (e^t - 1 - t), slope y (e^t - 1), without cancellation where they are close; e^x where y is 0.
 */
export const generalizedKlDiv = elementLoss({
  at(x, y) {
    if (y === 0) return [Math.exp(x), Math.exp(x)];
    const t = x - Math.log(y);
    return [y * expm1Rest(t), y * Math.expm1(t)];
  },
  pair: (random, scale) => [
    Math.min(20, normal(random, Math.min(scale, 4))),
    chance(random, 0.2) ? 0 : between(random, 0.01, 6),
  ],
  near: (random, y) => (y === 0 ? -between(random, 20, 80) : Math.log(y) + between(random, -1, 1) * 2 ** -10),
  terms: (x, y) => [Math.exp(x) + y + product(y, Math.abs(x)) + Math.abs(product(y, Math.log(y))), Math.exp(x) + y],
  measure: 'terms',
});

/**
 * Jensen-Shannon divergence of q = softmax(x) and y (Lin 1991), natural logarithm, y not normalised: with S = q + y
 * and u = (q-y)/S it is Σ S/4 [(1+u) log(1+u) + (1-u) log(1-u)], where 1+u = 2q/S and 1-u = 2y/S; below |u| = 0.1
 * Σ S/4 (u² + u⁴/6 + u⁶/15 + …). Gradient q (g - Σ q g), g = ½ log(1+u).
 */
function jsRow(x: Float64Array, y: Float64Array): Row {
  const row = softmaxRow(x);
  const parts = Array.from(row.p, (q, k) => {
    const s = q + y[k]!;
    if (s === 0) return { value: 0, g: 0 };
    const u = (q - y[k]!) / s;
    if (Math.abs(u) < 0.1) return { value: (s / 4) * evenSeries(u), g: Math.log1p(u) / 2 };
    const logQ = Math.LN2 - row.nll[k]! - Math.log(s);
    const logY = Math.log((2 * y[k]!) / s);
    return { value: (product(q, logQ) + product(y[k]!, logY)) / 2, g: logQ / 2 };
  });
  return {
    value: sumOf(parts.map(({ value }) => value)),
    grad: softmaxBack(
      row,
      Float64Array.from(parts, ({ g }) => g),
    ),
  };
}

/** (1+u) log(1+u) + (1-u) log(1-u) = Σ u^(2n) / (n (2n-1)). */
function evenSeries(u: number): number {
  let sum = 0;
  let power = u * u;
  for (let n = 1; sum + power / (n * (2 * n - 1)) !== sum; n++) {
    sum += power / (n * (2 * n - 1));
    power *= u * u;
  }
  return sum;
}

function jsCompute(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const layout = layoutOf(inputs.input.shape, options.axis);
  const { data } = targetOf(inputs);
  return reduceRows(inputs.input, options, layout, (x, i) => jsRow(x, readRow(data, layout, i)));
}

export const jsDiv = rowLoss({
  targets: ['dense'],
  compute: jsCompute,
  scales(problem) {
    const layout = layoutFor(problem);
    const { data } = targetOf(problem.inputs);
    return rowScales(problem, layout, (_, i) => {
      const mass = sumOf(readRow(data, layout, i).map(Math.abs));
      return { loss: 1 + mass, grad: Math.max(1, mass) };
    });
  },
});

/** Both masses are clipped from below, as by Keras' epsilon. */
const massFloor = 1e-7;

/**
 * Σ |P-Q| |log(P/Q)| of input Q and target P, both at least 1e-7: Jeffreys' divergence. Slope -log(P/Q) - (P-Q)/Q, 0
 * where Q is clipped. The logarithm is log1p((P-Q)/Q) where that keeps more digits.
 */
function massElement(x: number, y: number): readonly [value: number, slope: number] {
  const q = x >= massFloor || Number.isNaN(x) ? x : massFloor;
  const p = y >= massFloor || Number.isNaN(y) ? y : massFloor;
  const ratio = (p - q) / q;
  const log = Math.abs(ratio) < 0.5 ? Math.log1p(ratio) : Math.log(p / q);
  return [product(p - q, log), x < massFloor ? 0 : 0 - log - ratio];
}

function massRow(x: Float64Array, y: Float64Array): Row {
  const parts = Array.from(x, (v, k) => massElement(v, y[k]!));
  return { value: sumOf(parts.map(([value]) => value)), grad: Float64Array.from(parts, ([, slope]) => slope) };
}

function absKlCompute(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const layout = layoutOf(inputs.input.shape, -1);
  const { data } = targetOf(inputs);
  return reduceRows(inputs.input, options, layout, (x, i) => massRow(x, readRow(data, layout, i)));
}

export const absKlDiv = rowLoss({
  family: 'row',
  targets: ['dense'],
  compute: absKlCompute,
  domain: () => [0, Infinity],
  draw(random, shape) {
    const target = massTarget(random, shape, -1);
    return { inputs: { input: tensorOf(random, shape, 0.02, 1), target }, options: {} };
  },
  spice: elementSpice({
    domain: () => [0, Infinity],
    near: (random, y) => y * (1 + between(random, -1, 1) * 2 ** -pick(random, [4, 12, 20])),
  }),
  scales(problem) {
    const layout = layoutFor(problem, -1);
    const { data } = targetOf(problem.inputs);
    return rowScales(problem, layout, (x, i) => {
      const { value, grad } = massRow(x, readRow(data, layout, i));
      return { loss: value, grad };
    });
  },
  kinks: ({ inputs }, reach) => ({ grad: flagNear(inputs.input.data, () => [massFloor], reach) }),
  measure: 'result',
});
