// Losses of two numbers per element, on the default engine.

import { makeLoss } from '../api/loss.ts';
import { runtime } from '../api/shared.ts';
import type {
  GaussianNllTypes,
  GeneralizedKlDivTypes,
  HuberTypes,
  KlDivTypes,
  L1Types,
  LogCoshTypes,
  MseTypes,
  PoissonNllTypes,
  QuantileTypes,
  SmoothL1Types,
} from '../generated/declarations.ts';
import * as losses from '../losses/regression.ts';
import type { Loss } from '../values/types.ts';

/**
 * Squared error w·(x − y)².
 *
 * `mean` divides by the number of elements, or by the sum of the weights. Shapes must be equal: nothing broadcasts.
 * Source: PyTorch, torch.nn.functional.mse_loss.
 *
 * @param input - Predictions of any shape.
 * @param target - Values of the same shape.
 * @param options - `weight` (of the same shape), `ignoreValue` (a target value that marks a missing one, NaN allowed), `reduction`
 * ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for unequal shapes; TypeError for the wrong kind of argument and for unknown options.
 * @example
 * import { mse } from 'lossmith';
 * const { loss, grad } = mse([1, 2, 4], [1, 1, 1]);
 * loss; // => 3.33333
 * grad.data[2]; // => 2
 */
export const mse: Loss<MseTypes> = /* @__PURE__ */ makeLoss(losses.mse, runtime);

/**
 * Absolute error w·|x − y|; at equality the gradient is 0.
 *
 * `mean` divides by the number of elements, or by the sum of the weights. Source: PyTorch, torch.nn.functional.l1_loss.
 *
 * @param input - Predictions of any shape.
 * @param target - Values of the same shape.
 * @param options - `weight` (of the same shape), `ignoreValue`, `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for unequal shapes; TypeError for the wrong kind.
 * @example
 * import { l1 } from 'lossmith';
 * l1([1, 2, 4], [1, 1, 1]).loss; // => 1.33333
 */
export const l1: Loss<L1Types> = /* @__PURE__ */ makeLoss(losses.l1, runtime);

/**
 * Logarithm of the hyperbolic cosine of the error, w·log cosh(x − y): squared near 0, absolute far away.
 *
 * `mean` divides by the number of elements, or by the sum of the weights. Source: Keras.
 *
 * @param input - Predictions of any shape.
 * @param target - Values of the same shape.
 * @param options - `weight` (of the same shape), `ignoreValue`, `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for unequal shapes; TypeError for the wrong kind.
 * @example
 * import { logCosh } from 'lossmith';
 * logCosh([1, 2, 4], [1, 1, 1]).loss; // => 0.91437
 */
export const logCosh: Loss<LogCoshTypes> = /* @__PURE__ */ makeLoss(losses.logCosh, runtime);

/**
 * Smooth absolute error: (x − y)²/(2β) where |x − y| is below β, |x − y| − β/2 elsewhere.
 *
 * `mean` divides by the number of elements, or by the sum of the weights. Source: PyTorch, torch.nn.functional.smooth_l1_loss.
 *
 * @param input - Predictions of any shape.
 * @param target - Values of the same shape.
 * @param options - `beta` (1; 0 is l1), `weight` (of the same shape), `ignoreValue`, `reduction` ('mean'), `out`, `scale` (1),
 * `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for a negative beta and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { smoothL1 } from 'lossmith';
 * smoothL1([1, 1.5, 4], [1, 1, 1]).loss; // => 0.875
 */
export const smoothL1: Loss<SmoothL1Types> = /* @__PURE__ */ makeLoss(losses.smoothL1, runtime);

/**
 * Huber loss: (x − y)²/2 where |x − y| is at most δ, δ·(|x − y| − δ/2) elsewhere.
 *
 * `mean` divides by the number of elements, or by the sum of the weights. Source: PyTorch, torch.nn.functional.huber_loss.
 *
 * @param input - Predictions of any shape.
 * @param target - Values of the same shape.
 * @param options - `delta` (1), `weight` (of the same shape), `ignoreValue`, `reduction` ('mean'), `out`, `scale` (1), `emptyMean`
 * ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for a delta that is not above 0 and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { huber } from 'lossmith';
 * huber([1, 1.5, 4], [1, 1, 1], { delta: 2 }).loss; // => 1.375
 */
export const huber: Loss<HuberTypes> = /* @__PURE__ */ makeLoss(losses.huber, runtime);

