// Heads over the columns of a row of outputs: what users write, and what is read of it.

import { readOptions } from '../entries/options.ts';
import { internals as lib } from '../index.ts';
import type { LinearGradient, LinearGradients, LinearOptions, LinearParameters } from '../values/linear.ts';
import type { NumericArray, SparseTarget, Tensor, TensorInput } from '../values/types.ts';

/** A loss of this package, of any engine. */
export interface HeadLoss {
  (...args: never[]): unknown;
  /** What messages and results call it. */
  readonly name: string;
  /** The loss alone. */
  forward(...args: never[]): unknown;
  /** The gradient alone. */
  backward(...args: never[]): unknown;
  /** A step of a training loop. */
  prepare(...args: never[]): unknown;
}

/** A head: what it is called, its columns, and the loss over them. */
export interface Head<N extends string = string> {
  /** What targets and results of the head go by. */
  readonly name: N;
  /** Its columns are from … to − 1. Heads may share columns, whose gradients add. */
  readonly columns: readonly [from: number, to: number];
  /** The shape of a row of its logits, e.g. [3, 14]; the class axis is then the first of it. Default: one axis. */
  readonly outputs?: readonly number[] | undefined;
  /** The loss over its columns, of this module or of an engine. */
  readonly loss: HeadLoss;
  /** Options of the loss, but `out`; its reduction is how rows become one number, and cannot be 'none'. */
  readonly options?: object | undefined;
  /** What multiplies its loss in the total. Default 1. */
  readonly weight?: number | undefined;
}

/** What a head says of itself, before its weight. */
export interface HeadResult {
  /** The loss by the head's own reduction. */
  readonly loss: number;
  /** Its numerator. */
  readonly sum: number;
  /** What was not ignored. */
  readonly count: number;
  /** What its mean divides by. */
  readonly weightSum: number;
  /** Of a loss with components. */
  readonly componentLosses?: Tensor;
}

/** Options of a call. */
export interface MultiHeadOptions<N extends string = string> {
  /** Receives the gradient; may be the logits themselves. */
  readonly out?: Tensor | Float32Array | undefined;
  /** Multiplies the gradient. Default 1. */
  readonly scale?: number | undefined;
  /** Weights in place of those of the heads, by name: for weights that change (`dynamicWeightAverage`). */
  readonly weights?: Readonly<Partial<Record<N, number>>> | undefined;
}

/** The targets of the heads, by name. */
export type HeadTargets<N extends string> = Readonly<Record<N, TensorInput | SparseTarget>>;

/** What the forward form returns. */
export interface MultiHeadForward<N extends string> {
  /** Σ weight·loss. */
  readonly loss: number;
  /** The losses of the heads, by name. */
  readonly heads: Readonly<Record<N, HeadResult>>;
}

/** What a call returns. */
export interface MultiHeadResult<N extends string> extends MultiHeadForward<N> {
  /** The gradient of the total, shaped like the logits. */
  readonly grad: Tensor;
}

/** A step of a training loop. */
export interface MultiHeadStep<N extends string> {
  /** Computes anew on the current contents of logits and targets. */
  (): number;
  /** The gradient, which each step rewrites. */
  readonly grad: Tensor;
  /** The losses of the heads at the last step, by name. */
  readonly heads: Readonly<Record<N, HeadResult>>;
  /** Gives its memory back; a later call is a TypeError. */
  free(): void;
  [Symbol.dispose](): void;
}

/** Options of the linear forms. */
export type MultiHeadLinearOptions<N extends string = string, G extends LinearGradient = LinearGradient> = Pick<
  LinearOptions<G>,
  'grads' | 'out' | 'accumulate'
> &
  Pick<MultiHeadOptions<N>, 'scale' | 'weights'>;

/** What a linear form returns. */
export interface MultiHeadLinearResult<N extends string, Gradients> extends MultiHeadForward<N> {
  /** The gradients of the total, by the names of what they are gradients of. */
  readonly grad: Gradients;
}

/** A step of a training loop of a linear layer. */
export interface MultiHeadLinearStep<N extends string, Gradients> {
  /** Computes anew on the current contents of features, layer and targets. */
  (): number;
  /** The gradients, which each step rewrites; with `accumulate` it adds to them. */
  readonly grad: Gradients;
  /** The losses of the heads at the last step, by name. */
  readonly heads: Readonly<Record<N, HeadResult>>;
  /** Gives its memory back; a later call is a TypeError. */
  free(): void;
  [Symbol.dispose](): void;
}

