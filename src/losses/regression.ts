// Losses of two numbers per element.

import { ofDifferences } from './options.ts';
import { record, required, setting } from './record.ts';

const names = ['input', 'target'] as const;

export const mse = record({
  name: 'mse',
  walk: 'element',
  target: 'real',
  names,
  options: ofDifferences,
  mean: 'weights',
});

export const l1 = record({
  name: 'l1',
  walk: 'element',
  target: 'real',
  names,
  options: ofDifferences,
  mean: 'weights',
});

export const logCosh = record({
  name: 'logCosh',
  walk: 'element',
  target: 'real',
  names,
  options: ofDifferences,
  mean: 'weights',
});

export const smoothL1 = record({
  name: 'smoothL1',
  walk: 'element',
  target: 'real',
  names,
  options: {
    /** β: errors below it count squared; 0 is l1. Default 1. */
    beta: setting('notNegative', 'p0', 1),
    ...ofDifferences,
  },
  mean: 'weights',
  fixed: { p1: 1 },
});

export const huber = record({
  name: 'huber',
  walk: 'element',
  target: 'real',
  names,
  options: {
    /** δ: errors up to it count squared. Default 1. */
    delta: setting('positive', 'p0', 1),
    ...ofDifferences,
  },
  mean: 'weights',
});

export const quantile = record({
  name: 'quantile',
  walk: 'element',
  target: 'real',
  names,
  options: {
    /** The quantile that is predicted, in [0, 1]. Default 0.5. */
    q: setting('unit', 'p0', 0.5),
    ...ofDifferences,
  },
  mean: 'weights',
});

export const poissonNll = record({
  name: 'poissonNll',
  walk: 'element',
  target: 'masses',
  names,
  options: {
    /** The input is the logarithm of the rate. Default true. */
    logInput: setting('flag', 'p0', true),
    /** Adds Stirling's term of targets above 1. Default false. */
    full: setting('flag', 'p1', false),
    /** Added to rates before their logarithm. Default 1e-8. */
    eps: setting('notNegative', 'p2', 1e-8),
  },
  mean: 'elements',
});

export const gaussianNll = record({
  name: 'gaussianNll',
  walk: 'element',
  target: 'real',
  names,
  options: {
    /** The variance: a number, or a tensor of the input's shape, of that without its last axis, or with a last axis of 1. */
    variance: required('variance', 'c'),
    /** Adds the constant ½·log 2π. Default false. */
    full: setting('flag', 'p0', false),
    /** The variance is at least this. Default 1e-6. */
    eps: setting('positive', 'p1', 1e-6),
  },
  mean: 'elements',
  second: 'variance',
});

export const klDiv = record({
  name: 'klDiv',
  walk: 'element',
  target: 'real',
  names,
  options: {
    /** The target holds logarithms of probabilities. Default false. */
    logTarget: setting('flag', 'p0', false),
  },
  mean: 'elements',
});

export const generalizedKlDiv = record({
  name: 'generalizedKlDiv',
  walk: 'element',
  target: 'masses',
  names,
  options: {},
  mean: 'elements',
});
