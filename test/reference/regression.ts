/** Losses of a difference x - y. A mean divides by the weights' sum, as torch 2.x has it for mse_loss. */
import { type ElementRule, elementLoss } from './elements.ts';
import { product } from './numeric.ts';
import { between, chance, normal, pick } from './random.ts';

/** What these losses share: a value for each target, missing ones marked, weights of the input's shape. */
function differenceLoss(rule: Pick<ElementRule, 'at' | 'options' | 'kinks' | 'bends' | 'terms'>) {
  return elementLoss({
    pair: (random, scale) => [normal(random, scale), normal(random, scale)],
    near: (random, y) => y + between(random, -1, 1) * 2 ** -pick(random, [4, 10, 20]),
    weight: 'divides',
    ignores: [Number.NaN, -1],
    ...rule,
  });
}

/** (x-y)², slope 2 (x-y) (torch.nn.functional.mse_loss). */
export const mse = differenceLoss({ at: (x, y) => [(x - y) ** 2, 2 * (x - y)] });

/** |x-y|, slope its sign, 0 at equality (torch.nn.functional.l1_loss). */
export const l1 = differenceLoss({
  at: (x, y) => [Math.abs(x - y), Math.sign(x - y)],
  kinks: (y) => [y],
  terms: (x, y) => [Math.abs(x - y), 1],
});

/**
 * log cosh(x-y) (Keras), slope tanh(x-y). With a = |x-y|: a + log1p(e^(-2a)) - log 2, below 1 as log1p(sinh² a) / 2,
 * where the first form would cancel.
 */
export const logCosh = differenceLoss({
  at(x, y) {
    const a = Math.abs(x - y);
    const value = a < 1 ? Math.log1p(Math.sinh(a) ** 2) / 2 : a + Math.log1p(Math.exp(-2 * a)) - Math.LN2;
    return [value, Math.tanh(x - y)];
  },
});

/** d² / 2β where |d| < β, else |d| - β/2; slope d/β or the sign; β = 0 is l1 (torch.nn.functional.smooth_l1_loss). */
export const smoothL1 = differenceLoss({
  at(x, y, { beta = 1 }) {
    const d = x - y;
    return Math.abs(d) < beta ? [(d * d) / (2 * beta), d / beta] : [Math.abs(d) - beta / 2, Math.sign(d)];
  },
  options: { beta: (random) => pick(random, [0, 0.25, 2]) },
  kinks: (y, { beta = 1 }) => (beta === 0 ? [y] : []),
  terms: (x, y, { beta = 1 }) => [Math.abs(x - y), beta === 0 ? 1 : Math.min(1, Math.abs(x - y) / beta)],
  bends: (y, { beta = 1 }) => [y - beta, y + beta],
});

/** d² / 2 where |d| <= δ, else δ (|d| - δ/2); slope d clamped to ±δ (torch.nn.functional.huber_loss). */
export const huber = differenceLoss({
  at(x, y, { delta = 1 }) {
    const d = x - y;
    const value = Math.abs(d) <= delta ? (d * d) / 2 : delta * (Math.abs(d) - delta / 2);
    return [value, Math.max(-delta, Math.min(delta, d))];
  },
  options: { delta: (random) => pick(random, [0.25, 1.5, 4]) },
  bends: (y, { delta = 1 }) => [y - delta, y + delta],
});

/** Pinball loss max(q u, (q-1) u), u = y - x (Koenker & Bassett 1978); slope -q or 1 - q, 0 at the kink u = 0. */
export const quantile = differenceLoss({
  at(x, y, { q = 0.5 }) {
    const u = y - x;
    return [Math.max(product(q, u), product(q - 1, u)), u > 0 ? -q : u < 0 ? 1 - q : 0 * u];
  },
  options: { q: (random) => (chance(random, 0.2) ? pick(random, [0.01, 0.99]) : between(random, 0.1, 0.9)) },
  kinks: (y) => [y],
  terms: (x, y, { q = 0.5 }) => [Math.abs(x - y) * Math.max(q, 1 - q), Math.max(q, 1 - q)],
});
