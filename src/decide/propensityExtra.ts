// What positives cost beside a loss with posWeight 1/p: (1 − 1/p)·ℓ⁻ for each, computed by the loss's own kernel.

import { internals as lib } from '../index.ts';
import type { LinearGradient, LinearParameters } from '../values/linear.ts';
import type {
  BackwardResult,
  ForwardResult,
  FusedResult,
  Reduction,
  SparseTarget,
  Step,
  Tensor,
  TensorInput,
} from '../values/types.ts';

export type Target = TensorInput | SparseTarget;
export type Given = Readonly<Record<string, unknown>>;

/** The gradients of a layer. */
export type LayerGradients = Partial<Record<LinearGradient, Tensor>>;

/** The forms of the base; `Of` is what it is of, `G` the gradients that it has. */
export interface Forms<Of extends readonly unknown[], G> {
  readonly name: string;
  (...args: [...of: Of, target: Target, options?: Given]): FusedResult<Reduction, G>;
  forward(...args: [...of: Of, target: Target, options?: Given]): ForwardResult<Reduction>;
  backward(gradOutput: TensorInput, ...args: [...of: Of, target: Target, options?: Given]): BackwardResult<G>;
  prepare(...args: [...of: Of, target: Target, options?: Given]): Step<Reduction, G>;
}

/** The base as the code below calls it. */
export interface Base extends Forms<[input: TensorInput], Tensor> {
  readonly linear: Forms<[features: TensorInput, layer: LinearParameters], LayerGradients>;
}

/** What is scored: the shape of the logits, and one of them. */
export interface Logits {
  readonly shape: readonly number[];
  at(place: number): number;
}

/** What the positives cost beside the loss itself. */
export interface Extra {
  /** Their places in the input. */
  readonly places: readonly number[];
  readonly losses: Float32Array;
  readonly slopes: Float32Array;
  readonly shape: readonly number[];
}

/** The values of a weight at places of the input; undefined where it does not broadcast, which the loss itself will say. */
function weightsAt(weight: TensorInput, places: readonly number[], shape: readonly number[]): number[] | undefined {
  const { data, shape: own, length } = lib.readOperand(weight, 'weight');
  const whole = own === undefined && length === lib.sizeOf(shape);
  const strides = lib.broadcastStrides(whole ? shape : (own ?? [length]), shape);
  return (
    strides &&
    places.map((place) => {
      let rest = place;
      let at = 0;
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        const size = shape[axis] as number;
        at += (rest % size) * (strides[axis] as number);
        rest = Math.floor(rest / size);
      }
      return Number(data[at]);
    })
  );
}

export class Scored {
  readonly #base: Base;
  readonly #p: Float64Array;

  constructor(base: Base, p: Float64Array) {
    this.#base = base;
    this.#p = p;
  }

  /** The options of the base. */
  options(given: Given | undefined): Given {
    for (const name of ['posWeight', 'labelSmoothing']) {
      if (given?.[name] === undefined) continue;
      throw new TypeError(
        `${this.#base.name}: option ${JSON.stringify(name)} is given to the propensity-scored loss, whose positives weigh by propensity and whose targets are 0 or 1`,
      );
    }
    const { data, shape } = { data: this.#p.map((each) => 1 / each), shape: [this.#p.length] };
    return { ...given, posWeight: { data, shape } };
  }

  /** Where the positives are; undefined where targets do not fit, which the loss itself will say. */
  #positives(target: Target, shape: readonly number[], marker: unknown): number[] | undefined {
    const { name } = this.#base;
    const size = lib.sizeOf(shape);
    if (lib.isSparse(target)) {
      const width = shape.at(-1) ?? 1;
      const sparse = lib.readSparse(target, `${name}: target`, size / Math.max(1, width), width);
      const [columns, starts] = [sparse.indices.data, sparse.offsets.data];
      const places: number[] = [];
      for (let row = 0; row < sparse.rows; row++) {
        for (let at = Number(starts[row]); at < Number(starts[row + 1]); at++) {
          places.push(row * width + Number(columns[at]));
        }
      }
      return places;
    }
    const { data, length } = lib.readOperand(target, `${name}: target`);
    if (length !== size) return undefined;
    const marked = typeof marker === 'number' ? Math.fround(marker) : undefined;
    const places: number[] = [];
    for (let i = 0; i < length; i++) {
      const value = data[i] as number;
      if (marked !== undefined && Object.is(value + 0, marked + 0)) continue;
      if (value === 1) places.push(i);
      else if (value !== 0 && !(value === -1 && name === 'hinge')) {
        throw new RangeError(`${name}: target[${i}] is ${value}, expected 0 or 1 (the loss is propensity-scored)`);
      }
    }
    return places;
  }

  extra(input: TensorInput, target: Target, given: Given | undefined): Extra | undefined {
    const { data, shape, length } = lib.readOperand(input, `${this.#base.name}: input`, true);
    return this.extraOf({ shape: shape ?? [length], at: (place) => Number(data[place]) }, target, given);
  }

  extraOf({ shape, at: logitAt }: Logits, target: Target, given: Given | undefined): Extra | undefined {
    const { name } = this.#base;
    const width = shape.at(-1) ?? 1;
    if (width !== this.#p.length) {
      throw new RangeError(`${name}: p has ${this.#p.length} values, expected ${width}, one per label`);
    }
    const places = this.#positives(target, shape, given?.ignoreValue);
    const weight = given?.weight as TensorInput | undefined;
    const weights = places && weight !== undefined ? weightsAt(weight, places, shape) : [];
    if (!places || !weights) return undefined;
    const scores = Float32Array.from(places, logitAt);
    const masses = Float32Array.from(places, (at, i) => (1 - 1 / (this.#p[at % width] as number)) * (weights[i] ?? 1));
    const { margin, squared } = given ?? {};
    const { loss, grad } = this.#base(scores, new Float32Array(scores.length), {
      reduction: 'none',
      weight: { data: masses, shape: [masses.length] },
      ...(name === 'hinge' && { margin, squared }),
    });
    return { places, losses: (loss as Tensor).data, slopes: grad.data, shape };
  }
}