/**
 * Quantile (pinball) loss: max(q·u, (q − 1)·u), u = y − x; at equality the gradient is 0.
 *
 * `mean` divides by the number of elements, or by the sum of the weights. Source: Koenker & Bassett 1978.
 *
 * @param input - Predictions of any shape.
 * @param target - Values of the same shape.
 * @param options - `q` (0.5), `weight` (of the same shape), `ignoreValue`, `reduction` ('mean'), `out`, `scale` (1), `emptyMean`
 * ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for q outside [0, 1] and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { quantile } from 'lossmith';
 * quantile([1, 2], [3, 1], { q: 0.9 }).loss; // => 0.95
 */
export const quantile: Loss<QuantileTypes> = /* @__PURE__ */ makeLoss(losses.quantile, runtime);

/**
 * Poisson negative log-likelihood: e^x − y·x of log-rates, or x − y·log(x + eps) of rates.
 *
 * `mean` divides by the number of elements. Source: PyTorch, torch.nn.functional.poisson_nll_loss.
 *
 * @param input - Log-rates (or with `logInput: false` rates) of any shape.
 * @param target - Counts of 0 or more, of the same shape; they need not be whole.
 * @param options - `logInput` (true), `full` (false: true adds Stirling's term of targets above 1), `eps` (1e-8), `reduction`
 * ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for negative counts and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { poissonNll } from 'lossmith';
 * poissonNll([0, 1], [1, 2]).loss; // => 0.859141
 */
export const poissonNll: Loss<PoissonNllTypes> = /* @__PURE__ */ makeLoss(losses.poissonNll, runtime);

/**
 * Gaussian negative log-likelihood: ½·(log v + (x − y)²/v), v = max(variance, eps).
 *
 * `mean` divides by the number of elements. The gradient of the variance is not masked below eps, as in PyTorch.
 * Source: PyTorch, torch.nn.functional.gaussian_nll_loss.
 *
 * @param input - Means of any shape.
 * @param target - Values of the same shape.
 * @param options - `variance` (required: a number, or a tensor of the input's shape, of that without its last axis, or with a last
 * axis of 1), `full` (false: true adds ½·log 2π), `eps` (1e-6), `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, gradVariance, sum, count, weightSum }`; gradVariance in the variance's own shape, none for a number.
 * @throws RangeError for a negative variance and unequal shapes; TypeError for a missing variance and the wrong kind.
 * @example
 * import { gaussianNll } from 'lossmith';
 * const { loss, gradVariance } = gaussianNll([[1, 2]], [[1, 4]], { variance: [[1, 4]] });
 * loss; // => 0.596574
 * gradVariance?.data[1]; // => 0
 */
export const gaussianNll: Loss<GaussianNllTypes> = /* @__PURE__ */ makeLoss(losses.gaussianNll, runtime);

/**
 * Kullback-Leibler divergence of log-probabilities, element by element: y·(log y − x).
 *
 * `mean` divides by the number of elements, as PyTorch's; 'batchmean' is the divergence. A mass of 0 costs 0.
 * Source: PyTorch, torch.nn.functional.kl_div.
 *
 * @param input - Log-probabilities of any shape.
 * @param target - Probabilities of the same shape, or with `logTarget: true` their logarithms.
 * @param options - `logTarget` (false), `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for unequal shapes; TypeError for the wrong kind.
 * @example
 * import { klDiv } from 'lossmith';
 * klDiv([[-0.5, -1]], [[0.6, 0.4]], { reduction: 'batchmean' }).loss; // => 0.0269884
 */
export const klDiv: Loss<KlDivTypes> = /* @__PURE__ */ makeLoss(losses.klDiv, runtime);

/**
 * Kullback-Leibler divergence of masses that need not add up to 1, element by element: y·(log y − x) − y + e^x.
 *
 * `mean` divides by the number of elements. Source: Optax, generalized_kl_divergence.
 *
 * @param input - Log-rates of any shape.
 * @param target - Masses of 0 or more, of the same shape.
 * @param options - `reduction` ('mean'), `out`, `scale` (1), `emptyMean` ('nan').
 * @returns `{ loss, grad, sum, count, weightSum }`.
 * @throws RangeError for negative masses and unequal shapes; TypeError for the wrong kind.
 * @example
 * import { generalizedKlDiv } from 'lossmith';
 * generalizedKlDiv([0, 1], [1, 2]).loss; // => 0.0522881
 */
export const generalizedKlDiv: Loss<GeneralizedKlDivTypes> = /* @__PURE__ */ makeLoss(losses.generalizedKlDiv, runtime);
