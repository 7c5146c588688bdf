// Losses with a class axis.

import { numeric, option, record } from './record.ts';

export const crossEntropy = record({
  name: 'crossEntropy',
  kernel: 'crossEntropy',
  walk: 'class',
  target: 'classes',
  names: ['logits', 'target'],
  options: {
    /** The class axis: 1, of 1-D logits 0; negatives count from the end. */
    axis: option('axis'),
    /** Class weights [C]. */
    weight: option('perClass', 'a'),
    /** One weight per sample, shaped like the loss. */
    sampleWeight: option('perSample', 'b'),
    /** Added to the logits of each sample [C]: logit adjustment, masks. */
    logitShift: option('perClass', 'c'),
    /** Logits become softcap·tanh(x / softcap) first; 0 is off. */
    softcap: numeric('notNegative', 'p2', 0),
    /** The target value that marks an ignored sample. Default -100. */
    ignoreIndex: option('ignoreIndex'),
    /** ε: the share of the target mass that is spread over all classes, in [0, 1]. Default 0. */
    labelSmoothing: numeric('unit', 'p0', 0),
    /** Target values in class order, e.g. [-1, 0, 1]. Default 0 … C-1. */
    labels: option('labels'),
    /** Adds zLoss·lse² to each kept sample. Default 0. */
    zLoss: numeric('number', 'p1', 0),
  },
  mean: 'weights',
  side: 'p1',
});

export const componentCrossEntropy = record({
  name: 'componentCrossEntropy',
  kernel: 'componentCrossEntropy',
  walk: 'class',
  target: 'indices',
  names: ['logits', 'target'],
  options: {
    /** The class axis: 1, of 1-D logits 0; negatives count from the end. */
    axis: option('axis'),
    /** One class → group map per component: which group each class belongs to. */
    components: { ...option('components'), required: true },
    /** One weight per component: α, β, … Default all 1. */
    weights: option('perComponent', 'd'),
    /** γ: the weight of plain cross entropy. Default 0. */
    jointWeight: option('joint'),
    /** One weight per sample, shaped like the loss. */
    sampleWeight: option('perSample', 'b'),
    /** The target value that marks an ignored sample. Default -100. */
    ignoreIndex: option('ignoreIndex'),
    /** Target values in class order. Default 0 … C-1. */
    labels: option('labels'),
  },
  mean: 'samples',
});
