/** Engines of several threads: how they start and end, what is refused, and what is left of them where there are no threads. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { argmax } from '../../src/decide/index.ts';
import * as main from '../../src/index.ts';
import { accuracy } from '../../src/metrics/index.ts';
import * as entry from '../../src/threads/index.ts';
import * as single from '../../src/threads/single.ts';
import { sizeOf } from '../reference/layout.ts';
import type { Engine } from '../tiers.ts';
import { ended, watchWorkers } from './workers.ts';

const dist = pathToFileURL(join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'dist', 'threads.js')).href;

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

/** A large step, and its result. */
function largeStep(engine: Engine) {
  const shape = [2000, 300];
  const logits = engine.tensor(shape);
  const target = engine.tensor([2000], 'int32');
  for (let i = 0; i < logits.data.length; i++) logits.data[i] = Math.sin(i) * 5;
  for (let i = 0; i < target.data.length; i++) target.data[i] = (7 * i) % 300;
  const out = engine.tensor(shape);
  return { step: engine.crossEntropy.prepare(logits, target, { out }), out, logits };
}

describe('the entry lossmith/threads', () => {
  it('has the exports of the main entry', () => {
    for (const own of [entry, single]) {
      expect(Object.keys(own).sort()).toEqual(Object.keys(main).sort());
      expect(own.crossEntropy).toBe(main.crossEntropy);
      expect(own.defaultEngine()).toBe(main.defaultEngine());
    }
  });

  it('starts helpers behind the scenes, and calls run on one thread before they are there', async () => {
    const engine = entry.createEngine({ threads: 3 });
    expect(engine.threads).toBe(1);
    const { step } = largeStep(engine);
    const before = step();
    await engine.ready;
    expect(engine.threads).toBe(3);
    expect(step()).toBe(before);
    expect(engine.memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    engine.dispose();
    expect(() => step()).toThrow(new TypeError('lossmith: this engine was disposed'));
  });

  it('makes engines of one thread as the main entry does', async () => {
    const made = watchWorkers();
    for (const options of [undefined, {}, { threads: 1 }]) {
      const engine = entry.createEngine(options);
      await engine.ready;
      expect(engine.threads).toBe(1);
      expect(engine.memory.buffer).toBeInstanceOf(ArrayBuffer);
    }
    expect(made).toEqual([]);
  });

  it.each<[unknown, Error]>([
    [0, new RangeError('createEngine: threads is 0, expected 1 to 128')],
    [129, new RangeError('createEngine: threads is 129, expected 1 to 128')],
    [1.5, new RangeError('createEngine: threads is 1.5, expected an integer')],
    ['2', new TypeError('createEngine: threads is "2", expected an integer')],
  ])('threads: %j is refused', (threads, error) => {
    for (const { createEngine } of [entry, single]) {
      expect(() => createEngine({ threads: threads as number })).toThrow(error);
    }
  });

  it('the main entry names it', () => {
    expect(() => main.createEngine({ threads: 2 })).toThrow(
      new RangeError('createEngine: threads is 2, expected 1 (more than one needs the entry lossmith/threads)'),
    );
  });

  it('tensors, growth, slices and the other entries work on shared memory', async () => {
    const engine = entry.createEngine({ threads: 2 });
    const logits = engine.from([
      [1, 5, 2],
      [3, 0, 1],
    ]);
    const view = logits.data;
    const far = engine.tensor([engine.stats().bytesReserved]);
    far.data.fill(3);
    expect([...logits.data]).toEqual([1, 5, 2, 3, 0, 1]);
    view[0] = 9; // a view from before memory grew is one of the same memory
    expect(logits.data[0]).toBe(9);
    const out = engine.tensor([2, 3]);
    const { grad } = engine.crossEntropy(view.length === 6 ? { data: view, shape: [2, 3] } : logits, [0, 1], { out });
    expect(grad).toBe(out);
    expect([...argmax(logits).data]).toEqual([0, 0]);
    expect(accuracy(argmax(logits), [0, 1]).accuracy).toBe(0.5);
    expect(logits.slice(1).data[0]).toBe(3);
    await engine.ready;
    engine.dispose();
  });

  it('keeps to maximumBytes', async () => {
    const engine = entry.createEngine({ threads: 2, maximumBytes: 1 << 20 });
    expect(() => engine.tensor([1 << 18])).toThrow(/^lossmith: out of memory: 1048576 bytes asked for, /);
    expect(() => engine.memory.grow(17)).toThrow();
    expect(() => entry.createEngine({ threads: 2, maximumBytes: 100 })).toThrow(
      /^createEngine: maximumBytes is 100, expected at least \d+$/,
    );
    await engine.ready;
    engine.dispose();
  });

  it('takes at most 4 MiB beside tensors and steps, however many threads there are', async () => {
    for (const [shape, axis] of [
      [[4, 3000, 64], 1],
      [[3, 200_000], 1],
      [[400_000, 3], 1],
    ] as const) {
      const engine = entry.createEngine({ threads: 8 });
      await engine.ready;
      const input = engine.tensor(shape);
      const out = engine.tensor(shape);
      const before = engine.stats().bytesReserved;
      engine.softmax(input, { axis, out });
      const target = engine.tensor(
        shape.filter((_, d) => d !== axis),
        'int32',
      );
      const step = engine.crossEntropy.prepare(input, target, { axis, out });
      step();
      expect(engine.stats().bytesReserved - before - 4 * target.data.length).toBeLessThanOrEqual(1 << 22);
      engine.dispose();

      const other = entry.createEngine({ threads: 8 });
      await other.ready;
      const empty = other.stats().bytesReserved;
      const array = { data: new Float32Array(sizeOf(shape)).fill(0.25), shape };
      other.crossEntropy(array, array, { axis, weight: new Float32Array(shape[axis]!).fill(2), reduction: 'none' });
      expect(other.stats().bytesReserved - empty).toBeLessThanOrEqual(1 << 22);
      other.dispose();
    }
  });
});

describe('workers', () => {
  it('end with dispose', async () => {
    const made = watchWorkers();
    const engine = entry.createEngine({ threads: 3 });
    await engine.ready;
    expect(made).toHaveLength(2);
    const ends = made.map(ended);
    engine.dispose();
    await Promise.all(ends);
    expect(made.map(({ threadId }) => threadId)).toEqual([-1, -1]);
  });

  it('stay as long as there is a step, whoever has the engine', async () => {
    const made = watchWorkers();
    const start = async () => {
      const engine = entry.createEngine({ threads: 2 });
      await engine.ready;
      return largeStep(engine).step;
    };
    const step = await start();
    const before = step();
    for (let i = 0; i < 10; i++) {
      (globalThis as { gc?(): void }).gc?.();
      await new Promise((settle) => setTimeout(settle, 10));
    }
    expect(made[0]?.threadId).toBeGreaterThan(0);
    expect(step()).toBe(before);
    await made[0]?.terminate();
  });

  it('end where nobody has anything of their engine any more', async () => {
    const made = watchWorkers();
    const start = async () => {
      const engine = entry.createEngine({ threads: 2 });
      await engine.ready;
      const { step, out } = largeStep(engine);
      step();
      return new WeakRef(out);
    };
    const out = await start();
    const end = ended(made[0]!);
    for (let i = 0; i < 500 && made[0]!.threadId !== -1; i++) {
      (globalThis as { gc?(): void }).gc?.();
      await new Promise((settle) => setTimeout(settle, 10));
    }
    await end;
    expect(out.deref()).toBeUndefined();
  });

  it('that are refused leave one thread', async () => {
    watchWorkers({ refuse: true });
    const engine = entry.createEngine({ threads: 3 });
    const { step } = largeStep(engine);
    expect(step()).toBeGreaterThan(0);
    await engine.ready;
    expect(engine.threads).toBe(1);
    engine.dispose();
  });

  it('that end between calls are not waited for', async () => {
    const made = watchWorkers();
    const engine = entry.createEngine({ threads: 3 });
    await engine.ready;
    const { step } = largeStep(engine);
    const before = step();
    await made[0]?.terminate();
    expect(engine.threads).toBe(2);
    expect(step()).toBe(before);
    await made[1]?.terminate();
    expect(engine.threads).toBe(1);
    expect(step()).toBe(before);
    engine.dispose();
  });

  it('that die in the middle of a call do not hang it, and what they may write to is not handed out', async () => {
    let tried = 0;
    for (let threw = false; !threw; tried++) {
      expect(tried, 'a worker never died within a chunk').toBeLessThan(100);
      const made = watchWorkers();
      const engine = entry.createEngine({ threads: 2 });
      await engine.ready;
      const { step, out, logits } = largeStep(engine);
      const expected = step();
      const address = out.data.byteOffset;
      const end = ended(made[0] as (typeof made)[number]);
      // while this thread and that one take chunks
      const exchange = Atomics.compareExchange;
      let claims = 0;
      vi.spyOn(Atomics, 'compareExchange').mockImplementation(((...args: Parameters<typeof exchange>) => {
        claims += 1;
        if (claims === 2 + tried) {
          void made[0]?.terminate();
          const now = performance.now();
          while (performance.now() < now + 0.5);
        }
        return exchange(...args);
      }) as typeof exchange);
      const start = performance.now();
      try {
        for (let i = 0; i < 20; i++) expect(step()).toBe(expected);
      } catch (error) {
        expect(error).toEqual(
          new Error(
            'lossmith: the helpers of this engine made no progress for 2 s; out may be partly written, and the engine goes on with one thread',
          ),
        );
        threw = true;
        expect(performance.now() - start).toBeLessThan(10_000);
        expect(engine.threads).toBe(1);
        expect(step()).toBe(expected);
        step.free();
        out.free();
        expect(engine.tensor([2000, 300]).data.byteOffset).not.toBe(address);
        expect(logits.data[1]).toBe(Math.fround(Math.sin(1) * 5));
        await end;
        expect(engine.tensor([2000, 300]).data.byteOffset).toBe(address);
      }
      engine.dispose();
      await end;
      vi.restoreAllMocks();
    }
  });

  it.each([
    ['is awaited', 'await engine.ready; engine.crossEntropy(x, new Int32Array(2000));', 0],
    [
      'is awaited after other work',
      'for (const end = Date.now() + 300; Date.now() < end; ); await engine.ready; process.exit(engine.threads);',
      2,
    ],
    ['is not awaited', '', 0],
    ['is at work', 'await engine.ready; engine.crossEntropy(x, new Int32Array(2000)); process.exit(3);', 3],
    ['is there when an error ends the program', 'await engine.ready; throw 1;', 1],
  ])('do not keep a process alive: one that %s', (_, then, status) => {
    const code = `const { createEngine } = await import(${JSON.stringify(dist)});
      const engine = createEngine({ threads: 2 }), x = engine.tensor([2000, 300]); ${then}`;
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', code], { timeout: 20_000 });
    expect([result.signal, result.status]).toEqual([null, status]);
  });
});

describe('where threads share no memory there is one', () => {
  it.each([
    ['without SharedArrayBuffer', { SharedArrayBuffer: undefined }],
    ['in a page that is not isolated', { crossOriginIsolated: false }],
  ])('%s', async (_, globals) => {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    const engine = entry.createEngine({ threads: 4 });
    await engine.ready;
    expect(engine.threads).toBe(1);
    expect(engine.crossEntropy([[0, 0]], [1]).loss).toBeCloseTo(Math.LN2, 6);
    engine.dispose();
  });

  it('with a module of the caller, whose memory is its own', async () => {
    const { readFileSync } = await import('node:fs');
    const module = new WebAssembly.Module(readFileSync(new URL('wasm/simd.wasm', dist)));
    const engine = entry.createEngine({ threads: 2, module });
    await engine.ready;
    expect([engine.threads, engine.tier]).toEqual([1, 'simd']);
  });

  it('in hosts that the entry knows to have none', async () => {
    const engine = single.createEngine({ threads: 4 });
    await engine.ready;
    expect(engine.threads).toBe(1);
    expect(engine.memory.buffer).toBeInstanceOf(ArrayBuffer);
  });
});
