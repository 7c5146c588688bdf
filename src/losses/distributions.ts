// Losses of a class axis or of rows whose targets are distributions, masses or many labels.

import { classWeight, ofClasses } from './options.ts';
import { option, record, setting } from './record.ts';

export const jsDiv = record({
  name: 'jsDiv',
  walk: 'class',
  target: 'masses',
  names: ['logits', 'target'],
  options: ofClasses,
  mean: 'samples',
});

export const absKlDiv = record({
  name: 'absKlDiv',
  walk: 'row',
  target: 'real',
  names: ['input', 'target'],
  options: {},
  mean: 'samples',
});

export const multiLabelSoftMargin = record({
  name: 'multiLabelSoftMargin',
  walk: 'row',
  target: 'unit',
  names: ['logits', 'target'],
  options: classWeight,
  mean: 'samples',
});

export const factorizedMultiLabel = record({
  name: 'factorizedMultiLabel',
  walk: 'row',
  target: 'unit',
  names: ['logits', 'target'],
  options: {
    /** μ: the weight of the squared error of the number of labels. Default 1. */
    mu: setting('number', 'p3', 1),
  },
  mean: 'samples',
  second: 'z',
});

export const dice = record({
  name: 'dice',
  kernel: 'overlap',
  walk: 'group',
  target: 'classes',
  names: ['logits', 'target'],
  options: {
    ...ofClasses,
    /** What makes predictions of logits: 'softmax', 'sigmoid' or 'none'. Default 'softmax'. */
    activation: setting('activation', 'p0', 'softmax'),
    /** Added to numerator and denominator. Default 1. */
    smooth: setting('notNegative', 'p1', 1),
    /** Where the ratio is formed: in each 'sample', or over the 'batch'. Default 'sample'. */
    per: setting('group', 'p5', 'sample'),
    /** The target value that marks an ignored position. Default -100. */
    ignoreIndex: option('ignoreIndex'),
  },
  mean: 'samples',
  fixed: { p2: 2, p3: 1, p4: 1 },
});

export const tversky = record({
  name: 'tversky',
  kernel: 'overlap',
  walk: 'group',
  target: 'classes',
  names: ['logits', 'target'],
  options: {
    ...ofClasses,
    /** What makes predictions of logits: 'softmax', 'sigmoid' or 'none'. Default 'softmax'. */
    activation: setting('activation', 'p0', 'softmax'),
    /** Added to numerator and denominator. Default 1. */
    smooth: setting('notNegative', 'p1', 1),
    /** The weight of false positives. Default 0.5. */
    alpha: setting('notNegative', 'p3', 0.5),
    /** The weight of false negatives. Default 0.5. */
    beta: setting('notNegative', 'p4', 0.5),
    /** Where the ratio is formed: in each 'sample', or over the 'batch'. Default 'sample'. */
    per: setting('group', 'p5', 'sample'),
    /** The target value that marks an ignored position. Default -100. */
    ignoreIndex: option('ignoreIndex'),
  },
  mean: 'samples',
  fixed: { p2: 1 },
});
