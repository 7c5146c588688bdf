/** Worked numbers of the losses beyond PyTorch's: golden/formulas.json, made by another implementation. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type LossName, type ReferenceOptions, reference, type Tensor64, tensor64 } from './index.ts';
import { sigmoid } from './numeric.ts';

type Nested = number[] | number[][];

interface Formula {
  readonly x: Nested;
  readonly loss: number;
  readonly grad: Nested;
}

const text = readFileSync(new URL('../golden/formulas.json', import.meta.url), 'utf8');
const formulas = JSON.parse(text) as Record<string, Formula>;

const tensor = (source: Nested): Tensor64 => {
  const rows = source as (number | number[])[];
  const width = Array.isArray(rows[0]) ? [rows[0].length] : [];
  return tensor64(rows.flat(), [rows.length, ...width]);
};

interface Computed {
  readonly loss: number;
  readonly grad: ArrayLike<number>;
}

const run = (op: LossName, input: Tensor64, target: Tensor64, options: ReferenceOptions = {}): Computed => {
  const { loss, grad } = reference(op, { input, target }, options);
  return { loss: loss.data[0]!, grad: grad.data };
};

const add = (a: Computed, b: Computed): Computed => ({
  loss: a.loss + b.loss,
  grad: Array.from(a.grad, (v, i) => v + b.grad[i]!),
});

const classes = 5;
const index = tensor64([1, 4, 0]);
const sets = tensor([
  [1, 1, 0, 0, 0],
  [0, 1, 0, 0, 1],
  [1, 1, 1, 1, 0],
]);
const multiHot = tensor([
  [0, 0, 0, 0, 1],
  [0, 0, 0, 1, 0],
  [1, 1, 1, 1, 0],
]);
const distributions = tensor([
  [0.4481810038049458, 0.09697557692468034, 0.1063973827076468, 0.2409838483046013, 0.1074621882581257],
  [0.006595964126430811, 0.08725899180824905, 0.3017715558757617, 0.188850813405462, 0.4155226747840965],
  [0.001807250409914696, 0.1967860165428577, 0.05450629950600563, 0.07742886292287371, 0.669471570618348],
]);
const classWeights = tensor64([0.5, 2, 1, 1, 3]);
const propensities = [0.9, 0.5, 0.2, 0.05, 0.7];

/** Class t as levels y > k (CORAL); `conditional` marks those whose condition y > k - 1 fails (CORN). */
const levels = (conditional: boolean): Tensor64 =>
  tensor(
    Array.from(index.data, (t) =>
      Array.from({ length: classes - 1 }, (_, k) => (conditional && t < k ? -1 : Number(t > k))),
    ),
  );

/** A loss of what an activation makes of x, back to x. */
function through(activation: 'sigmoid' | 'logSoftmax', op: LossName, x: Tensor64, target: Tensor64): Computed {
  const input = reference(activation, { input: x }).loss;
  const { loss, grad } = reference(op, { input, target }, { reduction: 'batchmean' });
  return { loss: loss.data[0]!, grad: reference(activation, { input: x }, { gradOutput: grad }).grad.data };
}

/** Unbiased for missing positives (Jain et al. 2016): y = 1 costs ℓ⁺/p + (1 - 1/p) ℓ⁻. */
function unbiased(x: Tensor64): Computed {
  const inverse = tensor64(propensities.map((p) => 1 / p));
  const correction = multiHot.data.map((y, i) => y * (1 - inverse.data[i % classes]!));
  const zeros = { ...multiHot, data: multiHot.data.map(() => 0) };
  return add(
    run('bceWithLogits', x, multiHot, { posWeight: inverse }),
    run('bceWithLogits', x, zeros, { weight: { data: correction, shape: x.shape } }),
  );
}

/** Distribution-balanced loss (Wu et al. 2020): weighted BCE at x - ν where y = 1, at λ (x - ν) over λ elsewhere. */
function distributionBalanced(x: Tensor64): Computed {
  const [counts, samples] = [[600, 240, 120, 40, 16], 1000];
  const [alpha, beta, mu, kappa, lambda] = [0.1, 10, 0.2, 0.05, 2];
  const inverse = counts.map((n) => 1 / n);
  const shift = counts.map((n) => (kappa * Math.log(samples / n - 1)) / lambda);
  const slope = multiHot.data.map((y) => (y === 1 ? 1 : lambda));
  const input = { data: x.data.map((v, i) => slope[i]! * (v - shift[i % classes]!)), shape: x.shape };
  const weight = multiHot.data.map((_, i) => {
    const start = i - (i % classes);
    const present = inverse.reduce((sum, v, k) => sum + v * multiHot.data[start + k]!, 0);
    return (alpha + sigmoid(beta * (inverse[i % classes]! / present - mu))) / slope[i]!;
  });
  const { loss, grad } = run('bceWithLogits', input, multiHot, { weight: { data: weight, shape: x.shape } });
  return { loss, grad: Array.from(grad, (g, i) => g * slope[i]!) };
}

