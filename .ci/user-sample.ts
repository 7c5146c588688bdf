// What a strict TypeScript user writes; compiled against the packed package, never run.
import {
  bceWithLogits,
  type CrossEntropyOptions,
  componentCrossEntropy,
  createEngine,
  crossEntropy,
  defaultEngine,
  type Engine,
  factorizedMultiLabel,
  gaussianNll,
  logSigmoid,
  logSoftmax,
  mse,
  type Step,
  sigmoid,
  softmax,
  tensor,
} from 'lossmith';
import relaxed from 'lossmith/core.relaxed.wasm';
import scalar from 'lossmith/core.scalar.wasm';
import simd from 'lossmith/core.simd.wasm';
import core from 'lossmith/core.wasm';
import { argmax, multiHead } from 'lossmith/decide';
import { accuracy, precisionRecallF1 } from 'lossmith/metrics';
import { createEngine as createThreads } from 'lossmith/threads';

const logits = tensor([
  [2.1, 0.3, -1.0],
  [0.2, 0.1, 3.3],
]);
const data: Float32Array = logits.data;
const shape: readonly number[] = logits.shape;

const step = crossEntropy(logits, [0, 2], { weight: [1, 2, 1], labelSmoothing: 0.1, ignoreIndex: -1 });
const loss: number = step.loss;
const grad: Float32Array = step.grad.data;
const sums: number = step.sum + step.count + step.weightSum;

const forward = crossEntropy.forward(logits, new BigInt64Array([0n, 2n]), { reduction: 'sum' });
const total: number = forward.loss;
// @ts-expect-error forward computes no gradient
forward.grad;

const perRow: Float32Array = crossEntropy(logits, Int32Array.of(0, 2), { reduction: 'none' }).loss.data;
const back: Float32Array = crossEntropy.backward(0.5, logits, [0, 2], { out: logits }).grad.data;

const probabilities = crossEntropy({ data: new Float32Array(6), dims: [2, 3] }, [
  [0.2, 0.3, 0.5],
  [0.1, 0.1, 0.8],
]).loss;
const shifted = crossEntropy(logits, [-1, 1], { labels: [-1, 0, 1], axis: -1, zLoss: 1e-4, emptyMean: 'zero' }).loss;

const labels = tensor(new Float32Array(6), [2, 3]);
const binary: number = bceWithLogits(logits, labels, { posWeight: 3, ignoreValue: Number.NaN }).loss;
const balanced: number = bceWithLogits(logits, labels, { posWeight: [1, 2, 3], weight: [[1], [2]] }).loss;

const squared: number = mse([1, 2, 3], [1, 2, 4], { reduction: 'batchmean' }).loss;
const out = new Float32Array(6);
const scaled: Float32Array = mse(logits, labels, { out, scale: 1 / 4 }).grad.data;

const components: Float32Array = componentCrossEntropy(logits, [0, 2], {
  components: [
    [0, 0, 1],
    [0, 1, 1],
  ],
  weights: [0.7, 0.3],
  jointWeight: 1,
}).componentLosses.data;

const activations = [
  softmax(logits, { axis: 1 }),
  logSoftmax(logits),
  sigmoid(logits, { out }),
  logSigmoid([1, 2, 3]),
  softmax.backward(logits, logits),
];

// An engine with its own memory, from a module that the host compiled.
const modules = [core, scalar, simd, relaxed] as const;
const engine = createEngine({ module: modules[0], maximumBytes: 2 ** 24 });
const placed = engine.from(Float32Array.of(1, 2, 3), [1, 3]);
const indices: Int32Array = engine.tensor([1], 'int32').data;
const memory: typeof engine.memory = defaultEngine().memory;
const prepared = engine.crossEntropy.prepare(placed, indices, { reduction: 'sum' });
const stepped: number = prepared() + prepared.sum;
prepared[Symbol.dispose]();
placed.slice(0, 1).free();
const bytes: number = defaultEngine().stats().bytesInUse;
engine.dispose();
// @ts-expect-error a tier that does not exist
createEngine({ tier: 'avx512' });

// Two inputs, two gradients; an operand with a gradient; sparse positives.
const pair: Float32Array = factorizedMultiLabel({ logits: [[1, 2]], z: [1] }, [[0, 1]]).grad.z.data;
const ofVariance: Float32Array | undefined = gaussianNll([1], [2], { variance: [1] }).gradVariance?.data;
const sparse: number = bceWithLogits(logits, { indices: [0, 2], offsets: [0, 1, 2] }).loss;
// @ts-expect-error gaussianNll needs its variance
gaussianNll([1], [2]);

// Options, engines and steps by the names of their types.
const named: CrossEntropyOptions = { weight: [1, 2, 1], axis: -1 };
const prepare = (on: Engine): Step<'mean'> => on.crossEntropy.prepare(logits, [0, 2], named);

// A batch that may be empty: options built up from optional values compile, undefined included.
function train(weight: Float32Array | undefined, reduction: 'mean' | 'sum'): number {
  return crossEntropy(logits, [0, 2], { weight, reduction }).loss;
}

// @ts-expect-error an unknown option
crossEntropy(logits, [0, 2], { classWeight: [1, 1, 1] });
// @ts-expect-error an unknown reduction
mse(logits, labels, { reduction: 'average' });
// @ts-expect-error componentCrossEntropy needs its components
componentCrossEntropy(logits, [0, 2]);
// @ts-expect-error a loss for none is a tensor
const wrong: number = crossEntropy(logits, [0, 2], { reduction: 'none' }).loss;

// The other entries: results tied to names and options, losses of several heads, metrics that merge.
const chosen: Int32Array = argmax(logits, { labels: [-1, 0, 1] }).data;
const heads = multiHead([
  { name: 'tone', columns: [0, 2], loss: crossEntropy },
  { name: 'tags', columns: [2, 3], loss: bceWithLogits, weight: 0.5 },
]);
const tone: number = heads(logits, { tone: [0, 1], tags: [[1], [0]] }).heads.tone.loss;
// @ts-expect-error a head without a target
heads(logits, { tone: [0, 1] });
const share: number = accuracy.merge([accuracy(chosen, [0, 2])]).accuracy;
const rates: Float64Array = precisionRecallF1(chosen, [0, 2], { average: 'none' }).f1.data;

export const used = [data, shape, loss, grad, sums, total, perRow, back, probabilities, shifted, binary, balanced];
export const furtherUsed = [pair, ofVariance, sparse, prepare];
export const ofEntries = [chosen, tone, share, rates];
export const alsoUsed = [squared, scaled, components, activations, train, wrong, modules, memory, stepped, bytes];

// Engines of several threads: the same type, so that whatever takes one takes the other.
const several: Engine = createThreads({ threads: 4 });
export const ready: Promise<void> = several.ready;
export const live: number = several.threads;
