// Options that many records share.

import { option } from './record.ts';

/** Of losses with a class axis. */
export const ofClasses = {
  /** The class axis; negatives count from the end. Default 1, of 1-D input 0. */
  axis: option('axis'),
} as const;

/** Of losses with class indices as targets. */
export const ofIndices = {
  ...ofClasses,
  /** One weight per sample, shaped like the loss. Default all 1. */
  sampleWeight: option('perSample', 'b'),
  /** The target value that marks an ignored sample; compared before labels. Default -100. */
  ignoreIndex: option('ignoreIndex'),
  /** Target values in class order, e.g. [-1, 0, 1]. Default 0 … C-1. */
  labels: option('labels'),
} as const;

export const classWeight = {
  /** One weight per class [C]. Default all 1. */
  weight: option('perClass', 'a'),
} as const;

/** Of losses that leave missing targets out. */
export const ofMissing = {
  /** The target value that marks a missing target; NaN is allowed. Default none. */
  ignoreValue: option('marker'),
} as const;

/** Of losses of a difference, whose weighted mean divides by the weights. */
export const ofDifferences = {
  /** One weight per element, shaped like the input. Default all 1. */
  weight: option('perElement', 'a'),
  ...ofMissing,
} as const;

export const broadcastWeight = {
  /** Weights: a number, or a tensor that broadcasts to the input: [L], [1, L], [N, 1] … Default 1. */
  weight: option('broadcast', 'a'),
} as const;

export const positiveWeight = {
  /** What positives weigh beside negatives: a number, or a tensor that broadcasts to the input, e.g. [L]. Default 1. */
  posWeight: option('broadcast', 'b'),
} as const;
