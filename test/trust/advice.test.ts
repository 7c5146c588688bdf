/** Errors where users of other libraries stumble end in advice; float16 is decoded or refused, never taken for integers. */
import { describe, expect, it } from 'vitest';
import { bce, bceWithLogits, crossEntropy, mse, sigmoid, softmax } from '../../src/index.ts';

const unsafe = (value: unknown): never => value as never;
const zeros = (...shape: number[]) => ({ data: new Float32Array(shape.reduce((n, d) => n * d, 1)), shape });
const rows = [
  [1, 2, 3],
  [3, 2, 1],
];

describe('advice', () => {
  it.each<[string, () => unknown, string]>([
    ['ignore_index', () => crossEntropy(rows, [0, 1], unsafe({ ignore_index: 1 })), '; did you mean ignoreIndex?'],
    ['pos_weight', () => bceWithLogits([1], [1], unsafe({ pos_weight: 2 })), '; did you mean posWeight?'],
    [
      'label_smoothing',
      () => crossEntropy(rows, [0, 1], unsafe({ label_smoothing: 0.1 })),
      '; did you mean labelSmoothing?',
    ],
    ['size_average', () => mse([1], [1], unsafe({ size_average: true })), '; did you mean reduction?'],
    ['from_logits', () => bce([0.5], [1], unsafe({ from_logits: true })), '; did you mean bceWithLogits?'],
    [
      'from_logits of logits',
      () => crossEntropy(rows, [0, 1], unsafe({ from_logits: true })),
      '; did you mean to leave it out?',
    ],
    ['a letter too few', () => crossEntropy(rows, [0, 1], unsafe({ reducton: 'sum' })), '; did you mean reduction?'],
    ['a letter too many', () => crossEntropy(rows, [0, 1], unsafe({ weights: [1, 1, 1] })), '; did you mean weight?'],
    ['another letter', () => crossEntropy(rows, [0, 1], unsafe({ ignoreindes: 1 })), '; did you mean ignoreIndex?'],
    ['two letters changed', () => softmax(rows, unsafe({ aixs: 1 })), '; did you mean axis?'],
    ['a reduction for the options', () => mse([1], [1], unsafe('sum')), "; did you mean { reduction: 'sum' }?"],
    ['an array for the options', () => crossEntropy(rows, [0, 1], unsafe([1, 2, 1])), '; did you mean { weight }?'],
    ['a Promise', () => mse(unsafe(Promise.resolve([1])), [1]), '; await it first'],
    [
      'a tf.Tensor',
      () => mse(unsafe({ dataSync: () => [1], shape: [1] }), [1]),
      '; of a tf.Tensor tensor(x.dataSync(), x.shape)',
    ],
    [
      'one-hot targets in integers',
      () => crossEntropy(rows, { data: Int32Array.of(0, 1, 0, 1, 0, 0), shape: [2, 3] }),
      '; one-hot targets are a float tensor, or their argmax',
    ],
    [
      'targets first',
      () => crossEntropy([0, 1], unsafe(rows)),
      '; did you swap the arguments? It is crossEntropy(logits, target)',
    ],
    [
      'targets first, of one logit each',
      () => bceWithLogits([0, 1], [2.3, -3]),
      '; did you swap the arguments? It is bceWithLogits(logits, target)',
    ],
    [
      'classes last',
      () => crossEntropy(zeros(2, 3, 4), { data: new Int32Array(6), shape: [2, 3] }),
      '; did you mean axis: -1?',
    ],
    [
      'flat logits',
      () => crossEntropy(new Float32Array(12), [0, 1, 2, 0]),
      '; did you mean tensor(logits, [4, 3]), or [1, 3, 4] with a class after the other?',
    ],
    ['classes from 1', () => crossEntropy(rows, [3, 1]), '; for classes that count from 1, labels: [1, 2, 3]'],
    ['bytes of pictures', () => bceWithLogits([1, 2], [0, 255]), '; divide values of 0 … 255 by 255'],
    ['one logit', () => crossEntropy([[1], [2]], [0, 1]), '; for one logit per yes or no use bceWithLogits'],
    ['a Buffer', () => mse(unsafe(Buffer.from([1, 2])), [1, 2]), 'mse: input is a Buffer, expected floats'],
  ])('for %s', (_, call, advice) => {
    expect(call).toThrow(advice);
  });

  it('never names an option that the caller did not use: a swapped target is no ignoreValue', () => {
    expect(() => bceWithLogits([0, 1], [2.3, -3])).not.toThrow(/ignoreValue: 2\.3/);
  });

  it('is not given where nothing is near', () => {
    expect(() => mse([1], [1], unsafe({ somethingElse: 1 }))).toThrow(
      /^mse: unknown option "somethingElse", expected [^;]*$/,
    );
    expect(() => crossEntropy(rows, [7, 1])).toThrow(
      /^crossEntropy: target\[0\] is 7, outside \[0, 3\) \(ignoreIndex -100\)$/,
    );
  });
});

describe('float16', () => {
  const bits = Uint16Array.of(0x3c00, 0xc000, 0x0001, 0x03ff, 0x7bff, 0x8000, 0x7c00, 0x3555);
  const values = [1, -2, 2 ** -24, 1023 * 2 ** -24, 65504, -0, Number.POSITIVE_INFINITY, 0.333251953125];

  it('is decoded exactly where its type says so', () => {
    const tensor16 = { type: 'float16', data: bits, dims: [8] } as const;
    expect(sigmoid(tensor16).data).toEqual(sigmoid(values).data);
    const target = Float32Array.from({ length: 8 }, () => 0);
    expect(mse(tensor16, target, { reduction: 'none' }).grad.data).toEqual(
      mse(values, target, { reduction: 'none' }).grad.data,
    );
    expect(softmax({ type: 'float16', data: Uint16Array.of(0x7e00), dims: [1] }).data[0]).toBeNaN();
  });

  it.each<[string, () => unknown]>([
    ['bare', () => softmax(unsafe(bits))],
    ['with a shape', () => crossEntropy(unsafe({ data: bits, shape: [2, 4] }), [0, 1])],
    ['as an input of regression', () => mse(unsafe(bits), values)],
  ])('is refused where it may be integers: %s', (_, call) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(/Uint16Array, expected floats; bits of float16 need \{ type: 'float16'/);
  });
});
