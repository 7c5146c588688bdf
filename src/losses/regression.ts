// Losses of the difference between two numbers.

import { option, record } from './record.ts';

export const mse = record({
  name: 'mse',
  kernel: 'mse',
  walk: 'element',
  target: 'real',
  names: ['input', 'target'],
  options: {
    /** Weights, shaped like the input. */
    weight: option('perElement', 'a'),
    /** The target value that marks a missing target; NaN is allowed. */
    ignoreValue: option('marker'),
  },
  mean: 'weights',
});
