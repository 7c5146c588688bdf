// The linear layer, on the default engine.

import { makeLinear } from '../api/linear.ts';
import { runtime } from '../api/shared.ts';

/**
 * A linear layer: logits = features·weightᵀ + bias, for prediction. `linear.backward(gradOutput, features, { weight, bias })` gives
 * the gradients `{ weight, bias, input }`, for those who put something between layer and loss; training needs neither: every
 * loss has a form `linear` that does both without ever holding the logits.
 *
 * Sums go over features in a fixed order; the error is at most 2^-24·√D times Σ |feature·weight|. Source: PyTorch's Linear.
 *
 * @param features - [N, D].
 * @param parameters - `{ weight, bias }`: [C, D], and [C] or none.
 * @param options - `outputs` (the shape of a row of logits where it has more than one axis), `out`.
 * @returns Logits [N, C], or [N, …outputs].
 * @throws RangeError for shapes that do not fit and an `out` that overlaps; TypeError for the wrong kind.
 * @example
 * import { linear } from 'lossmith';
 * linear([[1, 2]], { weight: [[3, 4], [5, 6]], bias: [0.5, 0] }).data[0]; // => 11.5
 */
export const linear = /* @__PURE__ */ makeLinear(runtime);
