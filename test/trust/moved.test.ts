/** Results that go to views of an engine's memory, which the call itself may make grow. */
import { describe, expect, it } from 'vitest';
import { multiHead } from '../../src/decide/index.ts';
import type { Engine, Tensor } from '../../src/index.ts';
import { createEngine, crossEntropy, defaultEngine, mse } from '../../src/index.ts';

const N = 6000;
const input = { data: Float32Array.from({ length: 2 * N }, (_, i) => Math.sin(i)), shape: [N, 2] };
const target = Int32Array.from({ length: N }, (_, i) => i & 1);

/** Makes memory grow, which detaches all views of it. */
const grow = (engine: Engine): void => {
  const before = engine.memory.buffer;
  while (engine.memory.buffer === before) engine.tensor([1e5]);
};

/** Ways to say that a gradient goes to a tensor. */
const ways: readonly [string, (tensor: Tensor) => Tensor | Float32Array][] = [
  ['the tensor', (tensor) => tensor],
  ['its view', ({ data }) => data],
  ['its view in a tensor of the caller', ({ data, shape }) => ({ data, shape })],
];

describe.each(ways)('out is %s', (_, way) => {
  it('of a call that makes memory grow', () => {
    const engine = createEngine();
    const tensor = engine.tensor([N, 2]);
    const before = engine.memory.buffer;
    const { grad } = engine.crossEntropy(input, target, { out: way(tensor) });
    expect(engine.memory.buffer).not.toBe(before);
    expect(grad.shape).toEqual([N, 2]);
    expect(grad.data).toEqual(tensor.data);
    expect(grad.data).toEqual(crossEntropy(input, target).grad.data);
  });

  it('of a step, whose gradient is one tensor between growths', () => {
    const engine = createEngine();
    const tensor = engine.tensor([N, 2]);
    const step = engine.crossEntropy.prepare(input, target, { out: way(tensor) });
    for (let i = 0; i < 2; i++) {
      grow(engine);
      step();
      expect(step.grad.data).toEqual(crossEntropy(input, target).grad.data);
      expect(step.grad).toBe(step.grad);
    }
  });

  it('of the gradients of a head', () => {
    const engine = createEngine();
    const tensor = engine.tensor([2, 3]);
    const [features, weight] = [engine.from([[1, 2, 3]]), engine.from(new Float32Array(6), [2, 3])];
    const step = engine.crossEntropy.linear.prepare(features, { weight }, [1], { out: { weight: way(tensor) } });
    grow(engine);
    step();
    expect(step.grad.weight.data).toEqual(tensor.data);
    expect(Array.from(tensor.data)).toEqual([0.5, 1, 1.5, -0.5, -1, -1.5]);
  });
});

describe.each(ways)('multiHead, out is %s', (_, way) => {
  const loss = multiHead([
    { name: 'class', columns: [0, 2], loss: crossEntropy },
    { name: 'value', columns: [1, 2], loss: mse },
  ]);
  const targets = { class: target, value: { data: new Float32Array(N), shape: [N, 1] } };
  const expected = loss(input, targets);

  it('of a call and of a step', () => {
    const engine = defaultEngine();
    for (let i = 0; i < 2; i++) {
      const tensor = engine.tensor([N, 2]);
      const step = loss.prepare(input, targets, { out: way(tensor) });
      if (i > 0) grow(engine);
      const { grad } = loss(input, targets, { out: way(tensor) });
      expect(grad.data).toEqual(expected.grad.data);
      expect(tensor.data).toEqual(expected.grad.data);
      tensor.data.fill(7);
      grow(engine);
      step();
      expect(step.grad.data).toEqual(expected.grad.data);
      expect(tensor.data).toEqual(expected.grad.data);
      step.free();
      tensor.free();
    }
  });

  it('of the linear form', () => {
    const engine = defaultEngine();
    const tensor = engine.tensor([2, 3]);
    const features = { data: Float32Array.from({ length: 3 * N }, (_, i) => Math.cos(i)), shape: [N, 3] };
    const weight = { data: Float32Array.of(1, 2, 3, -1, 0, 1), shape: [2, 3] };
    const wanted = loss.linear(features, { weight }, targets).grad.weight;
    const [step, plain] = [{ out: { weight: way(tensor) } }, {}].map((options) =>
      loss.linear.prepare(features, { weight }, targets, options),
    );
    grow(engine);
    step!();
    plain!();
    expect(tensor.data).toEqual(plain!.grad.weight.data);
    expect(step!.grad.weight.data).toEqual(tensor.data);
    step!.free();
    plain!.free();
    tensor.data.fill(7);
    const { grad } = loss.linear(features, { weight }, targets, { out: { weight: way(tensor) } });
    expect(grad.weight.data).toEqual(wanted.data);
    expect(tensor.data).toEqual(wanted.data);
    tensor.free();
  });
});

it('multiHead reads logits of the engine before a loss makes its memory grow', () => {
  const engine = defaultEngine();
  const heads = [0, 2].map((from) => ({ name: `h${from}`, columns: [from, from + 2] as const, loss: crossEntropy }));
  const loss = multiHead(heads);
  const values = Float32Array.from({ length: 4 * N }, (_, i) => Math.sin(i));
  const labels = new Int32Array(N);
  /** The first target makes memory grow, as a larger call may. */
  const growing = {
    shape: [N],
    get data() {
      grow(engine);
      return labels;
    },
  };
  const expected = loss.forward({ data: values, shape: [N, 4] }, { h0: labels, h2: labels }).loss;
  for (const way of [(logits: Tensor) => logits, ({ data, shape }: Tensor) => ({ data, shape })]) {
    const logits = engine.from(values, [N, 4]);
    expect(loss.forward(way(logits), { h0: growing, h2: labels }).loss).toBe(expected);
    expect(loss(way(logits), { h0: growing, h2: labels }).loss).toBe(expected);
    logits.free();
  }
});
