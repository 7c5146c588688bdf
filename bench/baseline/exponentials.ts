// Losses of single elements, and activations, with exponentials or logarithms.

import { elementwise, power } from './elements.ts';
import type { Baseline, Floats } from './plain.ts';

export const logCosh = elementwise((x, y, grad, i, scale) => {
  const d = x[i]! - y[i]!;
  const a = Math.abs(d);
  const e = Math.exp(-2 * a);
  grad[i] = (Math.sign(d) * (1 - e) * scale) / (1 + e);
  return a + Math.log1p(e) - Math.LN2;
});

export const poissonNll = elementwise((x, y, grad, i, scale) => {
  const e = Math.exp(x[i]!);
  grad[i] = (e - y[i]!) * scale;
  return e - y[i]! * x[i]!;
});

export const klDiv = elementwise((x, y, grad, i, scale) => {
  const mass = y[i]!;
  grad[i] = -mass * scale;
  return mass > 0 ? mass * (Math.log(mass) - x[i]!) : 0;
});

export const generalizedKlDiv = elementwise((x, y, grad, i, scale) => {
  const mass = y[i]!;
  const e = Math.exp(x[i]!);
  grad[i] = (e - mass) * scale;
  return e - mass + (mass > 0 ? mass * (Math.log(mass) - x[i]!) : 0);
});

export const bceWithLogits = elementwise((x, y, grad, i, scale) => {
  const v = x[i]!;
  const e = Math.exp(-Math.abs(v));
  const q = 1 / (1 + e);
  grad[i] = ((v >= 0 ? q : e * q) - y[i]!) * scale;
  return Math.max(v, 0) - v * y[i]! + Math.log1p(e);
});

export const bce = elementwise((x, y, grad, i, scale) => {
  const p = x[i]!;
  const t = y[i]!;
  grad[i] = ((p - t) * scale) / Math.max(p * (1 - p), 1e-12);
  // hard targets, the most frequent ones, need one logarithm
  const positive = t > 0 ? t * Math.max(Math.log(p), -100) : 0;
  const negative = t < 1 ? (1 - t) * Math.max(Math.log1p(-p), -100) : 0;
  return -positive - negative;
});

export const sigmoidFocal = elementwise(
  (x, y, grad, i, scale, alpha, gamma) => {
    const v = x[i]!;
    const t = y[i]!;
    const e = Math.exp(-Math.abs(v));
    const large = 1 / (1 + e);
    const small = e * large;
    const p = v >= 0 ? large : small;
    const q = v >= 0 ? small : large;
    const entropy = Math.max(v, 0) - v * t + Math.log1p(e);
    const side = alpha < 0 ? 1 : alpha * t + (1 - alpha) * (1 - t);
    const base = t * q + (1 - t) * p;
    const less = power(base, gamma - 1);
    const slope = base * ((1 - t) * p - t * q) + gamma * (1 - 2 * t) * p * q * entropy;
    grad[i] = side * less * slope * scale;
    return side * less * base * entropy;
  },
  ({ alpha = 0.25, gamma = 2 }) => [alpha, gamma],
);

export const asymmetric = elementwise(
  (x, y, grad, i, scale, positive, negative, clip) => {
    const v = x[i]!;
    const t = y[i]!;
    const e = Math.exp(-Math.abs(v));
    const large = 1 / (1 + e);
    const small = e * large;
    const p = v >= 0 ? large : small;
    const q = v >= 0 ? small : large;
    const over = p > clip ? p - clip : 0;
    const rest = p > clip ? q + clip : 1;
    const push = p > clip ? (p * q) / rest : 0;
    // hard targets, the most frequent ones, need one logarithm and a whole power
    if (t === 1) {
      const w = power(q, positive);
      grad[i] = -w * q * scale;
      return w * (Math.log1p(e) + Math.max(-v, 0));
    }
    if (t === 0) {
      const w = power(over, negative);
      grad[i] = w * push * scale;
      return -w * Math.log(rest);
    }
    const w = (t * q + (1 - t) * over) ** (positive * t + negative * (1 - t));
    grad[i] = w * ((1 - t) * push - t * q) * scale;
    return w * (t * (Math.log1p(e) + Math.max(-v, 0)) - (1 - t) * Math.log(rest));
  },
  ({ gammaPos = 1, gammaNeg = 4, clip = 0.05 }) => [gammaPos, gammaNeg, clip],
);

export const softMargin = elementwise((x, y, grad, i, scale) => {
  const against = -y[i]! * x[i]!;
  const e = Math.exp(-Math.abs(against));
  const q = 1 / (1 + e);
  grad[i] = -y[i]! * (against >= 0 ? q : e * q) * scale;
  return Math.max(against, 0) + Math.log1p(e);
});

const massFloor = 1e-7;

/** One loss per row of the last axis: the mean divides by rows. */
export const absKlDiv = elementwise(
  (x, y, grad, i, scale) => {
    const q = Math.max(x[i]!, massFloor);
    const p = Math.max(y[i]!, massFloor);
    const log = Math.log(p / q);
    grad[i] = x[i]! < massFloor ? 0 : (1 - p / q - log) * scale;
    return (p - q) * log;
  },
  undefined,
  ({ x, classes }) => x.length / classes,
);

/** Of mean and variance, both with a gradient. */
function gaussianSum(x: Floats, y: Floats, variance: Floats, grad: Floats, varianceGrad: Floats, eps: number): number {
  const scale = 1 / x.length;
  let sum = 0;
  for (let i = 0; i < x.length; i++) {
    const v = Math.max(variance[i]!, eps);
    const inverse = 1 / v;
    const r = x[i]! - y[i]!;
    const slope = r * inverse;
    grad[i] = slope * scale;
    varianceGrad[i] = 0.5 * scale * inverse * (1 - r * slope);
    sum += Math.log(v) + r * slope;
  }
  return 0.5 * sum * scale;
}

export const gaussianNll: Baseline = ({ x, y, others: { variance }, options: { eps = 1e-6 } }) => {
  if (variance?.values.length !== x.length) throw new RangeError('gaussianNll: one variance for each element');
  return (grad) => gaussianSum(x, y, variance.values, grad, variance.grad, eps);
};

// Activations: the output takes the gradient's place.

export const sigmoid = elementwise((x, _y, output, i) => {
  output[i] = 1 / (1 + Math.exp(-x[i]!));
  return Number.NaN;
});

export const logSigmoid = elementwise((x, _y, output, i) => {
  const v = x[i]!;
  output[i] = Math.min(v, 0) - Math.log1p(Math.exp(-Math.abs(v)));
  return Number.NaN;
});
