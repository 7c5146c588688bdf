/** Losses of one class index per row, besides cross entropy. */

import { massLoss } from './crossEntropy.ts';
import { indexTarget, logits } from './draws.ts';
import { classesOf, classLoss, layoutFor, massScale } from './entries.ts';
import { type Layout, layoutOf, readRow, rowStart, writeRow } from './layout.ts';
import {
  groupOf,
  hasNoSoftmax,
  logOdds,
  powerOf,
  product,
  sigmoid,
  softmaxBack,
  softmaxRow,
  softplus,
  sumOf,
  sumsOfOthers,
  topOf,
} from './numeric.ts';
import { pick } from './random.ts';
import { addRows, nanRow, type Row } from './rows.ts';
import type { Kinks, Problem, ReferenceOptions } from './types.ts';

/** -q_t x_t of log-probabilities x, which are not checked (torch.nn.functional.nll_loss). Other entries are not read. */
export const nllLoss = classLoss({
  row: (x, q, t) => ({ value: product(q[t]!, -x[t]!), grad: q.map((mass, k) => (k === t ? -mass : 0)) }),
  weighted: true,
  draw(random, shape, axis) {
    const layout = layoutOf(shape, axis);
    const { data } = logits(random, shape);
    for (let i = 0; i < layout.samples; i++) {
      const { nll } = softmaxRow(readRow(data, layout, i));
      writeRow(
        data,
        layout,
        i,
        nll.map((v) => Math.fround(0 - v)),
      );
    }
    const inputs = { input: { data, shape }, target: indexTarget(random, layout) };
    return { inputs, options: { ...(axis !== undefined && { axis }) } };
  },
  scale: (x, q, t) => ({
    loss: Math.abs(product(q[t]!, x[t]!)),
    grad: q.map((mass, k) => (k === t ? Math.abs(mass) : 0)),
  }),
  measure: 'result',
});

/**
 * Focal loss on a softmax: w_t (1-p_t)^γ CE (Lin et al. 2017). With D = LSE(others) - x_t: CE = softplus(D),
 * 1-p_t = σ(D), (1-p_t)^γ = e^(-γ softplus(-D)); gradient w_t (p-δ) (1-p_t)^γ [1 + γ p_t CE / (1-p_t)], where
 * CE / (1-p_t) goes to 1 as p_t does.
 */
function focalRow(x: Float64Array, q: Float64Array, t: number, { gamma = 2 }: ReferenceOptions): Row {
  if (hasNoSoftmax(x)) return nanRow(x.length);
  const d = logOdds(
    groupOf(x, (k) => k !== t),
    groupOf(x, (k) => k === t),
  );
  const { p } = softmaxRow(x);
  const factor = q[t]! * powerOf(-softplus(-d), gamma);
  const ratio = d < -40 ? 1 : softplus(d) / sigmoid(d);
  const bracket = 1 + gamma * product(p[t]!, ratio);
  return {
    value: product(factor, softplus(d)),
    grad: p.map((v, k) => factor * bracket * (k === t ? -sigmoid(d) : v)),
  };
}

export const softmaxFocal = classLoss({
  row: focalRow,
  weighted: true,
  // a power carries the rounding of its base γ times over
  scale(x, q, _, { gamma = 2 }) {
    const { loss, grad } = massScale(x, q);
    const power = Math.max(1, gamma / 2);
    return { loss: power * loss, grad: power * grad };
  },
  options: { gamma: (random) => pick(random, [0, 0.5, 1, 3.5]) },
});

/**
 * Poly-1 loss Σ_k q_k (-log p_k + ε (1-p_k)) (Leng et al. 2022); gradient of the second term
 * ε p_j (Σ_k q_k p_k - q_j), its bracket written Σ_{k≠j} q_k p_k - q_j (1-p_j).
 */
