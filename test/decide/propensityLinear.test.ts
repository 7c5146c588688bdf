// The linear forms of the propensity-scored losses against the same losses of the layer's logits.

import { describe, expect, it } from 'vitest';
import { propensityScored } from '../../src/decide/index.ts';
import { bceWithLogits, createEngine, hinge, linear, type Tensor, tensor } from '../../src/index.ts';
import { between, chance, fill, pick, type Random } from '../reference/random.ts';
import { normals, often } from './seeded.ts';

const bases = { bceWithLogits, hinge };
const [N, D] = [4, 6];
const NAMES = ['weight', 'bias', 'input'] as const;

function draw(random: Random) {
  const outputs = pick(random, [[5], [2, 3]]);
  const C = outputs.reduce((a, b) => a * b, 1);
  const floats = (shape: readonly number[]): Tensor => normals(random, shape);
  const target = tensor(Float32Array.from(fill(N * C, () => pick(random, [0, 0, 1, -7]))), [N, ...outputs]);
  const labels = outputs.at(-1) as number;
  return {
    features: floats([N, D]),
    layer: { weight: floats([C, D]), bias: floats([C]) },
    target,
    p: Array.from({ length: labels }, () => between(random, 0.2, 1)),
    outputs,
    options: {
      ignoreValue: -7,
      scale: pick(random, [1, 0.5]),
      reduction: pick(random, ['mean', 'sum', 'batchmean'] as const),
      ...(chance(random) && { weight: Float32Array.from(fill(labels, () => between(random, 0, 2))) }),
    },
  };
}

function near(got: ArrayLike<number>, wanted: ArrayLike<number>): void {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const value = wanted[i] as number;
    expect(Math.abs((got[i] as number) - value), `[${i}] ${got[i]}, not ${value}`).toBeLessThanOrEqual(
      2e-5 * (1 + Math.abs(value)),
    );
  }
}

describe.each(Object.keys(bases) as (keyof typeof bases)[])('propensityScored(%s).linear', (name) => {
  often('is the loss of the logits, in every form', (random) => {
    const { features, layer, target, p, outputs, options } = draw(random);
    const loss = propensityScored(bases[name], p);
    const truth = () => {
      const logits = linear(features, layer, { outputs });
      const whole = loss(logits, target, options);
      return { ...whole, grad: linear.backward(whole.grad, features, layer) };
    };
    const wanted = truth();
    const all = { ...options, outputs };
    const fused = loss.linear(features, layer, target, all);
    near([fused.loss, fused.sum], [wanted.loss, wanted.sum]);
    expect([fused.count, fused.weightSum]).toEqual([wanted.count, wanted.weightSum]);
    for (const part of NAMES) near(fused.grad[part].data, wanted.grad[part].data);
    const forward = loss.linear.forward(features, layer, target, all);
    expect([forward.loss, forward.sum]).toEqual([fused.loss, fused.sum]);
    const some = loss.linear.backward(-2, features, layer, target, { ...all, grads: ['bias', 'input'] });
    expect(Object.keys(some.grad).sort()).toEqual(['bias', 'input']);
    for (const part of ['bias', 'input'] as const) {
      near(
        some.grad[part].data,
        wanted.grad[part].data.map((value) => -2 * value),
      );
    }
    const step = loss.linear.prepare(features, layer, target, all);
    near([step(), step.sum], [wanted.loss, wanted.sum]);
    for (const part of NAMES) near(step.grad[part].data, wanted.grad[part].data);
    layer.weight.data.reverse();
    const then = truth();
    near([step()], [then.loss]);
    for (const part of NAMES) near(step.grad[part].data, then.grad[part].data);
    step.free();
  });

  it('adds up over micro-batches, in memory of an engine too', () => {
    using engine = createEngine();
    const loss = propensityScored(engine[name], [0.5, 0.25, 1]);
    const weight = engine.from([
      [0.1, 0.2],
      [0.3, -0.4],
      [1, -1],
    ]);
    const features = [
      [1, 2],
      [3, -4],
    ];
    const target = [
      [1, 0, 1],
      [0, 1, 0],
    ];
    const out = { weight: engine.tensor([3, 2]) };
    const options = { reduction: 'sum', grads: ['weight'], out, accumulate: true } as const;
    for (const row of [0, 1]) loss.linear([features[row] as number[]], { weight }, [target[row] as number[]], options);
    const { grad } = loss.linear(features, { weight }, target, { reduction: 'sum' });
    near(out.weight.data, grad.weight.data);
  });
});

it('takes sparse positives, and says what is wrong', () => {
  const loss = propensityScored(bceWithLogits, [0.5, 0.25, 1]);
  const weight = [
    [0.1, 0.2],
    [0.3, -0.4],
    [1, -1],
  ];
  const sparse = loss.linear([[1, 2]], { weight }, { indices: [2, 0], offsets: [0, 2] });
  const dense = loss.linear([[1, 2]], { weight }, [[1, 0, 1]]);
  expect(sparse.loss).toBeCloseTo(dense.loss, 6);
  near(sparse.grad.weight.data, dense.grad.weight.data);
  expect(() => loss.linear([[1, 2]], { weight }, [[0.5, 0, 1]])).toThrow(
    'expected 0 or 1 (the loss is propensity-scored)',
  );
  expect(() => loss.linear([[1, 2]], { weight: [[1, 2]] }, [[1]])).toThrow('p has 3 values, expected 1, one per label');
  expect(() => loss.linear([1, 2], { weight }, [[1, 0, 1]])).toThrow('bceWithLogits.linear: features is a flat array');
  expect(() => loss.linear([[1]], { weight }, [[1, 0, 1]])).toThrow('bceWithLogits.linear: weight [3, 2]');
});
