/**
 * The same losses as a careful user writes them in plain JavaScript: one fused pass for loss and gradient over typed
 * arrays, sums in doubles, Math.exp and Math.log. `grad` receives the gradient (of the mean), for activations the output.
 */

type Floats = Float32Array;

/** Cross entropy over the rows of [rows, classes]. */
export function crossEntropyRows(x: Floats, target: Int32Array, grad: Floats, rows: number, classes: number): number {
  const upstream = 1 / rows;
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    const end = start + classes;
    const max = rowMax(x, start, end);
    let sum = 0;
    for (let i = start; i < end; i++) {
      const e = Math.exp(x[i]! - max);
      grad[i] = e;
      sum += e;
    }
    const hit = start + target[row]!;
    loss += Math.log(sum) - (x[hit]! - max);
    const scale = upstream / sum;
    for (let i = start; i < end; i++) grad[i]! *= scale;
    grad[hit]! -= upstream;
  }
  return loss * upstream;
}

function rowMax(x: Floats, start: number, end: number): number {
  let max = x[start]!;
  for (let i = start + 1; i < end; i++) if (x[i]! > max) max = x[i]!;
  return max;
}

/** Cross entropy over axis 1 of [outer, classes, inner]; walks memory in order, with one slot per inner position. */
export function crossEntropyStrided(
  x: Floats,
  target: Int32Array,
  grad: Floats,
  outer: number,
  classes: number,
  inner: number,
  max: Float32Array,
  sum: Float64Array,
): number {
  const upstream = 1 / (outer * inner);
  let loss = 0;
  for (let n = 0; n < outer; n++) {
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
    for (let k = 0; k < inner; k++) {
      const hit = start + target[n * inner + k]! * inner + k;
      loss += Math.log(sum[k]!) - (x[hit]! - max[k]!);
      sum[k] = upstream / sum[k]!;
    }
    for (let c = 0; c < classes; c++) {
      const at = start + c * inner;
      for (let k = 0; k < inner; k++) grad[at + k]! *= sum[k]!;
    }
    for (let k = 0; k < inner; k++) grad[start + target[n * inner + k]! * inner + k]! -= upstream;
  }
  return loss * upstream;
}

/** Cross entropy with probability targets over the rows of [rows, classes]. */
export function crossEntropyProbabilities(x: Floats, y: Floats, grad: Floats, rows: number, classes: number): number {
  const upstream = 1 / rows;
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    const end = start + classes;
    const max = rowMax(x, start, end);
    let sum = 0;
    let mass = 0;
    let dot = 0;
    for (let i = start; i < end; i++) {
      const shifted = x[i]! - max;
      const e = Math.exp(shifted);
      grad[i] = e;
      sum += e;
      mass += y[i]!;
      dot += y[i]! * shifted;
    }
    loss += Math.log(sum) * mass - dot;
    const scale = (upstream * mass) / sum;
    for (let i = start; i < end; i++) grad[i] = grad[i]! * scale - y[i]! * upstream;
  }
  return loss * upstream;
}

/** Binary cross entropy with logits. */
export function bceWithLogits(x: Floats, y: Floats, grad: Floats): number {
  const upstream = 1 / x.length;
  let loss = 0;
  for (let i = 0; i < x.length; i++) {
    const v = x[i]!;
    const e = Math.exp(-Math.abs(v));
    const q = 1 / (1 + e);
    loss += Math.max(v, 0) - v * y[i]! + Math.log1p(e);
    grad[i] = ((v >= 0 ? q : e * q) - y[i]!) * upstream;
  }
  return loss * upstream;
}

/** Mean squared error; four sums, so that one addition need not wait for the one before. */
export function mse(x: Floats, y: Floats, grad: Floats): number {
  const whole = x.length & ~3;
  const scale = 2 / x.length;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < whole; i += 4) {
    const a = x[i]! - y[i]!;
    const b = x[i + 1]! - y[i + 1]!;
    const c = x[i + 2]! - y[i + 2]!;
    const d = x[i + 3]! - y[i + 3]!;
    s0 += a * a;
    s1 += b * b;
    s2 += c * c;
    s3 += d * d;
    grad[i] = a * scale;
    grad[i + 1] = b * scale;
    grad[i + 2] = c * scale;
    grad[i + 3] = d * scale;
  }
  for (let i = whole; i < x.length; i++) {
    const a = x[i]! - y[i]!;
    s0 += a * a;
    grad[i] = a * scale;
  }
  return (s0 + s1 + s2 + s3) / x.length;
}

/** Two components of two groups over four classes, as in cases.ts; weights a and b. */
export function twoComponents(x: Floats, target: Int32Array, grad: Floats, rows: number, a: number, b: number): number {
  const upstream = 1 / rows;
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const i = row * 4;
    const max = Math.max(x[i]!, x[i + 1]!, x[i + 2]!, x[i + 3]!);
    const e0 = Math.exp(x[i]! - max);
    const e1 = Math.exp(x[i + 1]! - max);
    const e2 = Math.exp(x[i + 2]! - max);
    const e3 = Math.exp(x[i + 3]! - max);
    const sum = e0 + e1 + e2 + e3;
    const high = target[row]! >> 1;
    const low = target[row]! & 1;
    const massA = high ? e2 + e3 : e0 + e1;
    const massB = low ? e1 + e3 : e0 + e2;
    loss += a * Math.log(sum / massA) + b * Math.log(sum / massB);
    const all = ((a + b) / sum) * upstream;
    const hitA = (a / massA) * upstream;
    const hitB = (b / massB) * upstream;
    const a0 = high ? all : all - hitA;
    const a1 = high ? all - hitA : all;
    const b0 = low ? 0 : hitB;
    const b1 = low ? hitB : 0;
    grad[i] = e0 * (a0 - b0);
    grad[i + 1] = e1 * (a0 - b1);
    grad[i + 2] = e2 * (a1 - b0);
    grad[i + 3] = e3 * (a1 - b1);
  }
  return loss * upstream;
}

/** Softmax over the rows of [rows, classes]. */
export function softmaxRows(x: Floats, output: Floats, rows: number, classes: number): void {
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    const end = start + classes;
    const max = rowMax(x, start, end);
    let sum = 0;
    for (let i = start; i < end; i++) {
      const e = Math.exp(x[i]! - max);
      output[i] = e;
      sum += e;
    }
    const scale = 1 / sum;
    for (let i = start; i < end; i++) output[i]! *= scale;
  }
}

/** Sigmoid of every element. */
export function sigmoidAll(x: Floats, output: Floats): void {
  for (let i = 0; i < x.length; i++) output[i] = 1 / (1 + Math.exp(-x[i]!));
}
