/**
 * The losses and activations as the fuzzer draws and judges them. This is the one file that knows their names: those with
 * options by kind, as the library's own table has them, are drawn to the edges of each kind; all others that test/reference
 * has are borrowed from its table, which draws ordinary and extreme problems of its own.
 */

import { largest } from '../reference/bounds.ts';
import {
  activations,
  errorBounds,
  type ReferenceInputs,
  type ReferenceLoss,
  type ReferenceOptions,
  type ReferenceResult,
  reference,
  references,
} from '../reference/index.ts';
import { borrowedEntry, canBorrow } from './borrowed.ts';
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
import type { Entry, Problem, Scales } from './types.ts';

const byClass = { family: 'class', required: [] } as const;
const byElement = { family: 'element', required: [] } as const;

/** Losses and activations whose options are drawn by kind. */
const tabled: Readonly<Record<string, Entry>> = {
  crossEntropy: {
    ...byClass,
    targets: ['indices', 'probabilities'],
    options: {
      weight: 'perClass',
      sampleWeight: 'perSample',
      logitShift: 'perClass',
      softcap: 'notNegative',
      ignoreIndex: 'ignoreIndex',
      labelSmoothing: 'unit',
      labels: 'labels',
      zLoss: 'number',
    },
    // the lse of no class is no number
    accepts: ({ shape, axis, options }) => !(shape[axis] === 0 && 'zLoss' in options),
    // logits that were rounded on their way into the softmax have scales of their own
    scales: (problem, totals) =>
      problem.truth.softcap || problem.truth.logitShift
        ? borrowedScales(references.crossEntropy, problem)
        : crossEntropyScales(problem, totals),
  },
  bceWithLogits: {
    ...byElement,
    targets: ['unit', 'sparse'],
    // a sparse target has rows, and none of its values is missing
    accepts: ({ target, shape, options }) =>
      target?.what !== 'sparse' || (shape.length > 0 && !('ignoreValue' in options)),
    options: { weight: 'broadcast', posWeight: 'broadcast', labelSmoothing: 'unit', ignoreValue: 'marker' },
    scales: binaryScales,
  },
  mse: {
    ...byElement,
    targets: ['real'],
    options: { weight: 'perElement', ignoreValue: 'marker' },
    scales: squareScales,
  },
  componentCrossEntropy: {
    ...byClass,
    targets: ['indices'],
    options: {
      components: 'components',
      weights: 'perComponent',
      jointWeight: 'number',
      sampleWeight: 'perSample',
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

const table: Readonly<Record<string, ReferenceLoss>> = references;

/** Losses whose problems the reference draws. */
const borrowed = Object.entries(table)
  .filter(([name, loss]) => !(name in tabled) && canBorrow(loss))
  .map(([name, loss]) => [name, borrowedEntry(loss, borrowedScales)] as const);

export const entries: Readonly<Record<string, Entry>> = { ...tabled, ...Object.fromEntries(borrowed) };

export const names: readonly string[] = Object.keys(entries);

export const isActivation = (entry: Entry): boolean => entry.targets.length === 0;

/**
 * The reference's own scales, in the units that judge.ts measures in. golden/README.md measures by the largest result of a
 * case, these by each result, so they allow twice as much; and what is below 2^-100 of its upstream gradient may be 0.
 */
function borrowedScales(loss: ReferenceLoss, { input, target, truth }: Problem): Scales {
  const inputs = { input: input.tensor, target: target?.sparse ?? target?.tensor };
  const none = { ...truth, reduction: 'none' as const, gradOutput: 1, scale: 1 };
  const units = 2 * 2 ** 24;
  const each = errorBounds(loss, { inputs, options: none }, units);
  const { grad } = errorBounds(loss, { inputs, options: truth }, units);
  const { gradOutput = 1, scale = 1 } = truth;
  const most = typeof gradOutput === 'number' ? Math.abs(gradOutput) : largest(gradOutput);
  const least = 2 ** -78 * Math.max(1, most * Math.abs(scale));
  return {
    loss: each.loss,
    grad: grad.map((v) => v + least),
    ...(each.componentLosses && { parts: each.componentLosses }),
  };
}

/** Where another subgradient is right too. */
export function kinkOf({ op, input, target, truth }: Problem): ((i: number) => boolean) | undefined {
  const loss = table[op];
  if (loss === undefined) return undefined;
  const inputs = { input: input.tensor, target: target?.sparse ?? target?.tensor };
  const { grad } = loss.kinks({ inputs, options: truth });
  return (i) => grad[i] === 1;
}

const isKnown = (op: string): op is keyof typeof references | keyof typeof activations =>
  op in references || op in activations;

/** What the reference says. A tensor without axes has one class: softmax 1, logSoftmax 0 (PyTorch). */
export function judgeOf(op: string, inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  if (!isKnown(op)) throw new Error(`test/reference has no ${op}`);
  const { input } = inputs;
  if (entries[op]?.family !== 'class' || input.shape.length > 0) return reference(op, inputs, options);
  const { gradOutput } = options;
  const flat = typeof gradOutput === 'object' ? { ...gradOutput, shape: [1] } : gradOutput;
  const truth = reference(op, { input: { ...input, shape: [1] } }, { ...options, axis: 0, gradOutput: flat });
  const { loss, grad } = truth;
  return { ...truth, loss: { ...loss, shape: [] }, grad: { ...grad, shape: [] } };
}
