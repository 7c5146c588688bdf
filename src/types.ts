// The public types. Shapes in brackets: N samples, C classes, d further axes.

/** Every typed array that can hold numbers. */
export type NumericArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** Numbers in nested arrays; each level is an axis. */
export type NestedArray = readonly (number | boolean | bigint | NestedArray | NumericArray)[];

/** A row-major tensor as this library makes it. */
export interface Tensor<D extends NumericArray = Float32Array> {
  readonly data: D;
  readonly shape: readonly number[];
}

/** Anything with `data` and `shape`, or `data` and `dims` as ONNX Runtime has it. */
export type TensorLike =
  | { readonly data: NumericArray | readonly (number | boolean | bigint)[]; readonly shape: readonly number[] }
  | { readonly data: NumericArray | readonly (number | boolean | bigint)[]; readonly dims: readonly number[] };

/** What is accepted where a tensor is: a tensor, a typed array, a flat or nested array, a number where it stands for one. */
export type TensorInput = TensorLike | NumericArray | NestedArray | number;

/** How losses become one: `batchmean` divides the sum by the size of the first axis that is not the class axis. */
export type Reduction = 'mean' | 'sum' | 'none' | 'batchmean';

/** Which build of the kernels runs: one lane, four lanes, or four lanes with fused multiply-adds where the CPU has them. */
export type Tier = 'scalar' | 'simd' | 'relaxed';

/** A loss under a reduction: a number, or a tensor for 'none'. */
export type LossOf<R extends Reduction> = R extends 'none' ? Tensor : number;

/** Options that every loss has. */
export interface CommonOptions<R extends Reduction = Reduction> {
  /** Default 'mean'. */
  readonly reduction?: R | undefined;
  /** Receives the gradient; may be the input itself (in place). */
  readonly out?: Tensor | Float32Array | undefined;
  /** Multiplies the gradient (gradient accumulation, loss scaling). Default 1. */
  readonly scale?: number | undefined;
  /** The mean over nothing: NaN as in PyTorch (default) or 0. Its gradient is 0 either way. */
  readonly emptyMean?: 'nan' | 'zero' | undefined;
}

/** What the forward form returns. */
export interface ForwardResult<R extends Reduction = 'mean'> {
  /** A number; a tensor for reduction 'none'. */
  readonly loss: LossOf<R>;
  /** The float64 numerator: the sum of all losses. */
  readonly sum: number;
  /** Samples or elements that were not ignored. */
  readonly count: number;
  /** The denominator of the mean. */
  readonly weightSum: number;
  /** The part of `sum` that is zLoss, whose mean divides by `count`; present where zLoss is used. */
  readonly zSum?: number;
}

/** What the backward form returns. */
export interface BackwardResult {
  /** Shaped like the input: a fresh Float32Array, or `out`. */
  readonly grad: Tensor;
}

/** What a loss returns: loss and gradient of one fused pass. */
export interface FusedResult<R extends Reduction = 'mean'> extends ForwardResult<R>, BackwardResult {}

/** What component losses add to a result. */
export interface ComponentLosses {
  /** Each component's loss, unweighted, reduced like the loss: [M], or [M, …loss shape] for 'none'. */
  readonly componentLosses: Tensor;
}

type Arguments<O> = Record<never, never> extends O ? [options?: O] : [options: O];

/**
 * A loss in its forms: called, it computes loss and gradient in one fused pass; `forward` computes the loss alone,
 * `backward` the gradient for an incoming gradient.
 */
export interface Loss<O, Extra = unknown> {
  <R extends Reduction = 'mean'>(
    input: TensorInput,
    target: TensorInput,
    ...options: Arguments<O & CommonOptions<R>>
  ): FusedResult<R> & Extra;
  /** Loss only; writes no gradient. */
  forward<R extends Reduction = 'mean'>(
    input: TensorInput,
    target: TensorInput,
    ...options: Arguments<O & CommonOptions<R>>
  ): ForwardResult<R> & Extra;
  /** Gradient for `gradOutput`: a number for mean, sum and batchmean, a tensor shaped like the loss for 'none'. */
  backward(
    gradOutput: TensorInput,
    input: TensorInput,
    target: TensorInput,
    ...options: Arguments<O & CommonOptions>
  ): BackwardResult;
}

/** An elementwise or row-wise function with its vector-Jacobian product. */
export interface Activation<O> {
  (input: TensorInput, options?: O): Tensor;
  /** Σ gradOutput·∂output/∂input, shaped like the input. */
  backward(gradOutput: TensorInput, input: TensorInput, options?: O): Tensor;
}
