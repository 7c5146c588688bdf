/** Losses of one yes or no per element. */
import { type Element, type ElementOptions, elementLoss } from './elements.ts';
import { powerOf, product, sigmoid, softplus } from './numeric.ts';
import { between, chance, normal, pick, type Random } from './random.ts';

const hard = (random: Random): number => Number(chance(random));
const soft = (random: Random): number => (chance(random, 0.7) ? hard(random) : between(random, 0.05, 0.95));
const sign = (random: Random): number => pick(random, [-1, 1]);

/** A logit on the side of its label, where only the small part of the sigmoid is left. */
const agreeing = (random: Random, y: number): number => (y > 0.5 ? 1 : -1) * between(random, 10, 80);

/** Masses of the two labels: posWeight · y' and 1 - y', with y' = (1-e) y + e/2. */
function labelMasses(y: number, { posWeight, labelSmoothing: e = 0 }: ElementOptions) {
  return { positive: posWeight * ((1 - e) * y + e / 2), negative: (1 - e) * (1 - y) + e / 2 };
}

/**
 * Binary cross entropy on logits (torch.nn.functional.binary_cross_entropy_with_logits):
 *   pw y' softplus(-x) + (1-y') softplus(x), slope (1-y') sigmoid(x) - pw y' sigmoid(-x)
 * A mass of 0 drops its term, so an infinite logit that agrees with its target costs 0. Sparse targets (losses over
 * all labels plus a correction at the positives) are the dense ones written in another way.
 */
export const bceWithLogits = elementLoss({
  at(x, y, options) {
    const { positive, negative } = labelMasses(y, options);
    return [
      product(positive, softplus(-x)) + product(negative, softplus(x)),
      product(negative, sigmoid(x)) - product(positive, sigmoid(-x)),
    ];
  },
  pair: (random, scale) => [normal(random, scale), soft(random)],
  near: agreeing,
  weight: 'broadcast',
  posWeight: true,
  sparse: true,
  ignores: [Number.NaN, -1, 0.5],
  options: { labelSmoothing: (random) => pick(random, [0.1, 0.5]) },
  terms(x, y, options) {
    const { positive, negative } = labelMasses(y, options);
    const size = (mass: number, own: number): number => product(Math.abs(mass), 1 + own);
    return [size(positive, softplus(-x)) + size(negative, softplus(x)), Math.abs(positive) + Math.abs(negative)];
  },
});

/** log x and log(1 - x) are not below this, as in PyTorch (aten Loss.cpp). */
const logFloor = -100;
const slopeFloor = Math.fround(1e-12);

/**
 * Binary cross entropy of probabilities (torch.nn.functional.binary_cross_entropy): logarithms clamped at -100, slope
 * (x-y) / max(x (1-x), 1e-12), which is not the derivative of the clamped loss.
 */
export const bce = elementLoss({
  at: (x, y) => [
    -product(1 - y, Math.max(Math.log1p(-x), logFloor)) - product(y, Math.max(Math.log(x), logFloor)),
    (x - y) / Math.max((1 - x) * x, slopeFloor),
  ],
  pair: (random) => [between(random, 0.02, 0.98), soft(random)],
  near: (random, y) => Math.abs(y - 2 ** -Math.round(between(random, 5, 24))),
  domain: () => [0, 1],
  refuses: true,
  weight: 'broadcast',
  ignores: [Number.NaN, -1],
  terms: (x, y) => [
    product(1 - y, 1 - Math.max(Math.log1p(-x), logFloor)) + product(y, 1 - Math.max(Math.log(x), logFloor)),
    Math.abs(x - y) / Math.max((1 - x) * x, slopeFloor),
  ],
});

/** 1 - p_t = y σ(-x) + (1-y) σ(x): its logarithm, and its derivative divided by it, with all digits for hard y. */
function focalBase(x: number, y: number): { log: number; relativeSlope: number } {
  if (y === 1) return { log: -softplus(x), relativeSlope: -sigmoid(x) };
  if (y === 0) return { log: -softplus(-x), relativeSlope: sigmoid(-x) };
  const base = y * sigmoid(-x) + (1 - y) * sigmoid(x);
  return { log: Math.log(base), relativeSlope: ((1 - 2 * y) * sigmoid(x) * sigmoid(-x)) / base };
}

