/** The linear forms of the library, as the tests over the table call them. */
import type { createEngine } from '../../src/index.ts';
import {
  type FormName,
  type ForwardResult,
  float32,
  formNames,
  losses,
  type Options,
  type Target,
  type Tensor32,
} from '../library.ts';
import { type LinearOperands, references } from '../reference/index.ts';

export type Grads = Readonly<Record<string, Tensor32>>;

export interface Layer {
  readonly weight: Tensor32;
  readonly bias?: Tensor32 | undefined;
}

export interface LinearResult extends ForwardResult {
  readonly grad: Grads;
  readonly gradVariance?: Tensor32;
}

export interface LinearStep extends LinearResult {
  (): number;
  free(): void;
}

export interface LinearForm {
  (features: Tensor32, layer: Layer, target: Target, options?: Options): LinearResult;
  forward(features: Tensor32, layer: Layer, target: Target, options?: Options): ForwardResult;
  backward(
    gradOutput: number | Tensor32,
    features: Tensor32,
    layer: Layer,
    target: Target,
    options?: Options,
  ): LinearResult;
  prepare(features: Tensor32, layer: Layer, target: Target, options?: Options): LinearStep;
}

export interface LinearFunction {
  (features: Tensor32, layer: Layer, options?: Options): Tensor32;
  backward(gradOutput: Tensor32, features: Tensor32, layer: Layer, options?: Options): Grads;
}

/** Losses of one input, which have the form. */
export const linearNames = formNames.filter((name) => references[name].others.length === 0);

type Holder = Readonly<Record<FormName, { readonly linear: LinearForm }>>;
export const linearOf = (name: FormName, from: unknown = losses): LinearForm => (from as Holder)[name].linear;

export const layerOf = ({ weight, bias }: LinearOperands): Layer => ({
  weight: float32(weight),
  ...(bias && { bias: float32(bias) }),
});

type Engine = ReturnType<typeof createEngine>;
export const place = (engine: Engine, { data, shape }: Tensor32): Tensor32 => engine.from(data, shape);
export const placeLayer = (engine: Engine, { weight, bias }: Layer): Layer => ({
  weight: place(engine, weight),
  ...(bias && { bias: place(engine, bias) }),
});
