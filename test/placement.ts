/** A call with its operands where a test wants them: arrays of the caller's own, or tensors in an engine's memory. */
import { expect } from 'vitest';
import type { EngineTensor } from '../src/values/types.ts';
import {
  type BackwardResult,
  type ForwardResult,
  type FusedResult,
  gradientsOf,
  type Input,
  type Loss,
  type Options,
  type Step,
  type Target,
  type Tensor32,
} from './calls.ts';
import { type Engine, type LossCase, lossOf } from './tiers.ts';

/** A tensor, of an engine's memory where it can be freed. */
export type Placed = (Tensor32 | { readonly data: Int32Array; readonly shape: readonly number[] }) & { free?(): void };
export const isTensor = (value: unknown): value is Placed =>
  typeof value === 'object' && value !== null && 'shape' in value && 'data' in value;

const isPlaced = (tensor: Placed): tensor is EngineTensor => 'dtype' in tensor;

/** Frees a tensor if it is an engine's. */
export const freed = (tensor: unknown): void => {
  if (isTensor(tensor)) tensor.free?.();
};

/** An array of the caller's own, or a tensor of the engine's. */
const copyOf = <T extends Placed>(engine: Engine, tensor: T, inside: boolean): T =>
  // from keeps float32 and int32, so the type stays what it was
  (inside ? engine.from(tensor) : { data: tensor.data.slice(), shape: tensor.shape }) as unknown as T;

/** The tensors of an input. */
export const tensorsOf = (input: Input): Tensor32[] => (isTensor(input) ? [input as Tensor32] : Object.values(input));

const mapInput = <T>(input: Input, change: (tensor: Tensor32) => T): T | Record<string, T> =>
  isTensor(input)
    ? change(input as Tensor32)
    : Object.fromEntries(Object.entries(input).map(([name, tensor]) => [name, change(tensor as Tensor32)]));

/** An input or a target with its tensors changed; what else a target consists of stays. */
export const mapTensors = <T extends Input | Target>(given: T, change: (tensor: Placed) => Placed): T => {
  const each = (value: unknown): unknown => (isTensor(value) ? change(value) : value);
  if (isTensor(given)) return change(given) as T;
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, each(value)])) as T;
};

/** Where the operands of a call lie. */
export interface Placement {
  readonly input: boolean;
  readonly target: boolean;
  readonly weights: boolean;
  readonly out: 'none' | 'tensor' | 'array' | 'input';
}

export const placements: Record<string, Placement> = {
  arrays: { input: false, target: false, weights: false, out: 'none' },
  'arrays, with out': { input: false, target: false, weights: false, out: 'array' },
  'arrays, in place': { input: false, target: false, weights: false, out: 'input' },
  tensors: { input: true, target: true, weights: true, out: 'tensor' },
  'tensors, in place': { input: true, target: true, weights: true, out: 'input' },
  'tensors, gradient outside': { input: true, target: true, weights: true, out: 'none' },
  'input and weights inside': { input: true, target: false, weights: true, out: 'none' },
  'target and out inside': { input: false, target: true, weights: false, out: 'tensor' },
};

/** The operands of a case as a placement wants them. */
export class PlacedCall {
  readonly loss: Loss;
  readonly input: Input;
  readonly target: Target;
  readonly options: Options;
  /** Tensors that a step reads, sparse targets left out. */
  readonly operands: Placed[];

  readonly #engine: Engine;
  readonly #case: Omit<LossCase, 'name' | 'gradOutput'>;

