/** Gradient descent on the losses of the penguin example in plain JavaScript numbers, sharing no code with it. */

import type { Data, Task } from './example.ts';

/** Loss and gradient of the logits, all rows together. */
interface Evaluated {
  loss: number;
  gradient: Float64Array;
}

type Evaluate = (logits: Float64Array, data: Data, task: Task) => Evaluated;

/**
 * −log of the probability of the target's group of classes. Adds weight times its gradient to `gradient`: the softmax
 * over all classes minus the softmax inside the group.
 */
function groupLoss(row: number[], groups: number[], target: number, weight: number, gradient: number[]): number {
  const largest = Math.max(...row);
  let all = 0;
  let inside = 0;
  row.forEach((z, c) => {
    const e = Math.exp(z - largest);
    all += e;
    if (groups[c] === groups[target]) inside += e;
  });
  row.forEach((z, c) => {
    const e = Math.exp(z - largest);
    gradient[c]! += weight * (e / all - (groups[c] === groups[target] ? e / inside : 0));
  });
  return weight * Math.log(all / inside);
}

/** The mean over all sample positions of `loss`, which gets the logits of one sample and adds to their gradient. */
function meanOfSamples(
  task: Task,
  data: Data,
  logits: Float64Array,
  loss: (row: number[], target: number, gradient: number[]) => number,
): Evaluated {
  const [classes = 1, inner = 1] = task.outputShape;
  const gradient = new Float64Array(logits.length);
  const count = data.rows * inner;
  let sum = 0;
  for (let sample = 0; sample < count; sample++) {
    const start = Math.floor(sample / inner) * classes * inner + (sample % inner);
    const row = Array.from({ length: classes }, (_, c) => logits[start + c * inner]!);
    const rowGradient: number[] = new Array(classes).fill(0);
    sum += loss(row, data.target[sample]!, rowGradient);
    for (let c = 0; c < classes; c++) gradient[start + c * inner] = rowGradient[c]! / count;
  }
  return { loss: sum / count, gradient };
}

const crossEntropy: Evaluate = (logits, data, task) => {
  const classes = Array.from({ length: task.outputShape[0]! }, (_, c) => c);
  const { labels = classes } = task.options;
  return meanOfSamples(task, data, logits, (row, target, gradient) =>
    groupLoss(row, classes, labels.indexOf(target), 1, gradient),
  );
};

const componentCrossEntropy: Evaluate = (logits, data, task) => {
  const { components = [], weights = [], jointWeight = 0 } = task.options;
  const classes = Array.from({ length: task.outputShape[0]! }, (_, c) => c);
  return meanOfSamples(task, data, logits, (row, target, gradient) =>
    components.reduce(
      (sum, groups, m) => sum + groupLoss(row, groups, target, weights[m]!, gradient),
      groupLoss(row, classes, target, jointWeight, gradient),
    ),
  );
};

const bceWithLogits: Evaluate = (logits, data, task) => {
  const posWeight = task.options.posWeight ?? new Float32Array([1]);
  const gradient = new Float64Array(logits.length);
  let sum = 0;
  logits.forEach((z, i) => {
    const y = data.target[i]!;
    const weight = posWeight[i % posWeight.length]!;
    const probability = 1 / (1 + Math.exp(-z));
    const logYes = -Math.log1p(Math.exp(-z));
    const logNo = -Math.log1p(Math.exp(z));
    sum -= weight * y * logYes + (1 - y) * logNo;
    gradient[i] = ((1 - y) * probability - weight * y * (1 - probability)) / logits.length;
  });
  return { loss: sum / logits.length, gradient };
};

const mse: Evaluate = (logits, data) => {
  let sum = 0;
  const gradient = logits.map((value, i) => {
    const difference = value - data.target[i]!;
    sum += difference ** 2;
    return (2 * difference) / logits.length;
  });
  return { loss: sum / logits.length, gradient };
};

const LOSSES: Record<string, Evaluate> = { crossEntropy, componentCrossEntropy, bceWithLogits, mse };

export interface Parameters {
  weight: ArrayLike<number>;
  bias: ArrayLike<number>;
}

/** The outputs of a head. */
function outputsOf({ weight, bias }: Parameters, data: Data, inputs: number): Float64Array {
  return new Float64Array(data.rows * bias.length).map((_, index) => {
    const [row, output] = [Math.floor(index / bias.length), index % bias.length];
    let sum = bias[output]!;
    for (let f = 0; f < inputs; f++) sum += data.x[row * inputs + f]! * weight[output * inputs + f]!;
    return sum;
  });
}

/** A parameter under gradient descent that takes a share of each step again in the next one. */
class Moving {
  readonly values: Float64Array;
  readonly #velocity: Float64Array;

  constructor(start: ArrayLike<number>) {
    this.values = Float64Array.from(start);
    this.#velocity = new Float64Array(start.length);
  }

  move(gradient: Float64Array, { rate, momentum }: { rate: number; momentum: number }): void {
    gradient.forEach((value, i) => {
      this.#velocity[i] = momentum * this.#velocity[i]! + value;
      this.values[i]! -= rate * this.#velocity[i]!;
    });
  }
}

/** Trains from the given parameters on all training rows. */
export function trainInFloat64(
  task: Task,
  start: Parameters,
  settings: { steps: number; rate: number; momentum: number },
) {
  const evaluate = LOSSES[task.lossName.split(' ')[0]!]!;
  const inputs = task.features.length;
  const [weight, bias] = [new Moving(start.weight), new Moving(start.bias)];
  const head = { weight: weight.values, bias: bias.values };
  const outputs = head.bias.length;
  const losses = (data: Data) => evaluate(outputsOf(head, data, inputs), data, task);
  const curve: number[] = [];
  const heldOut: number[] = [];
  for (let step = 0; step < settings.steps; step++) {
    const { loss, gradient } = losses(task.train);
    curve.push(loss);
    heldOut.push(losses(task.test).loss);
    const grad = { weight: new Float64Array(head.weight.length), bias: new Float64Array(outputs) };
    gradient.forEach((value, index) => {
      const [row, output] = [Math.floor(index / outputs), index % outputs];
      for (let f = 0; f < inputs; f++) grad.weight[output * inputs + f]! += value * task.train.x[row * inputs + f]!;
      grad.bias[output]! += value;
    });
    weight.move(grad.weight, settings);
    bias.move(grad.bias, settings);
  }
  return { curve, heldOut, finalLoss: losses(task.train).loss, testLogits: outputsOf(head, task.test, inputs) };
}