/** In units of 2^-24: a power below every normal float32 is 0. */
const FLUSHED = 2 ** -102;

/**
 * Sigmoid focal loss (Lin et al. 2017; torchvision.ops.sigmoid_focal_loss): a (1-p_t)^γ BCE, with
 * a = αy + (1-α)(1-y), or 1 where α < 0. The power is taken in log space, and its derivative is written
 * (1-p_t)^γ · γ (1-p_t)'/(1-p_t), so that no exponent γ-1 overflows.
 */
export const sigmoidFocal = elementLoss({
  at(x, y, { alpha = 0.25, gamma = 2 }) {
    const { log, relativeSlope } = focalBase(x, y);
    const factor = (alpha < 0 ? 1 : alpha * y + (1 - alpha) * (1 - y)) * powerOf(log, gamma);
    const entropy = product(y, softplus(-x)) + product(1 - y, softplus(x));
    const entropySlope = product(1 - y, sigmoid(x)) - product(y, sigmoid(-x));
    return [product(factor, entropy), product(factor, product(gamma * relativeSlope, entropy) + entropySlope)];
  },
  pair: (random, scale) => [normal(random, scale), soft(random)],
  near: agreeing,
  weight: 'broadcast',
  ignores: [Number.NaN, -1],
  options: {
    alpha: (random) => pick(random, [-1, 0.1, 0.5, 0.9]),
    gamma: (random) => pick(random, [0, 0.5, 1, 1.5, 3]),
  },
  terms(x, y, { alpha = 0.25, gamma = 2 }) {
    const { log, relativeSlope } = focalBase(x, y);
    const side = alpha < 0 ? 1 : Math.abs(alpha * y) + Math.abs((1 - alpha) * (1 - y));
    // (1-p_t)^γ is γ |log(1-p_t)| times less exact than its logarithm, and a product of γ factors is rounded γ times.
    const factor = side * (powerOf(log, gamma) * (1 + gamma / 4 + product(gamma, Math.min(-log, 1e3))) + FLUSHED);
    const entropy = product(y, softplus(-x)) + product(1 - y, softplus(x));
    return [
      product(factor, entropy),
      product(factor, product(Math.abs(gamma * relativeSlope), entropy) + (1 - y) * sigmoid(x) + y * sigmoid(-x)),
    ];
  },
});

/** What the asymmetric loss is made of: base^exponent · entropy, each with its derivative. */
function asymmetricParts(x: number, y: number, options: ElementOptions) {
  const { gammaPos = 1, gammaNeg = 4, clip = 0.05 } = options;
  const [p, rest] = [sigmoid(x), sigmoid(-x)];
  const above = !(p <= clip);
  const shifted = above ? p - clip : 0;
  // 1 - p_m = σ(-x) + clip; the form with log1p keeps the digits of a small p_m.
  const shiftedLog = clip === 0 ? softplus(x) : shifted < 0.5 ? -Math.log1p(-shifted) : -Math.log(rest + clip);
  const slope = p * rest;
  const [pull, push] = [
    product(y, rest),
    product(1 - y, above ? (clip === 0 ? p : slope / (rest + clip)) : 0),
  ] as const;
  return {
    base: y * rest + (1 - y) * shifted,
    baseSlope: -y * slope + (1 - y) * (above ? slope : 0),
    exponent: gammaPos * y + gammaNeg * (1 - y),
    entropy: product(y, softplus(-x)) + product(1 - y, shiftedLog),
    entropySlope: push - pull,
    // of a soft target the two may cancel
    entropySlopes: push + pull,
  };
}

/**
 * Asymmetric loss (Ridnik et al. 2021, eq. 7, with the official code's defaults and soft targets, without its clamp of
 * the logarithm): p_m = max(p - clip, 0), w = (y (1-p) + (1-y) p_m)^(γ₊ y + γ₋ (1-y)), -w [y log p + (1-y) log(1-p_m)].
 * detachWeights takes w for a constant. 0⁰ = 1.
 */
