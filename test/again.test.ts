/** Calls that are like the one before them: what they give is what they give by themselves, and nothing of a call is left. */
import { describe, expect, it } from 'vitest';
import { createEngine } from '../src/index.ts';
import type { FusedResult, Input, Options, Target, Tensor32 } from './calls.ts';
import { expectSameGradients, expectSameLosses, freed, isTensor, PlacedCall, placements } from './placement.ts';
import { type LossCase, lossCases, lossNames, lossOf } from './tiers.ts';

/** Every loss with some of its options. */
const cases = lossNames.flatMap((op) => lossCases.filter((each) => each.op === op).filter((_, i) => i % 3 === 0));

const reversed = <T extends Input | Target>(given: T): T => {
  const turn = (value: unknown): unknown => {
    if (!isTensor(value)) return value;
    return { data: value.data.slice().reverse(), shape: value.shape };
  };
  if (isTensor(given)) return turn(given) as T;
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, turn(value)])) as T;
};

/** The same options and shapes, with other numbers. */
const turned = (call: LossCase): LossCase => ({ ...call, input: reversed(call.input), target: reversed(call.target) });

describe('a call like the one before', () => {
  const engine = createEngine();
  const alone = createEngine();

  /** The results of a call by itself: a call with another scale comes between. */
  const truth = <R>(run: (options: Options) => R, options: Options): R => {
    run({ ...options, scale: 0.75 });
    return run(options);
  };

  it.each(lossNames)('%s gives what it gives alone', (op) => {
    for (const first of cases.filter((each) => each.op === op)) {
      const results: [FusedResult, FusedResult][] = [];
      for (const each of [first, turned(first), first, turned(first)]) {
        const { name, input, target, options, gradOutput } = each;
        const [loss, other] = [lossOf(engine, op), lossOf(alone, op)];
        const expected = truth((given) => other(input, target, given), options);
        const got = loss(input, target, options);
        expectSameLosses(name, got, expected);
        expectSameGradients(name, got, expected);
        expectSameLosses(
          `${name}.forward`,
          loss.forward(input, target, options),
          truth((given) => other.forward(input, target, given), options),
        );
        expectSameGradients(
          `${name}.backward`,
          loss.backward(gradOutput, input, target, options),
          truth((given) => other.backward(gradOutput, input, target, given), options),
        );
        results.push([got, expected]);
      }
      // and no later call wrote over the results of an earlier one
      for (const [got, expected] of results) expectSameGradients(first.name, got, expected);
    }
  });

  it.each(Object.entries(placements))('%s: the same wherever the operands lie', (_, where) => {
    for (const each of cases.filter((_, i) => i % 5 === 0)) {
      const [placed, other] = [new PlacedCall(engine, each, where), new PlacedCall(alone, each, where)];
      for (let i = 0; i < 3; i++) {
        const expected = other.direct();
        // the other engine's call finds another one before it
        lossOf(alone, each.op)(each.input, each.target, { ...each.options, scale: 0.75 });
        expectSameLosses(each.name, placed.direct(), expected);
        if (where.out === 'input') for (const one of [placed, other]) one.reset();
        for (const one of [placed, other]) one.turn();
      }
      placed.free();
      other.free();
    }
  });
});

