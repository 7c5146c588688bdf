import { power } from './elements.ts';
import type { Baseline, Floats } from './plain.ts';
import { exponentials, rowMax, rowwise } from './rows.ts';

/** Multiplies a row. */
function multiply(grad: Floats, start: number, end: number, factor: number): void {
  for (let i = start; i < end; i++) grad[i]! *= factor;
}

const ofIndices = rowwise(() => ({ x, index, classes }, grad, rows, first, upstream) => {
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    const end = start + classes;
    const max = rowMax(x, start, end);
    const sum = exponentials(x, grad, start, end, max);
    const hit = start + index[first + row]!;
    loss += Math.log(sum) - (x[hit]! - max);
    multiply(grad, start, end, upstream / sum);
    grad[hit]! -= upstream;
  }
  return loss;
});

const ofProbabilities = rowwise(() => ({ x, y, classes }, grad, rows, _first, upstream) => {
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
  return loss;
});

export const crossEntropy: Baseline = (data) => (data.y.length > 0 ? ofProbabilities(data) : ofIndices(data));

export const nllLoss: Baseline = ({ x, index, classes, inner }) => {
  const upstream = 1 / index.length;
  return (grad) => {
    grad.fill(0);
    let loss = 0;
    for (let i = 0, n = 0; i < index.length; n++) {
      for (let k = 0; k < inner; k++, i++) {
        const hit = (n * classes + index[i]!) * inner + k;
        loss -= x[hit]!;
        grad[hit] = -upstream;
      }
    }
    return loss * upstream;
  };
};

export const softmaxFocal = rowwise(
  ({ options: { gamma = 2 } }) =>
    ({ x, index, classes }, grad, rows, first, upstream) => {
      let loss = 0;
      for (let row = 0; row < rows; row++) {
        const start = row * classes;
        const end = start + classes;
        const max = rowMax(x, start, end);
        const sum = exponentials(x, grad, start, end, max);
        const hit = start + index[first + row]!;
        const entropy = Math.log(sum) - (x[hit]! - max);
        const e = Math.exp(x[hit]! - max);
        const rest = (sum - e) / sum;
        const factor = power(rest, gamma);
        loss += factor * entropy;
        const ratio = rest > 0 ? entropy / rest : 1;
        const slope = factor * (1 + ((gamma * e) / sum) * ratio) * upstream;
        multiply(grad, start, end, slope / sum);
        grad[hit] = -slope * rest;
      }
      return loss;
    },
);

export const polyLoss = rowwise(
  ({ options: { epsilon = 1 } }) =>
    ({ x, index, classes }, grad, rows, first, upstream) => {
      let loss = 0;
      for (let row = 0; row < rows; row++) {
        const start = row * classes;
        const end = start + classes;
        const max = rowMax(x, start, end);
        const sum = exponentials(x, grad, start, end, max);
        const hit = start + index[first + row]!;
        const p = grad[hit]! / sum;
        loss += Math.log(sum) - (x[hit]! - max) + epsilon * (1 - p);
        const slope = (1 + epsilon * p) * upstream;
        multiply(grad, start, end, slope / sum);
        grad[hit]! -= slope;
      }
      return loss;
    },
);

export const ordinalCrossEntropy = rowwise(
  ({ options: { lambda = 1 } }) =>
    ({ x, index, classes }, grad, rows, first, upstream) => {
      let loss = 0;
      for (let row = 0; row < rows; row++) {
        const start = row * classes;
        const max = rowMax(x, start, start + classes);
        let sum = 0;
        let moment = 0;
        for (let k = 0; k < classes; k++) {
          const e = Math.exp(x[start + k]! - max);
          grad[start + k] = e;
          sum += e;
          moment += k * e;
        }
        const t = index[first + row]!;
        const mean = moment / sum;
        const error = mean - t;
        loss += Math.log(sum) - (x[start + t]! - max) + lambda * error * error;
        const scale = upstream / sum;
        const pull = 2 * lambda * error;
        for (let k = 0; k < classes; k++) grad[start + k]! *= scale * (1 + pull * (k - mean));
        grad[start + t]! -= upstream;
      }
      return loss;
    },
);

