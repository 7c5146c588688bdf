/** Engines: how they are made, whose memory a call reads and writes, how they end, and the one that both builds share. */
import { createRequire } from 'node:module';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as lossmith from '../src/index.ts';
import { moduleOf } from '../src/machine/modules/index.ts';
import type { EngineOptions, Tensor } from '../src/values/types.ts';
import { callOn, gradientsOf, libraryOf } from './calls.ts';
import { expectSame, expectSameGradients, PlacedCall, placements } from './placement.ts';
import { references } from './reference/index.ts';
import { randomFrom } from './reference/random.ts';
import { activationNames, lossNames, lossOf } from './tiers.ts';

const { createEngine } = lossmith;

/** What an argument of the wrong type comes to: the types would not let it pass. */
const wrong = <T>(value: unknown): T => value as T;

const logits = (): Tensor =>
  lossmith.tensor([
    [2.1, 0.3, -1],
    [0.2, 0.1, 3.3],
  ]);
const truth = lossmith.crossEntropy(logits(), [0, 2]);

afterEach(() => {
  vi.restoreAllMocks();
});

describe('createEngine', () => {
  it('gives every loss and activation, and works at once', () => {
    const engine = createEngine();
    for (const name of [...lossNames, ...activationNames]) expect(engine[name], name).toBeTypeOf('function');
    expect(engine.crossEntropy(logits(), [0, 2]).loss).toBe(truth.loss);
    expect(engine.threads).toBe(1);
    expect(engine.memory).toBeInstanceOf(WebAssembly.Memory);
    return expect(engine.ready).resolves.toBeUndefined();
  });

  it('takes undefined for every default', () => {
    const undefinedOptions = { tier: undefined, deterministic: undefined, threads: undefined, maximumBytes: undefined };
    expect(createEngine({ ...undefinedOptions, module: undefined }).tier).toBe(createEngine().tier);
  });

  it.each<[EngineOptions, Error]>([
    [wrong(null), new TypeError('createEngine: options is null, expected an object')],
    [wrong('simd'), new TypeError('createEngine: options is "simd", expected an object')],
    [
      wrong({ teir: 'simd' }),
      new TypeError(
        'createEngine: unknown option "teir", expected one of tier, deterministic, threads, maximumBytes, module',
      ),
    ],
    [wrong({ tier: 1 }), new TypeError('createEngine: tier is 1, expected a string')],
    [
      wrong({ tier: 'avx' }),
      new RangeError('createEngine: tier is "avx", expected one of auto, scalar, simd, relaxed'),
    ],
    [wrong({ deterministic: 1 }), new TypeError('createEngine: deterministic is 1, expected a boolean')],
    [
      { deterministic: true, tier: 'relaxed' },
      new RangeError("createEngine: tier is 'relaxed' with deterministic: true, expected 'simd' or 'auto'"),
    ],
    [
      { deterministic: true, tier: 'scalar' },
      new RangeError("createEngine: tier is 'scalar' with deterministic: true, expected 'simd' or 'auto'"),
    ],
    [
      { deterministic: true, module: moduleOf('scalar')! },
      new RangeError("createEngine: deterministic needs the simd tier, but this runtime has 'scalar'"),
    ],
    [wrong({ threads: '2' }), new TypeError('createEngine: threads is "2", expected an integer')],
    [{ threads: 1.5 }, new RangeError('createEngine: threads is 1.5, expected an integer')],
    [
      { threads: 2 },
      new RangeError('createEngine: threads is 2, expected 1 (more than one needs the entry lossmith/threads)'),
    ],
    [wrong({ maximumBytes: '1' }), new TypeError('createEngine: maximumBytes is "1", expected an integer')],
    [{ maximumBytes: 0.5 }, new RangeError('createEngine: maximumBytes is 0.5, expected an integer')],
    [{ maximumBytes: 0 }, new RangeError('createEngine: maximumBytes is 0, expected an integer above 0')],
    [
      wrong({ module: new Uint8Array(8) }),
      new TypeError('createEngine: module is an object (Uint8Array), expected a WebAssembly.Module'),
    ],
  ])('%o: %s', (options, error) => {
    expect(() => createEngine(options)).toThrow(error);
  });

  it.each(['scalar', 'simd', 'relaxed'] as const)('runs a module brought along: %s', (tier) => {
    const engine = createEngine({ module: moduleOf(tier)! });
    expect(engine.tier).toBe(tier);
    expect(engine.crossEntropy(logits(), [0, 2]).loss).toBeCloseTo(truth.loss, 6);
  });

  it('says so where the module is another one', () => {
    const empty = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
    expect(() => createEngine({ module: empty })).toThrow(/^createEngine: module /);
  });

  it('never reserves more than maximumBytes, whole pages or not', () => {
    for (const maximumBytes of [65536, 100_000, 300_000]) {
      const engine = createEngine({ maximumBytes });
      expect(() => {
        for (;;) engine.tensor([1000]);
      }).toThrow(RangeError);
      expect(engine.stats().bytesReserved).toBeLessThanOrEqual(maximumBytes);
    }
    expect(() => createEngine({ maximumBytes: 1 }), 'less than the module itself needs').toThrow(
      new RangeError('createEngine: maximumBytes is 1, expected at least 65536'),
    );
  });
});

