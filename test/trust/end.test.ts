/**
 * No kernel reads behind an operand where memory ends with it: each operand of every loss in turn lies in the last bytes of the
 * engine's memory, and what would be read behind it is not there.
 */
import { describe, expect, it } from 'vitest';
import { engineOf } from '../../src/api/engine.ts';
import { createEngine } from '../../src/index.ts';
import { Runtime } from '../../src/machine/runtime.ts';
import type { Tensor32 } from '../calls.ts';
import { drawCall, type Layer, linearNames, linearOf } from '../linear/library.ts';
import { expectSame, expectSameGradients, expectSameLosses, isTensor, mapTensors, type Placed } from '../placement.ts';
import { randomFrom } from '../reference/random.ts';
import { sampled } from '../sample.ts';
import {
  activationCases,
  activationNames,
  activationOf,
  type Engine,
  type LossCase,
  lossCases,
  lossNames,
  lossOf,
  tiers,
} from '../tiers.ts';

/** Pages behind all that a call takes, the last bytes of which an operand has. */
const PAGES = 24;

describe.each(tiers)('%s', (tier) => {
  const plain = createEngine({ tier });
  const runtime = new Runtime({ tier });
  const engine = engineOf(runtime) as Engine; // the same functions, of which the types know less
  const { memory } = runtime.memory;
  memory.grow(PAGES);

  /** A copy that ends with the memory. */
  function last(tensor: Placed): Placed {
    const { data, shape } = tensor;
    const kind = data.constructor as typeof Float32Array | typeof Int32Array;
    const own = new kind(memory.buffer, memory.buffer.byteLength - 4 * data.length, data.length);
    own.set(data);
    return { data: own, shape } as Placed;
  }

  /** The forms of a case, of which `change` makes the operands what they are. */
  function forms(each: LossCase, change: (name: string, tensor: Placed) => Placed) {
    const loss = lossOf(engine, each.op);
    const input = mapTensors(each.input, (tensor) => change('input', tensor));
    const target = mapTensors(each.target, (tensor) => change('target', tensor));
    const options = Object.fromEntries(
      Object.entries(each.options).map(([name, value]) => [name, isTensor(value) ? change(name, value) : value]),
    );
    const { gradOutput } = each;
    const incoming = typeof gradOutput === 'number' ? gradOutput : change('gradOutput', gradOutput);
    return {
      fused: () => loss(input, target, options),
      backward: () => loss.backward(incoming as typeof gradOutput, input, target, options),
    };
  }

  /** The names of the operands of a case that are one tensor. */
  function operandsOf({ input, target, options, gradOutput }: LossCase): string[] {
    const all = Object.entries({ ...options, input, target, gradOutput });
    return all.flatMap(([name, value]) => (isTensor(value) && value.data.length > 0 ? [name] : []));
  }

  it.each(lossNames)('%s reads its operands alone', (op) => {
    const cases = lossCases.filter((each) => each.op === op);
    let tried = 0;
    for (const each of sampled(cases, 0.3, 4)) {
      const expected = lossOf(plain, op)(each.input, each.target, each.options);
      const backward = lossOf(plain, op).backward(each.gradOutput, each.input, each.target, each.options);
      for (const name of operandsOf(each)) {
        const where = `${each.name}: ${name}`;
        const { byteLength } = memory.buffer;
        const placed = forms(each, (own, tensor) => (own === name ? last(tensor) : tensor));
        const fused = placed.fused();
        expectSameLosses(where, fused, expected);
        expectSameGradients(where, fused, expected);
        expectSameGradients(where, placed.backward(), backward);
        expect(memory.buffer.byteLength, `${where}: memory grew, and what lies behind the operand is there`).toBe(
          byteLength,
        );
        tried += 1;
      }
    }
    expect(tried).toBeGreaterThan(8);
  });

  it.each(activationNames)('%s reads its operands alone', (op) => {
    const [activation, own] = [activationOf(plain, op), activationOf(engine, op)];
    for (const { name, op: of, input, gradOutput, options } of activationCases) {
      if (of !== op) continue;
      expectSame(name, own(last(input) as typeof input, options), activation(input, options));
      const wanted = activation.backward(gradOutput, input, options);
      expectSame(name, own.backward(last(gradOutput) as typeof input, input, options), wanted);
      expectSame(name, own.backward(gradOutput, last(input) as typeof input, options), wanted);
    }
  });

  it.each(linearNames)('%s.linear reads its operands alone', (op) => {
    const random = randomFrom(31);
    for (let turn = 0; turn < 4; turn++) {
      const { features, layer, target, options } = drawCall(random, op);
      const call = (x: Tensor32, own: Layer) => linearOf(op, engine)(x, own, target, options);
      const wanted = linearOf(op, plain)(features, layer, target, options);
      const { bias } = layer;
      const results = [
        () => call(last(features) as Tensor32, layer),
        () => call(features, { ...layer, weight: last(layer.weight) as Tensor32 }),
        ...(bias ? [() => call(features, { ...layer, bias: last(bias) as Tensor32 })] : []),
      ];
      for (const result of results) {
        const { loss, grad } = result();
        expectSame(op, loss, wanted.loss);
        for (const [name, values] of Object.entries(grad)) expectSame(`${op}: ${name}`, values, wanted.grad[name]!);
      }
    }
  });

  it('reads a gradient of groups alone, and not one value for each sample', () => {
    // which are more bytes than follow by chance
    const [C, S] = [2, 8000];
    const input = { data: Float32Array.from({ length: C * S }, (_, i) => Math.sin(i)), shape: [1, C, S] };
    const target = { data: Int32Array.from({ length: S }, (_, i) => i % C), shape: [1, S] };
    const gradOutput = { data: Float32Array.of(1, -2), shape: [1, C] };
    const { grad } = plain.dice.backward(gradOutput, input, target, { reduction: 'none' });
    const own = last(gradOutput) as typeof gradOutput;
    const placed = engine.dice.backward(own, input, target, { reduction: 'none' });
    expectSame('dice', placed.grad, grad);
  });
});
