/** Arguments that move or change while others are read, or between steps: memory that grows, arrays that are replaced, options that are written to. */
import { describe, expect, it } from 'vitest';
import {
  argmax,
  decodeLevels,
  marginalLogits,
  multiHead,
  predictLabels,
  propensityScored,
  topK,
  tuneThresholds,
} from '../../src/decide/index.ts';
import { bceWithLogits, createEngine, crossEntropy, defaultEngine, type Engine } from '../../src/index.ts';
import * as metrics from '../../src/metrics/index.ts';

const unsafe = (value: unknown): never => value as never;

/** Makes memory grow, which detaches all views of it. */
const grow = (engine: Engine): void => {
  const before = engine.memory.buffer;
  while (engine.memory.buffer === before) engine.tensor([1e5]);
};

/** A tensor whose data, asked for, makes memory grow first, as a getter that calls the library may. */
const growing = (data: Int32Array | Float32Array, shape: readonly number[]): never =>
  unsafe({
    shape,
    get data() {
      grow(defaultEngine());
      return data;
    },
  });

const engine = defaultEngine();
const resident = (rows: number[][] | number[], whole = false): never => {
  const data = rows.flat();
  const shape = Array.isArray(rows[0]) ? [rows.length, rows[0].length] : [rows.length];
  const tensor = whole ? engine.tensor(shape, 'int32') : engine.tensor(shape);
  for (const [i, value] of data.entries()) tensor.data[i] = value;
  return unsafe(tensor);
};

describe('tensors of an engine whose memory grows as the next argument is read', () => {
  const bits = Int32Array.of(1, 0, 1);
  const scores = [0.9, 0.2, 0.4].map(Math.fround);
  it.each<[string, (first: never, second: never) => unknown, number[] | number[][]]>([
    ['accuracy', metrics.accuracy, [1, 0, 0]],
    ['hamming', metrics.hamming, [[1, 0, 0]]],
    ['meanAbsoluteError', metrics.meanAbsoluteError, [1, 0, 0]],
    ['offBy', (a, b) => metrics.offBy(a, b, 1), [1, 0, 0]],
    ['confusion', (a, b) => metrics.confusion(a, b, { classes: 2 }), [1, 0, 0]],
    ['precisionRecallF1', (a, b) => metrics.precisionRecallF1(a, b, { classes: 2 }), [1, 0, 0]],
    ['rocAuc', metrics.rocAuc, scores],
    ['averagePrecision', metrics.averagePrecision, scores],
    ['ndcg', metrics.ndcg, scores],
    ['brier', metrics.brier, scores],
    ['calibration', metrics.calibration, scores],
    ['tuneThresholds', tuneThresholds, scores],
  ])('%s', (name, run, first) => {
    const nested = Array.isArray(first[0]);
    const shape = nested ? [1, 3] : [3];
    const whole = !['rocAuc', 'averagePrecision', 'ndcg', 'brier', 'calibration', 'tuneThresholds'].includes(name);
    const expected = run(unsafe(first), unsafe({ data: bits, shape }));
    expect(run(resident(first as number[], whole), growing(bits, shape))).toEqual(expected);
  });

  it('options with weights of heads', () => {
    const loss = multiHead([{ name: 'a', columns: [0, 2], loss: crossEntropy }]);
    const rows = [
      [1, 2],
      [3, 4],
    ];
    const weights = {
      get a() {
        grow(engine);
        return 2;
      },
    };
    expect(loss(resident(rows), { a: [0, 1] }, { weights }).loss).toBe(
      loss(rows, { a: [0, 1] }, { weights: { a: 2 } }).loss,
    );
  });
});

describe('tensors of an engine that a call itself makes grow', () => {
  it('marginalLogits.backward', () => {
    const [N, C] = [256, 64];
    const components = [Array.from({ length: C }, (_, i) => i % 4)];
    const logits = { data: new Float32Array(N * C), shape: [N, C] };
    const incoming = { data: new Float32Array(N * 4).fill(1), shape: [N, 4] };
    const expected = marginalLogits.backward([incoming], logits, { components });
    const own = engine.from(incoming);
    const before = logits.shape[0];
    const shaped = {
      ...logits,
      get shape() {
        grow(engine);
        return [before, C];
      },
    };
    expect(marginalLogits.backward([own], shaped, { components })).toEqual(expected);
  });

  it('propensityScored.linear', () => {
    const [N, D] = [64, 512];
    const features = Array.from({ length: N }, (_, i) =>
      Array.from({ length: D }, (_, d) => Math.fround(Math.sin(i + d))),
    );
    const weight = Array.from({ length: 4 }, (_, i) =>
      Array.from({ length: D }, (_, d) => Math.fround(Math.cos(i * d) / 9)),
    );
    const labels = Float32Array.from({ length: N * 4 }, (_, i) => i & 1);
    const loss = propensityScored(bceWithLogits, [0.5, 0.5, 0.2, 0.3]);
    const target = { data: labels, shape: [N, 4] };
    const expected = loss.linear(features, { weight }, target).grad;
    const { grad } = loss.linear(resident(features), { weight: resident(weight) }, growing(labels, [N, 4]));
    expect(grad.weight.data).toEqual(expected.weight.data);
    expect(grad.input.data).toEqual(expected.input.data);
  });
});

