/** Sizes at the edges: a class axis of millions, shapes of nothing, memory that grows. No call takes more than 4 MiB of its own. */
import { describe, expect, it } from 'vitest';
import { createEngine, type Engine, softmax } from '../../src/index.ts';
import { reference, type Tensor64, tensor64 } from '../reference/index.ts';

const MiB = 2 ** 20;
/** What memory grows by beyond what is needed: whole pages, and slack so that small requests do not each renew the views. */
const SLACK = 320 * 1024;

/** How many bytes linear memory grows by. */
function growth(engine: Engine, call: () => void): number {
  const before = engine.memory.buffer.byteLength;
  call();
  return engine.memory.buffer.byteLength - before;
}

const waves = (length: number): Float32Array<ArrayBuffer> => Float32Array.from({ length }, (_, i) => Math.sin(i));

/** Gradients of 1 / C each: as close as their size asks. */
function expectClose(got: ArrayLike<number>, { data }: Tensor64, tolerance: number): void {
  expect(got.length).toBe(data.length);
  const i = data.findIndex((v, at) => !(Math.abs(got[at]! - v) <= tolerance * Math.max(Math.abs(v), 1 / data.length)));
  if (i >= 0) expect.fail(`[${i}] is ${got[i]}, expected ${data[i]}`);
}

describe('scratch of a class axis of millions in front of another', () => {
  it('of softmax overwrites no tensor, and is bounded', () => {
    const C = 2_800_000;
    const engine = createEngine();
    const [out, x, mine] = [engine.tensor([C, 2]), engine.tensor([C, 2]), engine.tensor([1e6])];
    mine.data.fill(1);
    x.data[3] = 1;
    expect(growth(engine, () => engine.softmax(x, { axis: 0, out }))).toBeLessThanOrEqual(4 * MiB + SLACK);
    expect(mine.data.every((v) => v === 1)).toBe(true);
    expect(x.data.reduce((sum, v) => sum + v, 0)).toBe(1);
    const [even, odd] = [1 / C, 1 / (C - 1 + Math.E)];
    expect(out.data[0]! / even).toBeCloseTo(1, 6);
    expect(out.data[3]! / (Math.E * odd)).toBeCloseTo(1, 6);
    expect(out.data[2 * C - 1]! / odd).toBeCloseTo(1, 6);
  });

  it.each(['arrays', 'tensors'])('of crossEntropy on %s', (where) => {
    const C = 4_200_000;
    const engine = createEngine();
    const given = { data: new Float32Array(2 * C), shape: [1, C, 2] };
    const x = where === 'tensors' ? engine.from(given) : given;
    const out = where === 'tensors' ? engine.tensor(given.shape) : undefined;
    const used = growth(engine, () => {
      const { loss, grad } = engine.crossEntropy(x, [[0, C - 1]], { out });
      expect(loss).toBeCloseTo(Math.log(C), 6);
      expect([grad.data[0], grad.data.at(-1)]).toEqual([-0.5, -0.5].map((v) => Math.fround(v + 0.5 / C)));
      expect(grad.data[1]! * 2 * C).toBeCloseTo(1, 6);
    });
    expect(used).toBeLessThanOrEqual(4 * MiB + SLACK);
  });

  it('of componentCrossEntropy, beside one copy of the map', () => {
    const C = 2_100_000;
    const engine = createEngine();
    const map = Int32Array.from({ length: C }, (_, c) => c % 3);
    const used = growth(engine, () => {
      const logits = { data: new Float32Array(2 * C), shape: [1, C, 2] };
      const { loss, grad } = engine.componentCrossEntropy(logits, [[0, 1]], { components: [map] });
      expect(loss).toBeCloseTo(Math.log(3), 6);
      expect(grad.data[2]! * 2 * C).toBeCloseTo(1, 5);
    });
    expect(used).toBeLessThanOrEqual(map.byteLength + 4 * MiB + SLACK);
  });

  it('gives the numbers of the formula', () => {
    const [C, n] = [150_000, 3];
    const data = waves(C * n);
    const shape = [1, C, n];
    const input = { data: Float64Array.from(data), shape };
    const engine = createEngine();
    const truth = reference(
      'crossEntropy',
      { input, target: tensor64([5, 0, C - 1], [1, n]) },
      { labelSmoothing: 0.1 },
    );
    const { loss, grad } = engine.crossEntropy({ data, shape }, [[5, 0, C - 1]], { labelSmoothing: 0.1 });
    expect(loss / truth.loss.data[0]!).toBeCloseTo(1, 6);
    expectClose(grad.data, truth.grad, 1e-5);
    const soft = reference('softmax', { input }, { axis: 1 });
    expectClose(engine.softmax({ data, shape }, { axis: 1 }).data, soft.loss, 1e-5);
  });
});

