// Losses of one yes/no question per element.

import { broadcastWeight, ofMissing, positiveWeight } from './options.ts';
import { record, setting } from './record.ts';

export const bceWithLogits = record({
  name: 'bceWithLogits',
  walk: 'element',
  target: 'labels',
  names: ['logits', 'target'],
  options: {
    /** ε: targets become (1 − ε)·y + ε/2. Default 0. */
    labelSmoothing: setting('unit', 'p0', 0),
    ...broadcastWeight,
    ...positiveWeight,
    ...ofMissing,
  },
  mean: 'elements',
});

export const bce = record({
  name: 'bce',
  walk: 'element',
  target: 'unit',
  names: ['input', 'target'],
  options: {
    ...broadcastWeight,
    ...ofMissing,
  },
  mean: 'elements',
  both: true,
});

export const sigmoidFocal = record({
  name: 'sigmoidFocal',
  walk: 'element',
  target: 'unit',
  names: ['logits', 'target'],
  options: {
    /** α, at most 1: the weight of positives, 1 − α that of negatives; below 0 it is off. Default 0.25. */
    alpha: setting('atMost1', 'p0', 0.25),
    /** γ of (1 − p_t)^γ. Default 2. */
    gamma: setting('notNegative', 'p1', 2),
    ...broadcastWeight,
    ...ofMissing,
  },
  mean: 'elements',
});

export const asymmetric = record({
  name: 'asymmetric',
  walk: 'element',
  target: 'unit',
  names: ['logits', 'target'],
  options: {
    /** γ₊, of positives. Default 1. */
    gammaPos: setting('notNegative', 'p0', 1),
    /** γ₋, of negatives. Default 4. */
    gammaNeg: setting('notNegative', 'p1', 4),
    /** Negatives with a probability below it cost nothing, in [0, 1]. Default 0.05. */
    clip: setting('unit', 'p2', 0.05),
    /** The focusing weights count as constants in the gradient, as in the official code. Default true. */
    detachWeights: setting('flag', 'p3', true),
    ...ofMissing,
  },
  mean: 'elements',
});

export const softMargin = record({
  name: 'softMargin',
  walk: 'element',
  target: 'signs',
  names: ['input', 'target'],
  options: broadcastWeight,
  mean: 'elements',
});

export const hinge = record({
  name: 'hinge',
  walk: 'element',
  target: 'bits',
  names: ['input', 'target'],
  options: {
    /** Scores have to be this far on the right side. Default 1. */
    margin: setting('number', 'p0', 1),
    /** The square of the hinge. Default false. */
    squared: setting('flag', 'p1', false),
    ...broadcastWeight,
    ...positiveWeight,
    ...ofMissing,
  },
  mean: 'elements',
});
