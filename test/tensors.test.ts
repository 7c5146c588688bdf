/** Tensors in an engine's memory: made, copied in, sliced, moved by growth, freed. */
import { describe, expect, it } from 'vitest';
import { createEngine, crossEntropy } from '../src/index.ts';
import type { EngineTensor, TensorInput } from '../src/values/types.ts';
import { isTensor, PlacedCall, placements } from './placement.ts';
import { type Engine, lossCases, lossNames } from './tiers.ts';

/** What an argument of the wrong type comes to: the types would not let it pass. */
const wrong = <T>(value: unknown): T => value as T;

/** Moves every tensor's view: more is taken than the memory holds. */
const grow = (engine: Engine): EngineTensor => engine.tensor([engine.stats().bytesReserved / 4 + 1]);

describe('tensors', () => {
  it('start as zeros, aligned to 64 bytes, also where something was before', () => {
    const engine = createEngine();
    const dirty = engine.tensor([100]);
    dirty.data.fill(7);
    dirty.free();
    for (const shape of [[2, 3], [5], [], [1, 1, 33], [0, 4]]) {
      const { data, shape: own, dtype } = engine.tensor(shape);
      expect([own, dtype, data.byteOffset % 64]).toEqual([shape, 'float32', 0]);
      expect(data.buffer).toBe(engine.memory.buffer);
      expect([...data]).toEqual(new Array(shape.reduce((n, d) => n * d, 1)).fill(0));
    }
    expect(engine.tensor([3], 'int32').data).toEqual(Int32Array.of(0, 0, 0));
  });

  it.each<[() => unknown, Error]>([
    [() => createEngine().tensor(wrong(3)), new TypeError('tensor: shape is 3, expected an array of sizes')],
    [() => createEngine().tensor(wrong(['3'])), new TypeError('tensor: shape holds "3", expected sizes')],
    [
      () => createEngine().tensor([2, -1]),
      new RangeError('tensor: shape is [2, -1], expected sizes that are integers of 0 or more'),
    ],
    [
      () => createEngine().tensor([1.5]),
      new RangeError('tensor: shape is [1.5], expected sizes that are integers of 0 or more'),
    ],
    [
      () => createEngine().tensor([1], wrong('float64')),
      new RangeError(`tensor: dtype is "float64", expected 'float32' or 'int32'`),
    ],
    [
      () => createEngine().from([1, 2, 3], [2, 2]),
      new RangeError('from: source has 3 values, but its shape [2, 2] needs 4'),
    ],
    [
      () => createEngine().from(wrong<TensorInput>('no')),
      new TypeError('from: source is "no", expected a tensor { data, shape }, a typed array or an array of numbers'),
    ],
    [() => createEngine().tensor([]).slice(0), new RangeError('slice: a tensor without axes cannot be sliced')],
    [() => createEngine().tensor([3]).slice(0.5), new RangeError('slice: start is 0.5, expected an integer')],
    [() => createEngine().tensor([3]).slice(0, wrong('1')), new TypeError('slice: end is "1", expected an integer')],
  ])('%o: %s', (use, error) => {
    expect(use).toThrow(error);
  });

  it('are copied in by from: integers as int32, everything else as float32', () => {
    const engine = createEngine();
    const { data, shape } = engine.from([
      [1, 2.5],
      [3, 4],
    ]);
    expect([data, shape]).toEqual([Float32Array.of(1, 2.5, 3, 4), [2, 2]]);
    const floats = [Float64Array.of(1, 2), Float32Array.of(1, 2), [1, 2], { data: [1, 2], dims: [2] }];
    for (const source of floats) expect(engine.from(source).data).toEqual(Float32Array.of(1, 2));
    const integers = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array];
    for (const kind of integers) expect(engine.from(kind.of(1, 2)).data).toEqual(Int32Array.of(1, 2));
    expect(engine.from(BigInt64Array.of(1n, -2n)).data).toEqual(Int32Array.of(1, -2));
    expect(engine.from([1, 2, 3, 4], [2, 1, 2]).shape).toEqual([2, 1, 2]);
    const source = Float32Array.of(1, 2);
    const copy = engine.from(source);
    source[0] = 9;
    expect(copy.data[0]).toBe(1);
  });

  it('are copied by from also out of the same memory, which may grow meanwhile', () => {
    for (const what of ['tensor', 'array'] as const) {
      const engine = createEngine();
      const first = engine.from(Float32Array.from({ length: 12_000 }, (_, i) => i));
      const second = engine.from(what === 'tensor' ? first : first.data);
      expect(second.data, what).toEqual(first.data);
      expect(second.data.byteOffset).not.toBe(first.data.byteOffset);
    }
  });

  it('keep their values and renew their view when memory grows', () => {
    const engine = createEngine();
    const tensor = engine.from([1, 2, 3]);
    const slice = tensor.slice(1);
    const before = tensor.data;
    expect(tensor.data).toBe(before);
    grow(engine);
    expect([before.length, tensor.data, slice.data]).toEqual([0, Float32Array.of(1, 2, 3), Float32Array.of(2, 3)]);
    tensor.data[2] = 4;
    expect(slice.data[1]).toBe(4);
    expect(engine.mse(tensor, tensor).loss).toBe(0);
  });
});

