// The public types. Shapes in brackets: N samples, C classes, d further axes.

import type { LinearLoss } from './linear.ts';

declare global {
  // known to TypeScript from lib ESNext.Disposable on; declared alike here for users of an older lib
  interface SymbolConstructor {
    readonly dispose: unique symbol;
  }
  // known from lib DOM and from the types of most runtimes; with those they merge
  namespace WebAssembly {
    interface Memory {}
    interface Module {}
  }
}

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
  /** The values, the last axis running fastest. */
  readonly data: D;
  /** The size of each axis. */
  readonly shape: readonly number[];
}

/** The data of a foreign tensor; strings, which a tensor of ONNX Runtime may hold, are refused at run time. */
type ForeignData = NumericArray | readonly (number | boolean | bigint)[] | readonly string[];

/** Anything with `data` and `shape`, or `data` and `dims` as ONNX Runtime has it. */
export type TensorLike = {
  readonly data: ForeignData;
  /** What the data are, as ONNX Runtime says it: bits of 'float16' in a Uint16Array are decoded. */
  readonly type?: string | undefined;
} & ({ readonly shape: readonly number[] } | { readonly dims: readonly number[] });

/** What is accepted where a tensor is: a tensor, a typed array, a flat or nested array, a number where it stands for one. */
export type TensorInput = TensorLike | NumericArray | NestedArray | number;

/** How losses become one: `batchmean` divides the sum by the size of the first axis that is not the class axis. */
export type Reduction = 'mean' | 'sum' | 'none' | 'batchmean';

/** Which build of the kernels runs: one lane, four lanes, or four lanes with fused multiply-adds where the CPU has them. */
export type Tier = 'scalar' | 'simd' | 'relaxed';

/** A loss under a reduction: a number, or a tensor for 'none'. */
export type LossOf<R extends Reduction> = R extends 'none' ? Tensor : number;

/** Class sets or positives by row: row i has indices[offsets[i]] … indices[offsets[i + 1] - 1], distinct, in any order. */
export interface SparseTarget {
  /** Classes, or columns, row after row. */
  readonly indices: Int32Array | readonly number[];
  /** One more than there are rows. */
  readonly offsets: Int32Array | readonly number[];
}

/** Where results go; `G` is what they may go to. */
export interface OutOption<G = Tensor | Float32Array> {
  /** Receives the gradient, or an activation's result; may be the input itself (in place). Default a new Float32Array. */
  readonly out?: G | undefined;
}

