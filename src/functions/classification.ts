// Losses with a class axis whose targets say which class is right, on the default engine.

import { makeLoss } from '../api/loss.ts';
import { runtime } from '../api/shared.ts';
import type {
  ComponentCrossEntropyTypes,
  CrossEntropyTypes,
  EmdTypes,
  MultiMarginTypes,
  NllLossTypes,
  OrdinalCrossEntropyTypes,
  PartialLabelTypes,
  PolyLossTypes,
  SoftmaxFocalTypes,
} from '../generated/declarations.ts';
import * as losses from '../losses/classification.ts';
import type { Loss } from '../values/types.ts';

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
 * `labelSmoothing` (0), `labels` (target values in class order, e.g. [-1, 0, 1]; compared with ignoreIndex first), `softcap` (0:
 * off, else x becomes softcap·tanh(x / softcap) first), `logitShift` [C] (added to the logits then), `zLoss` (0: adds zLoss·lse²
 * per kept sample), `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
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
export const crossEntropy: Loss<CrossEntropyTypes> = /* @__PURE__ */ makeLoss(losses.crossEntropy, runtime);

/**
 * Negative log-likelihood of log-probabilities: −w_t·x_t. No other value is read, and their gradient is 0.
 *
 * `mean` divides by the sum of the weights used. Source: PyTorch, torch.nn.functional.nll_loss.
 *
 * @param input - Log-probabilities, shaped as for crossEntropy.
 * @param target - Class indices (the input's shape without the class axis).
 * @param options - `axis` (1; 0 for 1-D), `weight` [C], `sampleWeight`, `ignoreIndex` (-100), `labels`, `reduction` ('mean'), `out`,
 * `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for a target that is no class and shapes that do not fit; TypeError for the wrong kind.
 * @example
 * import { nllLoss } from 'lossmith';
 * nllLoss([[-0.1, -2.4], [-1.2, -0.4]], [0, 1]).loss; // => 0.25
 */
export const nllLoss: Loss<NllLossTypes> = /* @__PURE__ */ makeLoss(losses.nllLoss, runtime);

/**
 * Focal loss of a softmax: w_t·(1 − p_t)^γ·(−log p_t).
 *
 * `mean` divides by the sum of the weights used, as crossEntropy's. A sure sample keeps its digits. Source: Lin et al. 2017.
 *
 * @param input - Logits, shaped as for crossEntropy.
 * @param target - Class indices (the logits' shape without the class axis).
 * @param options - `gamma` (2), `axis` (1; 0 for 1-D), `weight` [C], `sampleWeight`, `ignoreIndex` (-100), `labels`, `reduction`
 * ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for a target that is no class and a negative gamma; TypeError for the wrong kind.
 * @example
 * import { softmaxFocal } from 'lossmith';
 * softmaxFocal([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]], [0, 2]).loss; // => 0.00314014
 */
export const softmaxFocal: Loss<SoftmaxFocalTypes> = /* @__PURE__ */ makeLoss(losses.softmaxFocal, runtime);

/**
 * Poly-1 loss: cross entropy plus ε·(1 − p_t).
 *
 * With label smoothing e and y' the smoothed target it is Σ_c w_c·y'_c·(−log p_c + ε·(1 − p_c)). `mean` divides by the sum of
 * the weights used. Source: Leng et al. 2022.
 *
 * @param input - Logits, shaped as for crossEntropy.
 * @param target - Class indices (the logits' shape without the class axis).
 * @param options - `epsilon` (1), `labelSmoothing` (0), `axis` (1; 0 for 1-D), `weight` [C], `sampleWeight`, `ignoreIndex` (-100),
 * `labels`, `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for a target that is no class; TypeError for the wrong kind.
 * @example
 * import { polyLoss } from 'lossmith';
 * polyLoss([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]], [0, 2]).loss; // => 0.263028
 */
export const polyLoss: Loss<PolyLossTypes> = /* @__PURE__ */ makeLoss(losses.polyLoss, runtime);

