/** Weights of classes, labels and tasks, in float64 and by the letter of their papers. */
import { sigmoid } from '../numeric.ts';

/** Cui et al. 2019: (1 − β)/(1 − β^n), scaled to add up to the number of classes that have samples. */
export function classBalanced(counts: readonly number[], beta: number): number[] {
  const effective = (n: number): number => {
    let sum = 0; // 1 + β + β² + …, n terms
    for (let k = 0; k < n; k++) sum += beta ** k;
    return sum;
  };
  const weights = counts.map((n) => (n === 0 ? 0 : 1 / effective(n)));
  const by = counts.filter((n) => n > 0).length / weights.reduce((a, b) => a + b, 0);
  return weights.map((w) => w * by);
}

/** Wu et al. 2020: α + σ(β·(r − μ)) with r = (1/n_k)/Σ_j (1/n_j). */
export function distributionBalanced(
  labels: readonly (readonly number[])[],
  counts: readonly number[],
  [alpha, beta, mu]: readonly [number, number, number],
): number[][] {
  return labels.map((row) => {
    const drawn = counts.reduce((sum, n, l) => (row[l] === 1 ? sum + 1 / n : sum), 0);
    return counts.map((n) => alpha + sigmoid(beta * ((drawn === 0 ? 0 : 1 / n / drawn) - mu)));
  });
}

/** pyxclib, compute_inv_propesity: 1 + C·(n + B)^−A, inverted. */
export function propensity(n: number, samples: number, a: number, b: number): number {
  const c = (Math.log(samples) - 1) * Math.exp(a * Math.log(b + 1));
  return 1 / (1 + c * Math.exp(-a * Math.log(n + b)));
}

/** Liu et al. 2019: K·softmax(r/T). */
export function averaged(ratios: readonly number[], temperature: number): number[] {
  const powers = ratios.map((r) => Math.exp(r / temperature));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => (ratios.length * power) / sum);
}

/** Chen et al. 2018: Σ |w_i·n_i − target_i|, the targets being those of the weights `at`. */
export function gradNormLoss(
  w: readonly number[],
  at: readonly number[],
  norms: readonly number[],
  fallen: readonly number[],
  alpha: number,
): number {
  const k = w.length;
  const mean = at.reduce((sum, each, i) => sum + each * norms[i]!, 0) / k;
  const rate = fallen.reduce((a, b) => a + b, 0) / k;
  return w.reduce((sum, each, i) => sum + Math.abs(each * norms[i]! - mean * (fallen[i]! / rate) ** alpha), 0);
}
