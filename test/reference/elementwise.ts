import { broadcastTo } from './layout.ts';
import { sigmoid, softplus, sumOf } from './numeric.ts';
import { reducerOf } from './reduce.ts';
import type { ReferenceInputs, ReferenceOptions, ReferenceResult, Tensor64 } from './types.ts';

interface Element {
  readonly value: number;
  readonly slope: number;
}

function pair(name: string, inputs: ReferenceInputs): { input: Tensor64; target: Tensor64 } {
  const { input, target } = inputs;
  if (target === undefined || target.data.length !== input.data.length) throw new RangeError(`${name}: target`);
  return { input, target };
}

/** Reduces elements; `weights[i]` is what element i adds to the denominator, and `undefined` marks an ignored one. */
function reduceElements(
  input: Tensor64,
  options: ReferenceOptions,
  elements: readonly (Element | undefined)[],
  weights: ArrayLike<number>,
): ReferenceResult {
  const weightSum = sumOf(elements.map((element, i) => (element === undefined ? 0 : weights[i]!)));
  const reducer = reducerOf(options, input.shape, input.shape[0] ?? 1);
  const values = Float64Array.from(elements, (element) => element?.value ?? 0);
  const grad = Float64Array.from(elements, (element, i) => {
    const up = reducer.upstream(i, weightSum);
    return element === undefined || up === 0 ? 0 : up * element.slope;
  });
  return {
    loss: reducer.loss(values, weightSum),
    grad: { data: grad, shape: input.shape },
    sum: sumOf(values),
    count: elements.filter((element) => element !== undefined).length,
    weightSum,
  };
}

const product = (mass: number, value: number): number => (mass === 0 ? 0 : mass * value);

/**
 * Binary cross entropy on logits (torch.nn.functional.binary_cross_entropy_with_logits):
 *   l = w [ pw y' softplus(-x) + (1-y') softplus(x) ],  dl/dx = w [ (1-y') sigmoid(x) - pw y' sigmoid(-x) ]
 * with y' = (1-e) y + e/2. A zero mass skips its term, so an infinite logit that agrees with its target costs 0.
 * `ignoreValue` (NaN too) is compared before smoothing. Mean divides by the number of elements not ignored.
 */
export function bceWithLogits(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const { input, target } = pair('bceWithLogits', inputs);
  const { weight = 1, posWeight = 1, labelSmoothing = 0, ignoreValue } = options;
  const w = broadcastTo(weight, input.shape);
  const pw = broadcastTo(posWeight, input.shape);
  const ignored = (y: number): boolean =>
    ignoreValue !== undefined && (y === ignoreValue || (Number.isNaN(y) && Number.isNaN(ignoreValue)));
  const elements = Array.from(input.data, (x, i): Element | undefined => {
    const y = target.data[i]!;
    if (ignored(y)) return undefined;
    const positive = w[i]! * pw[i]! * ((1 - labelSmoothing) * y + labelSmoothing / 2);
    const negative = w[i]! * ((1 - labelSmoothing) * (1 - y) + labelSmoothing / 2);
    return {
      value: product(positive, softplus(-x)) + product(negative, softplus(x)),
      slope: product(negative, sigmoid(x)) - product(positive, sigmoid(-x)),
    };
  });
  return reduceElements(input, options, elements, new Float64Array(elements.length).fill(1));
}

/**
 * Squared error w (x-y)², gradient 2 w (x-y) (torch.nn.functional.mse_loss, with the `weight` of torch 2.x).
 * Mean divides by Σ w, the number of elements without weights.
 */
export function mse(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const { input, target } = pair('mse', inputs);
  const w = broadcastTo(options.weight ?? 1, input.shape);
  const elements = Array.from(input.data, (x, i): Element => {
    const difference = x - target.data[i]!;
    return { value: product(w[i]!, difference * difference), slope: product(w[i]!, 2 * difference) };
  });
  return reduceElements(input, options, elements, w);
}
