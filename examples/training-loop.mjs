// A mini-batch training loop on the library's own memory: three overlapping clouds of points, a linear head, plain SGD.
//
//   node examples/training-loop.mjs        (after `npm run build`)
//
// Points, targets and the head live in an engine's memory; a batch is a slice of points and of targets (views, no copies) with a
// prepared step of its own. All steps write the same gradients. A step allocates no memory.

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

const { points, corners } = makeData(randomFrom(1));

const engine = createEngine();
const features = engine.from(points, [SAMPLES, FEATURES]);
const targets = engine.from(corners); // Int32Array: an int32 tensor [SAMPLES]
const makeHead = () => ({ weight: engine.tensor([CLASSES, FEATURES]), bias: engine.tensor([CLASSES]) });
const [head, out] = [makeHead(), makeHead()];

const steps = [];
for (let start = 0; start < SAMPLES; start += BATCH) {
  const [x, target] = [features, targets].map((tensor) => tensor.slice(start, start + BATCH));
  steps.push(engine.crossEntropy.linear.prepare(x, head, target, { grads: ['weight', 'bias'], out }));
}

const losses = [];
const before = engine.stats();
for (let epoch = 0; epoch < EPOCHS; epoch++) {
  let sum = 0;
  let count = 0;
  for (const step of steps) {
    step(); // the loss; out holds its gradients now
    sum += step.sum;
    count += step.count;
    for (const name of ['weight', 'bias']) {
      const [values, gradient] = [head[name].data, out[name].data];
      for (let i = 0; i < values.length; i++) values[i] -= RATE * gradient[i];
    }
  }
  losses.push(sum / count); // sums and counts of batches add up to an exact mean
  console.log(`epoch ${epoch + 1}  loss ${losses.at(-1).toFixed(4)}`);
}

assert.deepEqual(engine.stats(), before, 'training takes no memory');
for (let i = 1; i < EPOCHS; i++) assert(losses[i] < losses[i - 1], 'the loss falls in every epoch');
assert(losses.at(-1) < 0.7 * Math.log(CLASSES), 'the model is much better than guessing');

for (const each of [...steps, features, targets, ...Object.values(head), ...Object.values(out)]) each.free();
assert.equal(engine.stats().bytesInUse, 0, 'everything was given back');
console.log(`guessing costs ${Math.log(CLASSES).toFixed(4)}; ${engine.tier} tier, ${steps.length} prepared steps`);
