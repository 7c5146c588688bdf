import {
  bceWithLogits,
  componentCrossEntropy,
  crossEntropy,
  mse,
  sigmoid,
  softmax,
  type Tensor,
  type TensorLike,
} from '../src/index.ts';
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

/** This library on plain typed arrays, gradient into a reused buffer. */
export const lossmith: Contender = {
  name: 'lossmith',
  prepare(item, inputs) {
    const { shape, options } = item;
    const input: Tensor = { data: inputs.input, shape };
    const out = new Float32Array(inputs.input.length);
    const gradient = () => out;
    const indices: TensorLike = { data: inputs.indices ?? new Int32Array(0), shape: sampleShape(shape) };
    const values: TensorLike = { data: inputs.values ?? new Float32Array(0), shape };
    switch (item.operation) {
      case 'crossEntropy': {
        const target = item.target === 'probabilities' ? values : indices;
        return { run: () => crossEntropy(input, target, { out }).loss, gradient };
      }
      case 'componentCrossEntropy': {
        const { components = [], weights = [] } = options;
        return { run: () => componentCrossEntropy(input, indices, { components, weights, out }).loss, gradient };
      }
      case 'bceWithLogits':
        return { run: () => bceWithLogits(input, values, { out }).loss, gradient };
      case 'mse':
        return { run: () => mse(input, values, { out }).loss, gradient };
      case 'softmax':
        return { run: () => activation(softmax(input, { out })), gradient };
      case 'sigmoid':
        return { run: () => activation(sigmoid(input, { out })), gradient };
    }
  },
};

const activation = (_output: Tensor): number => Number.NaN;

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
  name: 'JS, allocating',
  prepare: (item, inputs) => plainTrial(item, inputs, () => new Float32Array(inputs.input.length)),
};

/** The columns, in order: ours first, then what it is compared with (the target ratios concern the second). */
export const contenders: readonly Contender[] = [lossmith, plainReused, plainAllocating];
