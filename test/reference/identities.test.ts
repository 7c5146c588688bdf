/** What one loss is in terms of others. */
import { describe, expect, it } from 'vitest';
import { indexTarget, logits, massTarget, multiHot, tensorOf } from './draws.ts';
import {
  type LossName,
  type ReferenceOptions,
  type ReferenceResult,
  reference,
  type Tensor64,
  tensor64,
} from './index.ts';
import { layoutOf, readRow, writeRow } from './layout.ts';
import { sumOf } from './numeric.ts';
import { between, fill, pick, type Random, randomFrom } from './random.ts';

const close = (what: string, got: ArrayLike<number>, wanted: ArrayLike<number>, bound = 1e-12): void => {
  expect(got.length, what).toBe(wanted.length);
  const size = Math.max(1, ...Array.from(wanted, Math.abs));
  for (let i = 0; i < wanted.length; i++) {
    if (!(Math.abs(got[i]! - wanted[i]!) <= bound * size)) expect.fail(`${what}[${i}] is ${got[i]}, not ${wanted[i]}`);
  }
};

function same(got: ReferenceResult, wanted: ReferenceResult, factor = 1): void {
  close(
    'loss',
    got.loss.data,
    wanted.loss.data.map((v) => factor * v),
  );
  close(
    'grad',
    got.grad.data,
    wanted.grad.data.map((v) => factor * v),
  );
}

const shape = [6, 4];
const layout = layoutOf(shape);
const map = (tensor: Tensor64, change: (v: number, i: number) => number): Tensor64 => ({
  data: tensor.data.map(change),
  shape: tensor.shape,
});
const oneHot = (target: Tensor64, off = 0, on = 1): Tensor64 => {
  const data = new Float64Array(24);
  for (const [i, t] of target.data.entries()) {
    writeRow(
      data,
      layout,
      i,
      Float64Array.from({ length: 4 }, (_, k) => (k === t ? on : off)),
    );
  }
  return { data, shape };
};
/** Σ over the last axis. */
const rowSums = ({ data }: Tensor64): number[] =>
  Array.from({ length: layout.samples }, (_, i) => sumOf(readRow(data, layout, i)));

/** Everything an identity may need, and both sides of it with the same reduction. */
interface Given {
  readonly random: Random;
  readonly x: Tensor64;
  readonly index: Tensor64;
  readonly masses: Tensor64;
  readonly hot: Tensor64;
  readonly values: Tensor64;
  readonly run: (op: LossName, input: Tensor64, target: Tensor64, options?: ReferenceOptions) => ReferenceResult;
}

