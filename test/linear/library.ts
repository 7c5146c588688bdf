/** The linear forms of the library, as the tests over the table call them. */
import type { createEngine } from '../../src/index.ts';
import {
  type FormName,
  type ForwardResult,
  float32,
  formNames,
  libraryOptions,
  libraryTarget,
  losses,
  type Options,
  type Target,
  type Tensor32,
} from '../library.ts';
import { drawLinear, type LinearOperands, linear, references } from '../reference/index.ts';
import { below, pick, type Random } from '../reference/random.ts';

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

/** A call of a linear form, with sizes around those of register blocks and lanes. */
export function drawCall(random: Random, op: FormName) {
  const loss = references[op];
  const size = () => 1 + below(random, 70);
  const classes = loss.family !== 'element';
  const row = pick(random, [[size()], [1 + below(random, 5), 1 + below(random, 9)], ...(classes ? [] : [[]])]);
  const axis = classes && row.length > 1 ? pick(random, [1, -1]) : undefined;
  const { operands, problem } = drawLinear(random, loss, [size(), size()], row, axis, pick(random, loss.targets));
  const { inputs, options } = problem;
  const logits = linear(operands);
  const reduction = pick(random, ['mean', 'sum', 'mean'] as const);
  return {
    operands,
    features: float32(operands.features),
    target: libraryTarget(op, { ...inputs, input: logits }),
    options: { ...libraryOptions(options), reduction, outputs: row },
    layer: layerOf(operands),
  };
}
