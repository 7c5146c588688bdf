import { createEngine, type Tier } from '../src/index.ts';
import {
  type Call,
  callOf,
  type FusedResult,
  float32,
  gradientsOf,
  type Input,
  libraryOf,
  type Target,
  type Tensor32,
} from '../test/library.ts';
import { isActivationName, type Problem } from '../test/reference/index.ts';
import { baselines, plainOf } from './baseline/index.ts';
import type { Operation } from './cases.ts';

/** What a run left: for the input (activations: the output) under 'input', for what else has a gradient under its name. */
export type Gradients = Readonly<Record<string, Float32Array>>;

/** One contender set up for one workload. */
export interface Trial {
  /** Does all the work: loss and gradient (activations: the output). Returns the loss (activations: NaN). */
  readonly run: () => number;
  readonly gradients: () => Gradients;
}

/** A column of the benchmark that runs in JavaScript. */
export interface Contender {
  readonly name: string;
  prepare(operation: Operation, problem: Problem): Trial;
}

interface Indices {
  readonly data: Int32Array;
  readonly shape: readonly number[];
}

/** Where a contender keeps its tensors. */
export interface Home {
  readonly engine: unknown;
  readonly place: (tensor: Tensor32) => Tensor32;
  readonly placeIndices: (indices: Indices) => Indices;
  /** Makes what results go to; calls make it themselves where there is none. */
  readonly make?: (shape: readonly number[]) => Tensor32;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, extent) => size * extent, 1);

const inArrays = (): Home => ({
  engine: createEngine({ tier: 'simd' }),
  place: (tensor) => tensor,
  placeIndices: (indices) => indices,
  make: (shape) => ({ data: new Float32Array(sizeOf(shape)), shape }),
});

/** Tensors of an engine of its own. */
export function inMemory(tier: Tier | 'auto'): Home {
  const engine = createEngine({ tier });
  if (tier !== 'auto' && engine.tier !== tier) throw new Error(`tier '${tier}': this runtime has '${engine.tier}'`);
  return {
    engine,
    place: ({ data, shape }) => engine.from(data, shape),
    placeIndices: ({ data, shape }) => engine.from(data, shape),
    make: (shape) => engine.tensor(shape),
  };
}

const isTensor = (value: unknown): value is Tensor32 =>
  typeof value === 'object' && value !== null && 'data' in value && value.data instanceof Float32Array;

const isIndices = (target: Target): target is Indices => 'data' in target && target.data instanceof Int32Array;

/** Changes one tensor, or each of several by name. */
const eachTensor = (input: Input, change: (tensor: Tensor32) => Tensor32): Input =>
  isTensor(input)
    ? change(input)
    : Object.fromEntries(Object.entries(input).map(([name, tensor]) => [name, change(tensor)]));

function placeTarget(target: Target, home: Home): Target {
  if (isTensor(target)) return home.place(target);
  return isIndices(target) ? home.placeIndices(target) : target;
}

/** A call with its operands where a contender keeps them, and a tensor there for each gradient. */
function placeCall(call: Call, home: Home): Call {
  const { make } = home;
  const options = Object.entries(call.options).map(([name, value]) => [
    name,
    isTensor(value) ? home.place(value) : value,
  ]);
  return {
    ...call,
    input: eachTensor(call.input, home.place),
    target: placeTarget(call.target, home),
    options: {
      ...Object.fromEntries(options),
      ...(make && { out: eachTensor(call.input, ({ shape }) => make(shape)) }),
    },
  };
}

function gradientsIn(result: Pick<FusedResult, 'grad' | 'gradVariance'>): Gradients {
  const { grad, grads } = gradientsOf(result);
  const others = Object.entries(grads).map(([name, { data }]) => [name, data]);
  return { ...Object.fromEntries(others), input: grad.data };
}

/** A loss as a trial, from a call of it. */
type LossTrial = (call: Call) => Trial;

/** A call of this library per run. */
export const callTrial: LossTrial = ({ loss, input, target, options }) => {
  let result = loss(input, target, options);
  return {
    run: () => {
      result = loss(input, target, options);
      return result.loss as number; // the reduction is the mean
    },
    gradients: () => gradientsIn(result),
  };
};

/** A prepared step per run. */
export const stepTrial: LossTrial = ({ loss, input, target, options }) => {
  const step = loss.prepare(input, target, options);
  return { run: step as () => number, gradients: () => gradientsIn(step) };
};

/** This library with its tensors somewhere. Activations have no steps and are called. */
export const ours = (name: string, homeOf: () => Home, trial: LossTrial): Contender => ({
  name,
  prepare(operation, problem) {
    const home = homeOf();
    const library = libraryOf(home.engine);
    if (!isActivationName(operation)) return trial(placeCall(callOf(operation, problem, library), home));
    const activation = library[operation];
    const input = home.place(float32(problem.inputs.input));
    const options = home.make ? { out: home.make(input.shape) } : {};
    let output = activation(input, options);
    return {
      run: () => {
        output = activation(input, options);
        return Number.NaN;
      },
      gradients: () => ({ input: output.data }),
    };
  },
});

/** Plain fused loops over the same arrays, the gradient written where `gradientOf` says. */
const plain = (name: string, makeBuffer: (size: number) => () => Float32Array): Contender => ({
  name,
  prepare(operation, problem) {
    const data = plainOf(problem);
    const loop = baselines[operation]!(data);
    const bufferOf = makeBuffer(data.x.length);
    let gradient = bufferOf();
    return {
      run: () => {
        gradient = bufferOf();
        return loop(gradient);
      },
      gradients: () => ({
        ...Object.fromEntries(Object.entries(data.others).map(([other, { grad }]) => [other, grad])),
        input: gradient,
      }),
    };
  },
});

/** Plain JavaScript into reused buffers: what the required ratios compare with. */
export const baseline = plain('JS', (size) => {
  const buffer = new Float32Array(size);
  return () => buffer;
});

/** Plain JavaScript that allocates its gradient in each call. */
export const fresh = plain('JS, fresh', (size) => () => new Float32Array(size));

/** Prepared steps on tensors in linear memory. */
export const steps = ours('steps', () => inMemory('simd'), stepTrial);

/** The columns, in order: ours on arrays, on tensors, as prepared steps in each tier, then plain JavaScript. */
export const contenders: readonly Contender[] = [
  ours('arrays', inArrays, callTrial),
  ours('tensors', () => inMemory('simd'), callTrial),
  steps,
  ours('scalar', () => inMemory('scalar'), stepTrial),
  ours('relaxed', () => inMemory('relaxed'), stepTrial),
  baseline,
  fresh,
];
