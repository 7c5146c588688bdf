/** Types shared by the float64 reference losses. Everything here is plain data in doubles. */

/** A row-major tensor in float64. Index targets are written as whole numbers in it. */
export interface Tensor64 {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

export type Reduction = 'mean' | 'sum' | 'none' | 'batchmean';

export interface ReferenceInputs {
  /** Logits, or the prediction of a regression loss. */
  readonly input: Tensor64;
  /** Class indices (no class axis), probabilities or values (the input's shape). Activations take none. */
  readonly target?: Tensor64 | undefined;
}

/** The options of all reference losses; each reads those that concern it. Names and defaults are the library's. */
export interface ReferenceOptions {
  readonly reduction?: Reduction | undefined;
  readonly axis?: number | undefined;
  /** Upstream gradient: a number, or a tensor shaped like the loss. Default 1. */
  readonly gradOutput?: number | Tensor64 | undefined;
  readonly scale?: number | undefined;
  readonly emptyMean?: 'nan' | 'zero' | undefined;
  /** Class weights [C] (cross entropy), element weights (bce: broadcast, mse: the input's shape). */
  readonly weight?: number | Tensor64 | undefined;
  readonly sampleWeight?: Tensor64 | undefined;
  readonly ignoreIndex?: number | undefined;
  readonly labels?: readonly number[] | undefined;
  readonly labelSmoothing?: number | undefined;
  readonly zLoss?: number | undefined;
  readonly posWeight?: number | Tensor64 | undefined;
  readonly ignoreValue?: number | undefined;
  readonly components?: readonly (readonly number[])[] | undefined;
  readonly weights?: readonly number[] | undefined;
  readonly jointWeight?: number | undefined;
}

export interface ReferenceResult {
  /** Shape [] when reduced; for an activation its forward output. */
  readonly loss: Tensor64;
  /** Gradient with respect to the input, upstream gradient and scale applied. */
  readonly grad: Tensor64;
  /** The numerator: all weighted terms added up. */
  readonly sum: number;
  /** Samples or elements that were not ignored. */
  readonly count: number;
  /** The denominator of reduction 'mean', whichever reduction was asked for. */
  readonly weightSum: number;
  readonly componentLosses?: Tensor64;
}

export type ReferenceFunction = (inputs: ReferenceInputs, options: ReferenceOptions) => ReferenceResult;

/** A tensor from any list of numbers; without a shape it is 1-D. */
export function tensor64(source: ArrayLike<number>, shape: readonly number[] = [source.length]): Tensor64 {
  return { data: Float64Array.from(source), shape };
}
