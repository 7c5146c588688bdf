// Losses of the difference between two numbers, on the default engine.

import { makeLoss } from '../api/loss.ts';
import { runtime } from '../api/shared.ts';
import * as losses from '../losses/regression.ts';

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
export const mse = /* @__PURE__ */ makeLoss(losses.mse, runtime);
