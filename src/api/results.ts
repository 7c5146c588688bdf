// What the forms return, and the types that losses differ in.

import type { OperationRecord, OptionsOf } from '../losses/record.ts';
import type { ComponentLosses, SparseTarget, Tensor, TensorInput, VarianceGradient } from '../values/types.ts';
import type { Work } from '../work/work.ts';

/** The name of a second input. */
type SecondOf<R extends OperationRecord> = R extends { second: infer S extends string }
  ? S extends keyof R['options']
    ? never
    : S
  : never;

/** One for each input where there are two, by name. */
type Pair<R extends OperationRecord, T> = [SecondOf<R>] extends [never]
  ? T
  : { readonly [N in R['names'][0] | SecondOf<R>]: T };

/** The types that the loss of a record differs in. */
export interface TypesOf<R extends OperationRecord> {
  options: OptionsOf<R>;
  input: Pair<R, TensorInput>;
  target: R['target'] extends 'sets' | 'labels' ? TensorInput | SparseTarget : TensorInput;
  grad: Pair<R, Tensor>;
  out: Pair<R, Tensor | Float32Array>;
  extra: R['options'] extends { components: unknown } ? ComponentLosses : unknown;
  side: R['options'] extends { variance: unknown } ? VarianceGradient : unknown;
}

/** A gradient, or one for each input by name. */
export type Gradient = Tensor | Readonly<Record<string, Tensor>>;

/** The gradients of a work: `grad`, and `grad…` of an option with a gradient. */
export function gradientsOf(work: Work): { grad: Gradient | undefined; [name: string]: Gradient | undefined } {
  const { second: name, options, names } = work.call.record;
  const { second, gradients } = work;
  const grad = gradients ?? work.grad;
  if (name === undefined || second === undefined) return { grad };
  if (name in options) return { grad, [`grad${name.charAt(0).toUpperCase()}${name.slice(1)}`]: second };
  return { grad: { [names[0]]: grad as Tensor, [name]: second } };
}

/** The results of a work, with the gradients where those were wanted. */
export function resultsOf(work: Work, wanted: boolean): object {
  const { loss, parts, sums, second } = work;
  const { sum, sideSum, count, weightSum } = sums;
  // what most calls return; engines take longer to put an object together out of others
  if (wanted && !second && !parts && !work.sides)
    return { loss, grad: work.gradients ?? work.grad, sum: sum + sideSum, count, weightSum };
  return {
    loss,
    ...(wanted && gradientsOf(work)),
    sum: sum + sideSum,
    count,
    weightSum,
    ...(work.sides && { zSum: sideSum }),
    ...(parts && { componentLosses: parts }),
  };
}
