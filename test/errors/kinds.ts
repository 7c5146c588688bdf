// Arguments of the wrong kind and shapes that do not fit.

import { bceWithLogits, componentCrossEntropy, crossEntropy, mse, softmax, tensor } from '../../src/index.ts';
import { type Case, floats, parts, unsafe } from './case.ts';

export const kindsAndShapes: Case[] = [
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
    says: /^crossEntropy: unknown option "ignore_index", expected one of axis, .*; did you mean ignoreIndex\?$/,
  },
  {
    does: 'option with a name that every object has',
    run: () => crossEntropy([[1, 2]], [0], unsafe({ constructor: 1 })),
    error: TypeError,
    says: /^crossEntropy: unknown option "constructor"/,
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
    does: 'reduction null',
    run: () => mse([1], [1], unsafe({ reduction: null })),
    error: TypeError,
    says: 'mse: reduction is null, expected a string',
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
    does: 'rows that promise more than there is',
    run: () => tensor(unsafe([new Array(1e5).fill(0), ...new Array(99_999).fill([])])),
    error: RangeError,
    says: 'tensor: source is ragged: row [1] has 0 values, expected 100000 values',
  },
  {
    does: 'an array inside itself',
    run: () => {
      const ring: unknown[] = [];
      ring.push(ring);
      mse(unsafe(ring), [1]);
    },
    error: RangeError,
    says: 'mse: input is nested more than 32 deep, expected an array of numbers or of rows',
  },
  {
    does: 'sizes that are no numbers',
    run: () => tensor([1, 2], unsafe(['1', [2]])),
    error: TypeError,
    says: 'tensor: source.shape holds "1", expected sizes',
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
];
