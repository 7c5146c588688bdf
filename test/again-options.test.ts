/** Calls that are like the one before them but for what stands in the arrays of their options. */
import { describe, expect, it } from 'vitest';
import { createEngine } from '../src/index.ts';

const DATA = Float32Array.of(0.5, -1, 2, 0.25, 1.5, -0.5, 0, 1, -2, 3, 1, 0.125);
const logits = () => ({ data: DATA.slice(), shape: [3, 4] });
const indices = () => new Int32Array([0, 3, 2]);

describe('options whose arrays change in place', () => {
  const engine = createEngine();

  /** What a call gives as the first one of its engine. */
  const fresh = <R>(run: (of: typeof engine) => R): R => {
    const of = createEngine();
    const result = run(of);
    of.dispose();
    return result;
  };

  it.each(['typed', 'listed'] as const)('components and their weights, %s', (kind) => {
    const make = (...values: number[]) => (kind === 'typed' ? Int32Array.from(values) : values);
    const weights = kind === 'typed' ? Float32Array.of(1, 1) : [1, 1];
    const components = [make(0, 0, 1, 1), make(0, 1, 0, 1)] as number[][];
    const options = { components, weights, jointWeight: 0.5 };
    const copy = () => ({ ...options, components: components.map((map) => Array.from(map)), weights: [...weights] });
    const given: { losses: Float32Array; values: number[] }[] = [];
    const compare = (): void => {
      for (let i = 0; i < 2; i++) {
        const got = engine.componentCrossEntropy(logits(), indices(), options);
        const expected = fresh((of) => of.componentCrossEntropy(logits(), indices(), copy()));
        expect(got).toEqual(expected);
        const { data } = got.componentLosses;
        given.push({ losses: data, values: [...data] });
        // others use the same scratch meanwhile
        engine.crossEntropy({ data: new Float32Array(64).fill(i), shape: [16, 4] }, new Int32Array(16));
      }
    };
    compare();
    const [first, second] = components as [number[], number[]];
    first[1] = 2;
    compare();
    weights[1] = 3;
    compare();
    components[1] = make(1, 1, 0, 2) as number[];
    compare();
    components.push(second);
    expect(() => engine.componentCrossEntropy(logits(), indices(), options)).toThrow(
      /^componentCrossEntropy: weights has 2 values, expected 3/,
    );
    components.pop();
    first[0] = -1;
    expect(() => engine.componentCrossEntropy(logits(), indices(), options)).toThrow(
      'componentCrossEntropy: components[0][0] is -1, expected a non-negative integer',
    );
    first[0] = 0;
    compare();
    // the losses of each call are its own
    for (const { losses, values } of given) expect([...losses]).toEqual(values);
    expect(new Set(given.map(({ losses }) => losses)).size).toBe(given.length);
  });

  it('components on tensors of the engine, with weights and without', () => {
    const [x, t, out] = [engine.from(logits()), engine.from(indices()), engine.tensor([3, 4])];
    const components = [
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ] as const;
    for (const options of [{}, { weights: [1, 1] }, { weights: Float32Array.of(1, 1) }]) {
      const own = { ...options, components: components.map((map): number[] => [...map]) };
      const call = () => engine.componentCrossEntropy(x, t, { ...own, out });
      const step = engine.componentCrossEntropy.prepare(x, t, { ...own, out });
      const expected = fresh((of) => of.componentCrossEntropy(logits(), indices(), { components, weights: [1, 1] }));
      for (let i = 0; i < 3; i++) {
        const { loss, grad, componentLosses } = call();
        expect([loss, componentLosses]).toEqual([expected.loss, expected.componentLosses]);
        expect([...grad.data]).toEqual([...expected.grad.data]);
        expect([step(), step.componentLosses]).toEqual([expected.loss, expected.componentLosses]);
      }
      (own.components[0] as number[])[3] = 0;
      const [before, after] = [expected.loss, call().loss];
      expect(after).not.toBe(before);
      step.free();
    }
  });

  it('arrays that are written out at each call', () => {
    const run = (of: typeof engine, maps: number[][], [a, b]: readonly [number, number]) => {
      const options = { components: maps.map((map) => [...map]), weights: [a, b] };
      const { loss, grad } = of.crossEntropy(logits(), indices(), { weight: [a, b, a, b] });
      const { data, shape } = grad;
      return [loss, { data: data.slice(), shape }, of.componentCrossEntropy(logits(), indices(), options)];
    };
    const maps = [
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ];
    const other = [
      [0, 0, 1, 1],
      [0, 1, 0, 0],
    ];
    for (const which of [maps, maps, other, other, maps, [...maps, maps[0] as number[]].slice(1), maps]) {
      for (const weights of [
        [1, 2],
        [1, 2],
        [2, 0.5],
      ] as const) {
        expect(run(engine, which, weights)).toEqual(fresh((of) => run(of, which, weights)));
      }
    }
  });

  it('weights of classes that are a flat array', () => {
    const weight = [1, 2, 3, 4];
    const run = (of: typeof engine, given: readonly number[]) =>
      of.crossEntropy(logits(), indices(), { weight: given });
    const options = { weight };
    const call = () => engine.crossEntropy(logits(), indices(), options);
    const expectFresh = (): void => {
      for (let i = 0; i < 2; i++) expect(call()).toEqual(fresh((of) => run(of, [...weight])));
    };
    expectFresh();
    weight[3] = 0.5;
    expectFresh();
    weight.push(1);
    expect(call).toThrow(/^crossEntropy: weight has 5 values, expected 4/);
    weight.pop();
    expectFresh();
    const broken: unknown[] = weight;
    broken[1] = 'x';
    expect(call).toThrow(/^crossEntropy: weight\[1\] is "x", expected a number/);
    broken[1] = [2];
    expect(call).toThrow(/^crossEntropy: weight/);
    weight[1] = 2;
    expectFresh();
  });

  it('weights of columns that are a flat array', () => {
    const weight = [1, 2, 3, 4];
    const options = { weight };
    const target = () => ({ data: new Float32Array(12), shape: [3, 4] });
    const call = () => engine.bceWithLogits(logits(), target(), options);
    for (const change of [() => {}, () => (weight[2] = 7), () => (weight[0] = 0)]) {
      change();
      for (let i = 0; i < 2; i++) {
        expect(call()).toEqual(fresh((of) => of.bceWithLogits(logits(), target(), { weight: [...weight] })));
      }
    }
  });

  it('labels', () => {
    for (const labels of [[-1, 0, 1, 2], Int32Array.of(-1, 0, 1, 2)]) {
      const options = { labels: labels as number[] };
      const targets = Int32Array.of(-1, 2, 1);
      const call = () => engine.crossEntropy(logits(), targets.slice(), options);
      const expectFresh = (): void => {
        for (let i = 0; i < 2; i++) {
          const copied = { labels: Array.from(labels) };
          expect(call()).toEqual(fresh((of) => of.crossEntropy(logits(), targets.slice(), copied)));
        }
      };
      expectFresh();
      labels[0] = 2;
      labels[3] = -1;
      expectFresh();
      labels[1] = 2;
      expect(call).toThrow('crossEntropy: labels has 2 twice, expected distinct values');
      labels[1] = 9;
      expectFresh();
      targets[0] = 0;
      expect(call).toThrow(/^crossEntropy: target\[0\] is 0, not one of labels/);
    }
  });
});

describe('a variance is judged at each call', () => {
  const engine = createEngine();
  const run = (variance: unknown) =>
    engine.gaussianNll.forward([1, 2], [0, 0], { variance: variance as Float32Array }).loss;
  const refusal = new RangeError('gaussianNll.forward: variance[0] is -1, expected 0 or more');

  it.each<[string, (values: number[]) => { readonly data: { [i: number]: number } }]>([
    ['arrays', (values) => ({ data: values })],
    ['typed arrays', (values) => ({ data: Float32Array.from(values) })],
    ['tensors of the engine', (values) => engine.from(values)],
  ])('%s', (kind, make) => {
    const first = make([1, 2]);
    const given = kind === 'tensors of the engine' ? first : first.data;
    const expected = run(given);
    expect(run(given)).toBe(expected);
    first.data[0] = -1;
    expect(() => run(given)).toThrow(refusal);
    const second = make([-1, 2]);
    expect(() => run(kind === 'tensors of the engine' ? second : second.data)).toThrow(refusal);
    first.data[0] = 1;
    expect(run(given)).toBe(expected);
  });
});