/** The loss of all heads over the outputs features·weightᵀ + bias, which are never held as a whole. */
export interface MultiHeadLinear<N extends string> {
  <P extends LinearParameters, G extends LinearGradient = LinearGradient>(
    features: TensorInput,
    parameters: P,
    targets: HeadTargets<N>,
    options?: MultiHeadLinearOptions<N, G>,
  ): MultiHeadLinearResult<N, LinearGradients<G, P>>;
  /** The losses alone. */
  forward(
    features: TensorInput,
    parameters: LinearParameters,
    targets: HeadTargets<N>,
    options?: MultiHeadLinearOptions<N>,
  ): MultiHeadForward<N>;
  /** The gradients alone, for an incoming one. */
  backward<P extends LinearParameters, G extends LinearGradient = LinearGradient>(
    gradOutput: number,
    features: TensorInput,
    parameters: P,
    targets: HeadTargets<N>,
    options?: MultiHeadLinearOptions<N, G>,
  ): { readonly grad: LinearGradients<G, P> };
  /** A step for training loops, which reads features, layer, targets and weights anew. */
  prepare<P extends LinearParameters, G extends LinearGradient = LinearGradient>(
    features: TensorInput,
    parameters: P,
    targets: HeadTargets<N>,
    options?: MultiHeadLinearOptions<N, G>,
  ): MultiHeadLinearStep<N, LinearGradients<G, P>>;
}

/** The loss of all heads, in its forms. */
export interface MultiHeadLoss<N extends string> {
  (logits: TensorInput, targets: HeadTargets<N>, options?: MultiHeadOptions<N>): MultiHeadResult<N>;
  /** The losses alone. */
  forward(logits: TensorInput, targets: HeadTargets<N>, options?: MultiHeadOptions<N>): MultiHeadForward<N>;
  /** The gradient alone, for an incoming one. */
  backward(
    gradOutput: number,
    logits: TensorInput,
    targets: HeadTargets<N>,
    options?: MultiHeadOptions<N>,
  ): { readonly grad: Tensor };
  /** A step for training loops, which reads logits, targets and weights anew. */
  prepare(logits: TensorInput, targets: HeadTargets<N>, options?: MultiHeadOptions<N>): MultiHeadStep<N>;
  /** The loss of the outputs of a linear layer, for heads whose losses have such a form. */
  readonly linear: MultiHeadLinear<N>;
}

/** Things by name. */
export type Given = Readonly<Record<string, unknown>>;

/** A loss as the code below calls it. */
export interface Base {
  (input: Tensor, target: unknown, options: Given): HeadResult & { readonly grad: unknown };
  forward(input: Tensor, target: unknown, options: Given): HeadResult;
  backward(gradOutput: number, input: Tensor, target: unknown, options: Given): { readonly grad: unknown };
  prepare(input: Tensor, target: unknown, options: Given): HeadStep;
  readonly linear?: BaseLinear;
}

/** A step as the code below calls it. */
export type HeadStep = HeadResult & { (): number; free(): void };

/** The linear form of a loss as the code below calls it. */
export interface BaseLinear {
  (features: TensorInput, parameters: LinearParameters, target: unknown, options: Given): HeadResult;
  forward(features: TensorInput, parameters: LinearParameters, target: unknown, options: Given): HeadResult;
  prepare(features: TensorInput, parameters: LinearParameters, target: unknown, options: Given): HeadStep;
}

/** A head that was checked. */
export interface Checked {
  readonly name: string;
  readonly from: number;
  readonly width: number;
  readonly outputs: readonly number[];
  readonly loss: Base;
  readonly options: Given;
  readonly weight: number;
}

/** Opens messages. */
export const NAME = 'multiHead';
const COLUMN = { takes: 'an integer of 0 or more', test: (value: number) => Number.isInteger(value) && value >= 0 };

