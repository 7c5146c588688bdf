// Heads at the edges: what errors say, where gradients may go, engines of their own.

import { describe, expect, it } from 'vitest';
import { multiHead } from '../../src/decide/index.ts';
import { bceWithLogits, createEngine, crossEntropy, mse, tensor } from '../../src/index.ts';
import { unsafe } from '../errors/case.ts';

describe('errors of heads', () => {
  const one = { name: 'toString', columns: [0, 3], loss: crossEntropy } as const;
  const two = { name: 'b', columns: [0, 3], loss: crossEntropy } as const;
  const logits = [[1, 2, 3]];

  it('name the head', () => {
    const loss = multiHead([one, two]);
    const targets = { toString: [1], b: [7] };
    const message = /^multiHead: head "b": crossEntropy(\.\w+)*: target\[0\] is 7/;
    const layer = [[[1, 2]], { weight: new Float32Array(6) }] as const;
    const weight = { data: layer[1].weight, shape: [3, 2] };
    expect(() => loss(logits, targets)).toThrow(message);
    expect(() => loss.forward(logits, targets)).toThrow(message);
    expect(() => loss.backward(1, logits, targets)).toThrow(message);
    expect(() => loss.linear([[1, 2]], { weight }, targets)).toThrow(message);
    const own = Int32Array.of(0);
    const step = loss.prepare(logits, { toString: [1], b: own });
    step();
    own[0] = 7;
    expect(() => step()).toThrow(message);
    step.free();
  });

  it('a target is no member that every object has', () => {
    expect(() => multiHead([one])(logits, unsafe({}))).toThrow(new TypeError('multiHead: targets.toString is missing'));
  });

  it('leave nothing of the steps before them', () => {
    const engine = createEngine();
    const heads = [
      one,
      { ...two, loss: engine.crossEntropy },
      { ...two, name: 'c', loss: engine.crossEntropy },
    ] as const;
    const before = engine.stats();
    const targets = { toString: [1], b: [1], c: unsafe('x') };
    expect(() => multiHead(heads).prepare(logits, targets)).toThrow(/head "c"/);
    const { weight } = { weight: { data: new Float32Array(6), shape: [3, 2] } };
    expect(() => multiHead(heads).linear.prepare([[1, 2]], { weight }, targets)).toThrow(/head "c"/);
    expect(engine.stats().bytesInUse).toBe(before.bytesInUse);
  });
});

describe('out', () => {
  const loss = multiHead([
    { name: 'a', columns: [0, 2], loss: mse },
    { name: 'b', columns: [2, 4], loss: bceWithLogits },
  ]);
  const targets = () => ({
    a: tensor(Float32Array.of(0, 1, 2, 3), [2, 2]),
    b: [
      [0, 1],
      [1, 0],
    ],
  });
  const values = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);

  it('may be the logits', () => {
    const expected = loss(tensor(values.slice(0, 8), [2, 4]), targets());
    const logits = tensor(values.slice(0, 8), [2, 4]);
    const got = loss(logits, targets(), { out: logits });
    expect(got.grad).toBe(logits);
    expect(got.grad.data).toEqual(expected.grad.data);
    expect(got.loss).toBe(expected.loss);
  });

  it('overlaps nothing else, and nothing is written', () => {
    const own = values.slice();
    const logits = tensor(own.subarray(0, 8), [2, 4]);
    const shared = new Float32Array(8);
    const weights = { name: 'a', columns: [0, 2], loss: mse, options: { weight: shared.subarray(2, 4) } } as const;
    const sparse = { indices: new Int32Array(shared.buffer, 0, 1), offsets: Int32Array.of(0, 1, 1) };
    const part = 'out overlaps logits in part, expected logits itself or other memory';
    const other = 'out overlaps another argument, expected logits itself or other memory';
    const into = { ...targets(), a: { data: shared.subarray(0, 4), shape: [2, 2] } };
    for (const [form, name] of [
      ['call', 'multiHead'],
      ['prepare', 'multiHead.prepare'],
    ] as const) {
      const run = form === 'call' ? loss : loss.prepare;
      expect(() => run(logits, targets(), { out: own.subarray(2) })).toThrow(new RangeError(`${name}: ${part}`));
      expect(() => run(logits, into, { out: shared })).toThrow(new RangeError(`${name}: ${other}`));
      expect(() => run(logits, { ...targets(), b: sparse }, { out: shared })).toThrow(`${name}: ${other}`);
    }
    expect(() => multiHead([weights])(logits, { a: targets().a }, { out: shared })).toThrow(other);
    expect(() => loss.backward(1, logits, targets(), { out: own.subarray(2) })).toThrow(part);
    expect([own, [...shared]]).toEqual([values, [0, 0, 0, 0, 0, 0, 0, 0]]);
  });
});

describe('heads of an engine of its own', () => {
  const own = createEngine();
  const loss = multiHead([{ name: 'a', columns: [0, 2], loss: own.crossEntropy }]);
  const layer = { weight: { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] } };

  it('ask for no other engine', () => {
    const key = Object.getOwnPropertySymbols(globalThis).find((each) => String(each).includes('lossmith'));
    const all = globalThis as unknown as Record<symbol, unknown>;
    const before = key && all[key];
    if (key) all[key] = undefined;
    loss([[1, 2]], { a: [0] }, { out: new Float32Array(2) });
    loss.linear(
      { data: Float32Array.of(1, 2), shape: [1, 2] },
      layer,
      { a: [0] },
      { out: { weight: new Float32Array(4) } },
    );
    const after = key && all[key];
    if (key) all[key] = before;
    expect(after).toBeUndefined();
  });

  it('write to views of its memory where that grows', () => {
    const out = own.tensor([1, 2]);
    const step = loss.prepare([[1, 2]], { a: [0] }, { out: { data: out.data, shape: [1, 2] } });
    const before = own.memory.buffer;
    while (own.memory.buffer === before) own.tensor([1e5]);
    step();
    expect([...step.grad.data]).toEqual([...out.data]);
    expect([...out.data]).toEqual([...loss([[1, 2]], { a: [0] }).grad.data]);
    step.free();
  });

  it('let errors of others through as they are', () => {
    const mine = Object.freeze(new TypeError('mine'));
    const target = {
      shape: [1],
      get data(): Int32Array {
        throw mine;
      },
    };
    let caught: unknown;
    try {
      loss([[1, 2]], { a: target });
    } catch (error) {
      caught = error;
    }
    expect(caught).toBe(mine);
  });

  it('find targets that are inherited, and end at those that hold themselves', () => {
    class Targets {
      get a() {
        return [0];
      }
    }
    expect(loss([[1, 2]], new Targets()).loss).toBe(loss([[1, 2]], { a: [0] }).loss);
    const cyclic: { shape: number[]; data?: unknown } = { shape: [1] };
    cyclic.data = cyclic;
    expect(() => loss([[1, 2]], unsafe({ a: cyclic }), { out: new Float32Array(2) })).toThrow(
      /^multiHead: head "a": crossEntropy: target.data is an object/,
    );
  });
});
