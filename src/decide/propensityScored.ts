// The unbiased propensity-scored loss, out of the loss itself: a positive costs ℓ⁺/p + (1 − 1/p)·ℓ⁻, so beside the loss with
// posWeight 1/p there is a term (1 − 1/p)·ℓ⁻ for each positive, of which there are few. They are gathered, computed by the
// loss's own kernel, and added where they belong.

import { PROPENSITY, readRow } from '../entries/options.ts';
import type { BceWithLogitsOptions, bceWithLogits, HingeOptions, hinge } from '../index.ts';
import { internals as lib } from '../index.ts';
import type { Loss, SparseTarget, Tensor, TensorInput } from '../values/types.ts';
import { type Base, type Extra, Scored } from './propensityExtra.ts';
import { formsOf } from './propensityForms.ts';
import { linearOf } from './propensityLinear.ts';

/** What no option of a propensity-scored loss may set: propensities take the place of the one, targets are 0 or 1. */
type Taken = 'posWeight' | 'labelSmoothing';

interface Shapes<O, T> {
  options: Omit<O, Taken>;
  input: TensorInput;
  target: T;
  grad: Tensor;
  out: Tensor | Float32Array;
  extra: unknown;
  side: unknown;
}

/** A loss of one yes/no question per element that propensities can score. */
export type PropensityBase = typeof bceWithLogits | typeof hinge;

/** The propensity-scored form of a loss. */
export type PropensityScored<L extends PropensityBase> = L extends typeof bceWithLogits
  ? Loss<Shapes<BceWithLogitsOptions, TensorInput | SparseTarget>>
  : Loss<Shapes<HingeOptions, TensorInput>>;

function scoredOf(base: Base, p: Float64Array) {
  const scored = new Scored(base, p);
  const forms = formsOf(base, scored, {
    name: base.name,
    count: 1,
    look: ([input], target, given) => {
      const extra = scored.extra(input, target, given);
      return extra && { extra, add: (grad, factor) => addSlopes(grad, extra, factor) };
    },
  });
  return Object.freeze(Object.assign(forms, { linear: linearOf(base, scored) }));
}

/** Adds the slopes of the positives to a gradient, each times a factor. */
function addSlopes({ data }: Tensor, { places, slopes }: Extra, factor: (at: number) => number): void {
  for (const [i, at] of places.entries())
    data[at] = lib.real((data[at] as number) + factor(at) * (slopes[i] as number));
}

/**
 * The unbiased loss for labels that are missing with known propensities: where y is 1 it is ℓ⁺/p + (1 − 1/p)·ℓ⁻, where it is 0 it
 * is ℓ⁻; ℓ⁺ and ℓ⁻ are the loss of a positive and of a negative. On average over what is missing it is the loss of the complete
 * labels.
 *
 * For `bceWithLogits` it is unbounded below (its slope is −σ(−x) − (1/p − 1) however large x is), so use it to measure; to train,
 * take `propensityWeights`, whose bounds are safe. Sources: Jain, Prabhu & Varma 2016; Qaraei et al. 2021.
 *
 * @param loss - `bceWithLogits` or `hinge`, of this module or of an engine.
 * @param p - Propensities [L], one for each column of the last axis.
 * @returns A loss with the same forms and options but `posWeight` and `labelSmoothing`. Targets are 0 or 1 (for `hinge` −1 too), or
 * of `bceWithLogits` sparse positives.
 * @throws TypeError for another loss and for the two options; RangeError for a propensity outside (0, 1], and at a call for targets
 * between 0 and 1.
 * @example
 * import { bceWithLogits } from 'lossmith';
 * import { propensities, propensityScored } from 'lossmith/decide';
 * const scored = propensityScored(bceWithLogits, propensities([1, 10, 500], 1000));
 * const { loss } = scored([[0.1, -0.4, 2]], [[1, 0, 1]], { reduction: 'sum' });
 * loss; // => 0.053578
 */
export const propensityScored: <L extends PropensityBase>(loss: L, p: TensorInput) => PropensityScored<L> =
  /* @__PURE__ */ lib.guard(<L extends PropensityBase>(loss: L, p: TensorInput): PropensityScored<L> => {
    const name = 'propensityScored';
    if (typeof loss !== 'function' || !['bceWithLogits', 'hinge'].includes(loss.name)) {
      const got = typeof loss === 'function' ? `the function ${(loss as { name: string }).name}` : lib.describe(loss);
      throw new TypeError(`${name}: loss is ${got}, expected bceWithLogits or hinge`);
    }
    const own = readRow(p, `${name}: p`, PROPENSITY);
    // the overloads of Loss tie result types to the reduction, which the shared code above cannot follow
    return scoredOf(loss as unknown as Base, own) as unknown as PropensityScored<L>;
  });