describe('steps of heads of one layer', () => {
  const heads = [
    { name: 'a', columns: [0, 2], loss: crossEntropy },
    { name: 'b', columns: [1, 3], loss: bceWithLogits },
  ] as const;
  const loss = multiHead(heads);
  const targets = {
    a: [1, 0],
    b: [
      [0, 1],
      [1, 1],
    ],
  };
  const A = Float32Array.of(1, 2, 3, 4);
  const B = Float32Array.of(-1, 0, 2, 1);
  const W = Float32Array.of(1, 0, 0, 1, 1, 1);
  const V = Float32Array.of(0, 1, 2, 0, 1, -1);

  it.each([
    ['float32', Float32Array],
    ['float64', Float64Array],
  ])('read arrays that took the place of others, and write to none: %s', (_, Kind) => {
    const [a, b, w, v] = [A, B, W, V].map((data) => Kind.from(data));
    const features = { data: a!, shape: [2, 2] };
    const weight = { data: w!, shape: [3, 2] };
    const step = loss.linear.prepare(features, { weight }, targets);
    const compare = (): void => {
      step();
      const { grad } = loss.linear({ ...features }, { weight: { ...weight } }, targets);
      for (const name of ['weight', 'input'] as const) {
        for (const [i, value] of grad[name].data.entries()) expect(step.grad[name].data[i]).toBeCloseTo(value, 6);
      }
    };
    compare();
    features.data = b!;
    compare();
    weight.data = v!;
    compare();
    features.data = a!;
    compare();
    expect([a, b, w, v]).toEqual([A, B, W, V].map((data) => Kind.from(data)));
    step.free();
  });

  it('write no gradient over a target or an option', () => {
    const T = Float32Array.of(0, 1, 1, 1);
    const posWeight = Float32Array.of(1, 2, 3, 4, 5, 6);
    const given = { a: [1, 0], b: { data: T, shape: [2, 2] } };
    const layer = { weight: { data: W, shape: [3, 2] } };
    const features = { data: A, shape: [2, 2] };
    const message = /^multiHead\.linear(\.prepare)?: out\.(input|weight) overlaps another argument/;
    expect(() => loss.linear(features, layer, given, { out: { input: T } })).toThrow(message);
    expect(() => loss.linear.prepare(features, layer, given, { out: { input: T } })).toThrow(message);
    const own = multiHead([heads[0], { ...heads[1], options: { posWeight: posWeight.subarray(0, 2) } }]);
    expect(() => own.linear(features, layer, given, { out: { weight: posWeight } })).toThrow(message);
    expect([...T, ...posWeight]).toEqual([0, 1, 1, 1, 1, 2, 3, 4, 5, 6]);
  });
});

describe('propensity-scored losses', () => {
  const loss = propensityScored(bceWithLogits, [0.5, 0.25]);
  const [x, y] = [[[1, -2]], [[1, 0]]];

  it('keep the options with which they were prepared', () => {
    const options: { reduction: 'mean' | 'sum'; scale: number } = { reduction: 'mean', scale: 1 };
    const step = loss.prepare(x, y, options);
    const [first, grad] = [step(), [...step.grad.data]];
    Object.assign(options, { reduction: 'sum', scale: 5 });
    expect(step()).toBe(first);
    expect([...step.grad.data]).toEqual(grad);
    step.free();
  });

  it('take what the loss takes: big integers, and outputs in typed arrays', () => {
    expect(loss(x, y, { scale: unsafe(2n) }).grad.data).toEqual(loss(x, y, { scale: 2 }).grad.data);
    const weight = [1, 2, 3, 4];
    const typed = loss.linear([[1, 2]], { weight }, y, { outputs: unsafe(Int32Array.of(2)) });
    expect(typed.loss).toBe(loss.linear([[1, 2]], { weight }, y, { outputs: [2] }).loss);
    for (const options of [null, 5]) {
      expect(() => loss(x, y, unsafe(options))).toThrow(/options is (null|5), expected an object/);
    }
  });
});

it('an axis may be a big integer', () => {
  const logits = [
    [1, 2, 3],
    [3, 2, 1],
  ];
  for (const axis of [1n, -1n]) {
    expect(topK(logits, 1, { axis: unsafe(axis) })).toEqual(topK(logits, 1, { axis: Number(axis) }));
    const options = { components: [[0, 0, 1]], axis: unsafe(axis) };
    expect(marginalLogits(logits, options)).toEqual(marginalLogits(logits, { ...options, axis: Number(axis) }));
    expect(argmax(logits, { axis: unsafe(axis) })).toEqual(argmax(logits));
  }
});

it('levels and labels of tensors whose memory grows meanwhile', () => {
  const rows = [[2, 1, -1]];
  expect(decodeLevels(resident(rows))).toEqual(decodeLevels(rows));
  const thresholds = growing(Float32Array.of(0.5, 0.9, 0.1), [3]);
  expect(predictLabels(resident(rows), { thresholds })).toEqual(predictLabels(rows, { thresholds: [0.5, 0.9, 0.1] }));
});

it('a step that is freed while it runs ends in its own memory, and gives that back', () => {
  const own = createEngine();
  const before = own.stats().bytesInUse;
  let free = (): void => {};
  const data = new Float32Array(3);
  const input = {
    shape: [1, 3],
    get data() {
      free();
      return data;
    },
  };
  const step = own.crossEntropy.prepare(input, [1]);
  const expected = step();
  const inUse = own.stats().bytesInUse;
  free = () => {
    step.free();
    expect(own.stats().bytesInUse).toBe(inUse);
  };
  expect(step()).toBe(expected);
  expect(own.stats().bytesInUse).toBe(before);
  expect(() => step()).toThrow(new TypeError('crossEntropy.prepare: this step was freed'));
  step.free();
  expect(own.stats().bytesInUse).toBe(before);
});
