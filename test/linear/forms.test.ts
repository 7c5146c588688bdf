/** What linear forms take, what they return, what they refuse, and how much memory they need. */
import { afterAll, describe, expect, it, test } from 'vitest';
import { bceWithLogits, createEngine, crossEntropy, gaussianNll, linear, mse } from '../../src/index.ts';

const features = { data: Float32Array.from([1, 2, -1, 0.5, 0, 3]), shape: [3, 2] };
const weight = [
  [0.5, -1],
  [2, 0.25],
  [-0.5, 1],
  [1, 1],
];
const bias = [0.1, 0, -0.2, 0.3];
const target = [3, 0, 1];
const all = crossEntropy.linear(features, { weight, bias }, target);

describe('options', () => {
  it('grads: only those are computed and returned, in any order', () => {
    const { grad } = crossEntropy.linear(features, { weight, bias }, target, { grads: ['bias', 'weight'] });
    expect(Object.keys(grad)).toEqual(['weight', 'bias']);
    expect(grad.weight).toEqual(all.grad.weight);
    expect(grad.bias).toEqual(all.grad.bias);
  });

  it('without bias there is no gradient of one', () => {
    expect(Object.keys(crossEntropy.linear(features, { weight }, target).grad)).toEqual(['weight', 'input']);
  });

  it('outputs: the shape of a row of logits, whose axis speaks of them', () => {
    const wide = { weight: new Float32Array(12 * 2).map((_, i) => Math.sin(i)), bias: new Float32Array(12) };
    const rows = [0, 1, 2, 0, 2, 1, 1, 1, 0, 0, 2, 2];
    const logits = linear(features, wide, { outputs: [4, 3] });
    expect(logits.shape).toEqual([3, 4, 3]);
    const given = crossEntropy(logits, { data: Int32Array.from(rows), shape: [3, 4] }, { axis: -1 });
    const options = { outputs: [4, 3], axis: -1 } as const;
    const { loss, grad } = crossEntropy.linear(features, wide, { data: Int32Array.from(rows), shape: [3, 4] }, options);
    expect(loss).toBeCloseTo(given.loss, 6);
    expect(grad.weight.shape).toEqual([12, 2]);
  });

  it('outputs []: logits [N], from a weight [1, D] or [D]', () => {
    for (const row of [[[0.5, -1]], [0.5, -1], { data: Float32Array.of(0.5, -1), shape: [2] }]) {
      const { loss, grad } = mse.linear(features, { weight: row, bias: 0.5 }, [1, 2, 3], { outputs: [] });
      expect(loss).toBeCloseTo((2 ** 2 + 2.5 ** 2 + 5.5 ** 2) / 3, 5);
      expect(grad.weight.data.length).toBe(2);
      expect(grad.bias.shape).toEqual([1]);
    }
  });

  it('out receives the gradients, scale multiplies them, accumulate adds', () => {
    const out = { weight: new Float32Array(8), bias: { data: new Float32Array(4), shape: [4] } };
    const grads = ['weight', 'bias'] as const;
    const { grad } = crossEntropy.linear(features, { weight, bias }, target, { out, grads, scale: 2 });
    expect(grad.bias).toBe(out.bias);
    expect(grad.weight.data).toBe(out.weight);
    crossEntropy.linear(features, { weight, bias }, target, { out, grads, accumulate: true });
    for (const [i, g] of all.grad.weight.data.entries()) expect(out.weight[i]).toBeCloseTo(3 * g, 5);
    for (const [i, g] of all.grad.bias.data.entries()) expect(out.bias.data[i]).toBeCloseTo(3 * g, 5);
  });

  it('accumulate in a step adds to its own gradient', () => {
    const step = crossEntropy.linear.prepare(features, { weight, bias }, target, { accumulate: true });
    const { grad } = step;
    step();
    step();
    expect(step.grad).toBe(grad);
    for (const [i, g] of all.grad.weight.data.entries()) expect(grad.weight.data[i]).toBeCloseTo(2 * g, 5);
    step.free();
  });

  it('a variance has its gradient beside', () => {
    const variance = [1, 2, 3];
    const given = { outputs: [], variance } as const;
    const { gradVariance } = gaussianNll.linear(features, { weight: [0.5, -1] }, [1, 2, 3], given);
    const logits = linear(features, { weight: [0.5, -1] }, { outputs: [] });
    expect(gradVariance?.data).toEqual(gaussianNll(logits, [1, 2, 3], { variance }).gradVariance?.data);
  });

  it('no rows give gradients of 0', () => {
    const none = { data: new Float32Array(0), shape: [0, 2] };
    const out = { weight: new Float32Array(8).fill(7), bias: new Float32Array(4).fill(7) };
    const own = { out, reduction: 'sum' } as const;
    const { loss, grad } = crossEntropy.linear(none, { weight, bias }, [], own);
    expect(loss).toBe(0);
    expect(out.weight.every((g) => g === 0) && out.bias.every((g) => g === 0)).toBe(true);
    expect(grad.input.shape).toEqual([0, 2]);
  });
});