/** Options that every loss has; `G` is what the gradient goes to. */
export interface CommonOptions<R extends Reduction = Reduction, G = Tensor | Float32Array> extends OutOption<G> {
  /** 'mean' (default), 'sum', 'none', or 'batchmean': the sum divided by the size of the first axis that has no classes. */
  readonly reduction?: R | undefined;
  /** Multiplies the gradient (gradient accumulation, loss scaling). Default 1. */
  readonly scale?: number | undefined;
  /** The mean over nothing: 'nan' as in PyTorch (default) or 'zero'. Its gradient is 0 either way. */
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
export interface BackwardResult<G = Tensor> {
  /** Shaped like the input: a fresh Float32Array, or `out`. */
  readonly grad: G;
}

/** What a loss returns: loss and gradient of one fused pass. */
export interface FusedResult<R extends Reduction = 'mean', G = Tensor> extends ForwardResult<R>, BackwardResult<G> {}

/** What component losses add to a result. */
export interface ComponentLosses {
  /** Each component's loss, unweighted, reduced like the loss: [M], or [M, …loss shape] for 'none'. */
  readonly componentLosses: Tensor;
}

/** What a variance adds to results with a gradient. */
export interface VarianceGradient {
  /** Shaped like the variance; missing where that is a number. */
  readonly gradVariance?: Tensor;
}

/**
 * A loss prepared for a training loop: everything is checked and placed once, then each call runs the fused kernel on the
 * current contents of the tensors, rewrites the same gradient and returns the loss.
 */
export interface Step<R extends Reduction = Reduction, G = Tensor> {
  /** Computes anew. @returns The loss: a number; for reduction 'none' the same tensor each time. */
  (): LossOf<R>;
  /** The gradient's tensor, the same at each step. */
  readonly grad: G;
  /** The float64 numerator of the last step. */
  readonly sum: number;
  /** Samples or elements of the last step that were not ignored. */
  readonly count: number;
  /** The denominator of the mean of the last step. */
  readonly weightSum: number;
  /** The part of `sum` that is zLoss; 0 unless that is used. */
  readonly zSum: number;
  /** Gives its memory back; a later call is a TypeError. */
  free(): void;
  /** `free`, for `using`. */
  [Symbol.dispose](): void;
}

type Arguments<O> = Record<never, never> extends O ? [options?: O] : [options: O];

/** The types that losses differ in: options, inputs, targets, gradients, where those go, and what is returned beside. */
export interface LossTypes {
  options: object;
  input: unknown;
  target: unknown;
  grad: unknown;
  out: unknown;
  /** Beside the loss. */
  extra: unknown;
  /** Beside the gradient. */
  side: unknown;
}

type Given<L extends LossTypes, R extends Reduction> = Arguments<L['options'] & CommonOptions<R, L['out']>>;

/**
 * A loss in its forms: called, it computes loss and gradient in one fused pass; `forward` computes the loss alone,
 * `backward` the gradient for an incoming gradient; `prepare` makes a step of a training loop; `linear` is the loss of a
 * linear layer's logits, for losses of one input.
 */
export type Loss<L extends LossTypes> = LossForms<L> & (L['grad'] extends Tensor ? LinearForm<L> : unknown);

/** What a loss of one input has beside its other forms. */
export interface LinearForm<L extends LossTypes> {
  /** The loss of a linear layer's logits, features·weightᵀ + bias, which are never held as a whole. */
  readonly linear: LinearLoss<L>;
}

/** The forms of a loss of given logits. */
export interface LossForms<L extends LossTypes> {
  // loss and gradient in one fused pass; a comment for editors would hide that of the loss
  <R extends Reduction = 'mean'>(
    input: L['input'],
    target: L['target'],
    ...options: Given<L, R>
  ): FusedResult<R, L['grad']> & L['extra'] & L['side'];
  /**
   * The loss alone; writes no gradient.
   *
   * @param input - As of the loss itself.
   * @param target - As of the loss itself.
   * @param options - As of the loss itself.
   * @returns `{ loss, sum, count, weightSum }`.
   */
  forward<R extends Reduction = 'mean'>(
    input: L['input'],
    target: L['target'],
    ...options: Given<L, R>
  ): ForwardResult<R> & L['extra'];
  /**
   * The gradient for an incoming one.
   *
   * @param gradOutput - A number for mean, sum and batchmean, a tensor shaped like the loss for 'none'.
   * @param input - As of the loss itself.
   * @param target - As of the loss itself.
   * @param options - As of the loss itself.
   * @returns `{ grad }`.
   */
  backward(
    gradOutput: TensorInput,
    input: L['input'],
    target: L['target'],
    ...options: Given<L, Reduction>
  ): BackwardResult<L['grad']> & L['side'];
  /**
   * A step for training loops: no allocation, no check but the range of the targets. Plain arrays are copied at each step.
   *
   * @param input - As of the loss itself; read again at each step.
   * @param target - As of the loss itself; read again at each step.
   * @param options - As of the loss itself.
   * @returns The step: `step()` computes and returns the loss.
   */
  prepare<R extends Reduction = 'mean'>(
    input: L['input'],
    target: L['target'],
    ...options: Given<L, R>
  ): Step<R, L['grad']> & L['extra'] & L['side'];
}

/** An elementwise or row-wise function with its vector-Jacobian product. */
export interface Activation<O> {
  (input: TensorInput, options?: O): Tensor;
  /**
   * Σ gradOutput·∂output/∂input.
   *
   * @param gradOutput - Shaped like the input.
   * @param input - That of the function.
   * @param options - Those of the function.
   * @returns A tensor shaped like the input: a fresh one, or `out`.
   */
  backward(gradOutput: TensorInput, input: TensorInput, options?: O): Tensor;
}

/** A tensor in an engine's memory. */
export interface EngineTensor<D extends Float32Array | Int32Array = Float32Array> {
  /** A view of the memory; always a live one, also after memory has grown. */
  readonly data: D;
  /** The size of each axis. */
  readonly shape: readonly number[];
  /** What its values are. */
  readonly dtype: 'float32' | 'int32';
  /** The rows start … end − 1 along the first axis: a view of the same memory (mini-batches). Negatives count from the end. */
  slice(start: number, end?: number): EngineTensor<D>;
  /** Gives the memory back; use of the tensor or of a slice of it is then a TypeError. A slice gives back nothing. */
  free(): void;
  /** `free`, for `using`. */
  [Symbol.dispose](): void;
}

/** How to make an engine. */
export interface EngineOptions {
  /** Default 'auto': the best that the runtime validates. Where the one asked for is missing, the next lower one runs. */
  readonly tier?: Tier | 'auto' | undefined;
  /** Pins the simd tier: the same bits on every runtime and machine. Default false. */
  readonly deterministic?: boolean | undefined;
  /** How many threads take part in large calls, 1 to 128 (1). More than 1 needs the entry lossmith/threads. */
  readonly threads?: number | undefined;
  /** Limit of the engine's linear memory. Default: what WebAssembly has, 4 GiB. */
  readonly maximumBytes?: number | undefined;
  /** A precompiled module, for hosts that bring their own. */
  readonly module?: WebAssembly.Module | undefined;
}

type IntegerArray = Exclude<NumericArray, Float32Array | Float64Array>;

/** What `Engine.from` makes of a source: int32 of integer typed arrays, float32 of everything else. */
export type PlacedData<S> = S extends IntegerArray | { readonly data: IntegerArray } ? Int32Array : Float32Array;

/** What an engine has beside the losses and activations. */
export interface EngineBase {
  /** The tier that is really running. */
  readonly tier: Tier;
  /** Threads that take part: 1, and the helpers that are there already. */
  readonly threads: number;
  /** Resolves when every thread is live. */
  readonly ready: Promise<void>;
  /** The linear memory; it may grow, never shrink. */
  readonly memory: WebAssembly.Memory;
  /** A tensor of zeros in the engine's memory, 64-byte aligned. */
  tensor(shape: readonly number[], dtype?: 'float32'): EngineTensor;
  tensor(shape: readonly number[], dtype: 'int32'): EngineTensor<Int32Array>;
  /** Copies a tensor in: integer typed arrays as int32, everything else as float32. */
  from<S extends TensorInput>(source: S, shape?: readonly number[]): EngineTensor<PlacedData<S>>;
  /** What the memory holds at this moment. */
  stats(): EngineStats;
  /** Ends the engine; use of it or of its tensors is then a TypeError. */
  dispose(): void;
  /** `dispose`, for `using`. */
  [Symbol.dispose](): void;
}

/** What an engine's memory holds. */
export interface EngineStats {
  /** Bytes of linear memory. */
  readonly bytesReserved: number;
  /** Bytes held by tensors and prepared steps. */
  readonly bytesInUse: number;
  /** Tensors not yet freed; slices do not count. */
  readonly liveTensors: number;
}
