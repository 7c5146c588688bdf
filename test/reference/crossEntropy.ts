/** Cross entropy and the losses that are made of it. */
import { classLoss, layoutFor, massScale, rowScales } from './entries.ts';
import { layoutOf } from './layout.ts';
import { product, type SoftmaxRow, softmaxRow, sumOf, sumsOfOthers } from './numeric.ts';
import { between, pick } from './random.ts';
import { classCompute, type Row, reduceRows, samplesOf } from './rows.ts';
import type { Problem, ReferenceInputs, ReferenceOptions, ReferenceResult, Scales, Tensor64 } from './types.ts';

/**
 * -Σ_k q_k log p_k for masses q, where a mass of 0 drops its term (0·∞ = 0).
 * The gradient p_k Σ_j q_j - q_k is written p_k Σ_{j≠k} q_j - q_k (1 - p_k), which does not cancel where p_k is near 1.
 */
export function massLoss(q: Float64Array, row: SoftmaxRow): Row {
  const otherMass = sumsOfOthers(q);
  return {
    value: sumOf(q.map((mass, k) => product(mass, row.nll[k]!))),
    grad: q.map((mass, k) => row.p[k]! * otherMass[k]! - mass * row.others[k]!),
  };
}

/**
 * cap · tanh(x / cap), then the shift, class by class (Gemma 2, 2024; Menon et al. 2021), and the derivative
 * 1 - tanh² = 4e / (1+e)², e = e^(-2|x/cap|). A logit of -Infinity is a mask and stays one.
 */
function shapeLogits({ inputs: { input }, options }: Problem): { logits: Tensor64; slopes: Float64Array } {
  const { softcap: cap = 0, logitShift } = options;
  const layout = layoutOf(input.shape, options.axis);
  const capped = (x: number): number => (cap === 0 || x === -Infinity ? x : cap * Math.tanh(x / cap));
  const shift = (flat: number): number => logitShift?.data[Math.floor(flat / layout.inner) % layout.classes] ?? 0;
  const slope = (x: number): number => {
    const e = Math.exp(-2 * Math.abs(x / cap));
    return (4 * e) / (1 + e) ** 2;
  };
  return {
    logits: { data: input.data.map((x, flat) => capped(x) + shift(flat)), shape: input.shape },
    slopes: input.data.map((x) => (cap === 0 ? 1 : slope(x))),
  };
}

const plain = classCompute((x, q) => massLoss(q, softmaxRow(x)));

/** zLoss·lse² for every kept sample (PaLM, 2022), unweighted; its mean divides by their number. */
function logNormalizers(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const { zLoss = 0 } = options;
  const layout = layoutOf(inputs.input.shape, options.axis);
  const samples = samplesOf(inputs, options, layout);
  return reduceRows(inputs.input, { ...options, sampleWeight: undefined }, layout, (x, i) => {
    if (samples[i] === undefined) return undefined;
    const { lse, p } = softmaxRow(x);
    return { value: zLoss * lse * lse, grad: p.map((v) => product(v, 2 * zLoss * lse)) };
  });
}

/**
 * Cross entropy as in PyTorch (torch.nn.functional.cross_entropy; aten LossNLL.cpp).
 * With lp = log_softmax, w = class weights, e = labelSmoothing, s = sampleWeight:
 *   index target t:  l = s [ (1-e) w_t (-lp_t) + (e/C) Σ_c w_c (-lp_c) ];  mean divides by Σ_kept s w_t
 *   probabilities y: l = -s Σ_c w_c ((1-e) y_c + e/C) lp_c;                mean divides by Σ s (the number of samples)
 * A target of the logits' own shape holds probabilities, any other holds indices. zLoss has a mean of its own, by the
 * kept samples: it counts where their weights are 0 or add up to 0.
 */
function crossEntropyCompute(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const { zLoss = 0 } = options;
  const { logits, slopes } = shapeLogits({ inputs, options });
  const cross = plain({ ...inputs, input: logits }, options);
  const z = zLoss === 0 ? undefined : logNormalizers({ ...inputs, input: logits }, options);
  const both = (own: Float64Array, added?: Float64Array): Float64Array =>
    added ? own.map((v, i) => v + added[i]!) : own;
  const grad = both(cross.grad.data, z?.grad.data).map((g, i) => product(g, slopes[i]!));
  return {
    ...cross,
    loss: { data: both(cross.loss.data, z?.loss.data), shape: cross.loss.shape },
    grad: { data: grad, shape: inputs.input.shape },
    sum: cross.sum + (z?.sum ?? 0),
    zSum: z?.sum ?? 0,
  };
}

const largestLogit = (x: Float64Array): number =>
  x.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 0);

/** Scales by the masses; logits that were rounded on their way into the softmax add their own size to both. */
function massScales({ inputs, options }: Problem, logits: Tensor64, rounded = false): Scales {
  const layout = layoutOf(logits.shape, options.axis);
  const samples = samplesOf(inputs, options, layout);
  return rowScales({ inputs: { ...inputs, input: logits }, options }, layout, (x, i) => {
    const sample = samples[i];
    if (sample === undefined) return undefined;
    const { loss, grad } = massScale(x, sample.q);
    const size = rounded ? largestLogit(x) : 0;
    return { loss: loss + 2 * size * grad, grad: grad * (1 + size) };
  });
}

export const crossEntropy = classLoss({
  row: (x, q) => massLoss(q, softmaxRow(x)),
  compute: crossEntropyCompute,
  targets: ['index', 'dense'],
  weighted: true,
  smoothed: true,
  options: {
    zLoss: (random) => pick(random, [1e-4, 0.1]),
    softcap: (random) => pick(random, [2, 30, 50]),
    logitShift(random, problem) {
      const { classes } = layoutFor(problem);
      return { data: Float64Array.from({ length: classes }, () => between(random, -3, 3)), shape: [classes] };
    },
  },
  goldenScale: (problem) => massScales(problem, problem.inputs.input).grad,
  scales(problem) {
    const { zLoss = 0, softcap = 0, logitShift } = problem.options;
    const layout = layoutFor(problem);
    const { logits } = shapeLogits(problem);
    const rounded = softcap !== 0 || logitShift !== undefined;
    const cross = massScales(problem, logits, rounded);
    if (zLoss === 0) return cross;
    const samples = samplesOf(problem.inputs, problem.options, layout);
    const unweighted = { inputs: { input: logits }, options: {} };
    const z = rowScales(unweighted, layout, (x, i) => {
      if (samples[i] === undefined) return undefined;
      const { lse } = softmaxRow(x);
      const size = Number.isFinite(lse) ? Math.abs(lse) : 0;
      const worse = rounded ? 1 + largestLogit(x) : 1;
      return { loss: Math.abs(zLoss) * (1 + size) ** 2, grad: 2 * Math.abs(zLoss) * (1 + size) * worse };
    });
    return { loss: cross.loss.map((v, i) => v + z.loss[i]!), grad: cross.grad.map((v, i) => v + z.grad[i]!) };
  },
});