/**
 * Cross entropy of ordered classes plus λ times the squared error of the expected class value: CE + λ·(E[v] − v_t)².
 *
 * `mean` divides by the kept samples, or the sum of their weights.
 *
 * @param input - Logits, shaped as for crossEntropy.
 * @param target - Class indices (the logits' shape without the class axis).
 * @param options - `lambda` (1), `values` [C] (0 … C-1), `axis` (1; 0 for 1-D), `sampleWeight`, `ignoreIndex` (-100), `labels`,
 * `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for a target that is no class; TypeError for the wrong kind.
 * @example
 * import { ordinalCrossEntropy } from 'lossmith';
 * ordinalCrossEntropy([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]], [0, 2]).loss; // => 0.166143
 */
export const ordinalCrossEntropy: Loss<OrdinalCrossEntropyTypes> = /* @__PURE__ */ makeLoss(
  losses.ordinalCrossEntropy,
  runtime,
);

/**
 * Squared earth mover's distance of ordered classes: Σ_k (CDF of the softmax − CDF of the target)².
 *
 * `mean` divides by the kept samples, or the sum of their weights. Source: Hou, Yu & Samaras 2016.
 *
 * @param input - Logits, shaped as for crossEntropy.
 * @param target - Class indices (the logits' shape without the class axis).
 * @param options - `axis` (1; 0 for 1-D), `sampleWeight`, `ignoreIndex` (-100), `labels`, `reduction` ('mean'), `out`, `scale` (1),
 * `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for a target that is no class; TypeError for the wrong kind.
 * @example
 * import { emd } from 'lossmith';
 * emd([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]], [0, 2]).loss; // => 0.0197779
 */
export const emd: Loss<EmdTypes> = /* @__PURE__ */ makeLoss(losses.emd, runtime);

/**
 * Multi-class hinge of scores: (w_t/C)·Σ_{c≠t} max(0, margin − x_t + x_c)^p.
 *
 * `mean` divides by the kept samples (or the sum of sampleWeight), never by class weights. At the kink the gradient is 0.
 * Source: PyTorch, torch.nn.functional.multi_margin_loss.
 *
 * @param input - Scores, shaped as the logits of crossEntropy.
 * @param target - Class indices (the scores' shape without the class axis).
 * @param options - `p` (1 or 2; 1), `margin` (1), `weight` [C], `axis` (1; 0 for 1-D), `sampleWeight`, `ignoreIndex` (-100),
 * `labels`, `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for a target that is no class and another power; TypeError for the wrong kind.
 * @example
 * import { multiMargin } from 'lossmith';
 * multiMargin([[0.1, 0.2, 0.4, 0.8]], [3]).loss; // => 0.325
 */
export const multiMargin: Loss<MultiMarginTypes> = /* @__PURE__ */ makeLoss(losses.multiMargin, runtime);

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
export const componentCrossEntropy: Loss<ComponentCrossEntropyTypes> = /* @__PURE__ */ makeLoss(
  losses.componentCrossEntropy,
  runtime,
);

/**
 * One of a set of classes is right: −log Σ_{c in set} p_c. Serves superclasses and ambiguous labels.
 *
 * A sample with an empty set is ignored. `mean` divides by the others, or the sum of their weights.
 * Source: Jin & Ghahramani 2002.
 *
 * @param input - Logits, shaped as for crossEntropy.
 * @param target - `{ indices, offsets }`: the set of sample i is indices[offsets[i]] … indices[offsets[i + 1] - 1]; or a tensor of
 * the logits' shape that holds 0 for what is not in the set.
 * @param options - `axis` (1; 0 for 1-D), `sampleWeight`, `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for a class out of range, or twice in a set; TypeError for the wrong kind.
 * @example
 * import { partialLabel } from 'lossmith';
 * const target = { indices: [0, 1, 2], offsets: [0, 2, 3] }; // 0 or 1; 2
 * partialLabel([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]], target).loss; // => 0.060129
 */
export const partialLabel: Loss<PartialLabelTypes> = /* @__PURE__ */ makeLoss(losses.partialLabel, runtime);