/** Mean cross entropy of z / T and its derivative by T (Guo et al. 2017). */
function temperatureScaling({ data: [temperature] }: Tensor64): Computed {
  const z = tensor(formulas.ce_mean!.x);
  const input = { data: z.data.map((v) => v / temperature!), shape: z.shape };
  const { loss, grad } = run('crossEntropy', input, index);
  return { loss, grad: [Array.from(grad).reduce((sum, g, i) => sum - (g * input.data[i]!) / temperature!, 0)] };
}

function kendall(s: Tensor64): Computed {
  // written for losses with ½ before them; the formula's classification form has none
  const input = tensor64([2 * 0.7, 2 * 1.9]);
  const { loss, grads } = reference('uncertaintyWeighted', { input, others: { s } });
  return { loss: loss.data[0]!, grad: grads!.s!.data };
}

const composites = {
  components: [
    [0, 0, 1, 1],
    [0, 1, 0, 1],
  ],
  weights: [2, 0.5],
};
const threeByTwo = {
  components: [
    [0, 0, 1, 1, 2, 2],
    [0, 1, 0, 1, 0, 1],
  ],
  weights: [2, 0.5],
  jointWeight: 1,
};

const computed: Record<string, (x: Tensor64) => Computed> = {
  ce_mean: (x) => run('crossEntropy', x, index),
  ce_weighted_mean_torch: (x) => run('crossEntropy', x, index, { weight: classWeights }),
  'ce_smooth_0.1': (x) => run('crossEntropy', x, index, { labelSmoothing: 0.1 }),
  ce_weighted_smooth_torch: (x) => run('crossEntropy', x, index, { weight: classWeights, labelSmoothing: 0.1 }),
  ce_soft_unnormalised: (x) => run('crossEntropy', x, sets),
  logit_adjusted: (x) =>
    run('crossEntropy', x, index, { logitShift: tensor64([0.4, 0.3, 0.2, 0.07, 0.03].map(Math.log)) }),
  poly1_eps2: (x) => run('polyLoss', x, index, { epsilon: 2 }),
  focal_softmax_g2: (x) => run('softmaxFocal', x, index),
  'zloss_1e-4': (x) =>
    run('crossEntropy', x, index, { zLoss: 1e-4, sampleWeight: tensor64([0, 0, 0]), reduction: 'batchmean' }),
  ce_plus_mse_expect: (x) => run('ordinalCrossEntropy', x, index, { lambda: 0.5 }),
  emd2: (x) => run('emd', x, index),
  coral: (x) => run('bceWithLogits', x, levels(false), { reduction: 'batchmean' }),
  corn: (x) => run('bceWithLogits', x, levels(true), { ignoreValue: -1 }),
  kl_P_Q: (x) => through('logSoftmax', 'klDiv', x, distributions),
  js: (x) => run('jsDiv', x, distributions),
  abs_kl_sigmoid: (x) => through('sigmoid', 'absKlDiv', x, sets),
  bce_posw: (x) => run('bceWithLogits', x, multiHot, { posWeight: tensor64([1, 2, 3, 0.5, 1.5]) }),
  'bce_smooth0.1': (x) => run('bceWithLogits', x, multiHot, { labelSmoothing: 0.1 }),
  'focal_sigmoid_a.25_g2': (x) => run('sigmoidFocal', x, multiHot),
  'asl_1_4_.05_fullgrad': (x) => run('asymmetric', x, multiHot, { detachWeights: false, reduction: 'sum' }),
  prop_bce_unbiased: unbiased,
  'prop_bce_upper_2/p-1': (x) =>
    run('bceWithLogits', x, multiHot, { posWeight: tensor64(propensities.map((p) => 2 / p - 1)) }),
  prop_sqhinge_upper: (x) =>
    run('hinge', x, multiHot, { squared: true, posWeight: tensor64(propensities.map((p) => 2 / p - 1)) }),
  distribution_balanced: distributionBalanced,
  'alpha_beta_2x2 a=2 b=.5': (x) => run('componentCrossEntropy', x, tensor64([1, 2, 3]), composites),
  alpha_beta_joint_3x2: (x) => run('componentCrossEntropy', x, tensor64([1, 4, 3]), threeByTwo),
  'kendall_cls(log var s)': kendall,
  poisson_nll_log: (x) => run('poissonNll', x, tensor([[1, 1, 0, 0, 0]]), { reduction: 'sum' }),
  temperature_scaling: temperatureScaling,
};

describe('worked numbers', () => {
  it('all of them are computed', () => {
    expect(Object.keys(computed)).toEqual(Object.keys(formulas));
  });

  it.each(Object.entries(formulas))('%s', (name, { x, loss, grad }) => {
    const got = computed[name]!(tensor(x));
    const wanted = tensor(grad).data;
    const scale = Math.max(1, Math.abs(loss), ...wanted.map(Math.abs));
    expect(Math.abs(got.loss - loss) / scale, 'loss').toBeLessThan(1e-14);
    expect(got.grad.length).toBe(wanted.length);
    for (const [i, g] of wanted.entries()) {
      expect(Math.abs(got.grad[i]! - g) / scale, `grad ${i}`).toBeLessThan(1e-14);
    }
  });
});
