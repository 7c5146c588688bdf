/**
 * A linear model: outputs = features · weights + bias.
 *
 * @typedef {object} Model
 * @property {number} inputs
 * @property {number} outputs
 * @property {Float32Array} weights [inputs, outputs]
 * @property {Float32Array} bias [outputs]
 */

import { random } from './random.mjs';

/**
 * A model with small random weights.
 *
 * @param {number} inputs
 * @param {number} outputs
 * @param {number} seed
 * @returns {Model}
 */
export function createModel(inputs, outputs, seed) {
  const next = random(seed);
  const small = () => (next() - 0.5) * 0.02;
  return {
    inputs,
    outputs,
    weights: Float32Array.from({ length: inputs * outputs }, small),
    bias: new Float32Array(outputs),
  };
}

/**
 * Writes the outputs of every row of x into `out`.
 *
 * @param {Model} model
 * @param {Float32Array} x [rows, inputs]
 * @param {Float32Array} out [rows, outputs]
 */
export function forward({ inputs, outputs, weights, bias }, x, out) {
  const rows = out.length / outputs;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < outputs; j++) {
      let sum = bias[j];
      for (let f = 0; f < inputs; f++) sum += x[i * inputs + f] * weights[f * outputs + j];
      out[i * outputs + j] = sum;
    }
  }
}

/**
 * One step of gradient descent. The loss gave the gradient of the outputs; the chain rule makes xᵀ · gradient of it
 * for the weights and the column sums for the bias.
 *
 * @param {Model} model changed in place
 * @param {Float32Array} x [rows, inputs]
 * @param {Float32Array} gradient [rows, outputs]
 * @param {number} rate
 */
export function descend({ inputs, outputs, weights, bias }, x, gradient, rate) {
  const rows = gradient.length / outputs;
  for (let j = 0; j < outputs; j++) {
    for (let f = 0; f < inputs; f++) {
      let sum = 0;
      for (let i = 0; i < rows; i++) sum += x[i * inputs + f] * gradient[i * outputs + j];
      weights[f * outputs + j] -= rate * sum;
    }
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += gradient[i * outputs + j];
    bias[j] -= rate * sum;
  }
}

/** Rows that `largestCurvature` looks at, at most. */
const SAMPLE = 2000;

/**
 * The largest eigenvalue of xᵀx / rows, x with a column of ones for the bias, by power iteration: how strongly the
 * outputs can react to a step of the weights.
 *
 * @param {Float32Array} x [rows, inputs]
 * @param {number} inputs
 */
export function largestCurvature(x, inputs) {
  const rows = Math.min(x.length / inputs, SAMPLE);
  let direction = new Float64Array(inputs + 1).fill(1 / Math.sqrt(inputs + 1));
  let size = 1;
  for (let turn = 0; turn < 50; turn++) {
    const next = new Float64Array(inputs + 1);
    for (let i = 0; i < rows; i++) {
      let output = direction[inputs];
      for (let f = 0; f < inputs; f++) output += x[i * inputs + f] * direction[f];
      for (let f = 0; f < inputs; f++) next[f] += (output * x[i * inputs + f]) / rows;
      next[inputs] += output / rows;
    }
    size = Math.hypot(...next);
    direction = next.map((value) => value / size);
  }
  return size;
}
