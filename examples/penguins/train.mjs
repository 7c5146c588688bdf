/**
 * How to train a head with lossmith: features and targets, weight and bias lie in the library's memory; for each batch a prepared step
 * computes the loss of features · weightᵀ + bias and the gradients of weight and bias; a subtraction does the rest.
 */
import { defaultEngine, linear } from 'lossmith';
import { random } from './random.mjs';

/**
 * @typedef {object} Task one thing to learn
 * @property {object} loss a loss of lossmith, with its `options`
 * @property {number[]} outputShape of one row of logits, e.g. [3] or [3, 4], or [] for one number
 * @property {number} curvature a bound on the second derivative of one row's loss along its logits
 * @property {{ rows: number, x: Float32Array, target: ArrayLike<number> }} train and `test`: features [rows, inputs] and targets
 * @property {(logits: Float32Array, target: ArrayLike<number>) => object[]} score `{ name, value, note }` each
 */

/** Rows in one step, at most, and the share of a step that is taken again in the next one. */
export const [BATCH_ROWS, MOMENTUM] = [1024, 0.9];

/** Points of a loss curve; rows and turns of the power iteration in `learningRate`. */
const [POINTS, SAMPLE, TURNS] = [72, 2000, 50];

const xOf = ({ rows, x }) => ({ data: x, shape: [rows, x.length / rows] });
const targetOf = ({ rows: n, target: data }) => ({ data, shape: data.length > n ? [n, data.length / n] : [n] });

/** A head with small random weights and no bias. */
export function createHead(inputs, outputs, seed) {
  const next = random(seed);
  const data = Float32Array.from({ length: outputs * inputs }, () => (next() - 0.5) * 0.02);
  return { weight: { data, shape: [outputs, inputs] }, bias: { data: new Float32Array(outputs), shape: [outputs] } };
}

/**
 * The size of the steps: 1 / the largest second derivative that the loss can have along the weights: the bound along the logits times
 * the largest eigenvalue of the features' second moments, which power iteration finds.
 */
export function learningRate({ curvature, train }) {
  const inputs = train.x.length / train.rows;
  const rows = Math.min(train.rows, SAMPLE);
  const x = xOf({ rows, x: train.x.subarray(0, rows * inputs) });
  let head = { weight: new Float32Array(inputs).fill(1), bias: Float32Array.of(1) };
  let size = 1;
  for (let turn = 0; turn < TURNS; turn++) {
    const { weight, bias } = linear.backward(linear(x, head, { outputs: [] }), x, head);
    size = Math.hypot(...weight.data, ...bias.data);
    head = { weight: weight.data.map((value) => value / size), bias: bias.data.map((value) => value / size) };
  }
  return rows / (curvature * size);
}

/** Trains a head on a task by gradient descent with momentum; `head` is where to start. */
export function train(task, { steps = 1000, seed = 1, head } = {}) {
  const outputs = task.outputShape.reduce((product, size) => product * size, 1);
  const start = head ?? createHead(task.train.x.length / task.train.rows, outputs, seed);
  const rate = learningRate(task);
  const initialLoss = evaluate(task, start, task.train).loss;

  const engine = defaultEngine();
  const trained = { weight: engine.from(start.weight), bias: engine.from(start.bias) };
  const [x, target] = [engine.from(xOf(task.train)), engine.from(targetOf(task.train))];
  const options = { ...task.options, outputs: task.outputShape, grads: ['weight', 'bias'] }; // what is before the head is fixed
  const count = Math.ceil(task.train.rows / (task.batchRows ?? BATCH_ROWS));
  const batches = Array.from({ length: count }, (_, i) => {
    const ends = [i, i + 1].map((batch) => Math.round((batch * task.train.rows) / count));
    return task.loss.linear.prepare(x.slice(...ends), trained, target.slice(...ends), options); // slices are no copies
  });
  const velocity = { weight: new Float32Array(start.weight.data.length), bias: new Float32Array(outputs) };
  const [curve, lossTimes, stepTimes] = Array.from({ length: 3 }, () => new Float64Array(steps));
  const marks = new Set(Array.from({ length: POINTS }, (_, i) => Math.round(steps ** ((i + 1) / POINTS))));
  const points = [];

  for (let step = 0; step < steps; step++) {
    const heldOut = marks.has(step + 1) ? evaluate(task, trained, task.test).loss : undefined;
    const lossStep = batches[step % count];
    const started = performance.now();
    curve[step] = lossStep();
    lossTimes[step] = performance.now() - started;
    for (const name of ['weight', 'bias']) descend(trained[name].data, velocity[name], lossStep.grad[name].data, rate);
    stepTimes[step] = performance.now() - started;
    if (heldOut === undefined) continue;
    points.push({ step: step + 1, train: mean(curve.subarray(points.at(-1)?.step ?? 0, step + 1)), heldOut });
  }

  for (const each of [...batches, x, target]) each.free();
  const { loss: finalLoss, componentLosses } = evaluate(task, trained, task.train);
  const { data: logits } = linear(xOf(task.test), trained, { outputs: task.outputShape });
  return {
    ...{ task, head: trained, rate, curve, points, initialLoss, finalLoss, componentLosses, logits },
    scores: task.score(logits, task.test.target),
    lossTime: median(lossTimes),
    stepTime: median(stepTimes),
  };
}

function descend(parameter, velocity, gradient, rate) {
  for (let i = 0; i < parameter.length; i++) {
    velocity[i] = MOMENTUM * velocity[i] + gradient[i];
    parameter[i] -= rate * velocity[i];
  }
}

/** The loss of a head over all rows of a part at once; no gradient is computed. */
const evaluate = ({ loss, options, outputShape: outputs }, head, part) =>
  loss.linear.forward(xOf(part), head, targetOf(part), { ...options, outputs });

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values) => values.slice().sort()[values.length >> 1];
