/** Linear forms of every loss: equal to the layer, the loss and the layer's gradient; blocks and places change no bit. */
import { describe, expect, it } from 'vitest';
import { createEngine, linear as linearFunction } from '../../src/index.ts';
import { type FormName, float32, losses, type Tensor32 } from '../library.ts';
import { type LinearOperands, linear, linearBack, type Tensor64 } from '../reference/index.ts';
import { below, randomFrom } from '../reference/random.ts';
import {
  drawCall,
  type LinearFunction,
  type LinearResult,
  linearNames,
  linearOf,
  place,
  placeLayer,
} from './library.ts';

const layer = linearFunction as unknown as LinearFunction;

type Call = ReturnType<typeof drawCall>;

/** The loss on the layer's logits, and its gradient through the layer. */
function composed(op: FormName, { features, layer: given, target, options }: Call): LinearResult {
  const { outputs, ...own } = options;
  const result = losses[op](layer(features, given, { outputs }), target, own);
  const grad = result.grad as Tensor32;
  return { ...result, grad: layer.backward(grad, features, given, { outputs }) };
}

const bits = ({ data }: Tensor32): Uint32Array => new Uint32Array(Float32Array.from(data).buffer);

/** Largest difference, as a share of the largest value. */
function difference(got: Tensor32, wanted: Tensor32): number {
  expect(got.shape).toEqual(wanted.shape);
  let most = 0;
  let size = 2 ** -100;
  for (const [i, value] of wanted.data.entries()) {
    if (Number.isNaN(value) !== Number.isNaN(got.data[i])) return 1;
    size = Math.max(size, Math.abs(value));
    most = Math.max(most, Math.abs(value - got.data[i]!) || 0);
  }
  return most / size;
}

describe.each(linearNames)('%s.linear', (op) => {
  it('is the layer, the loss and the gradient through the layer', () => {
    const random = randomFrom(8);
    for (let turn = 0; turn < 4; turn++) {
      const call = drawCall(random, op);
      const got = linearOf(op)(call.features, call.layer, call.target, call.options);
      const wanted = composed(op, call);
      const near = 2 ** -18 * Math.max(1, Math.abs(Number(wanted.loss)));
      if (Number.isNaN(wanted.loss)) expect(got.loss).toBeNaN();
      else expect(Math.abs(Number(got.loss) - Number(wanted.loss))).toBeLessThanOrEqual(near);
      for (const [name, grad] of Object.entries(wanted.grad)) {
        expect(difference(got.grad[name]!, grad), `gradient of ${name}`).toBeLessThan(2 ** -16);
      }
    }
  });

  it('gives the same bits from arrays, tensors and steps', () => {
    const random = randomFrom(9);
    const engine = createEngine();
    const { features, layer: given, target, options } = drawCall(random, op);
    const arrays = linearOf(op, engine)(features, given, target, options);
    const placed = [place(engine, features), placeLayer(engine, given), target, options] as const;
    const step = linearOf(op, engine).prepare(...placed);
    step();
    expect(step()).toBe(arrays.loss);
    for (const other of [linearOf(op, engine)(...placed).grad, step.grad]) {
      for (const [name, grad] of Object.entries(arrays.grad)) expect(bits(other[name]!)).toEqual(bits(grad));
    }
    engine.dispose();
  });
});

const magnitudes = ({ features, weight, bias, outputs }: LinearOperands): LinearOperands => {
  const positive = ({ data, shape }: Tensor64): Tensor64 => ({ data: data.map(Math.abs), shape });
  return { features: positive(features), weight: positive(weight), bias: bias && positive(bias), outputs };
};

/** A sum of so many products is off by 4 units of 2^-24 times √terms of the sum of their sizes at most. */
function expectWithin(what: string, got: Tensor32, wanted: Tensor64, scale: Tensor64, terms: number): void {
  expect(got.shape, what).toEqual(wanted.shape);
  for (const [i, value] of wanted.data.entries()) {
    const bound = 2 ** -22 * Math.sqrt(terms) * scale.data[i]!;
    if (!(Math.abs(got.data[i]! - value) <= bound)) expect.fail(`${what}[${i}] is ${got.data[i]}, not ${value}`);
  }
}

describe('linear', () => {
  it('is the product, and its gradients', () => {
    const random = randomFrom(10);
    for (let turn = 0; turn < 40; turn++) {
      const call = drawCall(random, 'mse');
      const { operands, features, layer: given, options } = call;
      const { outputs } = options;
      const truth = linear(operands);
      const sizes = magnitudes(operands);
      const [n = 1, d = 1] = features.shape;
      const c = truth.data.length / n;
      expectWithin('logits', layer(features, given, { outputs }), truth, linear(sizes), d + 1);
      const g = { data: truth.data.map(() => Math.fround(Math.sin(below(random, 100)))), shape: truth.shape };
      const grads = layer.backward(float32(g), features, given, { outputs });
      const wanted = linearBack(g, operands);
      const scales = linearBack({ ...g, data: g.data.map(Math.abs) }, sizes);
      expectWithin('weight', grads.weight!, wanted.weight, scales.weight, n);
      expectWithin('bias', grads.bias!, wanted.bias!, scales.bias!, n);
      expectWithin('input', grads.input!, wanted.input, scales.input, c);
    }
  });
});

describe('accumulate', () => {
  it('adds the gradients of parts to those of the whole', () => {
    const random = randomFrom(11);
    for (let turn = 0; turn < 20; turn++) {
      const call = drawCall(random, 'mse');
      const { features, layer: given, options } = call;
      const { outputs } = options;
      const [n = 0, d = 0] = features.shape;
      const target = { data: layer(features, given, { outputs }).data.map((z) => z + 1), shape: [n, ...outputs] };
      const own = { outputs, reduction: 'sum', grads: ['weight', 'bias'] };
      const whole = linearOf('mse')(features, given, target, own).grad;
      const out = {
        weight: { data: new Float32Array(given.weight.data.length), shape: given.weight.shape },
        bias: new Float32Array(given.bias?.data.length ?? 0),
      };
      const cut = below(random, n + 1);
      const c = target.data.length / n;
      for (const [from, end] of [[0, cut] as const, [cut, n] as const]) {
        const part = { data: features.data.subarray(from * d, end * d), shape: [end - from, d] };
        const y = { data: target.data.subarray(from * c, end * c), shape: [end - from, ...outputs] };
        linearOf('mse')(part, given, y, { ...own, out, accumulate: true });
      }
      // each part is rounded by itself
      const near = (got: ArrayLike<number>, wanted: Float32Array): void => {
        const size = wanted.map(Math.abs).reduce((a, b) => Math.max(a, b), 2 ** -100);
        for (const [i, g] of wanted.entries()) expect(Math.abs(g - got[i]!) / size).toBeLessThan(2 ** -20);
      };
      near(out.weight.data, whole.weight!.data);
      near(out.bias, whole.bias!.data);
    }
  });
});