export const asymmetric = elementLoss({
  at(x, y, options) {
    const { base, baseSlope, exponent, entropy, entropySlope } = asymmetricParts(x, y, options);
    const w = base ** exponent;
    const wSlope = options.detachWeights === false ? product(exponent * baseSlope, base ** (exponent - 1)) : 0;
    return [product(w, entropy), product(w, entropySlope) + product(wSlope, entropy)];
  },
  pair: (random, scale) => [normal(random, scale), soft(random)],
  near: agreeing,
  ignores: [Number.NaN, -1],
  options: {
    gammaPos: (random) => pick(random, [0, 0.5, 2]),
    gammaNeg: (random) => pick(random, [0, 1, 2, 3.5]),
    clip: (random) => pick(random, [0, 0.1, 0.3]),
    detachWeights: (random) => chance(random),
  },
  kinks: (y, { clip = 0.05 }) => (y < 1 && clip > 0 ? [Math.log(clip / (1 - clip))] : []),
  terms(x, y, options): Element {
    const { base, baseSlope, exponent, entropy, entropySlopes } = asymmetricParts(x, y, options);
    const full = options.detachWeights === false ? 1 : 0;
    // p_m is a difference of p: where it is small, its rounding error is that of p.
    const error = product(exponent, base + (1 - y) * sigmoid(x));
    const w = base ** exponent;
    // The exponent of a soft target is a sum of products, whose rounding errors the logarithm of the base multiplies.
    const { gammaPos = 1, gammaNeg = 4 } = options;
    const raised = y > 0 && y < 1 && base > 0 ? Math.max(gammaPos, gammaNeg) * Math.abs(Math.log(base)) : 0;
    const worse = w * (1 + raised) + product(error, base ** (exponent - 1)) + FLUSHED;
    const wSlope = product(exponent * Math.abs(baseSlope), base ** (exponent - 1));
    const steeper =
      wSlope + product(exponent * Math.abs((exponent - 1) * baseSlope) * sigmoid(x), base ** (exponent - 2));
    return [
      product(entropy, worse) + w * (1 - y) * sigmoid(x),
      product(entropySlopes, worse) + full * (product(steeper, entropy) + product(wSlope, sigmoid(x))),
    ];
  },
});

/** log(1 + e^(-y x)), slope -y σ(-y x) (torch.nn.functional.soft_margin_loss, which overflows for large -y x). */
export const softMargin = elementLoss({
  at: (x, y) => [softplus(-y * x), -y * sigmoid(-y * x)],
  pair: (random, scale) => [normal(random, scale), sign(random)],
  near: agreeing,
  weight: 'broadcast',
  terms: (x, y) => [1 + softplus(-y * x), Math.abs(y)],
});

/**
 * max(0, margin - s x), or its square (Cortes & Vapnik 1995), s = 1 where y = 1 and -1 where it is 0 or -1; posWeight
 * where s = 1. Slope 0 at the kink, where any value between is right.
 */
export const hinge = elementLoss({
  at(x, y, { margin = 1, squared = false, posWeight }) {
    const s = y > 0 ? 1 : -1;
    const w = y > 0 ? posWeight : 1;
    const m = margin - s * x;
    const over = Math.max(0, m);
    if (squared) return [product(w, over * over), product(w, -2 * s * over)];
    return [product(w, over), product(w, m <= 0 ? 0 : m > 0 ? -s : m)];
  },
  pair: (random, scale) => [normal(random, scale), pick(random, [-1, 0, 1, 1])],
  weight: 'broadcast',
  posWeight: true,
  ignores: [Number.NaN, 0, -1],
  options: { margin: (random) => pick(random, [0, 0.3, 2]), squared: (random) => chance(random) },
  kinks: (y, { margin = 1, squared = false }) => (squared ? [] : [y > 0 ? margin : -margin]),
  bends: (y, { margin = 1 }) => [y > 0 ? margin : -margin],
  terms(x, y, { margin = 1, squared = false, posWeight }) {
    const w = y > 0 ? Math.abs(posWeight) : 1;
    const m = margin - (y > 0 ? x : -x);
    const own = Math.abs(margin) + Math.abs(x);
    // far on the right side it is 0 without rounding
    const size = m > -(2 ** -20) * own ? own : 0;
    const over = Math.max(0, m);
    if (squared) return [product(w, (over + 2 ** -20 * size) * size), product(2 * w, size)];
    return [product(w, size), w];
  },
});
