import type { Contender } from './problem.ts';

/** Loops as users write them: one row of logits at a time, four sums for a dot product, gradients added up as they come. */
export const plain: Contender = {
  name: 'plain JS',
  prepare({ shape: [n, d, c], features, weight, bias, target }) {
    const logits = new Float32Array(c);
    const grad = { weight: new Float32Array(c * d), bias: new Float32Array(c), input: new Float32Array(n * d) };
    const dot = (x: number, w: number): number => {
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let k = 0; k < d; k += 4) {
        s0 += features[x + k]! * weight[w + k]!;
        s1 += features[x + k + 1]! * weight[w + k + 1]!;
        s2 += features[x + k + 2]! * weight[w + k + 2]!;
        s3 += features[x + k + 3]! * weight[w + k + 3]!;
      }
      return s0 + s1 + s2 + s3;
    };
    return () => {
      for (const each of Object.values(grad)) each.fill(0);
      let loss = 0;
      for (let i = 0; i < n; i++) {
        const x = i * d;
        let most = Number.NEGATIVE_INFINITY;
        for (let j = 0; j < c; j++) {
          logits[j] = dot(x, j * d) + bias[j]!;
          most = Math.max(most, logits[j]!);
        }
        let sum = 0;
        for (let j = 0; j < c; j++) sum += Math.exp(logits[j]! - most);
        const label = target[i]!;
        loss += Math.log(sum) + most - logits[label]!;
        for (let j = 0; j < c; j++) {
          const g = (Math.exp(logits[j]! - most) / sum - (j === label ? 1 : 0)) / n;
          grad.bias[j]! += g;
          const w = j * d;
          for (let k = 0; k < d; k++) {
            grad.weight[w + k]! += g * features[x + k]!;
            grad.input[x + k]! += g * weight[w + k]!;
          }
        }
      }
      return loss / n;
    };
  },
};