const identities: Record<string, (given: Given) => void> = {
  'huber is delta times smoothL1 with that beta': ({ random, x, values, run }) => {
    const delta = between(random, 0.2, 3);
    same(run('huber', x, values, { delta }), run('smoothL1', x, values, { beta: delta }), delta);
  },
  'smoothL1 with beta 0 is l1, quantile one half of it': ({ x, values, run }) => {
    same(run('smoothL1', x, values, { beta: 0 }), run('l1', x, values));
    same(run('quantile', x, values), run('l1', x, values), 0.5);
  },
  'huber with a large delta and gaussianNll with variance 1 are half of mse': ({ x, values, run }) => {
    same(run('huber', x, values, { delta: 1e9 }), run('mse', x, values), 0.5);
    same(run('gaussianNll', x, values, { variance: 1 }), run('mse', x, values), 0.5);
  },
  'one-hot masses are the index, smoothed ones labelSmoothing': ({ x, index, run }) => {
    for (const reduction of ['sum', 'none'] as const) {
      same(run('crossEntropy', x, oneHot(index), { reduction }), run('crossEntropy', x, index, { reduction }));
      const smoothed = oneHot(index, 0.05, 0.85);
      same(
        run('crossEntropy', x, smoothed, { reduction }),
        run('crossEntropy', x, index, { reduction, labelSmoothing: 0.2 }),
      );
    }
  },
  'two classes [0, x] are bceWithLogits(x)': ({ x, hot, run }) => {
    const pairs = {
      data: Float64Array.from({ length: 48 }, (_, i) => (i % 2 === 0 ? 0 : x.data[i >> 1]!)),
      shape: [24, 2],
    };
    const two = run('crossEntropy', pairs, tensor64(hot.data));
    const one = run('bceWithLogits', x, hot);
    close('loss', two.loss.data, one.loss.data);
    close(
      'grad',
      two.grad.data.filter((_, i) => i % 2 === 1),
      one.grad.data,
    );
  },
  'softMargin with -1 and 1 is bceWithLogits': ({ x, hot, run }) =>
    same(
      run(
        'softMargin',
        x,
        map(hot, (y) => 2 * y - 1),
      ),
      run('bceWithLogits', x, hot),
    ),
  'multiLabelSoftMargin is the mean of bceWithLogits over the classes': ({ x, hot, run }) => {
    const weight = tensor64([0.5, 1, 2, 3]);
    same(run('multiLabelSoftMargin', x, hot, { weight }), run('bceWithLogits', x, hot, { weight }));
  },
  'bce of a sigmoid is bceWithLogits': ({ x, hot, run }) => {
    const p = reference('sigmoid', { input: map(x, (v) => v / 4) }).loss;
    close(
      'loss',
      run('bce', p, hot).loss.data,
      run(
        'bceWithLogits',
        map(x, (v) => v / 4),
        hot,
      ).loss.data,
    );
  },
  'sigmoidFocal without gamma and alpha is bceWithLogits': ({ x, masses, run }) =>
    same(run('sigmoidFocal', x, masses, { gamma: 0, alpha: -1 }), run('bceWithLogits', x, masses)),
  'sigmoidFocal and asymmetric agree where both are focal': ({ x, hot, run }) => {
    const focal = run('sigmoidFocal', x, hot, { gamma: 2, alpha: -1 });
    same(run('asymmetric', x, hot, { gammaPos: 2, gammaNeg: 2, clip: 0, detachWeights: false }), focal);
  },
  'asymmetric without gammas and clip is bceWithLogits': ({ x, masses, run }) => {
    for (const detachWeights of [true, false]) {
      same(
        run('asymmetric', x, masses, { gammaPos: 0, gammaNeg: 0, clip: 0, detachWeights }),
        run('bceWithLogits', x, masses),
      );
    }
  },
  'softmaxFocal without gamma, polyLoss without epsilon, ordinal without lambda are crossEntropy': ({
    x,
    index,
    run,
  }) => {
    const weight = tensor64([0.5, 1, 2, 3]);
    same(run('softmaxFocal', x, index, { gamma: 0, weight }), run('crossEntropy', x, index, { weight }));
    const smoothed = { weight, labelSmoothing: 0.1 };
    same(run('polyLoss', x, index, { epsilon: 0, ...smoothed }), run('crossEntropy', x, index, smoothed));
    same(run('ordinalCrossEntropy', x, index, { lambda: 0 }), run('crossEntropy', x, index));
  },
  'nllLoss of logSoftmax is crossEntropy': ({ x, index, run }) => {
    const logP = reference('logSoftmax', { input: x }).loss;
    const nll = run('nllLoss', logP, index);
    const back = reference('logSoftmax', { input: x }, { gradOutput: nll.grad });
    same({ ...nll, grad: back.grad }, run('crossEntropy', x, index));
  },
  'sets of one class and an identity component are crossEntropy, one group costs 0': ({ x, index, run }) => {
    const plain = run('crossEntropy', x, index);
    const offsets = Int32Array.from({ length: 7 }, (_, i) => i);
    const sparse = { indices: Int32Array.from(index.data), offsets };
    same(reference('partialLabel', { input: x, target: sparse }), plain);
    same(run('partialLabel', x, oneHot(index)), plain);
    same(run('componentCrossEntropy', x, index, { components: [[0, 1, 2, 3]] }), plain);
    same(run('componentCrossEntropy', x, index, { components: [], jointWeight: 1 }), plain);
    const single = run('componentCrossEntropy', x, index, { components: [[3, 3, 3, 3]] });
    expect([single.sum, ...single.grad.data.filter((g) => g !== 0)]).toEqual([0]);
  },
  'a component is partialLabel with the classes of its group': ({ x, index, run }) => {
    const groups = [0, 1, 0, 1];
    const sets = map(oneHot(index), (_, i) => Number(groups[i % 4] === groups[index.data[i >> 2]!]));
    same(run('componentCrossEntropy', x, index, { components: [groups] }), run('partialLabel', x, sets));
  },
  'klDiv of logSoftmax is crossEntropy less the entropy of the target': ({ x, masses, run }) => {
    const logP = reference('logSoftmax', { input: x }).loss;
    const kl = run('klDiv', logP, masses, { reduction: 'batchmean' });
    const entropy = sumOf(masses.data.map((y) => (y === 0 ? 0 : y * Math.log(y)))) / 6;
    close('loss', kl.loss.data, [run('crossEntropy', x, masses).loss.data[0]! + entropy]);
    const logs = map(masses, Math.log);
    close('logTarget', run('klDiv', logP, logs, { logTarget: true, reduction: 'batchmean' }).loss.data, kl.loss.data);
  },
  'generalizedKlDiv is poissonNll less that of the target': ({ x, values, run }) => {
    const [rates, counts] = [map(x, (v) => v / 4), map(values, Math.abs)];
    const poisson = run('poissonNll', rates, counts);
    const own = sumOf(counts.data.map((y) => y * Math.log(y) - y)) / 24;
    const divergence = run('generalizedKlDiv', rates, counts);
    close('loss', divergence.loss.data, [poisson.loss.data[0]! + own]);
    close('grad', divergence.grad.data, poisson.grad.data);
  },
  'poissonNll of rates is that of their logarithms': ({ x, values, run }) => {
    const counts = map(values, (v) => Math.round(Math.abs(v)));
    const logRates = map(x, (v) => v / 4);
    for (const full of [true, false]) {
      const [logs, rates] = [
        run('poissonNll', logRates, counts, { full }),
        run('poissonNll', map(logRates, Math.exp), counts, { full, logInput: false, eps: 0 }),
      ];
      close('loss', rates.loss.data, logs.loss.data);
      close(
        'grad',
        rates.grad.data.map((g, i) => g * Math.exp(logRates.data[i]!)),
        logs.grad.data,
      );
    }
  },
  // Poisson terms of all labels are those of their number and the distribution among them
  'Σ (e^z - y z) is (Λ - Y log Λ) + Y CE(y / Y, softmax z)': ({ x, masses, run }) => {
    const terms = run('poissonNll', x, masses, { reduction: 'none' }).loss;
    const rates = rowSums(map(x, Math.exp));
    const totals = rowSums(masses);
    const distribution = map(masses, (y, i) => y / totals[i >> 2]!);
    const entropies = run('crossEntropy', x, distribution, { reduction: 'none' }).loss.data;
    const wanted = rates.map((rate, i) => rate - totals[i]! * Math.log(rate) + totals[i]! * entropies[i]!);
    for (const [i, sum] of rowSums(terms).entries()) expect(Math.abs(sum / wanted[i]! - 1)).toBeLessThan(1e-10);
  },
  'jsDiv is half the divergence from the mixture to each': ({ x, masses, run }) => {
    const q = reference('softmax', { input: x }).loss;
    const mixture = map(q, (v, i) => (v + masses.data[i]!) / 2);
    const part = (p: Tensor64): number[] =>
      rowSums(map(p, (v, i) => (v === 0 ? 0 : v * Math.log(v / mixture.data[i]!))));
    const [first, second] = [part(q), part(masses)];
    close(
      'loss',
      run('jsDiv', x, masses, { reduction: 'none' }).loss.data,
      first.map((v, i) => (v + second[i]!) / 2),
    );
  },
  'absKlDiv is symmetric, and Jeffreys’ divergence': ({ random, run }) => {
    const [p, q] = [tensorOf(random, shape, 0.01, 2), tensorOf(random, shape, 0.01, 2)];
    const none = { reduction: 'none' } as const;
    const here = run('absKlDiv', p, q, none).loss.data;
    close('swapped', run('absKlDiv', q, p, none).loss.data, here);
    close('terms', here, rowSums(map(p, (v, i) => Math.abs(v - q.data[i]!) * Math.abs(Math.log(v / q.data[i]!)))));
  },
  'factorizedMultiLabel is klDiv of the distribution and mse of the number': ({ random, x, hot, run }) => {
    const mu = between(random, 0.1, 2);
    const target = map(hot, (y, i) => (i % 4 === 0 ? 1 : y));
    const totals = rowSums(target);
    const z = tensorOf(random, [6], 0.5, 4);
    const both = reference('factorizedMultiLabel', { input: x, target, others: { z } }, { mu });
    const logP = reference('logSoftmax', { input: x }).loss;
    const divergence = run(
      'klDiv',
      logP,
      map(target, (y, i) => y / totals[i >> 2]!),
      { reduction: 'batchmean' },
    );
    const number = run('mse', z, tensor64(totals));
    close('loss', both.loss.data, [divergence.loss.data[0]! + mu * number.loss.data[0]!]);
    close('grad', both.grad.data, reference('logSoftmax', { input: x }, { gradOutput: divergence.grad }).grad.data);
    close(
      'grad of z',
      both.grads!.z!.data,
      number.grad.data.map((g) => mu * g),
    );
  },
  'dice is tversky with one half each and half the smoothing': ({ x, index, masses, run }) => {
    for (const per of ['sample', 'batch'] as const) {
      for (const target of [index, masses]) {
        same(run('dice', x, target, { per, smooth: 0.3 }), run('tversky', x, target, { per, smooth: 0.15 }));
      }
    }
  },
  'dice and tversky are 1 - ratio, as written': ({ x, masses, run }) => {
    const p = reference('sigmoid', { input: x }).loss.data;
    const [s, alpha, beta] = [0.7, 0.2, 0.9];
    const per = { per: 'batch', activation: 'sigmoid', reduction: 'none', smooth: s } as const;
    const column = (term: (p: number, y: number) => number): number[] =>
      [0, 1, 2, 3].map((k) => sumOf(p.filter((_, i) => i % 4 === k).map((v, n) => term(v, masses.data[4 * n + k]!))));
    const [both, ps, ys] = [column((v, y) => v * y), column((v) => v), column((_, y) => y)];
    const [over, under] = [column((v, y) => v * (1 - y)), column((v, y) => (1 - v) * y)];
    close(
      'dice',
      run('dice', x, masses, per).loss.data,
      both.map((b, k) => 1 - (2 * b + s) / (ps[k]! + ys[k]! + s)),
    );
    const ratios = both.map((b, k) => (b + s) / (b + alpha * over[k]! + beta * under[k]! + s));
    close(
      'tversky',
      run('tversky', x, masses, { ...per, alpha, beta }).loss.data,
      ratios.map((r) => 1 - r),
    );
  },
  'emd of two classes is the squared error of the first': ({ x, hot, run }) => {
    const pairs = {
      data: Float64Array.from({ length: 48 }, (_, i) => (i % 2 === 0 ? 0 : x.data[i >> 1]!)),
      shape: [24, 2],
    };
    const p = reference('softmax', { input: pairs }).loss.data.filter((_, i) => i % 2 === 1);
    close(
      'loss',
      run('emd', pairs, tensor64(hot.data)).loss.data,
      run('mse', tensor64(p), tensor64(hot.data)).loss.data,
    );
  },
  'multiMargin of two classes is half a hinge of their difference': ({ x, hot, run }) => {
    const pairs = {
      data: Float64Array.from({ length: 48 }, (_, i) => (i % 2 === 0 ? 0 : x.data[i >> 1]!)),
      shape: [24, 2],
    };
    for (const p of [1, 2] as const) {
      const own = run('multiMargin', pairs, tensor64(hot.data), { p, margin: 0.7 });
      close('loss', own.loss.data, [run('hinge', x, hot, { squared: p === 2, margin: 0.7 }).loss.data[0]! / 2]);
    }
  },
  'logit adjustment is a shift, a wide softcap nothing': ({ random, x, index, run }) => {
    const logitShift = tensorOf(random, [4], -2, 2);
    const shifted = map(x, (v, i) => v + logitShift.data[i % 4]!);
    same(run('crossEntropy', x, index, { logitShift }), run('crossEntropy', shifted, index));
    same(run('crossEntropy', x, index, { softcap: 1e12 }), run('crossEntropy', x, index));
    const softcap = 3;
    const capped = map(x, (v) => softcap * Math.tanh(v / softcap));
    const wanted = run('crossEntropy', capped, index);
    const grad = map(wanted.grad, (g, i) => g * (1 - Math.tanh(x.data[i]! / softcap) ** 2));
    same(run('crossEntropy', x, index, { softcap }), { ...wanted, grad });
  },
  'zLoss is the mean of zLoss lse² beside the rest': ({ x, index, run }) => {
    const lse = rowSums(map(x, Math.exp)).map(Math.log);
    const zLoss = 0.1;
    const both = run('crossEntropy', x, index, { zLoss, weight: tensor64([0.5, 1, 2, 3]) });
    const plain = run('crossEntropy', x, index, { weight: tensor64([0.5, 1, 2, 3]) });
    const added = sumOf(lse.map((v) => zLoss * v * v));
    close('sum', [both.sum, both.zSum!], [plain.sum + added, added]);
    close('loss', both.loss.data, [plain.loss.data[0]! + added / 6]);
  },
  'uncertaintyWeighted is half the weighted losses and half of s': ({ random }) => {
    const [losses, s] = [tensorOf(random, [5], 0, 3), tensorOf(random, [5], -2, 2)];
    const { loss } = reference('uncertaintyWeighted', { input: losses, others: { s } });
    close('loss', loss.data, [sumOf(losses.data.map((v, i) => Math.exp(-s.data[i]!) * v + s.data[i]!)) / 2]);
  },
};

describe('identities', () => {
  it.each(Object.entries(identities))('%s', (_, check) => {
    for (let seed = 1; seed <= 10; seed++) {
      const random = randomFrom(seed);
      const x = map(logits(random, shape), (v) => Math.max(-20, Math.min(20, v)));
      check({
        random,
        x,
        index: indexTarget(random, layout),
        masses: map(massTarget(random, shape, 1), (y) => Math.min(1, y)),
        hot: multiHot(random, shape),
        values: { data: fill(24, () => between(random, 0.1, 4) * pick(random, [-1, 1])), shape },
        run: (op, input, target, options) => reference(op, { input, target }, options),
      });
    }
  });
});
