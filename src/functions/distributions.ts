// Losses of rows whose targets are distributions, masses or many labels, on the default engine.

import { makeLoss } from '../api/loss.ts';
import { runtime } from '../api/shared.ts';
import type {
  AbsKlDivTypes,
  DiceTypes,
  FactorizedMultiLabelTypes,
  JsDivTypes,
  MultiLabelSoftMarginTypes,
  TverskyTypes,
} from '../generated/declarations.ts';
import * as losses from '../losses/distributions.ts';
import type { Loss } from '../values/types.ts';

/**
 * Jensen-Shannon divergence of softmax(x) and y, natural logarithm, y as given (not normalised).
 *
 * `mean` divides by the samples. Source: Lin 1991.
 *
 * @param input - Logits, shaped as for crossEntropy.
 * @param target - Probabilities, or masses of 0 or more, of the logits' shape.
 * @param options - `axis` (1; 0 for 1-D), `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for negative targets and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { jsDiv } from 'lossmith';
 * jsDiv([[2.1, 0.3, -1.0]], [[0.7, 0.2, 0.1]]).loss; // => 0.0130733
 */
export const jsDiv: Loss<JsDivTypes> = /* @__PURE__ */ makeLoss(losses.jsDiv, runtime);

/**
 * Σ |P − Q|·|log(P/Q)| of masses, Jeffreys' divergence, both clipped from below at 1e-7. The loss of a row is the sum along the
 * last axis, and `mean` divides by rows.
 *
 * @param input - Masses Q, rows along the last axis.
 * @param target - Masses P, of the same shape.
 * @param options - `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for unequal shapes; TypeError for the wrong kind.
 * @example
 * import { absKlDiv } from 'lossmith';
 * absKlDiv([[0.5, 0.25]], [[1, 0.25]]).loss; // => 0.346574
 */
export const absKlDiv: Loss<AbsKlDivTypes> = /* @__PURE__ */ makeLoss(losses.absKlDiv, runtime);

/**
 * Binary cross entropy of many labels, averaged over the labels of a row: one loss per row.
 *
 * `mean` divides by rows. Source: PyTorch, torch.nn.functional.multilabel_soft_margin_loss.
 *
 * @param input - Logits […, C].
 * @param target - Probabilities in [0, 1], of the same shape; usually 0 or 1.
 * @param options - `weight` [C], `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for targets outside [0, 1] and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { multiLabelSoftMargin } from 'lossmith';
 * multiLabelSoftMargin([[1, 2], [-1, 3]], [[1, 0], [0, 1]]).loss; // => 0.70051
 */
export const multiLabelSoftMargin: Loss<MultiLabelSoftMarginTypes> = /* @__PURE__ */ makeLoss(
  losses.multiLabelSoftMargin,
  runtime,
);

/**
 * Labels as their number times a distribution: KL(y/Y ‖ softmax(logits)) + μ·(max(z, 0.01) − Y)², Y = Σ y of a row.
 *
 * A row without labels costs its number alone. `mean` divides by rows.
 *
 * @param input - `{ logits, z }`: logits […, C], and z […], the number of labels of each row.
 * @param target - 0 or 1 for each label, of the logits' shape.
 * @param options - `mu` (1), `reduction` ('mean'), `out` (`{ logits, z }`), `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`; `grad` is `{ logits, z }`.
 * @throws RangeError for targets outside [0, 1] and shapes that do not fit; TypeError for the wrong kind.
 * @example
 * import { factorizedMultiLabel } from 'lossmith';
 * const { grad } = factorizedMultiLabel({ logits: [[1, 2, 3]], z: [1.5] }, [[0, 1, 1]]);
 * grad.z.data[0]; // => -1
 */
export const factorizedMultiLabel: Loss<FactorizedMultiLabelTypes> = /* @__PURE__ */ makeLoss(
  losses.factorizedMultiLabel,
  runtime,
);

/**
 * Dice loss: 1 − (2·Σ p·y + s)/(Σ p + Σ y + s) for each sample and class, sums over the positions.
 *
 * `mean` divides by the number of ratios, whatever was ignored; 0/0 is ratio 1. Source: Sudre et al. 2017.
 *
 * @param input - Logits [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C].
 * @param target - Class indices (the logits' shape without the class axis) or probabilities (the logits' shape).
 * @param options - `activation` ('softmax'; 'sigmoid', 'none'), `smooth` (1), `per` ('sample'; 'batch': sums over samples too),
 * `ignoreIndex` (-100), `axis` (1; 0 for 1-D), `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`; for 'none' the loss is [N, C], or [C] per batch.
 * @throws RangeError for a target that is no class and shapes that do not fit; TypeError for the wrong kind.
 * @example
 * import { dice } from 'lossmith';
 * dice([[[2, -1], [0, 1]]], [[0, 1]]).loss; // => 0.0794686
 */
export const dice: Loss<DiceTypes> = /* @__PURE__ */ makeLoss(losses.dice, runtime);

/**
 * Tversky loss: 1 − (TP + s)/(TP + α·FP + β·FN + s) for each sample and class, sums over the positions.
 *
 * α = β = ½ is dice with twice the smoothing. `mean` divides by the number of ratios; 0/0 is ratio 1.
 * Source: Salehi et al. 2017.
 *
 * @param input - Logits [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C].
 * @param target - Class indices (the logits' shape without the class axis) or probabilities (the logits' shape).
 * @param options - `alpha` (0.5), `beta` (0.5), `activation` ('softmax'; 'sigmoid', 'none'), `smooth` (1), `per` ('sample'; 'batch'),
 * `ignoreIndex` (-100), `axis` (1; 0 for 1-D), `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`; for 'none' the loss is [N, C], or [C] per batch.
 * @throws RangeError for a target that is no class and shapes that do not fit; TypeError for the wrong kind.
 * @example
 * import { tversky } from 'lossmith';
 * tversky([[[2, -1], [0, 1]]], [[0, 1]], { alpha: 0.3, beta: 0.7 }).loss; // => 0.0596015
 */
export const tversky: Loss<TverskyTypes> = /* @__PURE__ */ makeLoss(losses.tversky, runtime);
