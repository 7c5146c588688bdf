// Activations: functions with their vector-Jacobian product.

import { ofClasses } from './options.ts';
import { record } from './record.ts';

export const softmax = record({
  name: 'softmax',
  walk: 'class',
  target: 'none',
  names: ['input', 'gradOutput'],
  options: ofClasses,
  rows: true,
});

export const logSoftmax = record({
  name: 'logSoftmax',
  kernel: 'softmax',
  walk: 'class',
  target: 'none',
  names: ['input', 'gradOutput'],
  options: ofClasses,
  rows: true,
  log: true,
});

export const sigmoid = record({
  name: 'sigmoid',
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
