// The default entry: the losses and activations on one engine, made at the first call.

import { makeActivation, makeLoss } from './core.ts';
import { engineOf } from './engine.ts';
import { VERSION } from './generated/version.ts';
import { Runtime } from './runtime.ts';
import { tensor } from './tensor.ts';

interface Shared {
  readonly runtime: Runtime;
  engine?: ReturnType<typeof engineOf>;
}

// The ESM and the CommonJS build of one version meet here, so that a program that loads both has one engine.
const KEY = Symbol.for(`lossmith ${VERSION}`);
const registry = globalThis as { [KEY]?: Shared };

const shared = (): Shared => {
  registry[KEY] ??= { runtime: new Runtime() };
  return registry[KEY];
};
const runtime = (): Runtime => {
  const { runtime: own } = shared();
  own.check();
  return own;
};

export { createEngine } from './engine.ts';
export type * from './types.ts';
export { tensor };

/**
 * The engine behind the functions of this module, made at the first call and shared by the ESM and CommonJS builds.
 *
 * @returns The engine; its tensors are passed to this module's functions without a copy.
 * @example
 * import { crossEntropy, defaultEngine } from 'lossmith';
 * const logits = defaultEngine().from([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]]);
 * crossEntropy(logits, [0, 2]).loss; // => 0.136618
 * logits.free();
 */
export function defaultEngine(): ReturnType<typeof engineOf> {
  const { runtime: own, engine } = shared();
  if (engine) return engine;
  const made = engineOf(own);
  shared().engine = made;
  return made;
}

/**
 * Cross entropy of logits with class indices or class probabilities: −log softmax(x) at the target.
 *
 * Index targets: `mean` divides by the sum of the weights used, as PyTorch does. Probability targets (a float tensor of the
 * logits' own shape, rows of any sum): `mean` divides by the number of samples. A zero mass drops its term, so a −Infinity
 * logit masks a class. Source: PyTorch, torch.nn.functional.cross_entropy.
 *
 * @param input - Logits [N, C], [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C]; [C] for one sample.
 * @param target - Class indices (any integers; the logits' shape without the class axis) or probabilities (the logits' shape).
 * @param options - `axis` (1; 0 for 1-D), `weight` [C], `sampleWeight` (shaped like the loss), `ignoreIndex` (-100),
 * `labelSmoothing` (0), `labels` (target values in class order, e.g. [-1, 0, 1]; compared with ignoreIndex first), `zLoss` (0:
 * adds zLoss·lse² per kept sample), `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`; `zSum` too where zLoss is used.
 * @throws RangeError for a target that is no class, shapes that do not fit and values out of range; TypeError for the wrong
 * kind of argument and for unknown options.
 * @example
 * import { crossEntropy, tensor } from 'lossmith';
 * const logits = tensor([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]]);
 * const { loss, grad } = crossEntropy(logits, [0, 2]);
 * loss; // => 0.136618
 * grad.shape.join(); // => "2,3"
 */
export const crossEntropy = /* @__PURE__ */ makeLoss('crossEntropy', runtime);

/**
 * Binary cross entropy of logits, one yes/no question per element: w·((1−y)·softplus(x) + P·y·softplus(−x)).
 *
 * `mean` divides by the number of elements that are not ignored, never by weights. An infinite logit that agrees with its
 * target costs 0. Source: PyTorch, torch.nn.functional.binary_cross_entropy_with_logits.
 *
 * @param input - Logits of any shape.
 * @param target - Probabilities in [0, 1] of the same shape.
 * @param options - `weight` and `posWeight` (numbers, or tensors that broadcast by NumPy's rules: [L], [1, L], [N, 1] …),
 * `labelSmoothing` (0), `ignoreValue` (a target value that marks a missing label, NaN allowed), `reduction` ('mean'), `out`,
 * `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for targets outside [0, 1], unequal shapes and weights that do not broadcast; TypeError for the wrong kind.
 * @example
 * import { bceWithLogits } from 'lossmith';
 * const { loss } = bceWithLogits([[1, 2], [-1, 3]], [[1, 0], [0, 1]], { posWeight: [2, 1] });
 * loss; // => 0.778825
 */
export const bceWithLogits = /* @__PURE__ */ makeLoss('bceWithLogits', runtime);