describe('errors', () => {
  const wrong = (run: () => unknown, type: typeof RangeError | typeof TypeError, message: string | RegExp) =>
    test(String(message), () => {
      expect(run).toThrow(type);
      expect(run).toThrow(message);
    });
  const call = (more: object, given: object = { weight, bias }) =>
    crossEntropy.linear(features, given as { weight: number[][] }, target, more);
  wrong(
    () => crossEntropy.linear(new Float32Array(6), { weight }, target),
    RangeError,
    'features is a flat array, expected [N, D]',
  );
  wrong(
    () => call({}, { weight: { data: new Float32Array(15), shape: [5, 3] } }),
    RangeError,
    'crossEntropy.linear: weight [5, 3] and features [3, 2]: expected [C, 2]',
  );
  wrong(() => call({ outputs: [3, 14] }), RangeError, 'expected [42, 2] for outputs [3, 14]');
  wrong(() => call({}, { weight: new Float32Array(8) }), RangeError, 'outputs, e.g. outputs: [3]');
  wrong(() => call({}, { weight, bias: [1, 2] }), RangeError, 'crossEntropy.linear: bias has 2 values, expected 4');
  wrong(() => call({}, [1, 2]), TypeError, 'crossEntropy.linear: parameters is an array, expected an object { weight');
  wrong(() => call({ reduction: 'none' }), RangeError, /reduction is 'none', expected 'mean'.*linear\.backward/);
  wrong(() => call({ accumulate: true }), RangeError, 'accumulate needs out.weight');
  wrong(() => call({ accumulate: 1 }), TypeError, 'accumulate is 1, expected a boolean');
  wrong(() => call({ grads: ['weights'] }), RangeError, 'grads holds "weights", expected some of weight, bias, input');
  wrong(() => call({ grads: 'weight' }), TypeError, 'grads is "weight", expected an array of names');
  wrong(() => call({ grads: [] }), RangeError, 'grads is empty');
  wrong(() => call({ grads: ['bias'] }, { weight }), RangeError, "grads holds 'bias', but there is no bias");
  wrong(() => call({ out: { weight: new Float32Array(7) } }), RangeError, 'out.weight has 7 values, expected 8');
  wrong(() => call({ out: { weights: new Float32Array(8) } }), TypeError, 'unknown member "weights" of out');
  wrong(() => call({ out: new Float32Array(8) }), TypeError, 'expected an object { weight, bias, input }');
  wrong(
    () => call({ grads: ['weight'], out: { input: new Float32Array(6) } }),
    RangeError,
    'out.input is given, but grads is [weight]',
  );
  wrong(() => call({ out: { input: features.data } }), RangeError, 'out.input overlaps another argument');
  wrong(() => call({ gamma: 1 }), TypeError, 'unknown option "gamma"');
  wrong(() => linear(features, { weight }, { out: new Float32Array(3) }), RangeError, 'linear: out has 3 values');
  wrong(
    () => linear.backward([[1, 2]], features, { weight }),
    RangeError,
    'linear.backward: weight [4, 2] and features [3, 2]: expected [2, 2]',
  );

  it('a target out of range changes nothing that is added to', () => {
    const out = { weight: new Float32Array(8), bias: new Float32Array(4), input: new Float32Array(6) };
    const run = () =>
      bceWithLogits.linear(features, { weight, bias }, new Float32Array(12).fill(2), { out, accumulate: true });
    expect(run).toThrow('bceWithLogits.linear: target[0] is 2, outside [0, 1]');
    expect([...out.weight, ...out.bias, ...out.input].every((g) => g === 0)).toBe(true);
  });
});

describe('memory', () => {
  const engine = createEngine();
  afterAll(() => engine.dispose());
  const LIMIT = 4 << 20;

  it.each([
    [40, 256, 32000],
    [3, 4, 1_000_000],
    [100_000, 16, 2],
    [2000, 8, 1000],
  ])('from arrays [%i, %i] → %i takes no more than 4 MiB, which it gives back', (n, d, c) => {
    const before = engine.stats();
    const layer = { weight: { data: new Float32Array(c * d).fill(0.5), shape: [c, d] } };
    const x = { data: new Float32Array(n * d).fill(1), shape: [n, d] };
    const { loss } = engine.crossEntropy.linear(x, layer, new Int32Array(n));
    expect(loss).toBeCloseTo(Math.log(c), 4);
    const after = engine.stats();
    expect(after.bytesReserved - before.bytesReserved).toBeLessThanOrEqual(LIMIT);
    expect(after.bytesInUse).toBe(before.bytesInUse);
  });

  it('steps on tensors take their memory once', () => {
    const [n, d, c] = [64, 32, 5000];
    const x = engine.tensor([n, d]);
    const w = engine.tensor([c, d]);
    const out = { weight: engine.tensor([c, d]), input: engine.tensor([n, d]) };
    const t = engine.tensor([n], 'int32');
    const before = engine.stats();
    const step = engine.crossEntropy.linear.prepare(x, { weight: w }, t, { out });
    const placed = engine.stats();
    expect(placed.bytesInUse - before.bytesInUse).toBeLessThanOrEqual(LIMIT);
    for (let i = 0; i < 3; i++) expect(step()).toBeCloseTo(Math.log(c), 4);
    expect(engine.stats()).toEqual(placed);
    step.free();
    expect(engine.stats().bytesInUse).toBe(before.bytesInUse);
  });
});

it("a member of the layer with a slip in its name is refused, others are the caller's own", () => {
  const [x, weight] = [
    [[1, 2]],
    [
      [1, 0],
      [0, 1],
    ],
  ];
  for (const slip of ['bais', 'Bias', 'biass']) {
    const layer = { weight, [slip]: [1, 2] };
    const rest = `unknown member "${slip}" of parameters, expected weight, bias; did you mean bias?`;
    expect(() => crossEntropy.linear(x, layer, [0])).toThrow(new TypeError(`crossEntropy.linear: ${rest}`));
    expect(() => linear(x, layer)).toThrow(new TypeError(`linear: ${rest}`));
  }
  expect(linear(x, { weight, name: 'head', height: 2 } as { weight: number[][] }).data).toEqual(Float32Array.of(1, 2));
});
