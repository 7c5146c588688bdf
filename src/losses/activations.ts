// Activations: functions with their vector-Jacobian product.

import { option, record } from './record.ts';

export const softmax = record({
  name: 'softmax',
  kernel: 'softmax',
  walk: 'class',
  target: 'none',
  names: ['input', 'gradOutput'],
  options: {
    /** The class axis: 1, of 1-D input 0; negatives count from the end. */
    axis: option('axis'),
  },
});

export const logSoftmax = record({
  name: 'logSoftmax',
  kernel: 'softmax',
  walk: 'class',
  target: 'none',
  names: ['input', 'gradOutput'],
  options: {
    /** The class axis: 1, of 1-D input 0; negatives count from the end. */
    axis: option('axis'),
  },
  log: true,
});

export const sigmoid = record({
  name: 'sigmoid',
  kernel: 'sigmoid',
  walk: 'element',
  target: 'none',
  names: ['input', 'gradOutput'],
  options: {},
});

export const logSigmoid = record({
  name: 'logSigmoid',
  kernel: 'sigmoid',
  walk: 'element',
  target: 'none',
  names: ['input', 'gradOutput'],
  options: {},
  log: true,
});
