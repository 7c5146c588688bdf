/** Calls that are like the one before them: what they give is what they give by themselves, and nothing of a call is left. */
import { describe, expect, it } from 'vitest';
import { createEngine, type TensorInput } from '../src/index.ts';
import type { FusedResult, Input, Options, Target, Tensor32 } from './calls.ts';
import {
  expectSameGradients,
  expectSameLosses,
  freed,
  mapTensors,
  type Placed,
  PlacedCall,
  placements,
} from './placement.ts';
import { type LossCase, lossCases, lossNames, lossOf } from './tiers.ts';

/** Every loss with some of its options. */
const cases = lossNames.flatMap((op) => lossCases.filter((each) => each.op === op).filter((_, i) => i % 3 === 0));

const reversed = <T extends Input | Target>(given: T): T =>
  mapTensors(given, ({ data, shape }) => ({ data: data.slice().reverse(), shape }) as Placed);

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

  it('all blocks of a row that comes in several are read again', () => {
    const engine = createEngine();
    const classes = 200_001;
    for (const at of [5, 40_000, 150_000, classes - 1]) {
      const data = new Float32Array(classes).fill(-200);
      data[at] = 300;
      const { data: shares } = engine.softmax({ data, shape: [1, classes] });
      expect([shares[at], shares[7]]).toEqual([1, 0]);
      expect(engine.crossEntropy({ data, shape: [1, classes] }, [at]).loss).toBe(0);
    }
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

  const tensor = (data: Float32Array | Float64Array, shape = [2]) => ({ data, shape });
  const wanted = Float32Array.of(3, 4);
  const rows: [string, TensorInput, TensorInput][] = [
    ['is alike', tensor(new Float32Array(2)), tensor(wanted)],
    ['has other shapes', tensor(new Float32Array(2), [1, 2]), tensor(wanted, [1, 2])],
    ['has a bare target', tensor(new Float32Array(2)), wanted],
    ['has an input of another kind', tensor(new Float64Array(2)), tensor(wanted)],
  ];

  it.each(rows)('a tensor is read once, by a call after one that %s', (_, input, target) => {
    const { mse } = createEngine();
    mse(input, target);
    const reads = { data: 0, shape: 0 };
    const changing = {
      get data() {
        return new Float32Array(2).fill(reads.data++);
      },
      get shape() {
        reads.shape += 1;
        return [2];
      },
    };
    expect(mse(changing, tensor(wanted)).loss).toBe(12.5);
    expect(reads).toEqual({ data: 1, shape: 1 });
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

describe('an out of the caller that is another one each time', () => {
  const engine = createEngine();
  const x = Float32Array.of(1, 2, 4);
  const y = Float32Array.of(0, 2, 1);
  const grad = [...createEngine().mse(x, y).grad.data];

  it('gets the gradient: bare arrays and tensors, in any order', () => {
    for (let i = 0; i < 3; i++) {
      const bare = new Float32Array(3);
      const { grad: first } = engine.mse(x, y, { out: bare });
      expect([first.data, first.shape]).toEqual([bare, [3]]);
      expect(first.data).toBe(bare);
      expect([...bare]).toEqual(grad);
      for (let k = 0; k < 2; k++) {
        const tensor = { data: new Float32Array(3), shape: [3] };
        expect(engine.mse(x, y, { out: tensor }).grad).toBe(tensor);
        expect([...tensor.data]).toEqual(grad);
      }
      const own = engine.tensor([3]);
      expect(engine.mse(x, y, { out: own }).grad).toBe(own);
      expect([...own.data]).toEqual(grad);
      const { grad: fresh } = engine.mse(x, y);
      expect([...fresh.data]).toEqual(grad);
    }
  });

  it('is checked as the first one was', () => {
    const call = (out: unknown) => engine.mse(x, y, { out: out as Float32Array }).loss;
    const shared = new Float32Array(6);
    const parts = [shared.subarray(0, 3), shared.subarray(2, 5)] as const;
    const good = (): unknown => call(new Float32Array(3));
    const expected = good();
    for (const [wrong, error] of [
      [new Float32Array(2), new RangeError('mse: out has 2 values, expected 3')],
      [new Float64Array(3), /^mse: out is .*, expected a Float32Array or a tensor of one$/],
      [{ data: new Float32Array(3), shape: [1, 3] }, new RangeError('mse: out has shape [1, 3], expected [3]')],
      [y, /^mse: out overlaps another argument/],
    ] as const) {
      expect(good()).toBe(expected);
      expect(() => call(wrong)).toThrow(error);
    }
    const apart = (): unknown => engine.mse(parts[0], y, { out: new Float32Array(3) }).loss;
    const loss = apart();
    expect(() => engine.mse(parts[0], y, { out: parts[1] })).toThrow(/^mse: out overlaps input in part/);
    expect(apart()).toBe(loss);
    // over the input itself
    const own = x.slice();
    expect(engine.mse(own, y, { out: own }).loss).toBe(expected);
    expect([...own]).toEqual(grad);
  });

  it('shares no memory with what options hold', () => {
    const weight = Float32Array.of(1, 2, 3);
    const call = (out: Float32Array) => engine.mse(x, y, { weight, out }).loss;
    const loss = call(new Float32Array(3));
    expect(call(new Float32Array(3))).toBe(loss);
    expect(() => call(weight)).toThrow(/^mse: out overlaps another argument/);
    expect([...weight]).toEqual([1, 2, 3]);
  });

  it('may be a getter that makes memory grow, calls the library, or takes an argument away', () => {
    const engine = createEngine();
    const [x, y] = [Float32Array.of(1, 2, 4), Float32Array.of(1, 1, 1)];
    const call = (happens: () => void, input = x): Float32Array => {
      const data = new Float32Array(3);
      const out = {
        shape: [3],
        get data() {
          happens();
          return data;
        },
      };
      engine.mse(input, y, { out });
      return data;
    };
    const expected = call(() => {});
    expect(call(() => {})).toEqual(expected);
    expect(call(() => engine.memory.grow(1))).toEqual(expected);
    const large = { data: new Float32Array(90_000), shape: [300, 300] };
    const tensors: unknown[] = [];
    const inner = (): void => {
      engine.crossEntropy(large, new Int32Array(300));
      for (let i = 0; i < 40; i++) tensors.push(engine.tensor([64]));
    };
    expect(call(inner)).toEqual(expected);
    const lost = Float32Array.of(1, 2, 4);
    const transfer = (): void => {
      if (lost.length > 0) structuredClone(lost, { transfer: [lost.buffer] });
    };
    expect(() => call(transfer, lost)).toThrow(/^mse: /);
    expect(call(() => {})).toEqual(expected);
  });

  it('is not held', async () => {
    let out: Float32Array | undefined = new Float32Array(3);
    engine.mse(x, y, { out });
    engine.mse(x, y, { out });
    const ref = new WeakRef(out);
    out = undefined;
    await new Promise((resolve) => setTimeout(resolve));
    (globalThis as { gc?(): void }).gc?.();
    expect(ref.deref()).toBeUndefined();
  });
});
