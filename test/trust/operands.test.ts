/** Arguments at the edges: read once, before anything is touched; written nowhere but where asked; gone ones say so. */
import { describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../src/index.ts';
import {
  bceWithLogits,
  componentCrossEntropy,
  createEngine,
  crossEntropy,
  mse,
  softmax,
  tensor,
} from '../../src/index.ts';

const unsafe = (value: unknown): never => value as never;

/** Takes the memory of an array away. */
const transfer = ({ buffer }: Float32Array): void => {
  structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });
};

const detached = (): Float32Array => {
  const data = new Float32Array(4);
  transfer(data);
  return data;
};

describe('steps of bceWithLogits read weights of short rows again', () => {
  const logits = [
    [0.5, -1, 2],
    [1, 0, -2],
  ];
  const labels = [
    [1, 0, 1],
    [0, 1, 0],
  ];

  it.each<[string, () => { values: ArrayLike<unknown>; write: () => void }]>([
    [
      'number[]',
      () => {
        const values = [1, 2, 3];
        return { values, write: () => values.reverse() };
      },
    ],
    [
      'BigInt64Array',
      () => {
        const values = BigInt64Array.of(1n, 2n, 3n);
        return { values, write: () => values.reverse() };
      },
    ],
    [
      'Float64Array',
      () => {
        const values = Float64Array.of(1, 2, 3);
        return { values, write: () => values.reverse() };
      },
    ],
  ])('%s', (_, make) => {
    for (const option of ['weight', 'posWeight']) {
      const { values, write } = make();
      const options = { [option]: unsafe(values) };
      const step = bceWithLogits.prepare(logits, labels, options);
      const first = step();
      expect(first).toBe(bceWithLogits(logits, labels, options).loss);
      write();
      const second = bceWithLogits(logits, labels, options);
      expect(step()).toBe(second.loss);
      expect(step.grad.data).toEqual(second.grad.data);
      expect(second.loss).not.toBe(first);
      step.free();
    }
  });
});

describe('getters', () => {
  const plain = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] };

  it.each<[string, (engine: Engine) => unknown]>([
    ['call the library', (engine) => engine.softmax(new Float32Array(50_000), { axis: 0 })],
    ['grow memory', (engine) => engine.tensor([2e6])],
    ['take a step', (engine) => engine.crossEntropy.prepare([[1, 2, 3]], [0])()],
  ])('may %s inside of a call, and both are right', (_, inner) => {
    const engine = createEngine();
    const expected = engine.crossEntropy(plain, [0, 2]);
    let asked = 0;
    const input = {
      shape: plain.shape,
      get data() {
        asked++;
        inner(engine);
        return plain.data;
      },
    };
    const nested = engine.crossEntropy(input, [0, 2]);
    expect(asked).toBe(1);
    expect(nested.loss).toBe(expected.loss);
    expect(nested.grad.data).toEqual(expected.grad.data);
  });

  it('are asked once for every property of every argument', () => {
    const asked: Record<string, number> = {};
    const watched = (name: string, source: object): never =>
      unsafe(
        new Proxy(source, {
          get(target, key, receiver) {
            if (typeof key === 'string') asked[`${name}.${key}`] = (asked[`${name}.${key}`] ?? 0) + 1;
            return Reflect.get(target, key, receiver) as unknown;
          },
        }),
      );
    const options = { weight: watched('weight', { data: [1, 2, 3], shape: [3] }), labelSmoothing: 0.1 };
    const target = watched('target', { data: Int32Array.of(0, 2), shape: [2] });
    crossEntropy(watched('logits', plain), target, watched('options', options));
    const data = Object.entries(asked).filter(([key]) => /\.(data|shape|labelSmoothing|weight)$/.test(key));
    expect(data.length).toBeGreaterThan(6);
    expect(data.filter(([, times]) => times !== 1)).toEqual([]);
  });

  it('that throw let their error through, and leave the engine as it was', () => {
    const engine = createEngine();
    const stats = engine.stats();
    const input = {
      shape: [1, 3],
      get data(): Float32Array {
        throw new Error('mine');
      },
    };
    expect(() => engine.crossEntropy(input, [0])).toThrow('mine');
    expect(engine.stats()).toEqual(stats);
    expect(engine.mse([1], [3]).loss).toBe(4);
  });
});

describe('an out that overlaps another argument is refused, and nothing is written', () => {
  it.each<[string, (memory: ArrayBuffer, out: Float32Array<ArrayBuffer>) => unknown]>([
    [
      'weights',
      (memory, out) =>
        componentCrossEntropy([[1, 2, 3, 4]], [0], {
          components: [[0, 0, 1, 1]],
          weights: new Float32Array(memory, 4, 1),
          out,
        }),
    ],
    ['labels', (memory, out) => crossEntropy([[1, 2, 3, 4]], [7], { labels: new Int32Array(memory, 0, 4), out })],
    [
      'components',
      (memory, out) => componentCrossEntropy([[1, 2, 3, 4]], [0], { components: [new Int32Array(memory, 0, 4)], out }),
    ],
    ['weight', (memory, out) => crossEntropy([[1, 2, 3, 4]], [0], { weight: new Float32Array(memory, 8, 4), out })],
    ['target', (memory, out) => mse([[1, 2, 3, 4]], { data: new Float32Array(memory, 4, 4), shape: [1, 4] }, { out })],
  ])('%s', (_, call) => {
    const memory = new ArrayBuffer(32);
    new Int32Array(memory).set([4, 5, 6, 7, 8, 9, 10, 11]);
    const before = new Uint8Array(memory).slice();
    expect(() => call(memory, new Float32Array(memory, 0, 4))).toThrow(/out overlaps another argument/);
    expect(new Uint8Array(memory)).toEqual(before);
  });
});