export const emd = rowwise(() => ({ x, index, classes }, grad, rows, first, upstream) => {
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    const max = rowMax(x, start, start + classes);
    const scale = 1 / exponentials(x, grad, start, start + classes, max);
    const t = index[first + row]!;
    // d_k = CDF_p − CDF_t; g_j = 2 Σ_{k≥j} d_k has the mean Σ p g = 2 Σ_k d_k CDF_p(k)
    let below = 0;
    let mean = 0;
    for (let k = 0; k < classes; k++) {
      const p = grad[start + k]! * scale;
      grad[start + k] = p;
      below += p;
      const d = below - Number(k >= t);
      loss += d * d;
      mean += d * below;
    }
    let g = 0;
    for (let k = classes - 1; k >= 0; k--) {
      const p = grad[start + k]!;
      g += below - Number(k >= t);
      below -= p;
      grad[start + k] = 2 * p * (g - mean) * upstream;
    }
  }
  return loss;
});

/** Two components of two groups over four classes, [0, 0, 1, 1] and [0, 1, 0, 1], with weights a and b. */
function twoParts(x: Floats, target: Int32Array, grad: Floats, a: number, b: number): number {
  const upstream = 1 / target.length;
  let loss = 0;
  for (let row = 0; row < target.length; row++) {
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

const anyComponents = rowwise(({ classes: width, options: { components = [], weights = components.map(() => 1) } }) => {
  const maps = components.map((map) => Int32Array.from(map));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const factors = new Float64Array(width);
  return ({ x, index, classes }, grad, rows, first, upstream) => {
    let loss = 0;
    for (let row = 0; row < rows; row++) {
      const start = row * classes;
      const max = rowMax(x, start, start + classes);
      const sum = exponentials(x, grad, start, start + classes, max);
      factors.fill((total * upstream) / sum);
      for (let m = 0; m < maps.length; m++) {
        const map = maps[m]!;
        const group = map[index[first + row]!]!;
        let mass = 0;
        for (let k = 0; k < classes; k++) mass += Number(map[k] === group) * grad[start + k]!;
        loss += weights[m]! * Math.log(sum / mass);
        const pull = (weights[m]! * upstream) / mass;
        for (let k = 0; k < classes; k++) factors[k]! -= Number(map[k] === group) * pull;
      }
      for (let k = 0; k < classes; k++) grad[start + k]! *= factors[k]!;
    }
    return loss;
  };
});

export const componentCrossEntropy: Baseline = (data) => {
  const { x, index, inner, options } = data;
  const { components, weights: [a = 1, b = 1] = [] } = options;
  if (inner > 1 || components?.join('|') !== '0,0,1,1|0,1,0,1') return anyComponents(data);
  return (grad) => twoParts(x, index, grad, a, b);
};

export const partialLabel = rowwise(() => ({ x, indices, offsets, classes }, grad, rows, first, upstream) => {
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    const end = start + classes;
    const from = offsets[first + row]!;
    const to = offsets[first + row + 1]!;
    const max = rowMax(x, start, end);
    const sum = exponentials(x, grad, start, end, max);
    let inside = 0;
    for (let at = from; at < to; at++) inside += grad[start + indices[at]!]!;
    loss += Math.log(sum / inside);
    multiply(grad, start, end, upstream / sum);
    const pull = 1 - sum / inside;
    for (let at = from; at < to; at++) grad[start + indices[at]!]! *= pull;
  }
  return loss;
});

// Activations: the output takes the gradient's place.

export const softmax = rowwise(() => ({ x, classes }, output, rows) => {
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    const end = start + classes;
    const sum = exponentials(x, output, start, end, rowMax(x, start, end));
    multiply(output, start, end, 1 / sum);
  }
  return Number.NaN;
});

export const logSoftmax = rowwise(() => ({ x, classes }, output, rows) => {
  for (let row = 0; row < rows; row++) {
    const start = row * classes;
    const end = start + classes;
    const max = rowMax(x, start, end);
    let sum = 0;
    for (let i = start; i < end; i++) sum += Math.exp(x[i]! - max);
    const lse = max + Math.log(sum);
    for (let i = start; i < end; i++) output[i] = x[i]! - lse;
  }
  return Number.NaN;
});