describe('a call on tensors of its engine', () => {
  /** Spies on what copies arrays in and out. */
  const copies = () => {
    const arrays = Object.getPrototypeOf(Float32Array.prototype) as Float32Array;
    return vi.spyOn(arrays, 'set');
  };

  it.each(lossNames)('%s copies nothing; the gradient lands in out', (name) => {
    const engine = createEngine();
    const { targets, draw } = references[name];
    const problem = draw(randomFrom(8), [4, 6], undefined, targets.includes('index') ? 'index' : 'dense');
    const { loss: _, ...call } = callOn(libraryOf(engine), name, problem);
    const expected = lossOf(engine, name)(call.input, call.target, call.options);
    const placed = new PlacedCall(engine, { op: name, ...call }, placements.tensors!);
    const { loss, input, target, options, outs } = placed;
    const { out, ...others } = options;
    const bare = outs.length > 1 ? { logits: outs[0]!.data, z: outs[1]!.data } : outs[0]!.data;
    const set = copies();
    const calls = [
      loss(input, target, options),
      loss(input, target, { ...options, out: bare }),
      loss.backward(1, input, target, options),
    ];
    // but what is one per class or per sample, as maps of components are
    const sizes = set.mock.calls.map(([source]) => source.length);
    expect(sizes.filter((size) => size > 6)).toEqual([]);
    set.mockRestore();
    for (const call of calls) {
      const { grad, grads } = gradientsOf(call);
      expect(outs.map(({ data }) => data)).toContain(grad.data);
      if (outs.length > 1) expect(outs.map(({ data }) => data)).toContain(Object.values(grads)[0]?.data);
      expectSame(name, grad, gradientsOf(expected).grad);
    }
    expect(calls[0]?.grad).toEqual(out);
    // a fresh gradient lies outside
    expect(gradientsOf(loss(input, target, others)).grad.data.buffer).not.toBe(engine.memory.buffer);
    const inPlace = loss(input, target, { ...others, out: input });
    expectSameGradients(name, inPlace, expected);
    expect(inPlace.grad).toEqual(input);
    expect(inPlace.loss).toBe(expected.loss);
    placed.reset();
    expectSameGradients(name, loss(input, target, others), expected);
  });

  it('an activation writes its out in place too', () => {
    const engine = createEngine();
    for (const name of activationNames) {
      const input = engine.from([[1, 2, 4]]);
      const expected = engine[name](input);
      expect(expected.data.buffer).not.toBe(engine.memory.buffer);
      const set = copies();
      expect(engine[name](input, { out: input })).toBe(input);
      expect(set).not.toHaveBeenCalled();
      set.mockRestore();
      expect(input.data).toEqual(expected.data);
    }
  });

  /** Operands of which some must be copied, which takes more scratch than the first page of memory holds. */
  const width = 12_000;
  const plain = {
    data: Float32Array.from({ length: width }, (_, i) => Math.fround(Math.cos(i))),
    shape: [2, width / 2],
  };

  it.each(['a tensor', 'its array'] as const)('may grow memory under out: %s', (what) => {
    const engine = createEngine();
    const out = engine.tensor(plain.shape);
    const reserved = engine.stats().bytesReserved;
    const { grad } = engine.crossEntropy(plain, [7, 9], { out: what === 'a tensor' ? out : out.data });
    expect(engine.stats().bytesReserved, 'memory grew').toBeGreaterThan(reserved);
    expect(out.data).toEqual(lossmith.crossEntropy(plain, [7, 9]).grad.data);
    expect(grad.data).toEqual(out.data);
  });

  it.each(['a tensor', 'its array'] as const)('may grow memory under its input: %s', (what) => {
    const engine = createEngine();
    const input = engine.from(plain);
    const reserved = engine.stats().bytesReserved;
    const target = { data: plain.data.map(Math.abs), shape: plain.shape };
    const given = what === 'a tensor' ? input : { data: input.data, shape: plain.shape };
    const { loss, grad } = engine.bceWithLogits(given, target);
    expect(engine.stats().bytesReserved, 'memory grew').toBeGreaterThan(reserved);
    const expected = lossmith.bceWithLogits(plain, target);
    expect([loss, grad.data]).toEqual([expected.loss, expected.grad.data]);
  });

  it('reads tensors of another engine, and writes them, by copying', () => {
    const [engine, other] = [createEngine(), createEngine()];
    const [input, target, out] = [other.from(logits()), other.from(Int32Array.of(0, 2)), other.tensor([2, 3])];
    const { loss, grad } = engine.crossEntropy(input, target, { out });
    expect([loss, grad]).toEqual([truth.loss, out]);
    expect(out.data).toEqual(truth.grad.data);
    expect(input.data).toEqual(logits().data);
    expect(engine.from(input).data).toEqual(input.data);
    expect(engine.stats().liveTensors).toBe(1);
    input.free();
    expect(() => engine.crossEntropy(input, target)).toThrow(TypeError);
  });
});

