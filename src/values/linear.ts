// The public types of linear heads.

import type {
  BackwardResult,
  ForwardResult,
  FusedResult,
  LossTypes,
  Reduction,
  Step,
  Tensor,
  TensorInput,
} from './types.ts';

/** What a head has gradients of. */
export type LinearGradient = 'weight' | 'bias' | 'input';

/** The layer, in PyTorch's layout: logits = features·weightᵀ + bias. */
export interface LinearParameters {
  /** [C, D]; with option `outputs` also flat, for `outputs: []` also [D]. */
  readonly weight: TensorInput;
  /** [C]; none by default. */
  readonly bias?: TensorInput | undefined;
}

/** The gradients of a head; that of the bias only where there is one. */
export type LinearGradients<G extends LinearGradient, P extends LinearParameters> = {
  readonly [K in Exclude<G, 'bias'>]: Tensor;
} & ('bias' extends G
  ? P extends { readonly bias: TensorInput }
    ? { readonly bias: Tensor }
    : { readonly bias?: Tensor }
  : unknown);

/** What a head has beside the options of its loss. */
export interface LinearOptions<G extends LinearGradient = LinearGradient> {
  /** The shape of a row of logits, e.g. [3, 14] for a weight of [42, D]. Default [C]. */
  readonly outputs?: readonly number[] | undefined;
  /** Which gradients to compute. Default all. */
  readonly grads?: readonly G[] | undefined;
  /** Receive the gradients; no part overlaps another argument. */
  readonly out?: { readonly [K in LinearGradient]?: Tensor | Float32Array | undefined } | undefined;
  /** Adds to `out` instead of overwriting it (micro-batches). Default false. */
  readonly accumulate?: boolean | undefined;
}

/** Reductions that give one number. */
export type LinearReduction = Exclude<Reduction, 'none'>;

/** Options that every linear form has, as the loss itself. */
export interface LinearCommonOptions<R extends LinearReduction = LinearReduction> {
  /** 'mean' (default), 'sum', or 'batchmean': the sum divided by the number of rows. */
  readonly reduction?: R | undefined;
  /** Multiplies the gradients (gradient accumulation, loss scaling). Default 1. */
  readonly scale?: number | undefined;
  /** The mean over nothing: 'nan' as in PyTorch (default) or 'zero'. Its gradient is 0 either way. */
  readonly emptyMean?: 'nan' | 'zero' | undefined;
}

type LinearFormOptions<L extends LossTypes, R extends LinearReduction, G extends LinearGradient> = L['options'] &
  LinearCommonOptions<R> &
  LinearOptions<G>;

type LinearArguments<O> = Record<never, never> extends O ? [options?: O] : [options: O];

/**
 * A loss of the logits features·weightᵀ + bias, which are never held as a whole: in blocks of rows, at most 4 MiB of them with all
 * that a call needs beside its operands and gradients. A row of logits beyond 704,512 is computed anew for each pass over it.
 */
export interface LinearLoss<L extends LossTypes> {
  /**
   * The loss and the gradients of weight, bias and features in one call.
   *
   * @param features - [N, D].
   * @param parameters - `{ weight, bias }`: [C, D] and [C].
   * @param target - What the logits [N, C], or [N, …outputs], are compared with.
   * @param options - Those of the loss (`axis` speaks of the logits), `outputs`, `grads`, `out`, `accumulate`.
   * @returns `{ loss, grad: { weight, bias, input }, sum, count, weightSum }`.
   * @throws RangeError for shapes that do not fit, reduction 'none', and `accumulate` without `out`.
   */
  <P extends LinearParameters, R extends LinearReduction = 'mean', G extends LinearGradient = LinearGradient>(
    features: TensorInput,
    parameters: P,
    target: L['target'],
    ...options: LinearArguments<LinearFormOptions<L, R, G>>
  ): FusedResult<R, LinearGradients<G, P>> & L['extra'] & L['side'];
  /**
   * The loss alone.
   *
   * @param features - [N, D].
   * @param parameters - `{ weight, bias }`.
   * @param target - What the logits are compared with.
   * @param options - As of the form itself.
   * @returns `{ loss, sum, count, weightSum }`.
   */
  forward<R extends LinearReduction = 'mean'>(
    features: TensorInput,
    parameters: LinearParameters,
    target: L['target'],
    ...options: LinearArguments<LinearFormOptions<L, R, LinearGradient>>
  ): ForwardResult<R> & L['extra'];
  /**
   * The gradients for an incoming one.
   *
   * @param gradOutput - A number.
   * @param features - [N, D].
   * @param parameters - `{ weight, bias }`.
   * @param target - What the logits are compared with.
   * @param options - As of the form itself.
   * @returns `{ grad: { weight, bias, input } }`.
   */
  backward<P extends LinearParameters, G extends LinearGradient = LinearGradient>(
    gradOutput: TensorInput,
    features: TensorInput,
    parameters: P,
    target: L['target'],
    ...options: LinearArguments<LinearFormOptions<L, LinearReduction, G>>
  ): BackwardResult<LinearGradients<G, P>> & L['side'];
  /**
   * A step for training loops. With `accumulate` each step adds to `step.grad`.
   *
   * @param features - [N, D]; read again at each step, as parameters and target are.
   * @param parameters - `{ weight, bias }`.
   * @param target - What the logits are compared with.
   * @param options - As of the form itself.
   * @returns The step: `step()` computes and returns the loss.
   */
  prepare<P extends LinearParameters, R extends LinearReduction = 'mean', G extends LinearGradient = LinearGradient>(
    features: TensorInput,
    parameters: P,
    target: L['target'],
    ...options: LinearArguments<LinearFormOptions<L, R, G>>
  ): Step<R, LinearGradients<G, P>> & L['extra'] & L['side'];
}

/** Features to logits, with the gradients of both and of the layer. */
export interface Linear {
  // what it does stands above the function
  (
    features: TensorInput,
    parameters: LinearParameters,
    options?: Pick<LinearOptions, 'outputs'> & { readonly out?: Tensor | Float32Array | undefined },
  ): Tensor;
  /**
   * The gradients for an incoming one.
   *
   * @param gradOutput - Shaped like the logits.
   * @param features - [N, D].
   * @param parameters - `{ weight, bias }`.
   * @param options - `grads` (default all), `out`, `accumulate`, `outputs` (default that of gradOutput).
   * @returns `{ weight, bias, input }`.
   */
  backward<P extends LinearParameters, G extends LinearGradient = LinearGradient>(
    gradOutput: TensorInput,
    features: TensorInput,
    parameters: P,
    options?: LinearOptions<G>,
  ): LinearGradients<G, P>;
}