function polyRow(x: Float64Array, q: Float64Array, _: number, { epsilon = 1 }: ReferenceOptions): Row {
  const row = softmaxRow(x);
  const otherTerms = sumsOfOthers(q.map((mass, k) => mass * row.p[k]!));
  const linear = {
    value: sumOf(q.map((mass, k) => mass * row.others[k]!)),
    grad: q.map((mass, k) => row.p[k]! * (otherTerms[k]! - mass * row.others[k]!)),
  };
  return addRows(x.length, [
    { weight: 1, row: massLoss(q, row) },
    { weight: epsilon, row: linear },
  ]);
}

export const polyLoss = classLoss({
  row: polyRow,
  weighted: true,
  smoothed: true,
  options: { epsilon: (random) => pick(random, [-1, 0, 2]) },
});

/** E[v] - v_t as Σ p_k (v_k - v_t): a confident row keeps its digits. */
const meanError = (p: Float64Array, values: readonly number[], t: number): number =>
  sumOf(p.map((v, k) => product(v, values[k]! - values[t]!)));

/** E[v] - v_k of every class, E being taken relative to the likeliest one, so that a confident row keeps its digits. */
function meanErrors(p: Float64Array, values: readonly number[]): Float64Array {
  const likely = p.indexOf(topOf(p));
  const error = meanError(p, values, likely);
  return p.map((_, k) => (k === likely ? error : error - (values[k]! - values[likely]!)));
}

const classNumbers = (classes: number): number[] => Array.from({ length: classes }, (_, k) => k);

/** CE + λ (E[v] - v_t)²; gradient of the second term 2λ (E[v] - v_t) p_k (v_k - E[v]). */
function ordinalRow(x: Float64Array, q: Float64Array, t: number, options: ReferenceOptions): Row {
  const { lambda = 1, values = classNumbers(x.length) } = options;
  const row = softmaxRow(x);
  const error = meanError(row.p, values, t);
  const squared = {
    value: error * error,
    grad: meanErrors(row.p, values).map((e, k) => -2 * error * product(row.p[k]!, e)),
  };
  return addRows(x.length, [
    { weight: 1, row: massLoss(q, row) },
    { weight: lambda, row: squared },
  ]);
}

export const ordinalCrossEntropy = classLoss({
  row: ordinalRow,
  options: {
    lambda: (random) => pick(random, [0, 0.25, 2]),
    values(random, problem) {
      const step = pick(random, [0.5, 2]);
      return classNumbers(layoutFor(problem).classes).map((k) => k * step - 1);
    },
  },
  scale(x, q, t, { lambda = 1, values = classNumbers(x.length) }) {
    const { loss, grad } = massScale(x, q);
    const { p } = softmaxRow(x);
    if (p.some(Number.isNaN)) return { loss, grad };
    // E[v] is as exact as the spread of the values allows
    const spread = topOf(values) + topOf(values.map((v) => -v));
    const error = Math.abs(meanError(p, values, t));
    const widest = topOf(meanErrors(p, values).map((e, k) => p[k]! * Math.abs(e)));
    const size = Math.abs(lambda);
    return {
      loss: loss + size * error * (error + 2 * spread),
      grad: grad + 2 * size * spread * (error + widest),
    };
  },
});

/**
 * Squared earth mover's distance Σ_k (CDF_p - CDF_t)² (Hou, Yu & Samaras 2016). CDF_p - CDF_t is the prefix sum of p
 * below t and minus the sum of what follows from t on, so that nothing cancels. Gradient p (g - Σ p g) with
 * g_j = 2 Σ_{k≥j} (CDF_p - CDF_t)_k, of which g_t is taken off: all that is left is positive.
 */
