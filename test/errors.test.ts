// Every message that a caller can meet, and that a call which throws changes nothing.

import { afterEach, describe, expect, it } from 'vitest';
import * as lossmith from '../src/index.ts';

const { bceWithLogits, componentCrossEntropy, crossEntropy, logSigmoid, mse, softmax, tensor } = lossmith;

const floats = (...shape: number[]) => tensor(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape);
const unsafe = <T>(value: unknown): T => value as T;
const parts = [
  [0, 0, 1, 1],
  [0, 1, 0, 1],
];

interface Case {
  readonly does: string;
  readonly run: () => unknown;
  readonly error: typeof RangeError | typeof TypeError;
  readonly says: string | RegExp;
}

const cases: Case[] = [
  // kinds
  {
    does: 'logits null',
    run: () => crossEntropy(unsafe(null), [0]),
    error: TypeError,
    says: /^crossEntropy: logits is null, expected a tensor/,
  },
  {
    does: 'logits a string',
    run: () => crossEntropy(unsafe('abc'), [0]),
    error: TypeError,
    says: /^crossEntropy: logits is "abc"/,
  },
  {
    does: 'a string inside',
    run: () => mse(unsafe([1, '2']), [1, 2]),
    error: TypeError,
    says: 'mse: input[1] is "2", expected a number',
  },
  {
    does: 'data without shape',
    run: () => mse(unsafe({ data: new Float32Array(2) }), [1, 2]),
    error: TypeError,
    says: /mse: input has data but neither shape nor dims/,
  },
  {
    does: 'data of no kind',
    run: () => mse(unsafe({ data: 'x', shape: [1] }), [1]),
    error: TypeError,
    says: /mse: input\.data is "x", expected an array/,
  },
  {
    does: 'target undefined',
    run: () => crossEntropy([[1, 2]], unsafe(undefined)),
    error: TypeError,
    says: /^crossEntropy: target is undefined/,
  },
  {
    does: 'options a number',
    run: () => mse([1], [1], unsafe(3)),
    error: TypeError,
    says: 'mse: options is 3, expected an object',
  },
  {
    does: 'options an array',
    run: () => mse([1], [1], unsafe([])),
    error: TypeError,
    says: /mse: options is an array/,
  },
  {
    does: 'unknown option',
    run: () => crossEntropy([[1, 2]], [0], unsafe({ ignore_index: 1 })),
    error: TypeError,
    says: /^crossEntropy: unknown option "ignore_index", expected one of axis, weight/,
  },
  {
    does: 'option of another loss',
    run: () => mse([1], [1], unsafe({ posWeight: 1 })),
    error: TypeError,
    says: /mse: unknown option "posWeight"/,
  },
  {
    does: 'activation option',
    run: () => softmax([[1]], unsafe({ dim: 1 })),
    error: TypeError,
    says: /softmax: unknown option "dim", expected one of axis, out/,
  },
  {
    does: 'reduction of the wrong kind',
    run: () => mse([1], [1], unsafe({ reduction: 1 })),
    error: TypeError,
    says: 'mse: reduction is 1, expected a string',
  },
  {
    does: 'unknown reduction',
    run: () => mse([1], [1], unsafe({ reduction: 'avg' })),
    error: RangeError,
    says: 'mse: reduction is "avg", expected one of mean, sum, none, batchmean',
  },
  {
    does: 'unknown emptyMean',
    run: () => mse([1], [1], unsafe({ emptyMean: 'one' })),
    error: RangeError,
    says: /emptyMean is "one"/,
  },
  {
    does: 'emptyMean a number',
    run: () => mse([1], [1], unsafe({ emptyMean: 0 })),
    error: TypeError,
    says: /emptyMean is 0/,
  },
  {
    does: 'scale a string',
    run: () => mse([1], [1], unsafe({ scale: '2' })),
    error: TypeError,
    says: 'mse: scale is "2", expected a number',
  },
  {
    does: 'scale NaN',
    run: () => mse([1], [1], { scale: Number.NaN }),
    error: RangeError,
    says: 'mse: scale is NaN, expected a finite number',
  },
  {
    does: 'labelSmoothing a string',
    run: () => crossEntropy([[1, 2]], [0], unsafe({ labelSmoothing: '0' })),
    error: TypeError,
    says: /labelSmoothing is "0", expected a number in \[0, 1\]/,
  },
  {
    does: 'labelSmoothing negative',
    run: () => crossEntropy([[1, 2]], [0], { labelSmoothing: -0.5 }),
    error: RangeError,
    says: 'crossEntropy: labelSmoothing is -0.5, expected a number in [0, 1]',
  },
  {
    does: 'labelSmoothing above 1',
    run: () => bceWithLogits([1], [1], { labelSmoothing: 1.5 }),
    error: RangeError,
    says: 'bceWithLogits: labelSmoothing is 1.5, expected a number in [0, 1]',
  },
  {
    does: 'ignoreIndex fractional',
    run: () => crossEntropy([[1, 2]], [0], { ignoreIndex: 0.5 }),
    error: RangeError,
    says: 'crossEntropy: ignoreIndex is 0.5, expected an integer',
  },
  {
    does: 'zLoss infinite',
    run: () => crossEntropy([[1, 2]], [0], { zLoss: Number.POSITIVE_INFINITY }),
    error: RangeError,
    says: /zLoss is Infinity, expected a finite number/,
  },
  // shapes
  {
    does: 'ragged nesting',
    run: () => tensor([[1, 2], [3]]),
    error: RangeError,
    says: 'tensor: source is ragged: row [1] has 1 values, expected 2 values',
  },
  {
    does: 'ragged depth',
    run: () => crossEntropy(unsafe([[1, 2], 3]), [0, 0]),
    error: RangeError,
    says: /crossEntropy: logits is ragged: row \[1\] has 3, expected 2 values/,
  },
  {
    does: 'number where a row is deeper',
    run: () => tensor(unsafe([[1, [2]]])),
    error: RangeError,
    says: /row \[0\]\[1\] has 1 values, expected a number/,
  },
  {
    does: 'shape against length',
    run: () => tensor([1, 2, 3], [2, 2]),
    error: RangeError,
    says: 'tensor: source has 3 values, but its shape [2, 2] needs 4',
  },
  {
    does: 'negative size',
    run: () => tensor(new Float32Array(2), [-1, -2]),
    error: RangeError,
    says: /shape is \[-1, -2\], expected sizes/,
  },
  {
    does: 'mse with unequal shapes',
    run: () => mse(floats(3), floats(3, 1)),
    error: RangeError,
    says: 'mse: target has shape [3, 1], expected [3], the shape of input',
  },
  {
    does: 'bce with unequal shapes',
    run: () => bceWithLogits(floats(2, 3), floats(3, 2)),
    error: RangeError,
    says: /bceWithLogits: target has shape \[3, 2\], expected \[2, 3\]/,
  },
  {
    does: 'bce with unequal lengths',
    run: () => bceWithLogits(floats(2, 3), new Float32Array(5)),
    error: RangeError,
    says: /target has 5 values, expected 6/,
  },
  {
    does: 'targets of another batch',
    run: () => crossEntropy(floats(3, 4), [0, 1]),
    error: RangeError,
    says: /crossEntropy: target has 2 values, expected 3, one class index per sample of logits \[3, 4\]/,
  },
  {
    does: 'target of another shape',
    run: () => crossEntropy(floats(3, 4), floats(3, 5)),
    error: RangeError,
    says: 'crossEntropy: target has shape [3, 5], expected class indices [3] or class probabilities [3, 4] for logits [3, 4]',
  },
  {
    does: 'no class axis',
    run: () => crossEntropy(1, 0),
    error: RangeError,
    says: /crossEntropy: logits \[\] need a class axis/,
  },
  {
    does: 'axis out of range',
    run: () => softmax(floats(2, 3), { axis: 2 }),
    error: RangeError,
    says: 'softmax: axis is 2, expected an integer from -2 to 1 for [2, 3]',
  },
  {
    does: 'axis fractional',
    run: () => softmax(floats(2, 3), { axis: 0.5 }),
    error: RangeError,
    says: 'softmax: axis is 0.5, expected an integer',
  },
  {
    does: 'integer labels without a class axis',
    run: () =>
      crossEntropy(
        floats(8, 47),
        tensor(
          Int32Array.from({ length: 376 }, (_, i) => (i % 3) - 1),
          [8, 47],
        ),
      ),
    error: RangeError,
    says: 'crossEntropy: logits [8, 47] and target [8, 47]: logits need a class axis, e.g. [8, 3, 47]',
  },
  {
    does: 'float labels without a class axis',
    run: () =>
      crossEntropy(
        floats(8, 47),
        tensor(
          Float32Array.from({ length: 376 }, (_, i) => (i % 3) - 1),
          [8, 47],
        ),
      ),
    error: RangeError,
    says: 'crossEntropy: logits [8, 47] and target [8, 47]: logits need a class axis, e.g. [8, 3, 47]',
  },
  {
    does: 'labels without a class axis for components',
    run: () => componentCrossEntropy(floats(2, 4), floats(2, 4), { components: parts }),
    error: RangeError,
    says: /logits \[2, 4\] and target \[2, 4\]: logits need a class axis/,
  },
  {
    does: 'ignoreIndex with probabilities',
    run: () => crossEntropy(floats(2, 3), floats(2, 3), { ignoreIndex: 1 }),
    error: RangeError,
    says: /ignoreIndex is given with class probabilities/,
  },
  {
    does: 'labels with probabilities',
    run: () => crossEntropy(floats(2, 3), floats(2, 3), { labels: [0, 1, 2] }),
    error: RangeError,
    says: /labels is given with class probabilities/,
  },
  {
    does: 'gradOutput of another shape',
    run: () => mse.backward([1, 2], floats(3), floats(3), { reduction: 'none' }),
    error: RangeError,
    says: /mse\.backward: gradOutput has 2 values, expected 3, the shape of the loss/,
  },
  {
    does: 'gradOutput a tensor for a mean',
    run: () => mse.backward(floats(3), floats(3), floats(3)),
    error: RangeError,
    says: /mse\.backward: gradOutput has shape \[3\], expected \[\]/,
  },
  {
    does: 'gradOutput of an activation',
    run: () => softmax.backward(floats(3), floats(2, 3)),
    error: RangeError,
    says: /softmax\.backward: gradOutput has shape \[3\], expected \[2, 3\]/,
  },
  // targets
  {
    does: 'class too large',
    run: () =>
      crossEntropy(
        floats(20, 3),
        Int32Array.from({ length: 20 }, (_, i) => (i === 17 ? 3 : 0)),
      ),
    error: RangeError,
    says: 'crossEntropy: target[17] is 3, outside [0, 3) (ignoreIndex -100)',
  },
  {
    does: 'class negative',
    run: () => crossEntropy(floats(2, 3), [0, -1]),
    error: RangeError,
    says: 'crossEntropy: target[1] is -1, outside [0, 3) (ignoreIndex -100)',
  },
  {
    does: 'class beyond int32',
    run: () => crossEntropy(floats(2, 3), [0, 2 ** 40]),
    error: RangeError,
    says: /target\[1\] is 1099511627776, outside \[0, 3\)/,
  },
  {
    does: 'class fractional',
    run: () => crossEntropy(floats(2, 3), [0, 0.5]),
    error: RangeError,
    says: 'crossEntropy: target[1] is 0.5, expected an integer (a class index)',
  },
  {
    does: 'class NaN',
    run: () => crossEntropy(floats(2, 3), Float32Array.of(0, Number.NaN)),
    error: RangeError,
    says: /target\[1\] is NaN, expected an integer/,
  },
  {
    does: 'BigInt class too large',
    run: () => crossEntropy(floats(2, 3), BigInt64Array.of(0n, 7n)),
    error: RangeError,
    says: /target\[1\] is 7, outside \[0, 3\)/,
  },
  {
    does: 'no such label',
    run: () => crossEntropy(floats(2, 3), [0, 2], { labels: [-1, 0, 1] }),
    error: RangeError,
    says: 'crossEntropy: target[1] is 2, not one of labels [-1, 0, 1] (ignoreIndex -100)',
  },
  {
    does: 'too few labels',
    run: () => crossEntropy(floats(2, 3), [0, 1], { labels: [0, 1] }),
    error: RangeError,
    says: 'crossEntropy: labels has 2 values, expected 3, one per class',
  },
  {
    does: 'a label twice',
    run: () => crossEntropy(floats(2, 3), [0, 1], { labels: [0, 1, 1] }),
    error: RangeError,
    says: 'crossEntropy: labels has 1 twice, expected distinct values',
  },
  {
    does: 'labels a number',
    run: () => crossEntropy(floats(2, 3), [0, 1], unsafe({ labels: 3 })),
    error: TypeError,
    says: 'crossEntropy: labels is 3, expected an array of integers',
  },
  {
    does: '-1 in BCE targets',
    run: () => bceWithLogits(floats(2, 2), [1, 0, -1, 1]),
    error: RangeError,
    says: 'bceWithLogits: target[2] is -1, outside [0, 1]; for classes -1, 0, 1 use crossEntropy with labels: [-1, 0, 1], for missing labels ignoreValue: -1',
  },
  {
    does: 'NaN in BCE targets',
    run: () => bceWithLogits(floats(2), [Number.NaN, 1]),
    error: RangeError,
    says: /bceWithLogits: target\[0\] is NaN, outside \[0, 1\]/,
  },
  {
    does: 'BCE target beside the ignored value',
    run: () => bceWithLogits(floats(5), [0, 1, -1, 2, 1], { ignoreValue: -1 }),
    error: RangeError,
    says: 'bceWithLogits: target[3] is 2, outside [0, 1] (ignoreValue -1)',
  },
  // weights
  {
    does: 'class weights of the wrong length',
    run: () => crossEntropy(floats(2, 4), [0, 1], { weight: [1, 2, 3] }),
    error: RangeError,
    says: 'crossEntropy: weight has 3 values, expected 4, one per class',
  },
  {
    does: 'sample weights of the wrong length',
    run: () => crossEntropy(floats(2, 4), [0, 1], { sampleWeight: [1, 2, 3] }),
    error: RangeError,
    says: 'crossEntropy: sampleWeight has 3 values, expected 2, one per sample',
  },
  {
    does: 'weights that do not broadcast',
    run: () => bceWithLogits(floats(3, 4), floats(3, 4), { posWeight: [1, 2, 3] }),
    error: RangeError,
    says: 'bceWithLogits: posWeight [3] does not broadcast to [3, 4] (one per sample: shape [3, 1])',
  },
  {
    does: 'weights of too many axes',
    run: () => bceWithLogits(floats(4), floats(4), { weight: floats(1, 4) }),
    error: RangeError,
    says: /weight \[1, 4\] does not broadcast to \[4\]/,
  },
  {
    does: 'element weights of another shape',
    run: () => mse(floats(3, 4), floats(3, 4), { weight: floats(4) }),
    error: RangeError,
    says: 'mse: weight has shape [4], expected [3, 4], the shape of input',
  },
  // components
  {
    does: 'no components',
    run: () => componentCrossEntropy(floats(2, 4), [0, 1], unsafe({})),
    error: TypeError,
    says: /components is missing, expected one class → group map per component/,
  },
  {
    does: 'components a number',
    run: () => componentCrossEntropy(floats(2, 4), [0, 1], unsafe({ components: 2 })),
    error: TypeError,
    says: /components is 2, expected an array of maps/,
  },
  {
    does: 'components empty',
    run: () => componentCrossEntropy(floats(2, 4), [0, 1], { components: [] }),
    error: RangeError,
    says: /components is empty/,
  },
  {
    does: 'a component of the wrong length',
    run: () => componentCrossEntropy(floats(2, 4), [0, 1], { components: [[0, 1]] }),
    error: RangeError,
    says: 'componentCrossEntropy: components[0] has 2 values, expected 4, one per class',
  },
  {
    does: 'a negative group',
    run: () => componentCrossEntropy(floats(2, 4), [0, 1], { components: [[0, 1, -1, 0]] }),
    error: RangeError,
    says: 'componentCrossEntropy: components[0][2] is -1, expected a non-negative integer',
  },
  {
    does: 'a fractional group',
    run: () => componentCrossEntropy(floats(2, 4), [0, 1], { components: [[0, 1, 0.5, 0]] }),
    error: RangeError,
    says: /components\[0\]\[2\] is 0\.5, expected an integer/,
  },
  {
    does: 'component weights of the wrong length',
    run: () => componentCrossEntropy(floats(2, 4), [0, 1], { components: parts, weights: [1] }),
    error: RangeError,
    says: 'componentCrossEntropy: weights has 1 values, expected 2, one per component',
  },
  // out
  {
    does: 'out of another kind',
    run: () => mse([1], [1], unsafe({ out: [0] })),
    error: TypeError,
    says: /mse: out is an array, expected a Float32Array or a tensor of one/,
  },
  {
    does: 'out of another size',
    run: () => mse([1, 2], [1, 2], { out: new Float32Array(3) }),
    error: RangeError,
    says: 'mse: out has 3 values, expected 2',
  },
  {
    does: 'out of another shape',
    run: () => mse(floats(2, 3), floats(2, 3), { out: floats(3, 2) }),
    error: RangeError,
    says: 'mse: out has shape [3, 2], expected [2, 3]',
  },
  {
    does: 'activation out of another size',
    run: () => logSigmoid(floats(2), { out: new Float32Array(1) }),
    error: RangeError,
    says: 'logSigmoid: out has 1 values, expected 2',
  },
];

