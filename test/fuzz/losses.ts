/**
 * The losses and activations as the fuzzer draws and judges them. This is the one file that knows their names: a new loss is
 * a line here, with its options by kind and the scales of its rounding errors, and its entry in test/reference.
 */
import {
  type ReferenceInputs,
  type ReferenceOp,
  type ReferenceOptions,
  reference,
  references,
} from '../reference/index.ts';
import {
  binaryScales,
  componentScales,
  crossEntropyScales,
  logSigmoidScales,
  logSoftmaxScales,
  sigmoidScales,
  softmaxScales,
  squareScales,
} from './scales.ts';
import type { Entry } from './types.ts';

const byClass = { family: 'class', required: [] } as const;
const byElement = { family: 'element', required: [] } as const;

export const entries: Readonly<Record<string, Entry>> = {
  crossEntropy: {
    ...byClass,
    targets: ['indices', 'probabilities'],
    options: {
      weight: 'classWeights',
      sampleWeight: 'sampleWeights',
      ignoreIndex: 'ignoreIndex',
      labelSmoothing: 'unit',
      labels: 'labels',
      zLoss: 'factor',
    },
    // the lse of no class is no number
    accepts: ({ shape, axis, options }) => !(shape[axis] === 0 && 'zLoss' in options),
    scales: crossEntropyScales,
  },
  bceWithLogits: {
    ...byElement,
    targets: ['unit'],
    options: { weight: 'broadcast', posWeight: 'broadcast', labelSmoothing: 'unit', ignoreValue: 'marker' },
    scales: binaryScales,
  },
  mse: { ...byElement, targets: ['real'], options: { weight: 'elementWeights' }, scales: squareScales },
  componentCrossEntropy: {
    ...byClass,
    targets: ['indices'],
    options: {
      components: 'components',
      weights: 'componentWeights',
      jointWeight: 'factor',
      sampleWeight: 'sampleWeights',
      ignoreIndex: 'ignoreIndex',
      labels: 'labels',
    },
    required: ['components'],
    scales: componentScales,
  },
  softmax: { ...byClass, targets: [], options: {}, scales: softmaxScales },
  logSoftmax: { ...byClass, targets: [], options: {}, scales: logSoftmaxScales },
  sigmoid: { ...byElement, targets: [], options: {}, scales: sigmoidScales },
  logSigmoid: { ...byElement, targets: [], options: {}, scales: logSigmoidScales },
};

export const names: readonly string[] = Object.keys(entries);

export const isActivation = (entry: Entry): boolean => entry.targets.length === 0;

const isReferenceOp = (op: string): op is ReferenceOp => op in references;

/** What the reference says. A tensor without axes has one class: softmax 1, logSoftmax 0 (PyTorch). */
export function judgeOf(op: string, inputs: ReferenceInputs, options: ReferenceOptions) {
  if (!isReferenceOp(op)) throw new Error(`test/reference has no ${op}`);
  const { input } = inputs;
  if (entries[op]?.family !== 'class' || input.shape.length > 0) return reference(op, inputs, options);
  const { gradOutput } = options;
  const flat = typeof gradOutput === 'object' ? { ...gradOutput, shape: [1] } : gradOutput;
  const truth = reference(op, { input: { ...input, shape: [1] } }, { ...options, axis: 0, gradOutput: flat });
  const { loss, grad } = truth;
  return { ...truth, loss: { ...loss, shape: [] }, grad: { ...grad, shape: [] } };
}
