// Losses with a class axis whose targets say which class is right.

import { classWeight, ofClasses, ofIndices } from './options.ts';
import { option, record, required, setting } from './record.ts';

const names = ['logits', 'target'] as const;

export const crossEntropy = record({
  name: 'crossEntropy',
  walk: 'class',
  target: 'classes',
  names,
  options: {
    ...ofIndices,
    ...classWeight,
    /** Added to the logits of each sample [C], after softcap: logit adjustment, masks. Default none. */
    logitShift: option('perClass', 'c'),
    /** Logits become softcap·tanh(x / softcap) first; 0 is off. Default 0. */
    softcap: setting('notNegative', 'p2', 0),
    /** ε: the share of the target mass that is spread over all classes, in [0, 1]. Default 0. */
    labelSmoothing: setting('unit', 'p0', 0),
    /** Adds zLoss·lse² to each kept sample, whatever it weighs; its mean divides by `count`. Default 0. */
    zLoss: setting('number', 'p1', 0),
  },
  mean: 'weights',
  side: 'p1',
  rows: true,
});

export const nllLoss = record({
  name: 'nllLoss',
  walk: 'class',
  target: 'indices',
  names: ['input', 'target'],
  options: {
    ...ofIndices,
    ...classWeight,
  },
  mean: 'weights',
});

export const softmaxFocal = record({
  name: 'softmaxFocal',
  walk: 'class',
  target: 'indices',
  names,
  options: {
    ...ofIndices,
    ...classWeight,
    /** γ of (1 − p_t)^γ. Default 2. */
    gamma: setting('notNegative', 'p3', 2),
  },
  mean: 'weights',
});

export const polyLoss = record({
  name: 'polyLoss',
  walk: 'class',
  target: 'indices',
  names,
  options: {
    ...ofIndices,
    ...classWeight,
    /** ε of ε·(1 − p_t). Default 1. */
    epsilon: setting('number', 'p3', 1),
    /** The share of the target mass that is spread over all classes, in [0, 1]. Default 0. */
    labelSmoothing: setting('unit', 'p0', 0),
  },
  mean: 'weights',
});

export const ordinalCrossEntropy = record({
  name: 'ordinalCrossEntropy',
  walk: 'class',
  target: 'indices',
  names,
  options: {
    ...ofIndices,
    /** λ: the weight of the squared error of the expected value. Default 1. */
    lambda: setting('number', 'p0', 1),
    /** The value of each class [C]. Default 0 … C-1. */
    values: option('perClass', 'c'),
  },
  mean: 'samples',
});

export const emd = record({
  name: 'emd',
  walk: 'class',
  target: 'indices',
  names,
  options: ofIndices,
  mean: 'samples',
});

export const multiMargin = record({
  name: 'multiMargin',
  walk: 'class',
  target: 'indices',
  names: ['input', 'target'],
  options: {
    ...ofIndices,
    /** The power of the hinge: 1 or 2. Default 1. */
    p: setting('power', 'p0', 1),
    /** Scores have to be apart by this. Default 1. */
    margin: setting('number', 'p1', 1),
    /** One weight per class [C]; the mean does not divide by them. Default all 1. */
    weight: option('perClass', 'a'),
  },
  mean: 'samples',
});

export const componentCrossEntropy = record({
  name: 'componentCrossEntropy',
  walk: 'class',
  target: 'indices',
  names,
  options: {
    ...ofIndices,
    /** One class → group map per component: the group, an integer of 0 or more, of each class. */
    components: required('components'),
    /** One weight per component: α, β, … Default all 1. */
    weights: option('perComponent', 'd'),
    /** γ: the weight of plain cross entropy over the joint classes. Default 0. */
    jointWeight: option('joint'),
  },
  mean: 'samples',
});

export const partialLabel = record({
  name: 'partialLabel',
  walk: 'class',
  target: 'sets',
  names,
  options: {
    ...ofClasses,
    /** One weight per sample, shaped like the loss. Default all 1. */
    sampleWeight: option('perSample', 'b'),
  },
  mean: 'samples',
});
