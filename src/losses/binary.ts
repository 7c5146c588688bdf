// Losses of one yes/no question per element.

import { numeric, option, record } from './record.ts';

export const bceWithLogits = record({
  name: 'bceWithLogits',
  kernel: 'bceWithLogits',
  walk: 'element',
  target: 'unit',
  names: ['logits', 'target'],
  options: {
    /** Weights: a number, or a tensor that broadcasts to the logits. Default 1. */
    weight: option('broadcast', 'a'),
    /** Weights of the positive part: a number, or a tensor that broadcasts to the logits. Default 1. */
    posWeight: option('broadcast', 'b'),
    /** ε: targets become (1 − ε)·y + ε/2. Default 0. */
    labelSmoothing: numeric('unit', 'p0', 0),
    /** The target value that marks a missing label; NaN is allowed. */
    ignoreValue: option('marker'),
  },
  mean: 'elements',
});
