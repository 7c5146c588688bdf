/** Linear memory: the allocator against a model, its limits, the far end of 4 GiB, and how much a call takes. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { engineOf } from '../src/api/engine.ts';
import { createEngine } from '../src/index.ts';
import { Runtime } from '../src/machine/runtime.ts';
import type { EngineTensor } from '../src/values/types.ts';
import { expectSame, expectSameGradients, PlacedCall } from './placement.ts';
import { sampled } from './sample.ts';
import { type Engine, lossCases, lossOf, tiers } from './tiers.ts';

const ALIGN = 64;
const MiB = 1 << 20;
const align = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN;

afterEach(() => {
  vi.restoreAllMocks();
});

describe('the allocator', () => {
  /** Takes a tensor of so many values, or frees, slices or computes with the one that stands there. */
  const operation = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('take' as const), at: fc.integer({ min: 0, max: 3000 }) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('free' as const), at: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('slice', 'use', 'prepare'), at: fc.nat() }) },
  );

  /** A live tensor, the number that fills it, and what keeps it busy. */
  interface Live {
    readonly tensor: EngineTensor;
    readonly mark: number;
  }

  it('never lets blocks overlap, keeps to its alignment, and merges what comes back', () => {
    const engine = createEngine();
    // the scratch that calls below will share comes first, so that everything behind it can be one block again
    engine.mse(new Float32Array(4000), new Float32Array(4000));
    const first = engine.tensor([1]);
    const start = first.data.byteOffset;
    first.free();
    let mark = 0;
    const run = (operations: readonly { kind: string; at: number }[]): void => {
      const live: Live[] = [];
      let held = 0;
      for (const { kind, at } of operations) {
        const i = at % Math.max(1, live.length);
        const one = live[i];
        if (kind === 'take') {
          const tensor = engine.tensor([at]);
          expect(tensor.data.every((v) => v === 0)).toBe(true);
          tensor.data.fill(++mark);
          live.push({ tensor, mark });
          held += align(4 * at);
        } else if (one && kind === 'free') {
          live.splice(i, 1);
          one.tensor.free();
          held -= align(one.tensor.shape[0]! * 4);
        } else if (one && kind === 'slice') one.tensor.slice(at % 7, -2).free();
        else if (one && kind === 'use') engine.mse(one.tensor, one.tensor);
        else if (one) {
          const step = engine.mse.prepare(one.tensor, one.tensor);
          expect(step()).toBe(one.tensor.shape[0] === 0 ? Number.NaN : 0);
          step.free();
        }
        expect(engine.stats()).toMatchObject({ bytesInUse: held, liveTensors: live.length });
      }
      // a block that overlapped another would not hold its own number throughout
      for (const { tensor, mark: own } of live) {
        expect(tensor.data.byteOffset % ALIGN).toBe(0);
        expect(tensor.data.every((v) => v === own)).toBe(true);
      }
      const ranges = live.map(({ tensor }) => [tensor.data.byteOffset, tensor.data.byteLength] as const);
      ranges.sort(([a], [b]) => a - b);
      ranges.reduce((end, [from, bytes]) => {
        expect(from).toBeGreaterThanOrEqual(end);
        return from + bytes;
      }, start);
      for (const { tensor } of live) tensor.free();
      expect(engine.stats()).toMatchObject({ bytesInUse: 0, liveTensors: 0 });
    };
    fc.assert(fc.property(fc.array(operation, { minLength: 1, maxLength: 80, size: 'max' }), run), {
      seed: 5,
      numRuns: 80,
    });

    const { bytesReserved } = engine.stats();
    expect(bytesReserved, 'the runs needed more than the first page').toBeGreaterThan(65536);
    const whole = engine.tensor([(bytesReserved - start) / 4]);
    expect([whole.data.byteOffset, engine.stats().bytesReserved]).toEqual([start, bytesReserved]);
    whole.free();
  });

  it('gives a training loop the same blocks every time', () => {
    const engine = createEngine();
    const weights = engine.tensor([64, 10]);
    const addresses = new Set<string>();
    let reserved = 0;
    for (let epoch = 0; epoch < 200; epoch++) {
      const logits = engine.tensor([32 + (epoch % 5), 10]);
      const target = engine.from(new Int32Array(logits.shape[0]!));
      const grad = engine.tensor(logits.shape);
      const step = engine.crossEntropy.prepare(logits, target, { out: grad });
      step();
      engine.softmax({ data: new Float32Array(20_000), shape: [200, 100] });
      const scratch = engine.from(weights);
      const inUse = [logits, target, grad, scratch].map(({ data }) => data.byteOffset);
      addresses.add(inUse.join());
      // in an order that changes
      const all = [logits, target, grad, step, scratch];
      for (let i = 0; i < all.length; i++) all[(i + epoch) % all.length]!.free();
      if (epoch === 4) reserved = engine.stats().bytesReserved;
      if (epoch > 4) expect(engine.stats().bytesReserved).toBe(reserved);
    }
    // five sizes of batch, and the first epoch, which found no scratch yet
    expect(addresses.size).toBeLessThanOrEqual(6);
    expect(engine.stats()).toMatchObject({ bytesInUse: align(4 * 640), liveTensors: 1 });
  });
});

