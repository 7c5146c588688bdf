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

/** A mass times what it multiplies: a mass of 0 drops its term, so 0·∞ and 0·NaN are 0. */
export const product = (mass: number, value: number): number => (mass === 0 ? 0 : mass * value);

/** b^exponent from log b; 1 for the exponent 0, whatever b is. */
export const powerOf = (logBase: number, exponent: number): number => Math.exp(product(exponent, logBase));

/** e^t - 1 - t, by its series where that would cancel. */
export function expm1Rest(t: number): number {
  if (!(Math.abs(t) < 0.5)) return Math.expm1(t) - t;
  let term = (t * t) / 2;
  let sum = 0;
  for (let n = 3; sum + term !== sum; n++) {
    sum += term;
    term *= t / n;
  }
  return sum;
}

/** Neumaier's compensated sum. Where a term is NaN or infinite, the plain sum says what the result is. */
/** The largest of many values, NaN where one is NaN. */
export const topOf = (values: ArrayLike<number>): number => {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) top = Math.max(top, values[i]!);
  return top;
};

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

/** NaN, +Infinity or nothing but -Infinity: no softmax exists. */
export const hasNoSoftmax = (x: Float64Array): boolean =>
  x.some((v) => Number.isNaN(v) || v === Infinity) || x.every((v) => v === -Infinity);

export function softmaxRow(x: Float64Array): SoftmaxRow {
  if (hasNoSoftmax(x)) {
    const nan = new Float64Array(x.length).fill(Number.NaN);
    return { lse: Number.NaN, p: nan, others: nan, nll: nan };
  }
  let top = 0;
  for (let k = 0; k < x.length; k++) if (x[k]! > x[top]!) top = k;
  const max = x[top]!;
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

/** p_k (g_k - Σ g p), with g_k (1 - p_k) - Σ_{j≠k} g_j p_j in the bracket: what softmax passes back of g. */
export function softmaxBack(row: SoftmaxRow, g: Float64Array): Float64Array {
  const terms = g.map((v, k) => product(row.p[k]!, v));
  const rest = sumsOfOthers(terms);
  return g.map((v, k) => product(row.p[k]!, v * row.others[k]! - rest[k]!));
}

/** The logits of some classes: their largest, log Σ e^(x - largest), and the softmax among them (0 elsewhere). */
export interface Group {
  readonly max: number;
  readonly log: number;
  readonly softmax: Float64Array;
}

export function groupOf(x: Float64Array, inGroup: (k: number) => boolean): Group {
  const members = Array.from(x.keys()).filter(inGroup);
  const max = members.reduce((most, k) => Math.max(most, x[k]!), -Infinity);
  // All -Infinity: the members are equal, and share the mass equally.
  const e = members.map((k) => (x[k] === max ? 1 : Math.exp(x[k]! - max)));
  const total = sumOf(e);
  const softmax = new Float64Array(x.length);
  members.forEach((k, j) => {
    softmax[k] = e[j]! / total;
  });
  return { max, log: Math.log(total), softmax };
}

/** LSE(outside) - LSE(inside), each relative to its own maximum; -Infinity where nothing, or -Infinity, is outside. */
export const logOdds = (outside: Group, inside: Group): number =>
  outside.max === -Infinity ? -Infinity : outside.max - inside.max + (outside.log - inside.log);
