// The linear forms of propensity-scored losses: the loss's own, and what positives cost beside it, whose logits alone are computed
// one by one.

import { internals as lib } from '../index.ts';
import type { LinearParameters } from '../values/linear.ts';
import type { TensorInput } from '../values/types.ts';
import type { Base, Extra, LayerGradients, Logits, Scored } from './propensityExtra.ts';
import { formsOf } from './propensityForms.ts';

type Operand = ReturnType<typeof lib.readOperand>;

/** A layer over features, value by value. */
interface Layer extends Logits {
  readonly features: Operand;
  readonly weight: Operand;
  readonly depth: number;
  readonly columns: number;
}

/** Reads a layer; undefined where shapes do not fit, which the loss itself will say. */
function layerOf(
  name: string,
  features: TensorInput,
  parameters: LinearParameters,
  outputs: unknown,
): Layer | undefined {
  const input = lib.readOperand(features, `${name}: features`, true);
  const [rows, depth, ...more] = input.shape ?? [];
  if (rows === undefined || depth === undefined || more.length > 0) return undefined;
  if (typeof parameters !== 'object' || parameters === null || parameters.weight === undefined) return undefined;
  const weight = lib.readOperand(parameters.weight, `${name}: weight`, true);
  const given = Array.isArray(outputs) || lib.isTyped(outputs) ? Array.from(outputs as number[], Number) : undefined;
  const own = given ?? weight.shape?.slice(0, 1);
  if (own === undefined) return undefined;
  const columns = lib.sizeOf(own);
  if (weight.length !== columns * depth) return undefined;
  const { bias } = parameters;
  const added = bias === undefined || bias === null ? undefined : lib.readOperand(bias, `${name}: bias`, true);
  if (added && added.length !== columns) return undefined;
  const at = (place: number): number => {
    const [row, column] = [Math.floor(place / columns) * depth, place % columns];
    const [x, w] = [input.data, weight.data];
    let sum = added ? Number(added.data[column]) : 0;
    for (let d = 0; d < depth; d++) sum += Number(x[row + d]) * Number(w[column * depth + d]);
    return sum;
  };
  return { shape: [rows, ...own], at, features: input, weight, depth, columns };
}

/** Adds the slopes of the positives to the gradients of a layer, each times a factor. */
function addSlopes(
  grad: LayerGradients,
  { places, slopes }: Extra,
  layer: Layer,
  factor: (at: number) => number,
): void {
  const { depth, columns } = layer;
  const [features, weight] = [layer.features.data, layer.weight.data]; // as they lie by now
  const add = (to: Float32Array, at: number, value: number): void => {
    to[at] = lib.real((to[at] as number) + value);
  };
  for (const [i, place] of places.entries()) {
    const [row, column] = [Math.floor(place / columns), place % columns];
    const slope = factor(place) * (slopes[i] as number);
    if (grad.bias) add(grad.bias.data, column, slope);
    for (let d = 0; d < depth; d++) {
      const [f, w] = [row * depth + d, column * depth + d];
      if (grad.weight) add(grad.weight.data, w, slope * Number(features[f]));
      if (grad.input) add(grad.input.data, f, slope * Number(weight[w]));
    }
  }
}

/** The linear forms of a propensity-scored loss. */
export function linearOf({ name: own, linear }: Base, scored: Scored) {
  const name = `${own}.linear`;
  const forms = formsOf(linear, scored, {
    name,
    count: 2,
    look: ([features, parameters], target, given) => {
      const layer = layerOf(name, features, parameters, given.outputs);
      const extra = layer && scored.extraOf(layer, target, given);
      return extra && { extra, add: (grad, factor) => addSlopes(grad, extra, layer, factor) };
    },
  });
  return Object.freeze(forms);
}
