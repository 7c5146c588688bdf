/** A call with its operands where a test wants them: arrays of the caller's own, or tensors in an engine's memory. */
import { expect } from 'vitest';
import type { Step, Tensor } from '../src/values/types.ts';
import { type AnyLoss, type Engine, type LossCase, lossOf, type Options } from './tiers.ts';

export type Placed = Tensor<Float32Array> | Tensor<Int32Array>;
export const isTensor = (value: unknown): value is Placed =>
  typeof value === 'object' && value !== null && 'shape' in value;

/** An array of the caller's own, or a tensor of the engine's. */
const copyOf = <T extends Placed>(engine: Engine, tensor: T, inside: boolean): T =>
  // from keeps float32 and int32, so the type stays what it was
  (inside ? engine.from(tensor) : { data: tensor.data.slice(), shape: tensor.shape }) as unknown as T;

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
export class Problem {
  readonly loss: AnyLoss;
  readonly input: Tensor;
  readonly target: Placed;
  readonly options: Options;
  /** Everything that a step reads. */
  readonly operands: Placed[];

  readonly #engine: Engine;

  constructor(engine: Engine, { op, input, target, options }: Omit<LossCase, 'name' | 'gradOutput'>, where: Placement) {
    this.#engine = engine;
    this.loss = lossOf(engine, op);
    this.input = copyOf(engine, input, where.input);
    this.target = copyOf(engine, target, where.target);
    const own = Object.entries(options).map(
      ([key, value]) => [key, isTensor(value) ? copyOf(engine, value, where.weights) : value] as const,
    );
    const weights = own.map(([, value]) => value).filter(isTensor);
    const outs = {
      none: undefined,
      tensor: () => engine.tensor(input.shape),
      array: () => new Float32Array(input.data.length),
      input: () => this.input,
    };
    const out = outs[where.out]?.();
    this.options = { ...Object.fromEntries(own), ...(out && { out }) };
    this.operands = [this.input, this.target, ...weights];
  }

  prepare(): Step & { readonly componentLosses?: Tensor } {
    return this.loss.prepare(this.input, this.target, this.options);
  }

  /** What the direct call says now. Its gradient goes elsewhere, so that the input stays, but to the same memory. */
  direct() {
    const { out, ...options } = this.options;
    if (out === undefined) return this.loss(this.input, this.target, options);
    const elsewhere = isTensor(out) && 'dtype' in out ? this.#engine.tensor(this.input.shape) : undefined;
    const own = { data: new Float32Array(this.input.data.length), shape: this.input.shape };
    const result = this.loss(this.input, this.target, { ...options, out: elsewhere ?? own });
    if (!elsewhere) return result;
    own.data.set(elsewhere.data);
    elsewhere.free();
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

  free(): void {
    for (const tensor of [...this.operands, this.options.out]) {
      if (isTensor(tensor) && 'free' in tensor) (tensor.free as () => void)();
    }
  }
}

/** Equal bit for bit, all NaN alike. */
export function expectSame(
  what: string,
  got: number | Tensor | undefined,
  expected: number | Tensor | undefined,
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
