// Losses of single elements without exponentials and logarithms.

import { elementwise } from './elements.ts';

/** d within ±limit, without a branch. */
const clamp = (d: number, limit: number): number => (Math.abs(d + limit) - Math.abs(d - limit)) * 0.5;

export const mse = elementwise((x, y, grad, i, scale) => {
  const d = x[i]! - y[i]!;
  grad[i] = 2 * scale * d;
  return d * d;
});

export const l1 = elementwise((x, y, grad, i, scale) => {
  const d = x[i]! - y[i]!;
  grad[i] = (Number(d > 0) - Number(d < 0)) * scale;
  return Math.abs(d);
});

export const huber = elementwise(
  (x, y, grad, i, scale, delta) => {
    const d = x[i]! - y[i]!;
    const m = clamp(d, delta);
    grad[i] = m * scale;
    return m * (d - 0.5 * m);
  },
  ({ delta = 1 }) => [delta],
);

export const smoothL1 = elementwise(
  (x, y, grad, i, scale, beta, inverse) => {
    const d = x[i]! - y[i]!;
    const m = clamp(d, beta);
    const slope = m * inverse;
    grad[i] = slope * scale;
    return slope * (d - 0.5 * m);
  },
  ({ beta = 1 }) => [beta, 1 / beta],
);

export const quantile = elementwise(
  (x, y, grad, i, scale, q) => {
    const u = y[i]! - x[i]!;
    const slope = (1 - q) * Number(u < 0) - q * Number(u > 0);
    grad[i] = slope * scale;
    return -slope * u;
  },
  ({ q = 0.5 }) => [q],
);

export const hinge = elementwise(
  (x, y, grad, i, scale, margin) => {
    const sign = 2 * Number(y[i]! > 0) - 1;
    const m = margin - sign * x[i]!;
    const over = Number(m > 0);
    grad[i] = -sign * over * scale;
    return m * over;
  },
  ({ margin = 1 }) => [margin],
);
