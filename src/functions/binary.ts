// Losses of one yes/no question per element, on the default engine.

import { makeLoss } from '../api/loss.ts';
import { runtime } from '../api/shared.ts';
import type {
  AsymmetricTypes,
  BceTypes,
  BceWithLogitsTypes,
  HingeTypes,
  SigmoidFocalTypes,
  SoftMarginTypes,
} from '../generated/declarations.ts';
import * as losses from '../losses/binary.ts';
import type { Loss } from '../values/types.ts';

/**
 * Binary cross entropy of logits, one yes/no question per element: w·((1−y)·softplus(x) + P·y·softplus(−x)).
 *
 * `mean` divides by the number of elements that are not ignored, never by weights. An infinite logit that agrees with its
 * target costs 0. Sparse positives give exactly the dense result, and no dense target is ever made.
 * Source: PyTorch, torch.nn.functional.binary_cross_entropy_with_logits.
 *
 * @param input - Logits of any shape.
 * @param target - Probabilities in [0, 1] of the same shape, or `{ indices, offsets }`: the positives of each row, rows being
 * all axes but the last.
 * @param options - `weight` and `posWeight` (numbers, or tensors that broadcast by NumPy's rules: [L], [1, L], [N, 1] …),
 * `labelSmoothing` (0), `ignoreValue` (a target value that marks a missing label, NaN allowed; compared before smoothing),
 * `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for targets outside [0, 1], unequal shapes and weights that do not broadcast; TypeError for the wrong kind.
 * @example
 * import { bceWithLogits } from 'lossmith';
 * const { loss } = bceWithLogits([[1, 2], [-1, 3]], [[1, 0], [0, 1]], { posWeight: [2, 1] });
 * loss; // => 0.778825
 */
export const bceWithLogits: Loss<BceWithLogitsTypes> = /* @__PURE__ */ makeLoss(losses.bceWithLogits, runtime);

/**
 * Binary cross entropy of probabilities: −w·(y·log p + (1−y)·log(1−p)), logarithms clamped at −100.
 *
 * Logits belong into bceWithLogits, which keeps more digits. `mean` divides by the elements that are not ignored.
 * Source: PyTorch, torch.nn.functional.binary_cross_entropy.
 *
 * @param input - Probabilities in [0, 1] of any shape.
 * @param target - Probabilities in [0, 1] of the same shape.
 * @param options - `weight` (a number, or a tensor that broadcasts), `ignoreValue`, `reduction` ('mean'), `out`, `scale` (1),
 * `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for inputs or targets outside [0, 1] and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { bce } from 'lossmith';
 * bce([0.9, 0.2], [1, 0]).loss; // => 0.164252
 */
export const bce: Loss<BceTypes> = /* @__PURE__ */ makeLoss(losses.bce, runtime);

/**
 * Focal loss of logits: α_t·(1 − p_t)^γ·(−log p_t), p_t = σ(x) where y is 1 and 1 − σ(x) where it is 0.
 *
 * Soft targets mix both as torchvision does. `mean` (the default here, 'none' there) divides by the elements that are not ignored.
 * Source: Lin et al. 2017; torchvision.ops.sigmoid_focal_loss.
 *
 * @param input - Logits of any shape.
 * @param target - Probabilities in [0, 1] of the same shape.
 * @param options - `alpha` (0.25; below 0 it is off), `gamma` (2), `weight` (a number, or a tensor that broadcasts),
 * `ignoreValue`, `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for targets outside [0, 1], alpha above 1 and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { sigmoidFocal } from 'lossmith';
 * sigmoidFocal([[2, -1]], [[1, 0]]).loss; // => 0.00872222
 */
export const sigmoidFocal: Loss<SigmoidFocalTypes> = /* @__PURE__ */ makeLoss(losses.sigmoidFocal, runtime);

/**
 * Asymmetric loss of many labels: focal loss with an exponent for each side, easy negatives dropped.
 *
 * With p = σ(x) and p_m = max(p − clip, 0): −(1 − p)^γ₊·log p where y is 1, −p_m^γ₋·log(1 − p_m) where it is 0; soft targets
 * as the official code, without its eps. `mean` divides by the elements kept. Source: Ridnik et al. 2021.
 *
 * @param input - Logits of any shape.
 * @param target - Probabilities in [0, 1] of the same shape.
 * @param options - `gammaPos` (1), `gammaNeg` (4), `clip` (0.05), `detachWeights` (true: the focusing weights are constants in the
 * gradient), `ignoreValue`, `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for targets outside [0, 1] and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { asymmetric } from 'lossmith';
 * asymmetric([[2, -1]], [[1, 0]]).loss; // => 0.00784899
 */
export const asymmetric: Loss<AsymmetricTypes> = /* @__PURE__ */ makeLoss(losses.asymmetric, runtime);

/**
 * Logistic loss of scores: w·log(1 + e^(−y·x)) for targets ±1, without overflow.
 *
 * `mean` divides by the number of elements, never by weights. Source: PyTorch, torch.nn.functional.soft_margin_loss.
 *
 * @param input - Scores of any shape.
 * @param target - −1 or 1, of the same shape.
 * @param options - `weight` (a number, or a tensor that broadcasts), `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for targets other than ±1 and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { softMargin } from 'lossmith';
 * softMargin([2, -1], [1, 1]).loss; // => 0.720095
 */
export const softMargin: Loss<SoftMarginTypes> = /* @__PURE__ */ makeLoss(losses.softMargin, runtime);

/**
 * Hinge loss of scores: max(0, margin − y·x), or its square, for targets ±1 or 0/1 (0 counts as −1).
 *
 * `mean` divides by the elements that are not ignored, never by weights. At the kink the gradient is 0.
 * Source: Cortes & Vapnik 1995.
 *
 * @param input - Scores of any shape.
 * @param target - −1, 0 or 1, of the same shape.
 * @param options - `margin` (1), `squared` (false), `weight` and `posWeight` (numbers, or tensors that broadcast), `ignoreValue`
 * (compared with the raw target), `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for other targets and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { hinge } from 'lossmith';
 * hinge([0.3, -2], [1, 0]).loss; // => 0.35
 */
export const hinge: Loss<HingeTypes> = /* @__PURE__ */ makeLoss(losses.hinge, runtime);