describe('messages', () => {
  afterEach(() => {
    const { loss, grad } = crossEntropy(tensor([[2.1, 0.3, -1]]), [0]);
    expect(loss).toBeCloseTo(Math.log1p(Math.exp(-1.8) + Math.exp(-3.1)), 6);
    expect(grad.data).toHaveLength(3);
  });
  it.each(cases)('$does', ({ run, error, says }) => {
    let thrown: unknown;
    try {
      run();
    } catch (reason) {
      thrown = reason;
    }
    expect(thrown).toBeInstanceOf(error);
    const { message } = thrown as Error;
    if (typeof says === 'string') expect(message).toBe(says);
    else expect(message).toMatch(says);
  });
});

describe('a call that throws', () => {
  it('changes nothing when out is the input', () => {
    const rows = 40000; // several blocks, the bad target in the last
    const logits = tensor(new Float32Array(rows * 3).fill(0.5), [rows, 3]);
    const target = new Int32Array(rows);
    target[rows - 1] = 7;
    expect(() => crossEntropy(logits, target, { out: logits })).toThrow('target[39999] is 7');
    expect(logits.data.every((v) => v === 0.5)).toBe(true);
    const labels = new Float32Array(rows * 3);
    labels[rows * 3 - 1] = 2;
    expect(() => bceWithLogits(logits, tensor(labels, [rows, 3]), { out: logits })).toThrow('target[119999] is 2');
    expect(logits.data.every((v) => v === 0.5)).toBe(true);
  });

  it('refuses an out that overlaps in part, or another argument', () => {
    const memory = new Float32Array(10);
    const input = tensor(memory.subarray(0, 6), [2, 3]);
    expect(() => crossEntropy(input, [0, 1], { out: memory.subarray(2, 8) })).toThrow(
      /crossEntropy: out overlaps logits in part, expected logits itself or other memory/,
    );
    const target = new Float32Array(6);
    expect(() => mse(floats(6), target, { out: target })).toThrow(/mse: out overlaps another argument/);
    const whole = memory.subarray(0, 6);
    expect(crossEntropy(input, [0, 1], { out: whole }).grad.data).toBe(whole);
  });
});

