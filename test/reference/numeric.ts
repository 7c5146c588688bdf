/** Scalar and row functions in doubles, each written so that a small result keeps its relative digits. */

/** log(1 + e^x) = max(x, 0) + log1p(e^-|x|); 0 at -Infinity, Infinity at Infinity. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** 1 / (1 + e^-x), by the exponential that cannot overflow. 1 - sigmoid(x) is sigmoid(-x). */
export function sigmoid(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return x < 0 ? e / (1 + e) : 1 / (1 + e);
}

/** Neumaier's compensated sum. Where a term is NaN or infinite, the plain sum says what the result is. */
export function sumOf(values: ArrayLike<number>): number {
  let sum = 0;
  let correction = 0;
  let plain = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    plain += value;
    const next = sum + value;
    correction += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return Number.isFinite(plain) ? sum + correction : plain;
}

/** For each k the sum of all values but the k-th, by prefix and suffix sums: nothing is subtracted. */
export function sumsOfOthers(values: Float64Array): Float64Array {
  const others = new Float64Array(values.length);
  let before = 0;
  for (let k = 0; k < values.length; k++) {
    others[k] = before;
    before += values[k]!;
  }
  let after = 0;
  for (let k = values.length - 1; k >= 0; k--) {
    others[k]! += after;
    after += values[k]!;
  }
  return others;
}

/** What the losses need of one row x of logits. All of it is NaN if x holds NaN or Infinity or only -Infinity. */
export interface SoftmaxRow {
  /** log sum_j e^(x_j) */
  readonly lse: number;
  /** p_k = e^(x_k - lse) */
  readonly p: Float64Array;
  /** 1 - p_k, as the sum of the other probabilities: exact where p_k is nearly 1. */
  readonly others: Float64Array;
  /** -log p_k = (max - x_k) + log1p(sum over all but one maximum of e^(x_j - max)): terms >= 0 only. */
  readonly nll: Float64Array;
}

export function softmaxRow(x: Float64Array): SoftmaxRow {
  let top = 0;
  for (let k = 0; k < x.length; k++) if (Number.isNaN(x[k]!) || x[k]! > x[top]!) top = k;
  const max = x.length === 0 ? Number.NaN : x[top]!;
  if (!Number.isFinite(max) || x.some(Number.isNaN)) {
    const nan = new Float64Array(x.length).fill(Number.NaN);
    return { lse: Number.NaN, p: nan, others: nan, nll: nan };
  }
  const e = x.map((v) => Math.exp(v - max));
  const rest = sumOf(e.filter((_, k) => k !== top));
  const total = 1 + rest;
  const log = Math.log1p(rest);
  return {
    lse: max + log,
    p: e.map((v) => v / total),
    others: sumsOfOthers(e).map((v) => v / total),
    nll: x.map((v) => max - v + log),
  };
}
