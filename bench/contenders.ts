import { createEngine, type Step, type Tensor, type TensorInput, type Tier } from '../src/index.ts';
import * as plain from './baseline.ts';
import { type Case, type Inputs, sampleShape } from './cases.ts';

/** One contender set up for one workload. `run` does all the work; `gradient` is where its last run left the result. */
export interface Trial {
  /** Computes loss and gradient (activations: the output) and returns the loss (activations: NaN). */
  readonly run: () => number;
  readonly gradient: () => Float32Array;
}

/** A column of the benchmark. The first contender is the one whose ratios are reported. */
export interface Contender {
  readonly name: string;
  prepare(item: Case, inputs: Inputs): Trial;
}

type Engine = ReturnType<typeof createEngine>;

/** The operands of a workload, where a contender keeps them. */
interface Operands {
  readonly input: TensorInput;
  readonly target: TensorInput;
  readonly out: Tensor;
}

/** A call of this library per run. */
function callTrial(item: Case, engine: Engine, { input, target, out }: Operands): Trial {
  const gradient = () => out.data;
  const { components = [], weights = [] } = item.options;
  switch (item.operation) {
    case 'crossEntropy':
      return { run: () => engine.crossEntropy(input, target, { out }).loss, gradient };
    case 'componentCrossEntropy':
      return { run: () => engine.componentCrossEntropy(input, target, { components, weights, out }).loss, gradient };
    case 'bceWithLogits':
      return { run: () => engine.bceWithLogits(input, target, { out }).loss, gradient };
    case 'mse':
      return { run: () => engine.mse(input, target, { out }).loss, gradient };
    case 'softmax':
      return { run: () => activation(engine.softmax(input, { out })), gradient };
    case 'sigmoid':
      return { run: () => activation(engine.sigmoid(input, { out })), gradient };
  }
}

const activation = (_output: Tensor): number => Number.NaN;

/** A prepared step per run; activations have none and are called. */
function stepTrial(item: Case, engine: Engine, operands: Operands): Trial {
  const { input, target, out } = operands;
  const { components = [], weights = [] } = item.options;
  const steps: Partial<Record<Case['operation'], () => Step<'mean'>>> = {
    crossEntropy: () => engine.crossEntropy.prepare(input, target, { out }),
    componentCrossEntropy: () => engine.componentCrossEntropy.prepare(input, target, { components, weights, out }),
    bceWithLogits: () => engine.bceWithLogits.prepare(input, target, { out }),
    mse: () => engine.mse.prepare(input, target, { out }),
  };
  const run = steps[item.operation]?.();
  return run ? { run, gradient: () => out.data } : callTrial(item, engine, operands);
}

/** This library on plain typed arrays, gradient into a reused buffer. */
export const arrays: Contender = {
  name: 'arrays',
  prepare(item, inputs) {
    const { shape } = item;
    const target = inputs.indices
      ? { data: inputs.indices, shape: sampleShape(shape) }
      : { data: inputs.values ?? new Float32Array(0), shape };
    const out = { data: new Float32Array(inputs.input.length), shape };
    return callTrial(item, createEngine({ tier: 'simd' }), { input: { data: inputs.input, shape }, target, out });
  },
};

/** This library on tensors in linear memory. */
const onTensors = (name: string, tier: Tier, trial: typeof callTrial): Contender => ({
  name,
  prepare(item, inputs) {
    const engine = createEngine({ tier });
    if (engine.tier !== tier) throw new Error(`${name}: this runtime has '${engine.tier}'`);
    const { shape } = item;
    const input = engine.from(inputs.input, shape);
    const target = inputs.indices
      ? engine.from(inputs.indices, sampleShape(shape))
      : engine.from(inputs.values ?? inputs.input, shape);
    return trial(item, engine, { input, target, out: engine.tensor(shape) });
  },
});

export const tensors = onTensors('tensors', 'simd', callTrial);

/** Plain fused loops over the same arrays, the gradient written where `gradientOf` says. */
function plainTrial(item: Case, inputs: Inputs, gradientOf: () => Float32Array): Trial {
  const { input: x, indices = new Int32Array(0), values = new Float32Array(0) } = inputs;
  const [outer = 1, classes = 1, ...rest] = item.shape;
  const inner = rest.reduce((size, extent) => size * extent, 1);
  const [a = 1, b = 1] = item.options.weights ?? [];
  const max = new Float32Array(inner);
  const sum = new Float64Array(inner);
  let gradient = gradientOf();
  const trial = (work: (grad: Float32Array) => number): Trial => ({
    run: () => {
      gradient = gradientOf();
      return work(gradient);
    },
    gradient: () => gradient,
  });
  switch (item.operation) {
    case 'crossEntropy':
      if (item.target === 'probabilities') {
        return trial((grad) => plain.crossEntropyProbabilities(x, values, grad, outer, classes));
      }
      if (inner === 1) return trial((grad) => plain.crossEntropyRows(x, indices, grad, outer, classes));
      return trial((grad) => plain.crossEntropyStrided(x, indices, grad, outer, classes, inner, max, sum));
    case 'componentCrossEntropy':
      return trial((grad) => plain.twoComponents(x, indices, grad, outer, a, b));
    case 'bceWithLogits':
      return trial((grad) => plain.bceWithLogits(x, values, grad));
    case 'mse':
      return trial((grad) => plain.mse(x, values, grad));
    case 'softmax':
      return trial((grad) => {
        plain.softmaxRows(x, grad, outer, classes);
        return Number.NaN;
      });
    case 'sigmoid':
      return trial((grad) => {
        plain.sigmoidAll(x, grad);
        return Number.NaN;
      });
  }
}

/** Plain JavaScript into one reused gradient buffer. */
export const plainReused: Contender = {
  name: 'JS',
  prepare(item, inputs) {
    const buffer = new Float32Array(inputs.input.length);
    return plainTrial(item, inputs, () => buffer);
  },
};

/** Plain JavaScript that allocates its gradient in each call. */
export const plainAllocating: Contender = {
  name: 'JS, fresh',
  prepare: (item, inputs) => plainTrial(item, inputs, () => new Float32Array(inputs.input.length)),
};

/** What the target ratios compare with. */
export const baseline = plainReused;

/** The columns, in order: ours on arrays, on tensors, as prepared steps in each tier, then plain JavaScript. */
export const contenders: readonly Contender[] = [
  arrays,
  tensors,
  onTensors('steps', 'simd', stepTrial),
  onTensors('scalar', 'scalar', stepTrial),
  onTensors('relaxed', 'relaxed', stepTrial),
  baseline,
  plainAllocating,
];