describe('a step whose results were transferred', () => {
  it('makes its gradient anew', () => {
    const step = crossEntropy.prepare([[1, 2, 3]], [0]);
    const first = step();
    const grad = Float32Array.from(step.grad.data);
    transfer(step.grad.data);
    expect(() => step()).toThrow(/^crossEntropy(\.prepare)?: /);
    expect(() => step()).toThrow(TypeError);
    const again = crossEntropy([[1, 2, 3]], [0]);
    expect([again.loss, again.grad.data]).toEqual([first, grad]);
    step.free();
  });

  it.each(['loss of none', 'componentLosses'])('says so, or gives the same again: %s', (what) => {
    const components = [[0, 0, 1]];
    const step = componentCrossEntropy.prepare([[1, 2, 3]], [0], { components, reduction: 'none' });
    const first = Float32Array.from(step().data);
    transfer(what === 'componentLosses' ? step.componentLosses.data : step().data);
    expect(() => step()).toThrow(TypeError);
    expect(() => step()).toThrow(/^componentCrossEntropy/);
    expect(componentCrossEntropy([[1, 2, 3]], [0], { components, reduction: 'none' }).loss.data).toEqual(first);
    step.free();
  });
});

describe('strangers are refused by the name of the function', () => {
  const engine = createEngine();
  const giant: number[] = [];
  giant.length = 2 ** 32 - 1;

  it.each<[string, () => unknown, RegExp]>([
    ['a detached array', () => mse(detached(), [1, 2, 3, 4]), /^mse: input is a detached array/],
    ['a detached target', () => mse([1, 2, 3, 4], detached()), /^mse: target is a detached array/],
    [
      'a detached array of a tensor',
      () => softmax({ data: detached(), shape: [4] }),
      /^softmax: input is a detached array/,
    ],
    ['a Proxy of an engine tensor', () => mse(unsafe(new Proxy(engine.from([1, 2]), {})), [1, 2]), /^mse: input/],
    [
      'what inherits from an engine tensor',
      () => mse(unsafe(Object.create(engine.from([1, 2]))), [1, 2]),
      /^mse: input/,
    ],
    [
      'a symbol in the shape of out',
      () => mse([1, 2], [1, 2], { out: { data: new Float32Array(2), shape: unsafe([Symbol('x')]) } }),
      /^mse: out\.shape holds a symbol/,
    ],
    ['a giant sparse array', () => mse(giant, [1]), /^mse: input/],
    ['a giant sparse array with a shape', () => mse({ data: giant, shape: [giant.length] }, [1]), /^mse: input/],
    ['a giant sparse source', () => tensor(giant), /^tensor: source/],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });

  it('rows of the same rows, 28 deep, at once', () => {
    let rows: unknown = [1, 1];
    for (let depth = 0; depth < 28; depth++) rows = [rows, rows];
    expect(() => mse(unsafe(rows), [1])).toThrow('mse: target has 1 values, expected 536870912, the shape of input');
    expect(() => tensor(unsafe([rows, [rows]]))).toThrow(/^tensor: source is ragged/);
  });

  it('a limit of memory as a big integer is one', () => {
    expect(() => createEngine({ maximumBytes: unsafe(1_000_000n) }).tensor([1e6])).toThrow(/at most 983040 bytes/);
    expect(() => createEngine({ maximumBytes: unsafe(1n) })).toThrow(
      'createEngine: maximumBytes is 1, expected at least',
    );
  });

  it('an engine for which there are no addresses left says so', () => {
    vi.spyOn(WebAssembly, 'Instance').mockImplementation(function instance() {
      throw new RangeError('WebAssembly.Instance(): Out of memory: Cannot allocate Wasm memory for new instance');
    });
    try {
      expect(() => createEngine().mse([1], [2])).toThrow(/^lossmith: no room for another engine \(/);
    } finally {
      vi.restoreAllMocks();
    }
    expect(createEngine().mse([1], [2]).loss).toBe(1);
  });
});

// newer than the library that TypeScript is told of
const Resizable = ArrayBuffer as unknown as new (
  length: number,
  options: { maxByteLength: number },
) => ArrayBuffer & { resize(length: number): void };

describe('arrays that are gone', () => {
  it.each<[string, () => Float32Array]>([
    ['transferred', detached],
    [
      'cut off by a buffer that shrank',
      () => {
        const buffer = new Resizable(32, { maxByteLength: 32 });
        const data = new Float32Array(buffer, 16, 4);
        buffer.resize(8);
        return data;
      },
    ],
  ])('%s: refused, not taken for empty', (_, make) => {
    const gone = 'is a detached array, whose memory was transferred or cut away';
    expect(() => mse(make(), [], { reduction: 'sum' })).toThrow(new TypeError(`mse: input ${gone}`));
    expect(() => mse([], make(), { reduction: 'sum' })).toThrow(new TypeError(`mse: target ${gone}`));
    expect(mse(new Float32Array(0), [], { reduction: 'sum' }).loss).toBe(0);
  });
});

it('rows that are Uint16Arrays may be bits of float16, and are refused as one array is', () => {
  const row = Uint16Array.of(0x3c00, 0);
  const message = /logits is a Uint16Array, expected floats/;
  expect(() => crossEntropy(unsafe([row, row]), [0, 1])).toThrow(message);
  expect(() => softmax(unsafe([[row]]))).toThrow(/is a Uint16Array, expected floats/);
});
