import type { Baseline, Floats, Plain } from './plain.ts';

/** Factors of Σ p·y in numerator and denominator, and of Σ p·(1−y) and Σ (1−p)·y in the denominator. */
type Counting = readonly [hit: number, falsePositive: number, falseNegative: number];

/** Softmax of a sample into grad, in order, with the class sums of p, and of p where the class is the target's. */
function predict(
  { x, classes, inner }: Plain,
  grad: Floats,
  n: number,
  slots: { readonly max: Float32Array; readonly sum: Float64Array },
  sums: Float64Array,
): void {
  const { max, sum } = slots;
  const start = n * classes * inner;
  max.set(x.subarray(start, start + inner));
  sum.fill(0);
  for (let c = 1; c < classes; c++) {
    const at = start + c * inner;
    for (let k = 0; k < inner; k++) if (x[at + k]! > max[k]!) max[k] = x[at + k]!;
  }
  for (let c = 0; c < classes; c++) {
    const at = start + c * inner;
    for (let k = 0; k < inner; k++) {
      const e = Math.exp(x[at + k]! - max[k]!);
      grad[at + k] = e;
      sum[k]! += e;
    }
  }
  for (let k = 0; k < inner; k++) sum[k] = 1 / sum[k]!;
  for (let c = 0; c < classes; c++) {
    const at = start + c * inner;
    let all = 0;
    for (let k = 0; k < inner; k++) {
      const p = grad[at + k]! * sum[k]!;
      grad[at + k] = p;
      all += p;
    }
    sums[c] = all;
  }
}

/** 1 − the ratio of the overlap of softmax and class indices, for each sample and class. */
const overlap =
  (countingOf: (options: Plain['options']) => Counting): Baseline =>
  (data) => {
    const { index, outer, classes, inner, options } = data;
    const { smooth = 1 } = options;
    const [hit, falsePositive, falseNegative] = countingOf(options);
    const upstream = 1 / (outer * classes);
    const slots = { max: new Float32Array(inner), sum: new Float64Array(inner) };
    const dots = slots.sum; // free again after `predict`
    const own = new Float64Array(inner);
    const [all, hits, given] = [new Float64Array(classes), new Float64Array(classes), new Float64Array(classes)];
    const [outside, inside] = [new Float64Array(classes), new Float64Array(classes)];
    return (grad) => {
      let loss = 0;
      for (let n = 0; n < outer; n++) {
        const start = n * classes * inner;
        predict(data, grad, n, slots, all);
        hits.fill(0);
        given.fill(0);
        for (let k = 0; k < inner; k++) {
          const t = index[n * inner + k]!;
          hits[t]! += grad[start + t * inner + k]!;
          given[t]! += 1;
        }
        for (let c = 0; c < classes; c++) {
          const missed = falsePositive * (all[c]! - hits[c]!) + falseNegative * (given[c]! - hits[c]!);
          const denominator = hit * hits[c]! + missed + smooth;
          const value = denominator === 0 ? 0 : missed / denominator;
          const scale = denominator === 0 ? 0 : upstream / denominator;
          loss += value;
          outside[c] = scale * falsePositive * (1 - value);
          inside[c] = -scale * (falseNegative * (1 - value) + value * hit);
        }
        dots.fill(0);
        for (let c = 0; c < classes; c++) {
          const at = start + c * inner;
          const slope = outside[c]!;
          for (let k = 0; k < inner; k++) dots[k]! += slope * grad[at + k]!;
        }
        for (let k = 0; k < inner; k++) {
          const t = index[n * inner + k]!;
          const p = grad[start + t * inner + k]!;
          dots[k]! += (inside[t]! - outside[t]!) * p;
          own[k] = p * (inside[t]! - dots[k]!);
        }
        for (let c = 0; c < classes; c++) {
          const at = start + c * inner;
          const slope = outside[c]!;
          for (let k = 0; k < inner; k++) grad[at + k]! *= slope - dots[k]!;
        }
        for (let k = 0; k < inner; k++) grad[start + index[n * inner + k]! * inner + k] = own[k]!;
      }
      return loss * upstream;
    };
  };

export const dice = overlap(() => [2, 1, 1]);

export const tversky = overlap(({ alpha = 0.5, beta = 0.5 }) => [1, alpha, beta]);