  constructor(engine: Engine, each: Omit<LossCase, 'name' | 'gradOutput'>, where: Placement) {
    const { op, input, target, options } = each;
    this.#engine = engine;
    this.#case = each;
    this.loss = lossOf(engine, op);
    this.input = mapInput(input, (tensor) => copyOf(engine, tensor, where.input));
    this.target = isTensor(target) ? copyOf(engine, target, where.target) : target;
    const own = Object.entries(options).map(
      ([key, value]) => [key, isTensor(value) ? copyOf(engine, value, where.weights) : value] as const,
    );
    const weights = own.map(([, value]) => value).filter(isTensor);
    const outs = {
      none: undefined,
      tensor: () => mapInput(input, ({ shape }) => engine.tensor(shape)),
      array: () => mapInput(input, ({ data }) => new Float32Array(data.length)),
      input: () => this.input,
    };
    const out = outs[where.out]?.();
    this.options = { ...Object.fromEntries(own), ...(out && { out }) };
    this.operands = [...tensorsOf(this.input), ...(isTensor(this.target) ? [this.target] : []), ...weights];
  }

  /** The tensors of `out` that lie in the engine's memory. */
  get outs(): EngineTensor[] {
    const { out } = this.options;
    if (out === undefined) return [];
    return tensorsOf(out as Input).filter((tensor) => isTensor(tensor) && isPlaced(tensor)) as EngineTensor[];
  }

  prepare(): Step {
    return this.loss.prepare(this.input, this.target, this.options);
  }

  /** What the direct call says now. Its gradient goes elsewhere, so that the input stays, but to the same memory. */
  direct(): FusedResult {
    const { out, ...options } = this.options;
    if (out === undefined) return this.loss(this.input, this.target, options);
    const inside = this.outs.length > 0;
    const elsewhere = mapInput(this.#case.input, ({ data, shape }) =>
      inside ? this.#engine.tensor(shape) : { data: new Float32Array(data.length), shape },
    );
    const result = this.loss(this.input, this.target, { ...options, out: elsewhere });
    if (!inside) return result;
    const own = mapInput(elsewhere as Input, ({ data, shape }) => ({ data: data.slice(), shape }));
    for (const tensor of tensorsOf(elsewhere as Input)) freed(tensor);
    return { ...result, grad: own };
  }

  /** Turns the values of every operand by one place. */
  turn(): void {
    for (const { data } of this.operands) {
      const first = data[0];
      if (first === undefined) continue;
      data.copyWithin(0, 1);
      data[data.length - 1] = first;
    }
  }

  /** Sets the inputs, where a gradient was written over them, to what they were. */
  reset(): void {
    const before = tensorsOf(this.#case.input);
    for (const [i, { data }] of tensorsOf(this.input).entries()) data.set(before[i]!.data);
  }

  free(): void {
    for (const tensor of [...this.operands, ...this.outs]) freed(tensor);
  }
}

/** Equal bit for bit, all NaN alike. */
export function expectSame(
  what: string,
  got: number | Tensor32 | undefined,
  expected: number | Tensor32 | undefined,
): void {
  if (typeof got !== 'object' || typeof expected !== 'object') {
    expect(got, what).toBe(expected);
    return;
  }
  expect(got.shape, what).toEqual(expected.shape);
  const [a, b] = [got.data, expected.data];
  const i = a.findIndex((value, at) => !Object.is(value, b[at]));
  if (i >= 0 || a.length !== b.length) expect.fail(`${what}[${i}] is ${a[i]}, not ${b[i]}`);
}

/** All gradients equal bit for bit. */
export function expectSameGradients(what: string, got: BackwardResult, expected: BackwardResult): void {
  const [a, b] = [gradientsOf(got), gradientsOf(expected)];
  expectSame(`${what}: grad`, a.grad, b.grad);
  expect(Object.keys(a.grads), what).toEqual(Object.keys(b.grads));
  for (const [name, tensor] of Object.entries(b.grads)) expectSame(`${what}: grad of ${name}`, a.grads[name], tensor);
}

/** Losses and what belongs to them equal bit for bit. */
export function expectSameLosses(what: string, got: ForwardResult, expected: ForwardResult): void {
  expectSame(`${what}: loss`, got.loss, expected.loss);
  const numbers = ({ sum, count, weightSum, zSum = 0 }: ForwardResult): number[] => [sum, count, weightSum, zSum];
  expect(numbers(got), what).toEqual(numbers(expected));
  expectSame(`${what}: componentLosses`, got.componentLosses, expected.componentLosses);
}
