import { bceWithLogits } from './exponentials.ts';
import type { Baseline } from './plain.ts';
import { exponentials, rowMax, rowwise } from './rows.ts';

/** Walks memory in order, with a slot for each position: there is too little to do for each element to transpose it. */
export const multiMargin: Baseline = ({ x, index, outer, classes, inner, options: { margin = 1 } }) => {
  const scale = 1 / (index.length * classes);
  const offset = new Float64Array(inner);
  const count = new Float64Array(inner);
  const places = new Int32Array(inner);
  return (grad) => {
    let loss = 0;
    for (let n = 0; n < outer; n++) {
      const start = n * classes * inner;
      for (let k = 0; k < inner; k++) {
        places[k] = start + index[n * inner + k]! * inner + k;
        offset[k] = margin - x[places[k]!]!;
        count[k] = 0;
      }
      for (let c = 0; c < classes; c++) {
        const at = start + c * inner;
        for (let k = 0; k < inner; k++) {
          const m = offset[k]! + x[at + k]!;
          const over = Number(m > 0);
          loss += m * over;
          count[k]! += over;
          grad[at + k] = over * scale;
        }
      }
      for (let k = 0; k < inner; k++) {
        const own = Number(margin > 0);
        loss -= margin * own;
        grad[places[k]!] = (own - count[k]!) * scale;
      }
    }
    return loss * scale;
  };
};

export const jsDiv = rowwise(({ classes: width }) => {
  const logs = new Float64Array(width);
  return ({ x, y, classes }, grad, rows, _first, upstream) => {
    let loss = 0;
    for (let row = 0; row < rows; row++) {
      const start = row * classes;
      const max = rowMax(x, start, start + classes);
      const scale = 1 / exponentials(x, grad, start, start + classes, max);
      let mean = 0;
      for (let k = 0; k < classes; k++) {
        const q = grad[start + k]! * scale;
        const p = y[start + k]!;
        const share = 2 / (q + p);
        const log = q > 0 ? Math.log(q * share) : 0;
        grad[start + k] = q;
        logs[k] = log;
        mean += q * log;
        loss += p > 0 ? p * Math.log(p * share) : 0;
      }
      loss += mean;
      for (let k = 0; k < classes; k++) grad[start + k]! *= 0.5 * upstream * (logs[k]! - mean);
    }
    return 0.5 * loss;
  };
});

/** A mean over classes in each row and over rows is one over all elements. */
export const multiLabelSoftMargin = bceWithLogits;

const fewest = 0.01;

export const factorizedMultiLabel = rowwise(
  ({ options: { mu = 1 } }) =>
    ({ x, y, others, classes }, grad, rows, first, upstream) => {
      const { values: z, grad: zGrad } = others.z!;
      let loss = 0;
      for (let row = 0; row < rows; row++) {
        const start = row * classes;
        const end = start + classes;
        let labels = 0;
        let dot = 0;
        let entropy = 0;
        for (let i = start; i < end; i++) {
          const mass = y[i]!;
          labels += mass;
          dot += mass * x[i]!;
          if (mass > 0 && mass !== 1) entropy += mass * Math.log(mass);
        }
        const error = Math.max(z[first + row]!, fewest) - labels;
        loss += mu * error * error;
        zGrad[first + row] = z[first + row]! < fewest ? 0 : 2 * mu * error * upstream;
        if (labels === 0) {
          grad.fill(0, start, end);
          continue;
        }
        const max = rowMax(x, start, end);
        const sum = exponentials(x, grad, start, end, max);
        loss += (entropy - dot) / labels - Math.log(labels) + Math.log(sum) + max;
        const scale = upstream / sum;
        const pull = upstream / labels;
        for (let i = start; i < end; i++) grad[i] = grad[i]! * scale - y[i]! * pull;
      }
      return loss;
    },
);