describe('slices', () => {
  const engine = createEngine();
  const tensor = engine.from(
    Int32Array.from({ length: 12 }, (_, i) => i),
    [6, 2],
  );
  const rows = (...numbers: number[]): Int32Array => Int32Array.from(numbers.flatMap((n) => [2 * n, 2 * n + 1]));

  it.each<[number, number | undefined, number[]]>([
    [0, 6, [0, 1, 2, 3, 4, 5]],
    [2, undefined, [2, 3, 4, 5]],
    [1, 3, [1, 2]],
    [-2, undefined, [4, 5]],
    [-100, -4, [0, 1]],
    [4, 100, [4, 5]],
    [3, 3, []],
    [4, 2, []],
    [100, 200, []],
  ])('[%d, %d) as Array.prototype.slice', (start, end, expected) => {
    const { data, shape, dtype } = tensor.slice(start, end);
    expect([data, shape, dtype]).toEqual([rows(...expected), [expected.length, 2], 'int32']);
    expect([0, 1, 2, 3, 4, 5].slice(start, end)).toEqual(expected);
  });

  it('of slices count from the slice, and write through', () => {
    const inner = tensor.slice(1, 5).slice(-3, -1);
    expect(inner.data).toEqual(rows(2, 3));
    inner.data[0] = -1;
    expect(tensor.data[4]).toBe(-1);
    tensor.data[4] = 4;
    expect(inner.data[0]).toBe(4);
  });

  it('are mini-batches: nothing is copied, and the gradient lands in its rows alone', () => {
    const own = createEngine();
    const input = own.from(
      Array.from({ length: 20 }, (_, i) => Math.sin(i)),
      [5, 4],
    );
    const target = own.from(Int32Array.of(0, 1, 2, 3, 0));
    const grad = own.tensor([5, 4]);
    const result = own.crossEntropy(input.slice(1, 3), target.slice(1, 3), { out: grad.slice(1, 3) });
    const expected = crossEntropy({ data: input.data.slice(4, 12), shape: [2, 4] }, [1, 2]);
    expect(result.loss).toBe(expected.loss);
    expect([...grad.data]).toEqual([0, 0, 0, 0, ...expected.grad.data, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('freed tensors', () => {
  const freed = (tensor: string): RegExp =>
    new RegExp(`^lossmith: use of the tensor \\[${tensor}\\] after it was freed$`);

  it('give their memory back once, and are a TypeError from then on', () => {
    const engine = createEngine();
    const tensor = engine.tensor([4, 3]);
    const slice = tensor.slice(0, 2);
    const inner = slice.slice(0, 1);
    expect(engine.stats()).toMatchObject({ bytesInUse: 64, liveTensors: 1 });
    tensor.free();
    expect(engine.stats()).toMatchObject({ bytesInUse: 0, liveTensors: 0 });
    const other = engine.tensor([4, 3]);
    tensor.free();
    expect(engine.stats()).toMatchObject({ bytesInUse: 64, liveTensors: 1 });
    expect(() => tensor.data).toThrow(freed('4, 3'));
    expect(() => tensor.slice(0)).toThrow(TypeError);
    expect(() => slice.data).toThrow(freed('2, 3'));
    expect(() => inner.slice(0)).toThrow(freed('1, 3'));
    expect(other.data.length).toBe(12);
  });

  it('a slice gives back nothing, and ends alone', () => {
    const engine = createEngine();
    const tensor = engine.from([1, 2, 3]);
    const slice = tensor.slice(1);
    slice.free();
    slice.free();
    expect(() => slice.data).toThrow(TypeError);
    expect(tensor.data).toEqual(Float32Array.of(1, 2, 3));
    expect(engine.stats()).toMatchObject({ bytesInUse: 64, liveTensors: 1 });
  });

  it('end with `using`', () => {
    const engine = createEngine();
    let kept: EngineTensor;
    {
      using tensor = engine.tensor([3]);
      kept = tensor;
      expect(engine.stats().liveTensors).toBe(1);
    }
    expect(() => kept.data).toThrow(TypeError);
    expect(engine.stats().liveTensors).toBe(0);
  });

  it.each(lossNames)('are refused as every operand of %s', (name) => {
    const engine = createEngine();
    const of = lossCases.filter(({ op }) => op === name);
    const each = of.find(({ options }) => Object.values(options).some(isTensor)) ?? of[0]!;
    for (let which = 0, all = 1; which < all; which++) {
      const { loss, input, target, options, operands, outs } = new PlacedCall(engine, each, placements.tensors!);
      const { out, ...others } = options;
      all = operands.length + outs.length;
      const one = [...operands, ...outs][which]!;
      one.free?.();
      const uses = [
        () => loss(input, target, options),
        () => loss.backward(1, input, target, { ...options, reduction: 'sum' }),
        () => loss.prepare(input, target, options),
        ...(outs.some((tensor) => tensor === one) ? [] : [() => loss.forward(input, target, others)]),
      ];
      for (const use of uses) expect(use).toThrow(freed(one.shape.join(', ')));
    }
  });

  it('are refused as upstream gradients and by activations', () => {
    const engine = createEngine();
    const dead = engine.tensor([2, 3]);
    dead.free();
    const live = engine.tensor([2, 3]);
    expect(() => engine.mse.backward(dead, live, live, { reduction: 'none' })).toThrow(freed('2, 3'));
    expect(() => engine.softmax(dead)).toThrow(freed('2, 3'));
    expect(() => engine.softmax.backward(dead, live)).toThrow(freed('2, 3'));
    expect(() => engine.softmax(live, { out: dead })).toThrow(freed('2, 3'));
    expect(engine.stats().liveTensors).toBe(1);
  });
});
