/**
 * Losses and gradients in plain float64 TypeScript: what the kernels are measured against.
 * Clarity and correct digits come before speed. Nothing here is shared with the library.
 */
import { logSigmoid, logSoftmax, sigmoid, softmax } from './activations.ts';
import { asymmetric, bce, bceWithLogits, hinge, sigmoidFocal, softMargin } from './binary.ts';
import { emd, multiMargin, nllLoss, ordinalCrossEntropy, polyLoss, softmaxFocal } from './classLosses.ts';
import { crossEntropy } from './crossEntropy.ts';
import { absKlDiv, generalizedKlDiv, jsDiv, klDiv } from './divergences.ts';
import { componentCrossEntropy, partialLabel } from './groups.ts';
import { gaussianNll, poissonNll } from './likelihood.ts';
import { factorizedMultiLabel, multiLabelSoftMargin } from './multiLabel.ts';
import { dice, tversky } from './overlap.ts';
import { huber, l1, logCosh, mse, quantile, smoothL1 } from './regression.ts';
import type { ReferenceFunction, ReferenceInputs, ReferenceLoss, ReferenceOptions, ReferenceResult } from './types.ts';
import { uncertaintyWeighted } from './uncertainty.ts';

export { errorBounds, tiniest, unit } from './bounds.ts';
export { commonOptions } from './draws.ts';
export { drawLinear, type LinearOperands, linear, linearBack, linearLoss } from './linear.ts';
export { isRefused, lossShapeOf, randomProblem } from './problems.ts';
export * from './types.ts';

/** Every loss of the library, by its public name. */
export const references = {
  crossEntropy,
  nllLoss,
  softmaxFocal,
  polyLoss,
  ordinalCrossEntropy,
  emd,
  multiMargin,
  componentCrossEntropy,
  partialLabel,
  bceWithLogits,
  bce,
  sigmoidFocal,
  asymmetric,
  softMargin,
  hinge,
  multiLabelSoftMargin,
  mse,
  l1,
  logCosh,
  smoothL1,
  huber,
  quantile,
  poissonNll,
  gaussianNll,
  klDiv,
  generalizedKlDiv,
  jsDiv,
  absKlDiv,
  factorizedMultiLabel,
  dice,
  tversky,
  uncertaintyWeighted,
} as const satisfies Record<string, ReferenceLoss>;

/** Activations: `loss` is the forward output, `grad` the vector-Jacobian product with gradOutput. */
export const activations = {
  softmax,
  logSoftmax,
  sigmoid,
  logSigmoid,
} as const satisfies Record<string, ReferenceFunction>;

export type LossName = keyof typeof references;
export type ActivationName = keyof typeof activations;
export type ReferenceOp = LossName | ActivationName;

export const isLossName = (name: string): name is LossName => name in references;
export const isActivationName = (name: string): name is ActivationName => name in activations;

/** Every loss with its name, for tests that run over the table. */
export const lossEntries = Object.entries(references) as readonly (readonly [LossName, ReferenceLoss])[];

/**
 * Loss and gradient of one operation.
 *
 * @example
 * reference('mse', { input: tensor64([1, 2]), target: tensor64([0, 0]) }).loss.data[0]; // 2.5
 */
export function reference(op: ReferenceOp, inputs: ReferenceInputs, options: ReferenceOptions = {}): ReferenceResult {
  return isLossName(op) ? references[op].compute(inputs, options) : activations[op](inputs, options);
}

/** Options of a loss by name, the settings and those of all losses among them; gradOutput is an argument of `backward`. */
export function optionNames({ family, settings, options, targetOptions }: ReferenceLoss): readonly string[] {
  if (family === 'scalar') return [];
  const axis = family === 'class' || family === 'overlap' ? ['axis'] : [];
  const own = [...settings, ...Object.keys(options), ...Object.keys(targetOptions)];
  return ['reduction', 'scale', 'emptyMean', ...axis, ...own];
}
