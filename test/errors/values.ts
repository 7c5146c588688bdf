// Targets, weights, components and outputs with wrong values.

import { bceWithLogits, componentCrossEntropy, crossEntropy, logSigmoid, mse } from '../../src/index.ts';
import { type Case, floats, parts, unsafe } from './case.ts';

export const values: Case[] = [
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
