// Losses with a class axis, on the default engine.

import { makeLoss } from '../api/loss.ts';
import { runtime } from '../api/shared.ts';
import * as losses from '../losses/classification.ts';

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
export const crossEntropy = /* @__PURE__ */ makeLoss(losses.crossEntropy, runtime);

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
export const componentCrossEntropy = /* @__PURE__ */ makeLoss(losses.componentCrossEntropy, runtime);
