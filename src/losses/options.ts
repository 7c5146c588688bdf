// Options that many records share.

import { option } from './record.ts';

/** Of losses with a class axis. */
export const ofClasses = {
  /** The class axis: 1, of 1-D input 0; negatives count from the end. */
  axis: option('axis'),
} as const;

/** Of losses with class indices as targets. */
export const ofIndices = {
  ...ofClasses,
  /** One weight per sample, shaped like the loss. Default all 1. */
  sampleWeight: option('perSample', 'b'),
  /** The target value that marks an ignored sample. Default -100. */
  ignoreIndex: option('ignoreIndex'),
  /** Target values in class order, e.g. [-1, 0, 1]. Default 0 … C-1. */
  labels: option('labels'),
} as const;

export const classWeight = {
  /** Class weights [C]. Default all 1. */
  weight: option('perClass', 'a'),
} as const;

/** Of overlap losses. */
export const ofMissing = {
  /** The target value that marks a missing target; NaN is allowed. Default none. */
  ignoreValue: option('marker'),
} as const;

/** Of losses of a difference, whose weighted mean divides by the weights. */
export const ofDifferences = {
  /** Weights, shaped like the input. Default all 1. */
  weight: option('perElement', 'a'),
  ...ofMissing,
} as const;

export const broadcastWeight = {
  /** Weights: a number, or a tensor that broadcasts to the input. Default 1. */
  weight: option('broadcast', 'a'),
} as const;

export const positiveWeight = {
  /** Weights of positives: a number, or a tensor that broadcasts to the input. Default 1. */
  posWeight: option('broadcast', 'b'),
} as const;
