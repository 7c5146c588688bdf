// What a shard is and what is computed of it. The same functions run in the workers and in the one process that they are compared
// with. Everything is made of a seed, as if each shard were a file that a worker reads by itself.

import { createEngine } from 'lossmith';
import { perplexity, predictLabels } from 'lossmith/decide';
import { calibration, precisionRecallF1, pspAtK } from 'lossmith/metrics';
import { random as randomOf } from '../penguins/random.mjs';

const engine = createEngine({ deterministic: true });

const floats = (length, next) => Float32Array.from({ length }, next);

/** Evaluates a model on one shard: text (tokens of a vocabulary) and labels. Everything that it returns adds up. */
export function evaluateShard({ seed, rows, vocabulary, labels, propensities }) {
  const random = randomOf(seed);
  const target = Int32Array.from({ length: rows }, () => Math.floor(random() * vocabulary));
  const logits = {
    data: floats(rows * vocabulary, (_, i) => {
      const right = i % vocabulary === target[Math.floor(i / vocabulary)];
      return 4 * random() - 2 + (right ? 2 : 0);
    }),
    shape: [rows, vocabulary],
  };
  const truth = {
    data: Uint8Array.from({ length: rows * labels }, () => Number(random() < 0.1)),
    shape: [rows, labels],
  };
  const scores = { data: floats(rows * labels, (_, i) => 4 * random() - 3 + 2 * truth.data[i]), shape: [rows, labels] };
  return {
    perplexity: perplexity(logits, target, { engine }),
    calibration: calibration(engine.softmax(logits), target, { bins: 10 }),
    f1: precisionRecallF1(predictLabels(scores, { engine }), truth, { average: 'macro' }),
    psp: pspAtK(scores, truth, { k: 3, propensities }),
  };
}

/** The evaluations of all shards as one, added up in the order of the shards. */
export function mergeEvaluations(results) {
  return {
    perplexity: perplexity.merge(results.map((result) => result.perplexity)),
    calibration: calibration.merge(results.map((result) => result.calibration)),
    f1: precisionRecallF1.merge(
      results.map((result) => result.f1),
      { average: 'macro' },
    ),
    psp: pspAtK.merge(results.map((result) => result.psp)),
  };
}

/** The features and classes of one shard of a training set. */
function trainingShard({ seed, rows, features, classes }) {
  const random = randomOf(seed);
  const target = Int32Array.from({ length: rows }, () => Math.floor(random() * classes));
  // the class moves the features whose number it has
  const data = floats(rows * features, (_, i) => {
    const own = (i % features) % classes === target[Math.floor(i / features)];
    return 2 * random() - 1 + (own ? 0.7 : 0);
  });
  return { data, target };
}

/**
 * The gradient of a softmax head on one shard: its part of the gradient of the mean over all `total` rows, which is what
 * reduction 'sum' and a scale of 1/total give.
 */
export function gradientShard(shard, weights) {
  const { rows, features, classes, total } = shard;
  const { data, target } = trainingShard(shard);
  const { sum, count, grad } = engine.crossEntropy.linear(
    { data, shape: [rows, features] },
    { weight: { data: weights, shape: [classes, features] } },
    target,
    { reduction: 'sum', scale: 1 / total, grads: ['weight'] },
  );
  return { sum, count, gradient: grad.weight.data };
}

/** Adds gradients in a fixed order, in float64, and takes a step. */
export function stepOf(weights, results, rate) {
  const total = new Float64Array(weights.length);
  for (const { gradient } of results) for (let i = 0; i < total.length; i++) total[i] += gradient[i];
  return weights.map((w, i) => w - rate * total[i]);
}
