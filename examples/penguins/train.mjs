import { createModel, descend, forward, largestCurvature } from './model.mjs';
import { random, shuffle } from './random.mjs';

/**
 * @typedef {object} Data
 * @property {number} rows
 * @property {Float32Array} x [rows, features]
 * @property {Float32Array | Int32Array | Int8Array} target rows × `targetShape` values
 */

/**
 * @typedef {object} Score
 * @property {string} name
 * @property {number} value a share of 1, or R²
 * @property {string} [note] what to compare it with
 */

/**
 * One thing to learn, with everything the training needs to know about it.
 *
 * @typedef {object} Task
 * @property {string} name
 * @property {string} lossName
 * @property {{ forward: Function, prepare: Function }} loss a loss of lossmith
 * @property {Record<string, unknown>} options its options
 * @property {string[]} [componentNames] what its components are called
 * @property {number[]} outputShape of one row of logits, e.g. [3] or [3, 4]
 * @property {number[]} targetShape of one row of the target: [] for a class index
 * @property {number} curvature a bound on the second derivative of one row's loss along its logits
 * @property {string[]} features
 * @property {Data} train
 * @property {Data} test
 * @property {(logits: Float32Array, data: Data) => Score[]} score
 * @property {string} rowsNote which rows were used and which were not
 */

/** Rows in one step, at most: a table the size of the penguins is used whole in every step. */
export const BATCH_ROWS = 1024;

/**
 * The step size of gradient descent: 1 / the largest second derivative that the loss can have along the weights.
 * With steps of at most twice that size, descent on a convex loss moves no two models further apart, so rounding errors
 * add up but never grow.
 *
 * @param {Task} task
 */
export function learningRate(task) {
  return 1 / (task.curvature * largestCurvature(task.train.x, task.features.length));
}

/** @param {number[]} shape */
const sizeOf = (shape) => shape.reduce((product, size) => product * size, 1);

/**
 * Trains a linear model on a task by gradient descent. The loss and its gradient come from `task.loss`, prepared once:
 * every step reads the logits and targets that are in the arrays then, and rewrites the same gradient.
 *
 * @param {Task} task
 * @param {object} [settings]
 * @param {number} [settings.steps]
 * @param {number} [settings.seed]
 * @param {import('./model.mjs').Model} [settings.model] where to start, changed in place
 * @param {(step: number, loss: number) => void} [settings.onStep]
 */
export function train(task, { steps = 1000, seed = 1, model, onStep } = {}) {
  const outputs = sizeOf(task.outputShape);
  const trained = model ?? createModel(task.features.length, outputs, seed);
  const rate = learningRate(task);
  const initialLoss = evaluate(task, trained, task.train).loss;

  const batch = batches(task, random(seed));
  const rows = Math.min(task.train.rows, BATCH_ROWS);
  const logits = { data: new Float32Array(rows * outputs), shape: [rows, ...task.outputShape] };
  const lossStep = task.loss.prepare(logits, batch.target, task.options);
  const curve = new Float64Array(steps);
  const stepTimes = new Float64Array(steps);
  const lossTimes = new Float64Array(steps);

  for (let step = 0; step < steps; step++) {
    const started = performance.now();
    batch.next();
    forward(trained, batch.x, logits.data);
    const beforeLoss = performance.now();
    const loss = lossStep();
    lossTimes[step] = performance.now() - beforeLoss;
    descend(trained, batch.x, lossStep.grad.data, rate);
    stepTimes[step] = performance.now() - started;
    curve[step] = loss;
    onStep?.(step + 1, loss);
  }

  lossStep.free();
  const final = evaluate(task, trained, task.train);
  return {
    task,
    model: trained,
    rate,
    curve,
    initialLoss,
    finalLoss: final.loss,
    componentLosses: final.componentLosses,
    scores: task.score(evaluate(task, trained, task.test).logits, task.test),
    stepTime: median(stepTimes),
    lossTime: median(lossTimes),
  };
}

/** @typedef {ReturnType<typeof train>} Result */

/**
 * The outputs of a model and the loss over all rows at once; no gradient is computed.
 *
 * @param {Task} task
 * @param {import('./model.mjs').Model} model
 * @param {Data} data
 */
export function evaluate(task, model, data) {
  const logits = { data: new Float32Array(data.rows * model.outputs), shape: [data.rows, ...task.outputShape] };
  forward(model, data.x, logits.data);
  const target = { data: data.target, shape: [data.rows, ...task.targetShape] };
  const { loss, componentLosses } = task.loss.forward(logits, target, task.options);
  return { logits: logits.data, loss, componentLosses };
}

/**
 * Gives the training rows in shuffled batches of constant size, starting over at the end, or all rows every time if
 * they fit in one batch. `next` overwrites the arrays of the batch before.
 *
 * @param {Task} task
 * @param {() => number} random numbers in [0, 1)
 */
function batches(task, random) {
  const { x, target, rows } = task.train;
  if (rows <= BATCH_ROWS) return { x, target: { data: target, shape: [rows, ...task.targetShape] }, next() {} };
  const inputs = task.features.length;
  const width = sizeOf(task.targetShape);
  const batchX = new Float32Array(BATCH_ROWS * inputs);
  const batchTarget = target.slice(0, BATCH_ROWS * width);
  const order = Int32Array.from({ length: rows }, (_, i) => i);
  let position = rows;
  return {
    x: batchX,
    target: { data: batchTarget, shape: [BATCH_ROWS, ...task.targetShape] },
    next() {
      for (let i = 0; i < BATCH_ROWS; i++) {
        if (position === rows) {
          shuffle(order, random);
          position = 0;
        }
        const row = order[position++];
        batchX.set(x.subarray(row * inputs, (row + 1) * inputs), i * inputs);
        batchTarget.set(/** @type {any} */ (target.subarray(row * width, (row + 1) * width)), i * width);
      }
    },
  };
}

/** @param {Float64Array} values */
function median(values) {
  return values.slice().sort()[values.length >> 1];
}
