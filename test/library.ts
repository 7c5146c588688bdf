/** The library as the table-driven tests call it: every loss and every activation behind one signature each. */
import * as lossmith from '../src/index.ts';
import { isSparse, type ReferenceInputs, type ReferenceOptions, type Tensor64 } from './reference/index.ts';

export interface Tensor32 {
  readonly data: Float32Array;
  readonly shape: readonly number[];
}

/** Anything that the library accepts as a target. */
export type Target =
  | { readonly data: ArrayLike<number | bigint>; readonly shape: readonly number[] }
  | readonly number[];

export type Options = Readonly<Record<string, unknown>>;

export interface ForwardResult {
  readonly loss: number | Tensor32;
  readonly sum: number;
  readonly count: number;
  readonly weightSum: number;
  readonly componentLosses?: Tensor32;
}

export interface FusedResult extends ForwardResult {
  readonly grad: Tensor32;
}

export interface Loss {
  (input: Tensor32, target: Target, options?: Options): FusedResult;
  forward(input: Tensor32, target: Target, options?: Options): ForwardResult;
  backward(gradOutput: number | Tensor32, input: Tensor32, target: Target, options?: Options): { grad: Tensor32 };
}

export interface Activation {
  (input: Tensor32, options?: Options): Tensor32;
  backward(gradOutput: Tensor32, input: Tensor32, options?: Options): Tensor32;
}

const { crossEntropy, bceWithLogits, mse, componentCrossEntropy, softmax, logSoftmax, sigmoid, logSigmoid } = lossmith;

export const losses = { crossEntropy, bceWithLogits, mse, componentCrossEntropy } as unknown as Record<
  'crossEntropy' | 'bceWithLogits' | 'mse' | 'componentCrossEntropy',
  Loss
>;

export const activations = { softmax, logSoftmax, sigmoid, logSigmoid } as unknown as Record<
  'softmax' | 'logSoftmax' | 'sigmoid' | 'logSigmoid',
  Activation
>;

export type LossName = keyof typeof losses;
export type ActivationName = keyof typeof activations;

export const isLoss = (name: string): name is LossName => name in losses;
export const isActivation = (name: string): name is ActivationName => name in activations;

/** Every name that the library exports. */
export const exported: ReadonlySet<string> = new Set(Object.keys(lossmith));

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

/** The target in a form the library takes: Int32Array for class indices, Float32Array for anything else. */
export function libraryTarget(op: LossName, { input, target }: ReferenceInputs): Target {
  if (target === undefined || isSparse(target)) throw new TypeError(`${op} needs a tensor as target`);
  const indices = op === 'componentCrossEntropy' || (op === 'crossEntropy' && target.shape.length < input.shape.length);
  return indices ? { data: Int32Array.from(target.data), shape: target.shape } : float32(target);
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