describe('empty input', () => {
  it('is legal', () => {
    for (const shape of [
      [0, 3],
      [0, 3, 5],
      [4, 3, 0],
    ]) {
      const samples = (shape[0] ?? 0) * (shape[2] ?? 1);
      const { loss, grad, sum, count } = crossEntropy(floats(...shape), new Int32Array(samples));
      expect(loss).toBeNaN();
      expect({ sum, count, size: grad.data.length, shape: grad.shape }).toEqual({ sum: 0, count: 0, size: 0, shape });
      expect(crossEntropy(floats(...shape), new Int32Array(samples), { emptyMean: 'zero' }).loss).toBe(0);
      expect(crossEntropy(floats(...shape), new Int32Array(samples), { reduction: 'sum' }).loss).toBe(0);
      expect(softmax(floats(...shape)).shape).toEqual(shape);
    }
    expect(mse([], []).loss).toBeNaN();
    expect(mse([], [], { reduction: 'none' }).loss.data).toHaveLength(0);
    expect(bceWithLogits([], [], { emptyMean: 'zero' }).loss).toBe(0);
    const none = componentCrossEntropy(floats(0, 4), [], { components: parts, reduction: 'sum' });
    expect([none.loss, ...none.componentLosses.data]).toEqual([0, 0, 0]);
  });

  it('has no class to hit', () => {
    expect(() => crossEntropy(floats(2, 0), [0, 0])).toThrow('crossEntropy: target[0] is 0, outside [0, 0)');
    expect(crossEntropy(floats(2, 0), [-100, -100]).loss).toBeNaN();
  });
});
