/**
 * Losses and gradients in plain float64 TypeScript: what the kernels are measured against.
 * Clarity and correct digits come before speed. Nothing here is shared with the library.
 */
import { logSigmoid, logSoftmax, sigmoid, softmax } from './activations.ts';
import { componentCrossEntropy } from './componentCrossEntropy.ts';
import { crossEntropy } from './crossEntropy.ts';
import { bceWithLogits, mse } from './elementwise.ts';
import type { ReferenceFunction, ReferenceInputs, ReferenceOptions, ReferenceResult } from './types.ts';

export type { Reduction, ReferenceInputs, ReferenceOptions, ReferenceResult, Tensor64 } from './types.ts';
export { tensor64 } from './types.ts';

export const references = {
  crossEntropy,
  componentCrossEntropy,
  bceWithLogits,
  mse,
  softmax,
  logSoftmax,
  sigmoid,
  logSigmoid,
} as const satisfies Record<string, ReferenceFunction>;

export type ReferenceOp = keyof typeof references;

/**
 * Loss and gradient of one operation.
 *
 * @example
 * reference('mse', { input: tensor64([1, 2]), target: tensor64([0, 0]) }).loss.data[0]; // 2.5
 */
export function reference(op: ReferenceOp, inputs: ReferenceInputs, options: ReferenceOptions = {}): ReferenceResult {
  return references[op](inputs, options);
}