/**
 * Squared error w·(x − y)².
 *
 * `mean` divides by the number of elements, or by the sum of the weights. Shapes must be equal: nothing broadcasts.
 * Source: PyTorch, torch.nn.functional.mse_loss.
 *
 * @param input - Predictions of any shape.
 * @param target - Values of the same shape.
 * @param options - `weight` (of the same shape), `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for unequal shapes; TypeError for the wrong kind of argument and for unknown options.
 * @example
 * import { mse } from 'lossmith';
 * const { loss, grad } = mse([1, 2, 4], [1, 1, 1]);
 * loss; // => 3.33333
 * grad.data[2]; // => 2
 */
export const mse = /* @__PURE__ */ makeLoss('mse', runtime);

/**
 * Cross entropy of the parts of a composite label: with classes 'AC', 'AD', 'BC', 'BD' and weights α, β,
 * α·(−log P(A or B)) + β·(−log P(C or D)), where P sums the softmax over the classes that share the part.
 *
 * A joint weight γ adds γ times the plain cross entropy; without it the loss cannot tell joint distributions with equal
 * marginals apart. `mean` divides by the number of kept samples (or the sum of sampleWeight), parts and total alike.
 *
 * @param input - Logits over the joint classes, as for crossEntropy.
 * @param target - Joint class indices.
 * @param options - `components` (required: one class → group map per component), `weights` (all 1), `jointWeight` (0),
 * `sampleWeight`, `ignoreIndex` (-100), `labels`, `axis`, `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum, componentLosses }`; componentLosses [M] ([M, …loss shape] for 'none') are
 * unweighted and equal ∂loss/∂weights.
 * @throws RangeError for maps of the wrong length and targets that are no class; TypeError for missing components.
 * @example
 * import { componentCrossEntropy } from 'lossmith';
 * const components = [[0, 0, 1, 1], [0, 1, 0, 1]]; // AC, AD, BC, BD: A or B, C or D
 * const { loss } = componentCrossEntropy([[1.2, -0.3, 0.4, 0.1]], [1], { components, weights: [2, 0.5] });
 * loss; // => 1.63019
 */
export const componentCrossEntropy = /* @__PURE__ */ makeLoss('componentCrossEntropy', runtime);

/**
 * Softmax e^x / Σ e^x along an axis. `softmax.backward(gradOutput, input, options)` gives p·(g − Σ g·p).
 *
 * @param input - A tensor of any shape but 0-D.
 * @param options - `axis` (1; 0 for 1-D input; negatives count from the end), `out` (may be the input itself).
 * @returns A tensor of the input's shape. A row with +Infinity or NaN, or of −Infinity alone, is NaN.
 * @throws RangeError for an axis out of range or an `out` of the wrong size.
 * @example
 * import { softmax } from 'lossmith';
 * softmax([[1, 2, 3]]).data[2]; // => 0.665241
 */
export const softmax = /* @__PURE__ */ makeActivation('softmax', runtime);

/**
 * log softmax, x − log Σ e^x, along an axis. `logSoftmax.backward(gradOutput, input, options)` gives g − p·Σ g.
 *
 * @param input - A tensor of any shape but 0-D.
 * @param options - `axis` (1; 0 for 1-D input; negatives count from the end), `out` (may be the input itself).
 * @returns A tensor of the input's shape; a sure class keeps the digits of its small negative value.
 * @throws RangeError for an axis out of range or an `out` of the wrong size.
 * @example
 * import { logSoftmax } from 'lossmith';
 * logSoftmax([[1, 2, 3]]).data[2]; // => -0.407606
 */
export const logSoftmax = /* @__PURE__ */ makeActivation('logSoftmax', runtime);

/**
 * Sigmoid 1/(1 + e^−x). `sigmoid.backward(gradOutput, input, options)` gives g·e^−|x|/(1 + e^−|x|)².
 *
 * @param input - A tensor of any shape.
 * @param options - `out` (may be the input itself).
 * @returns A tensor of the input's shape.
 * @throws RangeError for an `out` of the wrong size.
 * @example
 * import { sigmoid } from 'lossmith';
 * sigmoid([0, 1]).data[1]; // => 0.731059
 */
export const sigmoid = /* @__PURE__ */ makeActivation('sigmoid', runtime);

/**
 * log sigmoid, min(x, 0) − log1p(e^−|x|). `logSigmoid.backward(gradOutput, input, options)` gives g·sigmoid(−x).
 *
 * @param input - A tensor of any shape.
 * @param options - `out` (may be the input itself).
 * @returns A tensor of the input's shape.
 * @throws RangeError for an `out` of the wrong size.
 * @example
 * import { logSigmoid } from 'lossmith';
 * logSigmoid([0, 1]).data[0]; // => -0.693147
 */
export const logSigmoid = /* @__PURE__ */ makeActivation('logSigmoid', runtime);