/** Checks a head. */
export function readHead(head: Head, i: number): Checked {
  const where = `${NAME}: heads[${i}]`;
  if (typeof head !== 'object' || head === null) {
    throw new TypeError(`${where} is ${lib.describe(head)}, expected an object { name, columns, loss }`);
  }
  const given = readOptions(where, head, ['name', 'columns', 'outputs', 'loss', 'options', 'weight']);
  const { name, columns, outputs, loss, options = {}, weight = 1 } = given;
  if (typeof name !== 'string') throw new TypeError(`${where}.name is ${lib.describe(name)}, expected a string`);
  if (!Array.isArray(columns) || columns.length !== 2) {
    throw new TypeError(`${where}.columns is ${lib.describe(columns)}, expected [from, to]`);
  }
  const from = lib.readNumber(columns[0], `${where}.columns[0]`, COLUMN);
  const to = lib.readNumber(columns[1], `${where}.columns[1]`, COLUMN);
  if (to <= from)
    throw new RangeError(`${where}.columns is [${from}, ${to}], expected at least one column (to is exclusive)`);
  if (typeof loss !== 'function' || typeof loss.forward !== 'function' || typeof loss.prepare !== 'function') {
    throw new TypeError(`${where}.loss is ${lib.describe(loss)}, expected a loss such as crossEntropy`);
  }
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${where}.options is ${lib.describe(options)}, expected an object`);
  }
  const own = { ...options } as Given;
  if (own.reduction === 'none') {
    throw new RangeError(
      `${where}.options.reduction is 'none', expected 'mean', 'sum' or 'batchmean': heads are added up`,
    );
  }
  if (own.out !== undefined) throw new TypeError(`${where}.options has out, expected it in the call of the whole`);
  const width = to - from;
  const shape =
    outputs === undefined ? [width] : Array.from(outputs, (size) => lib.readNumber(size, `${where}.outputs`, COLUMN));
  if (lib.sizeOf(shape) !== width) {
    throw new RangeError(`${where}.outputs is ${lib.show(shape)}, expected a shape of ${width} columns`);
  }
  const by = lib.readNumber(weight, `${where}.weight`, lib.FINITE);
  return { name, from, width, outputs: shape, loss: loss as unknown as Base, options: own, weight: by };
}

/** What a head says of itself. */
export function resultOf({ loss, sum, count, weightSum, componentLosses }: HeadResult): HeadResult {
  return { loss, sum, count, weightSum, ...(componentLosses && { componentLosses }) };
}

/** A target for each head. */
export function readTargets(heads: readonly Checked[], name: string, targets: unknown): Given {
  if (typeof targets !== 'object' || targets === null || Array.isArray(targets) || lib.isTyped(targets)) {
    throw new TypeError(`${name}: targets is ${lib.describe(targets)}, expected an object with a target for each head`);
  }
  const known = heads.map((head) => head.name);
  const unknown = Object.keys(targets).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`${name}: targets has ${JSON.stringify(unknown)}, expected one of ${known.join(', ')}`);
  }
  for (const key of known) {
    const target = (targets as Given)[key];
    const everybodys = target === (Object.prototype as unknown as Given)[key]; // a head may be called toString
    if (target === undefined || everybodys) throw new TypeError(`${name}: targets.${key} is missing`);
  }
  return targets as Given;
}

/** The typed arrays of a target or an option. */
function typedOf(value: unknown): NumericArray[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const { data, indices, offsets } = value as Record<'data' | 'indices' | 'offsets', unknown>;
  return [value, data, indices, offsets].filter(lib.isTyped);
}

/** The typed arrays of targets and of the options of heads, over which no gradient may go. */
export const arraysOf = (heads: readonly Checked[], targets: Given): NumericArray[] =>
  [targets, ...heads.map(({ options }) => options)].flatMap((each) => Object.values(each).flatMap(typedOf));

/** Runs what belongs to a head, whose name errors of its loss then bear; those of others pass as they are. */
export function ofHead<T>({ name, loss }: Checked, run: () => T): T {
  try {
    return run();
  } catch (error) {
    const kind = [TypeError, RangeError].find((each) => error instanceof each);
    const { message } = error as Error;
    if (!kind || !message.startsWith(loss.name)) throw error;
    throw new kind(`${NAME}: head ${JSON.stringify(name)}: ${message}`, { cause: error });
  }
}

/** A step for each head; where one cannot be made, those before it are freed. */
export function prepareHeads(heads: readonly Checked[], make: (head: Checked, i: number) => HeadStep): HeadStep[] {
  const steps: HeadStep[] = [];
  try {
    for (const [i, head] of heads.entries()) steps.push(ofHead(head, () => make(head, i)));
  } catch (error) {
    for (const step of steps) step.free();
    throw error;
  }
  return steps;
}

/** The weights of the heads, or those that were given in their place. */
export function readWeights(heads: readonly Checked[], name: string, weights: unknown): number[] {
  if (weights === undefined) return heads.map((head) => head.weight);
  if (typeof weights !== 'object' || weights === null) {
    throw new TypeError(`${name}: weights is ${lib.describe(weights)}, expected an object with weights by name`);
  }
  const unknown = Object.keys(weights).find((key) => !heads.some((head) => head.name === key));
  if (unknown !== undefined) throw new TypeError(`${name}: weights has ${JSON.stringify(unknown)}, which is no head`);
  return heads.map(({ name: head, weight }) => {
    const own = (weights as Given)[head];
    return own === undefined ? weight : lib.readNumber(own, `${name}: weights.${head}`, lib.FINITE);
  });
}

/** The total of results; a head that weighs nothing adds nothing, whatever its loss is. */
export const totalOfResults = (results: readonly HeadResult[], weights: readonly number[]): number =>
  totalOf(
    results.map((result) => result.loss),
    weights,
  );

/** The total of losses. */
export const totalOf = (losses: readonly number[], weights: readonly number[]): number =>
  losses.reduce((sum, loss, i) => (weights[i] === 0 ? sum : sum + (weights[i] as number) * loss), 0);

/** Values by the names of their heads. */
export const named = <T>(heads: readonly Checked[], values: readonly T[]): Record<string, T> =>
  Object.fromEntries(heads.map(({ name }, i) => [name, values[i] as T]));

/** What the heads of a step say of themselves, as of its last run. */
export const stepHeads = (steps: readonly HeadStep[], losses: () => readonly number[]): HeadResult[] =>
  steps.map((run, i) => ({
    get loss() {
      return losses()[i] as number;
    },
    get sum() {
      return run.sum;
    },
    get count() {
      return run.count;
    },
    get weightSum() {
      return run.weightSum;
    },
    ...(run.componentLosses && { componentLosses: run.componentLosses }),
  }));