describe('out of memory', () => {
  const limit = 1 << 20;
  /** An engine that has `left` bytes or less beside its first page. */
  const full = (left: number) => {
    const engine = createEngine({ maximumBytes: limit });
    const tensor = engine.tensor([(limit - 65536 - left) / 4]);
    return { engine, tensor };
  };
  const outOfMemory = /^lossmith: out of memory: (\d+) bytes asked for, (\d+) of at most 1048576 bytes reserved$/;
  const large = { data: new Float32Array(60_000).fill(0.5), shape: [600, 100] };

  it('is a RangeError that names what was asked for and the limit', () => {
    const { engine } = full(0);
    expect(() => engine.tensor([100_000])).toThrow(RangeError);
    expect(() => engine.tensor([100_000])).toThrow(/: 400000 bytes asked for, \d+ of at most 1048576 bytes reserved$/);
    expect(() => engine.tensor([2 ** 40, 2 ** 13])).toThrow(RangeError);
    expect(() => createEngine().tensor([2 ** 31])).toThrow(
      /: 8589934592 bytes asked for, 65536 of at most 4294967296 bytes reserved$/,
    );
  });

  it('comes from every call that needs room, changes nothing, and leaves the engine as it was', () => {
    const { engine, tensor } = full(0);
    const stats = engine.stats();
    const calls = [
      () => engine.tensor([60_000]),
      () => engine.from(large),
      () => engine.mse(large, large),
      () => engine.mse.forward(large, large),
      () => engine.crossEntropy.backward(1, large, large),
      () => engine.bceWithLogits.prepare(large, large),
      () => engine.sigmoid(large),
    ];
    for (const call of calls) {
      expect(call).toThrow(outOfMemory);
      expect(call).toThrow(RangeError);
      expect(engine.stats()).toEqual(stats);
    }
    const out = new Float32Array(60_000).fill(3);
    expect(() => engine.mse(large, large, { out })).toThrow(RangeError);
    expect(out.every((v) => v === 3)).toBe(true);
    expect(engine.mse([1, 2], [3, 5]).loss).toBe(6.5);
    tensor.free();
    expect(engine.mse(large, large).loss).toBe(0);
  });

  it('may also be said by the host, before the limit', () => {
    const engine = createEngine();
    const grow = vi.spyOn(engine.memory, 'grow').mockImplementation(() => {
      throw new RangeError('WebAssembly.Memory.grow(): Unable to grow instance memory');
    });
    expect(() => engine.tensor([100_000])).toThrow(
      /^lossmith: out of memory: 400000 bytes asked for, 65536 of at most 4294967296 bytes reserved$/,
    );
    grow.mockRestore();
    expect(engine.tensor([100_000]).data.length).toBe(100_000);
  });
});

describe('addresses above 2 GiB', () => {
  const GiB = 2 ** 30;
  // nothing is written below `from`, so that the pages there are never taken from the machine
  const places = {
    'tensors across 2 GiB': 2 * GiB - 2048,
    // at several places of the scratch, whose parts have different loops
    ...Object.fromEntries([2048, 2560, 3072, 4608].map((n) => [`scratch across 2 GiB at ${n}`, 2 * GiB - n])),
    'all in the last 4 MiB below 4 GiB': 4 * GiB - 4 * MiB,
  };

  const pairs = tiers.flatMap((tier) => Object.entries(places).map(([where, from]) => [tier, where, from] as const));
  it.each(sampled(pairs, 0.5))('%s: with %s the results are the same', (tier, where, from) => {
    const runtime = new Runtime({ tier });
    const next = runtime.memory.allocate(1);
    runtime.memory.allocate(from - next - ALIGN);
    const high = engineOf(runtime) as Engine;
    const low = createEngine({ tier });
    // the first call places the scratch, which stays where it is as long as it is large enough
    const wide = new Float32Array(100_000);
    if (where.startsWith('scratch')) high.mse(wide, wide, { reduction: 'none' });
    const last = from > 3 * GiB ? lastBytes(high, 4 * MiB) : undefined;
    for (const each of lossCases.filter((_, i) => i % 5 === 0)) {
      const expected = lossOf(low, each.op)(each.input, each.target, each.options);
      for (const [inside, out] of [
        [true, 'tensor'],
        [true, 'input'],
        [false, 'none'],
      ] as const) {
        const placed = new PlacedCall(high, each, { input: inside, target: inside, weights: inside, out });
        if (inside) expect(placed.operands[0]!.data.byteOffset).toBeGreaterThanOrEqual(from - ALIGN);
        const step = placed.prepare();
        const direct = placed.direct();
        expectSame(each.name, direct.loss, expected.loss);
        expectSameGradients(each.name, direct, expected);
        expectSame(each.name, step(), expected.loss);
        expectSameGradients(each.name, step, expected);
        step.free();
        placed.free();
      }
    }
    if (last) expectWorking(high, last);
  });

  /** A tensor of the very last bytes that 32-bit addresses reach, out of the `room` that is left. */
  function lastBytes(engine: Engine, room: number): EngineTensor {
    const before = engine.tensor([room / 4 - MiB / 16]);
    const last = engine.tensor([MiB / 16 / 16, 16]);
    before.free();
    expect(last.data.byteOffset + last.data.byteLength).toBe(4 * GiB);
    return last;
  }

  /** Computes in place in the last rows of a tensor. */
  function expectWorking(engine: Engine, tensor: EngineTensor): void {
    const values = Float32Array.from({ length: 33 * 16 }, (_, i) => Math.fround(Math.sin(i)));
    const target = Int32Array.from({ length: 33 }, (_, i) => i % 16);
    const rows = tensor.slice(-33);
    rows.data.set(values);
    const expected = createEngine({ tier: engine.tier }).crossEntropy({ data: values, shape: [33, 16] }, target);
    const got = engine.crossEntropy(rows, target, { out: rows });
    expect([got.loss, rows.data]).toEqual([expected.loss, expected.grad.data]);
    expect(tensor.slice(0, -33).data.every((v) => v === 0)).toBe(true);
  }
});
