// Activations, on the default engine.

import { makeActivation } from '../api/loss.ts';
import { runtime } from '../api/shared.ts';
import type {
  LogSigmoidOptions,
  LogSoftmaxOptions,
  SigmoidOptions,
  SoftmaxOptions,
} from '../generated/declarations.ts';
import * as activations from '../losses/activations.ts';
import type { Activation } from '../values/types.ts';

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
export const softmax: Activation<SoftmaxOptions> = /* @__PURE__ */ makeActivation(activations.softmax, runtime);

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
export const logSoftmax: Activation<LogSoftmaxOptions> = /* @__PURE__ */ makeActivation(
  activations.logSoftmax,
  runtime,
);

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
export const sigmoid: Activation<SigmoidOptions> = /* @__PURE__ */ makeActivation(activations.sigmoid, runtime);

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
export const logSigmoid: Activation<LogSigmoidOptions> = /* @__PURE__ */ makeActivation(
  activations.logSigmoid,
  runtime,
);
