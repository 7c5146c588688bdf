// A mini-batch training loop on the library's own memory: three overlapping clouds of points, a linear model, plain SGD.
//
//   node examples/training-loop.mjs        (after `npm run build`)
//
// Outputs and targets live in an engine's memory, a batch of targets is a slice (a view, no copy), and every batch has a
// prepared step that writes the gradient over the outputs. A step allocates no memory.

import assert from 'node:assert/strict';
import { createEngine } from 'lossmith';

const CLASSES = 3;
const FEATURES = 2;
const SAMPLES = 960;
const BATCH = 64;
const EPOCHS = 8;
const RATE = 0.05;

/** mulberry32: numbers in [0, 1) that depend on the seed alone. */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Points around the corners of a triangle, in random order, and the corner of each. */
function makeData(random) {
  const points = new Float32Array(SAMPLES * FEATURES);
  const corners = new Int32Array(SAMPLES);
  for (let i = 0; i < SAMPLES; i++) {
    const corner = Math.floor(random() * CLASSES);
    const angle = (2 * Math.PI * corner) / CLASSES;
    const noise = () => 2 * (random() + random() + random() - 1.5);
    corners[i] = corner;
    points[FEATURES * i] = Math.cos(angle) + noise();
    points[FEATURES * i + 1] = Math.sin(angle) + noise();
  }
  return { points, corners };
}

/** logits = points · weights + bias for one batch. */
function predict(points, { weights, bias }, logits) {
  for (let i = 0; i < BATCH; i++) {
    for (let c = 0; c < CLASSES; c++) {
      let sum = bias[c];
      for (let f = 0; f < FEATURES; f++) sum += points[FEATURES * i + f] * weights[FEATURES * c + f];
      logits[CLASSES * i + c] = sum;
    }
  }
}

/** One step of gradient descent from the gradient of the logits. */
function update({ weights, bias }, points, grad) {
  for (let i = 0; i < BATCH; i++) {
    for (let c = 0; c < CLASSES; c++) {
      const g = RATE * grad[CLASSES * i + c];
      bias[c] -= g;
      for (let f = 0; f < FEATURES; f++) weights[FEATURES * c + f] -= g * points[FEATURES * i + f];
    }
  }
}

const { points, corners } = makeData(randomFrom(1));
const model = { weights: new Float32Array(CLASSES * FEATURES), bias: new Float32Array(CLASSES) };

const engine = createEngine();
const logits = engine.tensor([BATCH, CLASSES]);
const targets = engine.from(corners); // Int32Array: an int32 tensor [SAMPLES]

const batches = [];
for (let start = 0; start < SAMPLES; start += BATCH) {
  const step = engine.crossEntropy.prepare(logits, targets.slice(start, start + BATCH), { out: logits });
  batches.push({ step, points: points.subarray(FEATURES * start, FEATURES * (start + BATCH)) });
}

const losses = [];
const before = engine.stats();
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  let sum = 0;
  let count = 0;
  for (const batch of batches) {
    predict(batch.points, model, logits.data);
    batch.step(); // the loss; logits.data now holds its gradient
    sum += batch.step.sum;
    count += batch.step.count;
    update(model, batch.points, logits.data);
  }
  losses.push(sum / count); // sums and counts of batches add up to an exact mean
  console.log(`epoch ${epoch + 1}  loss ${losses.at(-1).toFixed(4)}`);
}

assert.deepEqual(engine.stats(), before, 'training takes no memory');
for (let i = 1; i < EPOCHS; i++) assert(losses[i] < losses[i - 1], 'the loss falls in every epoch');
assert(losses.at(-1) < 0.7 * Math.log(CLASSES), 'the model is much better than guessing');

for (const { step } of batches) step.free();
logits.free();
targets.free();
assert.equal(engine.stats().bytesInUse, 0, 'everything was given back');
console.log(`guessing costs ${Math.log(CLASSES).toFixed(4)}; ${engine.tier} tier, ${SAMPLES / BATCH} prepared steps`);