function emdRow(x: Float64Array, _q: Float64Array, t: number): Row {
  // also of one class, whose distance is a sum of no terms
  if (hasNoSoftmax(x)) return nanRow(x.length);
  const row = softmaxRow(x);
  const distance = new Float64Array(x.length);
  const g = new Float64Array(x.length);
  for (let k = 0, sum = 0; k < t; k++) {
    sum += row.p[k]!;
    distance[k] = sum;
  }
  for (let k = x.length - 2, sum = 0; k >= t; k--) {
    sum += row.p[k + 1]!;
    distance[k] = -sum;
  }
  for (let k = t - 1; k >= 0; k--) g[k] = g[k + 1]! + 2 * distance[k]!;
  for (let k = t + 1; k < x.length; k++) g[k] = g[k - 1]! - 2 * distance[k - 1]!;
  return { value: sumOf(distance.map((d) => d * d)), grad: softmaxBack(row, g) };
}

export const emd = classLoss({
  row: emdRow,
  scale: (x) => ({ loss: x.length, grad: Math.max(1, x.length / 4) }),
});

/** Margins of a row and what the loss makes of them. */
const marginOf = (x: Float64Array, t: number, k: number, margin: number): number => margin + (x[k]! - x[t]!);

/**
 * (w_t / C) Σ_{c≠t} max(0, margin - x_t + x_c)^p, p 1 or 2 (torch.nn.functional.multi_margin_loss). The gradient of t
 * is minus the sum of the others'; at a kink of p = 1 any value between is right.
 */
function marginRow(x: Float64Array, q: Float64Array, t: number, { p = 1, margin = 1 }: ReferenceOptions): Row {
  const over = x.map((_, k) => {
    return k === t ? 0 : Math.max(0, marginOf(x, t, k, margin));
  });
  const share = q[t]! / x.length;
  const slopes = over.map((m) => share * (p === 2 ? 2 * m : m > 0 ? 1 : m));
  slopes[t] = -sumOf(slopes);
  return { value: share * sumOf(over.map((m) => m ** p)), grad: slopes };
}

/** Margins within reach of 0 leave the gradient of their class and of the target open. */
function marginKinks(problem: Problem, reach?: number): Kinks {
  const { p = 1, margin = 1 } = problem.options;
  const layout: Layout = layoutFor(problem);
  const grad = new Uint8Array(problem.inputs.input.data.length);
  if (p === 2 && reach === undefined) return { grad };
  for (const [i, t] of classesOf(problem, layout).entries()) {
    if (t < 0) continue;
    const x = readRow(problem.inputs.input.data, layout, i);
    for (let k = 0; k < x.length; k++) {
      const rounding = 2 ** -22 * (Math.abs(margin) + Math.abs(x[t]!) + Math.abs(x[k]!));
      if (k === t || !(Math.abs(marginOf(x, t, k, margin)) <= (reach ?? rounding))) continue;
      for (const at of [k, t]) grad[rowStart(layout, i) + at * layout.inner] = 1;
    }
  }
  return { grad };
}

export const multiMargin = classLoss({
  row: marginRow,
  meanBy: 'samples',
  weighted: true,
  options: { p: (random) => pick(random, [1, 2] as const), margin: (random) => pick(random, [0.3, 2]) },
  scale(x, q, t, { p = 1, margin = 1 }) {
    const share = Math.abs(q[t]!) / x.length;
    const parts = Array.from(x, (v, k) => {
      const size = Math.abs(margin) + Math.abs(x[t]!) + Math.abs(v);
      const m = marginOf(x, t, k, margin);
      // what is masked, or far on the right side, is 0 without rounding
      if (k === t || !(m > -(2 ** -20) * size)) return { loss: 0, slope: 0 };
      return p === 2
        ? { loss: (2 * Math.max(0, m) + 2 ** -20 * size) * size, slope: 2 * size }
        : { loss: size, slope: 1 };
    });
    const slopes = Float64Array.from(parts, ({ slope }) => share * slope);
    slopes[t] = sumOf(slopes);
    return { loss: share * sumOf(parts.map(({ loss }) => loss)), grad: slopes };
  },
  kinks: marginKinks,
  measure: 'result',
});
