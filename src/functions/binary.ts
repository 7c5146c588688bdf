// Losses of one yes/no question per element, on the default engine.

import { makeLoss } from '../api/loss.ts';
import { runtime } from '../api/shared.ts';
import * as losses from '../losses/binary.ts';

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
export const bceWithLogits = /* @__PURE__ */ makeLoss(losses.bceWithLogits, runtime);
