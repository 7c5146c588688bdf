/** Losses and activations behind one signature each, and problems of the references as calls of them. Needs nothing of its host. */
import {
  type ActivationName,
  activations as activationReferences,
  isSparse,
  type LossName,
  type Problem,
  type ReferenceInputs,
  type ReferenceOptions,
  references,
  type SparseTarget,
  type Tensor64,
} from './reference/index.ts';

export interface Tensor32 {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** A gradient, or one for each input by name. */
export type Gradient = Tensor32 | Readonly<Record<string, Tensor32>>;

/** Anything that the library accepts as a target. */
export type Target =
  | { readonly data: ArrayLike<number | bigint>; readonly shape: readonly number[] }
  | readonly number[]
  | SparseTarget;

export type Options = Readonly<Record<string, unknown>>;

/** What the library takes as its first argument. */
export type Input = Tensor32 | Readonly<Record<string, Tensor32>>;

export interface ForwardResult {
  readonly loss: number | Tensor32;
  readonly sum: number;
  readonly count: number;
  readonly weightSum: number;
  readonly zSum?: number;
  readonly componentLosses?: Tensor32;
}

export interface FusedResult extends ForwardResult {
  readonly grad: Gradient;
  readonly gradVariance?: Tensor32;
}

export type BackwardResult = Pick<FusedResult, 'grad' | 'gradVariance'>;

export interface Step extends FusedResult {
  (): number | Tensor32;
  readonly zSum: number;
  free(): void;
}

export interface Loss {
  (input: Input, target: Target, options?: Options): FusedResult;
  forward(input: Input, target: Target, options?: Options): ForwardResult;
  backward(gradOutput: number | Tensor32, input: Input, target: Target, options?: Options): BackwardResult;
  prepare(input: Input, target: Target, options?: Options): Step;
}

export interface Activation {
  (input: Tensor32, options?: Options): Tensor32;
  backward(gradOutput: Tensor32, input: Tensor32, options?: Options): Tensor32;
}

/** Names of all losses that have forms; the one that is a call alone has a test of its own. */
export type FormName = Exclude<LossName, 'uncertaintyWeighted'>;
export const activationNames = Object.keys(activationReferences) as ActivationName[];
export const formNames = Object.keys(references).filter((name) => name !== 'uncertaintyWeighted') as FormName[];

export type Library = Readonly<Record<FormName, Loss>> & Readonly<Record<ActivationName, Activation>>;

/** The functions of an entry or of an engine. */
export const libraryOf = (from: unknown): Library => from as Library;

export function float32(tensor: Tensor64): Tensor32 {
  return { data: Float32Array.from(tensor.data), shape: tensor.shape };
}

/** A scalar loss as a tensor of shape []. */
export function asTensor(loss: number | Tensor32): {
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
} {
  return typeof loss === 'number' ? { data: [loss], shape: [] } : loss;
}

const isTensor64 = (value: unknown): value is Tensor64 =>
  typeof value === 'object' && value !== null && 'data' in value && value.data instanceof Float64Array;

/** Reference options as the library takes them: tensors in float32; gradOutput and what is undefined taken out. */
export function libraryOptions(options: ReferenceOptions): Options {
  const entries = Object.entries(options).filter(([name, value]) => name !== 'gradOutput' && value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, isTensor64(value) ? float32(value) : value]));
}

/** gradOutput as backward takes it. */
export function libraryGradOutput({ gradOutput = 1 }: ReferenceOptions): number | Tensor32 {
  return typeof gradOutput === 'number' ? gradOutput : float32(gradOutput);
}

/** Whether a target holds class indices: it has no class axis, or is that of a loss that takes nothing else. */
function isIndex(op: FormName, { input, target }: ReferenceInputs): boolean {
  const { targets } = references[op];
  if (!targets.includes('index') || target === undefined || isSparse(target)) return false;
  return !targets.includes('dense') || target.shape.length < input.shape.length;
}

/** The target in a form the library takes: Int32Array for class indices, Float32Array for anything else. */
export function libraryTarget(op: FormName, inputs: ReferenceInputs): Target {
  const { target } = inputs;
  if (target === undefined) throw new TypeError(`${op} needs a target`);
  if (isSparse(target)) return target;
  return isIndex(op, inputs) ? { data: Int32Array.from(target.data), shape: target.shape } : float32(target);
}

/** The first argument: the logits, with what has a gradient beside them. */
export function libraryInput(op: FormName, { input, others }: ReferenceInputs): Input {
  if (op !== 'factorizedMultiLabel') return float32(input);
  return { logits: float32(input), z: float32(others?.z as Tensor64) };
}

/** A call of the library. */
export interface Call {
  readonly loss: Loss;
  readonly input: Input;
  readonly target: Target;
  readonly options: Options;
  readonly gradOutput: number | Tensor32;
}

/** A problem as a call of a library. */
export const callOn = (from: Readonly<Record<FormName, Loss>>, op: FormName, { inputs, options }: Problem): Call => ({
  loss: from[op],
  input: libraryInput(op, inputs),
  target: libraryTarget(op, inputs),
  options: libraryOptions(options),
  gradOutput: libraryGradOutput(options),
});

/** Gradients of a result: that of the input, and the others by name. */
export function gradientsOf({ grad, gradVariance }: BackwardResult): {
  grad: Tensor32;
  grads: Record<string, Tensor32>;
} {
  const grads: Record<string, Tensor32> = {};
  if (gradVariance) grads.variance = gradVariance;
  if ('data' in grad) return { grad: grad as Tensor32, grads };
  const { logits, ...others } = grad as Record<string, Tensor32>;
  return { grad: logits as Tensor32, grads: { ...grads, ...others } };
}

/** Moves one axis of a tensor to the end, or the last axis to `axis` with `back`. */
export function moveAxis<T extends Float64Array | Float32Array>(
  tensor: { readonly data: T; readonly shape: readonly number[] },
  axis: number,
  direction: 'toEnd' | 'back' = 'toEnd',
): { data: T; shape: readonly number[] } {
  const { data, shape } = tensor;
  const last = shape.length - 1;
  const forward = direction === 'toEnd';
  const moved = shape[forward ? axis : last]!;
  const others = shape.filter((_, d) => d !== (forward ? axis : last));
  const inner = others.slice(axis).reduce((product, n) => product * n, 1);
  const result = data.slice() as T;
  for (let i = 0; i < data.length; i++) {
    // i runs over the layout with the axis at the end.
    const k = i % moved;
    const sample = Math.floor(i / moved);
    const inMiddle = (Math.floor(sample / inner) * moved + k) * inner + (sample % inner);
    if (forward) result[i] = data[inMiddle]!;
    else result[inMiddle] = data[i]!;
  }
  const shapeMoved = forward ? [...others, moved] : [...others.slice(0, axis), moved, ...others.slice(axis)];
  return { data: result, shape: shapeMoved };
}