describe('columns of which only one side lies in linear memory', () => {
  const n = 16385;
  const x = waves(2 * n);

  it('softmax of a tensor is that of an array, up to the last column', () => {
    const engine = createEngine();
    const tensor = engine.softmax(engine.from(x, [2, n]), { axis: 0 });
    const array = engine.softmax({ data: x, shape: [2, n] }, { axis: 0 });
    expect(tensor.data).toEqual(array.data);
    const truth = reference('softmax', { input: { data: Float64Array.from(x), shape: [2, n] } }, { axis: 0 });
    expectClose(tensor.data, truth.loss, 1e-6);
  });

  it('crossEntropy of tensors and arrays, input and gradient in any place', () => {
    const engine = createEngine();
    const target = new Int32Array(n);
    const shape = [1, 2, n];
    const truth = reference(
      'crossEntropy',
      { input: { data: Float64Array.from(x), shape }, target: { data: new Float64Array(n), shape: [1, n] } },
      { reduction: 'sum' },
    );
    const array = { data: x, shape };
    const calls = [
      engine.crossEntropy(array, { data: target, shape: [1, n] }, { reduction: 'sum' }),
      engine.crossEntropy(engine.from(array), engine.from(target, [1, n]), { reduction: 'sum' }),
      engine.crossEntropy(array, engine.from(target, [1, n]), { reduction: 'sum', out: engine.tensor(shape) }),
    ];
    for (const { loss, grad } of calls) {
      expect(loss / truth.loss.data[0]!).toBeCloseTo(1, 6);
      expectClose(grad.data, truth.grad, 1e-6);
      expect(loss).toBe(calls[0]!.loss);
      expect(grad.data).toEqual(calls[0]!.grad.data);
    }
  });
});

describe('shapes of huge sizes with a 0 among them', () => {
  const none = new Float32Array(0);

  it.each([
    [[1e12, 0], undefined],
    [[1e12, 0], 0],
    [[0, 1e12], 0],
    [[3, 1e9, 0, 1e9], 2],
  ])('softmax of %j along axis %s is empty at once', (shape, axis) => {
    const result = softmax({ data: none, shape }, axis === undefined ? {} : { axis });
    expect(result.shape).toEqual(shape);
    expect(result.data.length).toBe(0);
  });

  it('losses of them are means of nothing, or refused, at once', () => {
    const engine = createEngine();
    const shape = [1e12, 0];
    expect(engine.mse({ data: none, shape }, { data: none, shape }).loss).toBeNaN();
    expect(() => engine.crossEntropy({ data: none, shape }, [0])).toThrow(/^crossEntropy: /);
    expect(engine.stats().bytesInUse).toBe(0);
  });
});

describe('tensors of an engine', () => {
  it('that are empty live on when memory grows', () => {
    const engine = createEngine();
    const [empty, written] = [engine.tensor([0, 3]), engine.from([1, 2])];
    engine.tensor([1e6]);
    expect(empty.shape).toEqual([0, 3]);
    expect(empty.data.length).toBe(0);
    expect(engine.mse(empty, empty, { emptyMean: 'zero' }).loss).toBe(0);
    expect([...written.data]).toEqual([1, 2]);
    empty.free();
    expect(() => empty.data).toThrow(TypeError);
  });

  it.each<[string, (engine: Engine) => unknown]>([
    ['Uint32 out of the range of int32', (engine) => engine.from(Uint32Array.of(1, 2 ** 32 - 1))],
    [
      'a detached array',
      (engine) => {
        const data = new Float32Array(1000);
        structuredClone(data.buffer, { transfer: [data.buffer] });
        return engine.from(data, [1000]);
      },
    ],
    ['a text among the numbers', (engine) => engine.from([1, 'two' as never])],
    ['rows of two lengths', (engine) => engine.from([[1, 2], [3]])],
  ])('from leaves nothing behind when it throws: %s', (_, make) => {
    const engine = createEngine();
    const before = engine.stats();
    expect(() => make(engine)).toThrow(/^from: /);
    expect(engine.stats()).toEqual(before);
  });

  it.each([2 ** 31, 2 ** 40, 2 ** 53 - 1])('of %d values is refused before anything is written', (size) => {
    const engine = createEngine();
    const before = engine.stats();
    expect(() => engine.tensor([size])).toThrow(RangeError);
    expect(engine.stats()).toEqual(before);
  });
});
