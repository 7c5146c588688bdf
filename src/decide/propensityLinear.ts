// The linear forms of propensity-scored losses: the loss's own, and what positives cost beside it, whose logits alone are computed
// one by one.

import { internals as lib } from '../index.ts';
import type { LinearParameters } from '../values/linear.ts';
import type { Step, TensorInput } from '../values/types.ts';
import {
  type Base,
  denominatorOf,
  type Extra,
  type Given,
  type LayerGradients,
  type Logits,
  type Scored,
  scaleOf,
  type Target,
  withLosses,
} from './propensityExtra.ts';

/** A layer over features, value by value. */
interface Layer extends Logits {
  readonly features: ArrayLike<number | bigint>;
  readonly weight: ArrayLike<number | bigint>;
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
  const own = Array.isArray(outputs) ? (outputs as number[]) : weight.shape?.slice(0, 1);
  if (own === undefined) return undefined;
  const columns = lib.sizeOf(own);
  if (weight.length !== columns * depth) return undefined;
  const { bias } = parameters;
  const added = bias === undefined || bias === null ? undefined : lib.readOperand(bias, `${name}: bias`, true);
  if (added && added.length !== columns) return undefined;
  const at = (place: number): number => {
    const [row, column] = [Math.floor(place / columns) * depth, place % columns];
    let sum = added ? Number(added.data[column]) : 0;
    for (let d = 0; d < depth; d++) sum += Number(input.data[row + d]) * Number(weight.data[column * depth + d]);
    return sum;
  };
  return { shape: [rows, ...own], at, features: input.data, weight: weight.data, depth, columns };
}

/** Adds the slopes of the positives to the gradients of a layer, each times a factor. */
function addSlopes(grad: LayerGradients, { places, slopes }: Extra, layer: Layer, factor: number): void {
  const { features, weight, depth, columns } = layer;
  const add = (to: Float32Array, at: number, value: number): void => {
    to[at] = (to[at] as number) + value;
  };
  for (const [i, place] of places.entries()) {
    const [row, column] = [Math.floor(place / columns), place % columns];
    const slope = factor * (slopes[i] as number);
    if (grad.bias) add(grad.bias.data, column, slope);
    for (let d = 0; d < depth; d++) {
      const [f, w] = [row * depth + d, column * depth + d];
      if (grad.weight) add(grad.weight.data, w, slope * Number(features[f]));
      if (grad.input) add(grad.input.data, f, slope * Number(weight[w]));
    }
  }
}

/** The linear forms of a propensity-scored loss. */
export function linearOf(base: Base, scored: Scored) {
  const name = `${base.name}.linear`;
  const look = (features: TensorInput, parameters: LinearParameters, target: Target, given: Given) => {
    const layer = layerOf(name, features, parameters, given.outputs);
    const extra = layer && scored.extraOf(layer, target, given);
    return extra && { layer, extra };
  };
  const fused = (features: TensorInput, parameters: LinearParameters, target: Target, given: Given = {}) => {
    const options = scored.options(given);
    const seen = look(features, parameters, target, given);
    const result = base.linear(features, parameters, target, options);
    if (!seen) return result;
    const by = denominatorOf(given, result.weightSum, seen.layer.shape);
    if (by !== 0) addSlopes(result.grad, seen.extra, seen.layer, scaleOf(given) / by);
    return withLosses(result, seen.extra, given);
  };
  const forward = (features: TensorInput, parameters: LinearParameters, target: Target, given: Given = {}) => {
    const result = base.linear.forward(features, parameters, target, scored.options(given));
    const seen = look(features, parameters, target, given);
    return seen ? withLosses(result, seen.extra, given) : result;
  };
  const backward = (
    gradOutput: TensorInput,
    features: TensorInput,
    parameters: LinearParameters,
    target: Target,
    given: Given = {},
  ) => {
    const options = scored.options(given);
    const seen = look(features, parameters, target, given);
    const { weightSum } = base.linear.forward(features, parameters, target, { ...options, ...BARE });
    const result = base.linear.backward(gradOutput, features, parameters, target, options);
    if (!seen) return result;
    const by = denominatorOf(given, weightSum, seen.layer.shape);
    const incoming = Number(lib.readOperand(gradOutput, `${name}: gradOutput`).data[0]);
    if (by !== 0) addSlopes(result.grad, seen.extra, seen.layer, (incoming * scaleOf(given)) / by);
    return result;
  };
  const prepare = (features: TensorInput, parameters: LinearParameters, target: Target, given: Given = {}) => {
    const inner = base.linear.prepare(features, parameters, target, scored.options(given));
    return stepOf(inner, () => {
      const seen = look(features, parameters, target, given);
      const loss = inner();
      if (!seen) return { loss, sum: inner.sum };
      const by = denominatorOf(given, inner.weightSum, seen.layer.shape);
      if (by !== 0) addSlopes(inner.grad, seen.extra, seen.layer, scaleOf(given) / by);
      const { sum, count, weightSum } = inner;
      return withLosses({ loss, sum, count, weightSum }, seen.extra, given);
    });
  };
  const forms = { forward: lib.guard(forward), backward: lib.guard(backward), prepare: lib.guard(prepare) };
  const all = Object.assign(lib.guard(fused), forms);
  Object.defineProperty(all, 'name', { value: name });
  return Object.freeze(all);
}

/** What a form without gradients takes no part in. */
const BARE = { grads: undefined, out: undefined, accumulate: undefined };

/** A step around the one of the base. */
export function stepOf<L, S extends { sum: number; count: number; weightSum: number; grad: unknown; free(): void }>(
  inner: S,
  run: () => { readonly loss: L; readonly sum: number },
): Step {
  let sum = 0;
  const step = (): L => {
    const result = run();
    sum = result.sum;
    return result.loss;
  };
  const results = {
    grad: { get: () => inner.grad, enumerable: true },
    sum: { get: () => sum, enumerable: true },
    count: { get: () => inner.count, enumerable: true },
    weightSum: { get: () => inner.weightSum, enumerable: true },
    zSum: { get: () => 0, enumerable: true },
  };
  const free = (): void => inner.free();
  const made = Object.defineProperties(Object.assign(lib.guard(step), { free }), results);
  if (Symbol.dispose) Object.defineProperty(made, Symbol.dispose, { value: free });
  return made as unknown as Step; // the properties above are what Step says
}
