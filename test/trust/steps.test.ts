/** Steps whose operands were replaced or spoilt between two of them, and targets that are out of their domain. */
import { describe, expect, it } from 'vitest';
import { bceWithLogits, createEngine, crossEntropy, mse } from '../../src/index.ts';
import { formNames, losses } from '../library.ts';
import { recordOf } from '../plain.ts';

describe('a step', () => {
  it('goes to its tensors and views where memory grows as it is prepared', () => {
    const engine = createEngine();
    const x = engine.from([[1, 2]]);
    const parameters = { weight: engine.from([[1, 0]]), bias: engine.tensor([1]) };
    const zero = engine.from([[0]]);
    const out = { weight: engine.tensor([1, 2]), bias: engine.tensor([1]), input: engine.tensor([1, 2]) };
    const grad = engine.tensor([1, 2]);
    const none = engine.tensor([1, 2]);
    const steps: (() => void)[] = [];
    let size = engine.stats().bytesReserved;
    for (let grown = 0; grown < 3; ) {
      const head = engine.mse.linear.prepare(x, parameters, zero, { out });
      const plain = engine.mse.prepare(x, none, { out: grad });
      const view = engine.mse.prepare(x.data, none.data, { out: grad.data });
      steps.push(() => {
        for (const each of [...Object.values(out), grad]) each.data.fill(7);
        expect(head()).toBe(1);
        expect([out.weight, out.bias, out.input].map(({ data }) => [...data])).toEqual([[2, 4], [2], [2, 0]]);
        expect(plain()).toBe(2.5);
        expect([...grad.data]).toEqual([1, 2]);
        grad.data.fill(7);
        expect(view()).toBe(2.5);
        expect([...grad.data]).toEqual([1, 2]);
      });
      const now = engine.stats().bytesReserved;
      if (now > size) grown += 1;
      size = now;
    }
    for (const step of steps) step();
  });

  it('reads the array that a tensor of its input, target or weight holds now', () => {
    const input = { data: Float32Array.of(1, 2), shape: [2] };
    const target = { data: Float32Array.of(0, 0), shape: [2] };
    const weight = { data: Float32Array.of(1, 1), shape: [2] };
    const step = mse.prepare(input, target, { weight });
    expect(step()).toBe(2.5);
    for (const tensor of [input, target, weight]) {
      tensor.data = Float32Array.from(tensor.data, (v) => v + 3);
      expect(step()).toBe(mse(input, target, { weight }).loss);
    }
    expect(step()).toBe(2.5);
    step.free();
  });

  it.each<[string, (data: number[]) => ArrayLike<unknown>]>([
    ['plain numbers', (data) => data],
    ['big integers', (data) => BigInt64Array.from(data, BigInt)],
    ['bytes', (data) => Uint8Array.from(data)],
  ])('reads other kinds of arrays that came in the place of the first: %s', (_, make) => {
    const target = { data: make([0, 1]) as number[], shape: [2] };
    const logits = [
      [1, 2, 4],
      [3, 1, 0],
    ];
    const step = crossEntropy.prepare(logits, target);
    expect(step()).toBe(crossEntropy(logits, [0, 1]).loss);
    target.data = make([2, 0]) as number[];
    expect(step()).toBe(crossEntropy(logits, [2, 0]).loss);
    step.free();
  });

  it('does not write into the array that its out held before', () => {
    const out = { data: new Float32Array(2), shape: [2] };
    const first = out.data;
    const step = mse.prepare([1, 2], [0, 0], { out });
    step();
    expect([...first]).toEqual([1, 2]);
    first.fill(7);
    out.data = new Float32Array(2);
    expect(() => step()).toThrow(TypeError);
    expect(() => step()).toThrow(/^mse/);
    expect([...first, ...out.data]).toEqual([7, 7, 0, 0]);
    step.free();
  });

  it('checks a sparse target again', () => {
    const sparse = { indices: Int32Array.of(0, 2, 1), offsets: Int32Array.of(0, 2, 3) };
    const logits = [
      [1, 2, 4],
      [3, 1, 0],
    ];
    const step = bceWithLogits.prepare(logits, sparse);
    step();
    sparse.indices[1] = 0;
    expect(() => step()).toThrow(/target\.indices\[1\] is 0 for the second time in row 0$/);
    sparse.indices[1] = 3;
    expect(() => step()).toThrow(/target\.indices\[1\] is 3, outside \[0, 3\)/);
    sparse.indices[1] = 1;
    expect(step()).toBe(bceWithLogits(logits, sparse).loss);
    sparse.offsets[1] = 4;
    expect(() => step()).toThrow(/target\.offsets\[1\] is 4, expected an integer from 0 to 3/);
    step.free();
  });
});

describe('a sparse target', () => {
  it('with an index twice in a row is refused', () => {
    const target = { indices: [1, 0, 1, 1], offsets: [0, 2, 4] };
    expect(() => bceWithLogits(new Float32Array(6), target)).toThrow(RangeError);
    expect(() => bceWithLogits({ data: new Float32Array(6), shape: [2, 3] }, target)).toThrow(
      'bceWithLogits: target.indices[3] is 1 for the second time in row 1',
    );
  });
});

describe('the last targets, which fill no vector', () => {
  const lengths = [1, 2, 3, 4, 5, 6, 7, 8, 9];

  it.each(lengths)('are checked like the others: %i class indices in memory', (length) => {
    const engine = createEngine();
    const logits = engine.tensor([length, 3]);
    for (const wrong of [-1, 3, -(2 ** 31)]) {
      for (let at = 0; at < length; at++) {
        const target = engine.from(Int32Array.from({ length }, (_, i) => (i === at ? wrong : i % 3)));
        expect(() => engine.crossEntropy(logits, target)).toThrow(
          `crossEntropy: target[${at}] is ${wrong}, outside [0, 3)`,
        );
        target.free();
      }
    }
  });

  it.each(lengths)('are counted like the others where the end of the range is the marker: %i', (length) => {
    const target = Float32Array.from({ length }, (_, i) => i % 2);
    for (const ignoreValue of [0, 1]) {
      const { count } = bceWithLogits(new Float32Array(length), target, { ignoreValue });
      expect(count).toBe(target.filter((y) => y !== ignoreValue).length);
    }
  });
});

describe('targets out of the domain of the table', () => {
  const outside: Readonly<Record<string, number>> = { masses: -0.25, unit: 1.25, signs: 0.5, bits: 0.5 };
  const ranged = formNames.filter((op) => recordOf(op).target in outside);
  it('are of several kinds', () => expect(ranged.length).toBeGreaterThan(5));

  it.each(ranged)('are refused by %s, whose out stays as it was', (op) => {
    const target = new Float32Array(8).fill(1);
    target[5] = outside[recordOf(op).target]!;
    const { names, second } = recordOf(op);
    const logits = { data: new Float32Array(8).fill(0.5), shape: [2, 4] };
    const input =
      second && !(second in recordOf(op).options)
        ? { [names[0]]: logits, [second]: { data: new Float32Array(2), shape: [2] } }
        : logits;
    expect(() => losses[op](input, { data: target, shape: [2, 4] })).toThrow(RangeError);
    expect(() => losses[op](input, { data: target, shape: [2, 4] })).toThrow(
      new RegExp(`^${op}: target\\[5\\] is ${target[5]}, `),
    );
  });
});
