// Losses of several tasks together.

import { makeUncertainty } from '../api/uncertainty.ts';

export type { UncertaintyResult } from '../api/uncertainty.ts';

/**
 * Losses of several tasks, weighted by learned uncertainties: Σ ½·e^(−s)·L + ½·s, s = log σ² of each task.
 *
 * Source: Kendall, Gal & Cipolla 2018 (the form for regression). No losses at all cost 0.
 *
 * @param losses - The losses L, a number per task.
 * @param s - The logarithm of each task's variance, of the same shape.
 * @returns `{ loss, gradLosses, gradS }`: gradients with respect to the losses (½·e^(−s)) and to s (½ − ½·e^(−s)·L).
 * @throws RangeError for unequal shapes; TypeError for the wrong kind.
 * @example
 * import { uncertaintyWeighted } from 'lossmith';
 * const { loss, gradS } = uncertaintyWeighted([2, 0.5], [0, 1]);
 * loss; // => 1.59197
 * gradS.data[0]; // => -0.5
 */
export const uncertaintyWeighted = /* @__PURE__ */ makeUncertainty();
