import { type Layout, layoutOf, readRow, sizeOf, writeRow } from './layout.ts';
import { type SoftmaxRow, softmaxRow, sumOf, sumsOfOthers } from './numeric.ts';
import { reducerOf } from './reduce.ts';
import type { ReferenceInputs, ReferenceOptions, ReferenceResult, Tensor64 } from './types.ts';

/**
 * Class index of each sample, -1 where it is ignored. `ignoreIndex` is compared with the raw value;
 * what is kept is looked up in `labels` when these are given.
 */
export function classIndices(target: Tensor64, classes: number, options: ReferenceOptions): Int32Array {
  const { ignoreIndex = -100, labels } = options;
  return Int32Array.from(target.data, (raw, i) => {
    if (raw === ignoreIndex) return -1;
    const index = labels === undefined ? raw : labels.indexOf(raw);
    if (!Number.isInteger(index) || index < 0 || index >= classes) {
      throw new RangeError(`target[${i}] is ${raw}, outside the ${classes} classes`);
    }
    return index;
  });
}

/**
 * -Σ_k q_k log p_k for masses q, where a mass of 0 skips its term (0·∞ = 0).
 * The gradient p_k Σ_j q_j - q_k is written p_k Σ_{j≠k} q_j - q_k (1 - p_k), which does not cancel where p_k is near 1.
 */
export function massLoss(q: Float64Array, row: SoftmaxRow): { value: number; grad: Float64Array } {
  const otherMass = sumsOfOthers(q);
  return {
    value: sumOf(q.map((mass, k) => (mass === 0 ? 0 : mass * row.nll[k]!))),
    grad: q.map((mass, k) => row.p[k]! * otherMass[k]! - mass * row.others[k]!),
  };
}

function indexMasses(target: number, weight: Float64Array, smoothing: number): Float64Array {
  const share = smoothing / weight.length;
  return weight.map((w, k) => (k === target ? (1 - smoothing) * w : 0) + share * w);
}

function probabilityMasses(target: Tensor64, layout: Layout, sample: number, weight: Float64Array, smoothing: number) {
  const y = readRow(target.data, layout, sample);
  return y.map((mass, k) => weight[k]! * ((1 - smoothing) * mass + smoothing / layout.classes));
}

/**
 * Cross entropy as in PyTorch (torch.nn.functional.cross_entropy; aten LossNLL.cpp).
 * With lp = log_softmax, w = class weights, e = labelSmoothing, s = sampleWeight:
 *   index target t:  l = s [ (1-e) w_t (-lp_t) + (e/C) Σ_c w_c (-lp_c) ];  mean divides by Σ_kept s w_t
 *   probabilities y: l = -s Σ_c w_c ((1-e) y_c + e/C) lp_c;                mean divides by Σ s (the number of samples)
 * zLoss adds zLoss·lse² (PaLM, 2022) to every kept sample, without weights, mean over the count.
 * A target of the logits' own shape holds probabilities, any other holds indices.
 */
export function crossEntropy(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const { input, target } = inputs;
  const { weight, sampleWeight, labelSmoothing = 0, zLoss = 0 } = options;
  if (target === undefined) throw new TypeError('crossEntropy needs a target');
  const layout = layoutOf(input.shape, options.axis);
  const soft = target.shape.length === input.shape.length;
  if (target.data.length !== (soft ? input.data.length : layout.samples)) throw new RangeError('target size');
  const index = soft ? undefined : classIndices(target, layout.classes, options);
  const w = weight === undefined ? new Float64Array(layout.classes).fill(1) : (weight as Tensor64).data;
  const s = sampleWeight?.data ?? new Float64Array(layout.samples).fill(1);

  const kept = (i: number): boolean => index === undefined || index[i]! >= 0;
  const weightOf = (i: number): number => (kept(i) ? s[i]! * (index === undefined ? 1 : w[index[i]!]!) : 0);
  const samples = Array.from({ length: layout.samples }, (_, i) => i);
  const weightSum = sumOf(samples.map(weightOf));
  const count = samples.filter(kept).length;
  const zCount = weightSum === 0 ? 0 : count;

  const reducer = reducerOf(options, layout.sampleShape, layout.batch);
  const values = new Float64Array(layout.samples);
  const zValues = new Float64Array(layout.samples);
  const grad = new Float64Array(sizeOf(input.shape));
  for (const i of samples) {
    if (!kept(i)) continue;
    const masses =
      index === undefined
        ? probabilityMasses(target, layout, i, w, labelSmoothing)
        : indexMasses(index[i]!, w, labelSmoothing);
    const q = masses.map((mass) => mass * s[i]!);
    if (zLoss === 0 && q.every((mass) => mass === 0)) continue;
    const row = softmaxRow(readRow(input.data, layout, i));
    const cross = massLoss(q, row);
    values[i] = cross.value;
    zValues[i] = zLoss === 0 ? 0 : zLoss * row.lse * row.lse;
    const up = reducer.upstream(i, weightSum);
    const zUp = zLoss === 0 ? 0 : reducer.upstream(i, zCount) * 2 * zLoss * row.lse;
    if (up === 0 && zUp === 0) continue;
    const slopes = cross.grad.map((slope, k) => slope * up + (zUp === 0 ? 0 : row.p[k]! * zUp));
    writeRow(grad, layout, i, slopes);
  }

  const loss = reducer.loss(values, weightSum);
  const zPart = zLoss === 0 ? undefined : reducer.loss(zValues, zCount);
  return {
    loss: zPart === undefined ? loss : { data: loss.data.map((v, i) => v + zPart.data[i]!), shape: loss.shape },
    grad: { data: grad, shape: input.shape },
    sum: sumOf(values) + sumOf(zValues),
    count,
    weightSum,
  };
}