describe('between two calls that are alike', () => {
  const row = (...values: number[]): Tensor32 => ({ data: Float32Array.from(values), shape: [1, values.length] });

  it('a tensor that was freed is one', () => {
    const engine = createEngine();
    const [x, y, out] = [engine.from([1, 2]), engine.from([0, 0]), engine.tensor([2])];
    for (let i = 0; i < 3; i++) expect(engine.mse(x, y, { out }).loss).toBe(2.5);
    freed(y);
    expect(() => engine.mse(x, y, { out })).toThrow(/^lossmith: use of the tensor \[2\] after it was freed/);
    const z = engine.from([1, 1]);
    expect(engine.mse(x, z, { out }).loss).toBe(0.5);
    freed(out);
    expect(() => engine.mse(x, z, { out })).toThrow(/after it was freed/);
  });

  it('tensors may be rewritten, and memory may grow', () => {
    const engine = createEngine();
    const [x, y, out] = [engine.from([1, 2]), engine.from([0, 0]), engine.tensor([2])];
    expect(engine.mse(x, y, { out }).loss).toBe(2.5);
    engine.memory.grow(1);
    x.data[0] = 3;
    const { loss, grad } = engine.mse(x, y, { out });
    expect(loss).toBe(6.5);
    expect(grad).toBe(out);
    expect([...out.data]).toEqual([3, 2]);
  });

  it('a target out of range is refused, and the call after it works', () => {
    const engine = createEngine();
    const [x, out] = [engine.from([[1, 2]]), engine.tensor([1, 2])];
    const target = engine.from(new Int32Array([0]));
    const call = (): number => engine.crossEntropy(x, target, { out }).loss;
    const loss = call();
    expect(call()).toBe(loss);
    target.data[0] = 7;
    expect(call).toThrow('crossEntropy: target[0] is 7, outside [0, 2)');
    target.data[0] = 0;
    expect(call()).toBe(loss);
    for (const wrong of [[2], [-1], [0.5]]) {
      expect(engine.crossEntropy(row(1, 2), [0]).loss).toBe(loss);
      expect(() => engine.crossEntropy(row(1, 2), wrong)).toThrow(/^crossEntropy: target\[0\]/);
    }
  });

  it('probabilities that turn into class indices are judged again', () => {
    const engine = createEngine();
    const target = { data: Float32Array.of(0.5, 0.5), shape: [1, 2] };
    engine.crossEntropy(row(1, 2), target);
    target.data.set([-1, 1]);
    expect(() => engine.crossEntropy(row(1, 2), target)).toThrow(/need a class axis/);
  });

  it('an output that comes to lie on an argument is refused as ever', () => {
    const engine = createEngine();
    const [x, y, out] = [engine.from([1, 2]), engine.from([0, 0]), engine.tensor([2])];
    engine.mse(x, y, { out });
    expect(() => engine.mse(x, out, { out })).toThrow(/overlaps/);
    engine.mse(x, y, { out });
    // the input itself is allowed
    out.data.set([1, 2]);
    expect(engine.mse(out, y, { out }).loss).toBe(2.5);
    expect([...out.data]).toEqual([1, 2]);
  });

  it('a getter may call the same loss', () => {
    const engine = createEngine();
    const inner = { data: Float32Array.of(5, 5), shape: [2] };
    const plain = { data: Float32Array.of(1, 2), shape: [2] };
    const calling = {
      get data() {
        expect(engine.mse(inner, [0, 0]).loss).toBe(25);
        return plain.data;
      },
      shape: [2],
    };
    const zero = { data: new Float32Array(2), shape: [2] };
    for (let i = 0; i < 3; i++) {
      expect(engine.mse(plain, zero).loss).toBe(2.5);
      expect(engine.mse(calling, zero).loss).toBe(2.5);
    }
  });

  it('arrays of other kinds, lengths and shapes are what they are', () => {
    const engine = createEngine();
    const shapes = [[2], [1, 2], [2, 1]];
    for (const data of [Float32Array.of(1, 2), Float64Array.of(1, 2), Int32Array.of(1, 2), [1, 2]]) {
      for (const shape of shapes) {
        const zero = { data: new Float32Array(2), shape };
        const { loss, grad } = engine.mse({ data, shape }, zero);
        expect(loss).toBe(2.5);
        expect(grad.shape).toEqual(shape);
      }
    }
    engine.mse(new Float32Array(3), new Float32Array(3));
    expect(() => engine.mse(new Float32Array(4), new Float32Array(3))).toThrow(RangeError);
    const gone = new Float32Array(3);
    structuredClone(gone, { transfer: [gone.buffer] });
    expect(() => engine.mse(gone, new Float32Array(3))).toThrow(/detached/);
  });

  it('options may change in place, and weights too', () => {
    const engine = createEngine();
    const options = { reduction: 'sum' as 'sum' | 'mean', weight: Float32Array.of(1, 1) };
    const call = (): number => engine.mse([1, 2], [0, 0], options).loss;
    const typed = (): number => engine.mse(Float32Array.of(1, 2), new Float32Array(2), options).loss;
    for (const run of [call, typed]) {
      options.weight.set([1, 1]);
      options.reduction = 'sum';
      expect(run()).toBe(5);
      options.weight[0] = 3;
      expect(run()).toBe(7);
      options.reduction = 'mean';
      expect(run()).toBe(1.75);
    }
  });

  it('an engine that was disposed is no more', () => {
    const engine = createEngine();
    const [x, y] = [Float32Array.of(1, 2), new Float32Array(2)];
    engine.mse(x, y);
    engine.dispose();
    expect(() => engine.mse(x, y)).toThrow(/disposed/);
  });

  it('no array is held that a call was given or gave', async () => {
    const engine = createEngine();
    const call = (): WeakRef<object>[] => {
      const [input, target] = [new Float32Array(1000), { data: new Float32Array(1000), shape: [1000] }];
      engine.mse(new Float32Array(1000), target);
      const { grad } = engine.mse(input, target);
      return [input, target, target.data, grad, grad.data].map((each) => new WeakRef(each));
    };
    const held = call();
    await new Promise((done) => setTimeout(done, 10));
    globalThis.gc?.();
    expect(held.map((each) => each.deref())).toEqual(held.map(() => undefined));
  });
});