describe('an engine disposed of', () => {
  it.each(['dispose', 'using'])('refuses every use: %s', (how) => {
    const engine = createEngine();
    const tensor = engine.from(logits());
    const slice = tensor.slice(1);
    const step = engine.crossEntropy.prepare(tensor, [0, 2]);
    step();
    if (how === 'dispose') engine.dispose();
    else engine[Symbol.dispose]();
    const gone = new TypeError('lossmith: this engine was disposed');
    const uses: (() => unknown)[] = [
      () => tensor.data,
      () => slice.data,
      () => tensor.slice(0),
      () => engine.tensor([1]),
      () => engine.from([1]),
      () => engine.mse([1], [2]),
      () => engine.mse.forward([1], [2]),
      () => engine.mse.backward(1, [1], [2]),
      () => engine.mse.prepare([1], [2]),
      () => engine.sigmoid([1]),
      () => engine.sigmoid.backward([1], [1]),
      () => step(),
      () => engine.stats(),
      () => engine.memory,
    ];
    for (const use of uses) expect(use).toThrow(gone);
    // tidying up comes in any order
    for (const tidy of [() => tensor.free(), () => slice.free(), () => step.free(), () => engine.dispose()]) tidy();
  });
});

describe('stats', () => {
  it('count what tensors and steps hold, in blocks of 64 bytes', () => {
    const engine = createEngine();
    expect(engine.stats()).toEqual({ bytesReserved: engine.memory.buffer.byteLength, bytesInUse: 0, liveTensors: 0 });
    const tensor = engine.tensor([17]);
    engine.tensor([0]);
    tensor.slice(3);
    expect(engine.stats()).toMatchObject({ bytesInUse: 128, liveTensors: 2 });
    const step = engine.mse.prepare(tensor, tensor);
    const { bytesInUse } = engine.stats();
    expect(bytesInUse).toBeGreaterThan(128);
    engine.mse(tensor, tensor);
    engine.mse([1], [2]);
    expect(engine.stats()).toMatchObject({ bytesInUse, liveTensors: 2 });
    step.free();
    tensor.free();
    expect(engine.stats()).toMatchObject({ bytesInUse: 0, liveTensors: 1 });
  });
});

describe('the default engine', () => {
  it('is one for the ESM and the CommonJS build', async () => {
    // the build's own modules, not the sources that the rest of the tests import
    const esm = (await import(/* @vite-ignore */ new URL('../dist/index.js', import.meta.url).href)) as typeof lossmith;
    const cjs = createRequire(import.meta.url)('../dist/cjs/index.js') as typeof lossmith;
    expect(cjs.crossEntropy).not.toBe(esm.crossEntropy);
    const engine = esm.defaultEngine();
    expect(cjs.defaultEngine()).toBe(engine);
    const input = engine.from(logits());
    const { liveTensors } = cjs.defaultEngine().stats();
    expect(liveTensors).toBe(1);
    for (const build of [esm, cjs]) {
      expect(build.crossEntropy(input, [0, 2], { out: input }).grad).toBe(input);
      expect(input.data).toEqual(truth.grad.data);
      input.data.set(logits().data);
    }
    input.free();
  });

  it('runs the functions of the entry, and is not what createEngine gives', () => {
    const engine = lossmith.defaultEngine();
    expect(lossmith.defaultEngine()).toBe(engine);
    expect(createEngine().memory).not.toBe(engine.memory);
    const input = engine.from(logits());
    expect(lossmith.crossEntropy(input, [0, 2], { out: input }).grad).toBe(input);
    input.free();
    expect(() => lossmith.crossEntropy(input, [0, 2])).toThrow(TypeError);
  });
});

describe('uncertaintyWeighted of an engine', () => {
  it('has no options', () => {
    const call = createEngine().uncertaintyWeighted as (...args: unknown[]) => unknown;
    expect(() => call([1], [0], { scale: 2 })).toThrow(
      new TypeError('uncertaintyWeighted: options is an object (Object), expected none, since it has no options'),
    );
    expect(call([1], [0], undefined)).toEqual(call([1], [0]));
  });

  it('is a TypeError once that was disposed', () => {
    const engine = createEngine();
    engine.dispose();
    expect(() => engine.uncertaintyWeighted([1], [0])).toThrow(new TypeError('lossmith: this engine was disposed'));
  });

  it('has one NaN, whatever its arguments have', () => {
    const odd = new Float32Array(1);
    new Uint32Array(odd.buffer)[0] = 0xffc12345;
    const engine = createEngine({ deterministic: true });
    const { gradLosses, gradS } = engine.uncertaintyWeighted([1, 1], [odd[0] as number, 0]);
    const bits = (data: Float32Array): number[] => Array.from(new Uint32Array(data.buffer));
    expect(bits(engine.uncertaintyWeighted(odd, [0]).gradS.data)).toEqual([0x7fc00000]);
    expect([bits(gradLosses.data)[0], bits(gradS.data)[0]]).toEqual([0x7fc00000, 0x7fc00000]);
  });
});
