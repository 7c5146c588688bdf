import { classIndices, massLoss } from './crossEntropy.ts';
import { layoutOf, readRow, writeRow } from './layout.ts';
import { sigmoid, softmaxRow, softplus, sumOf } from './numeric.ts';
import { reducerOf } from './reduce.ts';
import type { ReferenceInputs, ReferenceOptions, ReferenceResult } from './types.ts';

interface RowLoss {
  readonly value: number;
  readonly grad: Float64Array;
}

/** Largest logit of the set, Σ e^(x - largest), and the softmax inside the set. */
function within(x: Float64Array, inSet: (k: number) => boolean) {
  const members = Array.from(x.keys()).filter(inSet);
  const max = Math.max(...members.map((k) => x[k]!));
  // All -Infinity: the members are equal, and share the mass equally.
  const e = members.map((k) => (x[k] === max ? 1 : Math.exp(x[k]! - max)));
  const total = sumOf(e);
  const softmax = new Float64Array(x.length);
  members.forEach((k, j) => {
    softmax[k] = e[j]! / total;
  });
  return { max, log: Math.log(total), softmax };
}

/**
 * -log Σ_{c in G} softmax_c for the group G of the target, with D = LSE(outside) - LSE(inside), each relative to its
 * own maximum: value log(1 + e^D), gradient sigmoid(D) (softmax over the outside - softmax over the inside).
 * Exactly 0 when nothing, or only -Infinity, is outside.
 */
function groupLoss(x: Float64Array, map: readonly number[], target: number): RowLoss {
  if (x.some((v) => Number.isNaN(v) || v === Infinity) || x.every((v) => v === -Infinity)) {
    return { value: Number.NaN, grad: new Float64Array(x.length).fill(Number.NaN) };
  }
  const inside = within(x, (k) => map[k] === map[target]);
  const outside = within(x, (k) => map[k] !== map[target]);
  if (outside.max === -Infinity) return { value: 0, grad: new Float64Array(x.length) };
  const difference = outside.max - inside.max + (outside.log - inside.log);
  const share = sigmoid(difference);
  return { value: softplus(difference), grad: x.map((_, k) => share * (outside.softmax[k]! - inside.softmax[k]!)) };
}

/**
 * l = sampleWeight · [ jointWeight · CE + Σ_m weights_m · (-log Σ_{c in group_m(t)} softmax_c) ]; a weight of 0 skips
 * its term. Mean divides by the number of kept samples (the sum of their sampleWeight), for the total and for each of
 * the componentLosses, which leave out `weights` and so are ∂loss/∂weights.
 */
export function componentCrossEntropy(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const { input, target } = inputs;
  const { components = [], weights = components.map(() => 1), jointWeight = 0, sampleWeight } = options;
  if (target === undefined) throw new TypeError('componentCrossEntropy needs a target');
  const layout = layoutOf(input.shape, options.axis);
  const index = classIndices(target, layout.classes, options);
  const s = sampleWeight?.data ?? new Float64Array(layout.samples).fill(1);
  const weightSum = sumOf(Array.from(index, (t, i) => (t < 0 ? 0 : s[i]!)));
  const reducer = reducerOf(options, layout.sampleShape, layout.batch);

  const values = new Float64Array(layout.samples);
  const parts = components.map(() => new Float64Array(layout.samples));
  const grad = new Float64Array(input.data.length);
  for (let i = 0; i < layout.samples; i++) {
    const t = index[i]!;
    if (t < 0 || s[i] === 0) continue;
    const x = readRow(input.data, layout, i);
    const terms: { weight: number; loss: RowLoss }[] = components.map((map, m) => {
      const loss = groupLoss(x, map, t);
      parts[m]![i] = s[i]! * loss.value;
      return { weight: weights[m]!, loss };
    });
    if (jointWeight !== 0) {
      const oneHot = new Float64Array(layout.classes);
      oneHot[t] = 1;
      terms.push({ weight: jointWeight, loss: massLoss(oneHot, softmaxRow(x)) });
    }
    const active = terms.filter((term) => term.weight !== 0);
    values[i] = s[i]! * sumOf(active.map((term) => term.weight * term.loss.value));
    const up = reducer.upstream(i, weightSum) * s[i]!;
    if (up === 0) continue;
    const slopes = x.map((_, k) => up * sumOf(active.map((term) => term.weight * term.loss.grad[k]!)));
    writeRow(grad, layout, i, slopes);
  }

  const reduced = parts.map((part) => reducer.loss(part, weightSum));
  return {
    loss: reducer.loss(values, weightSum),
    grad: { data: grad, shape: input.shape },
    sum: sumOf(values),
    count: index.filter((t) => t >= 0).length,
    weightSum,
    componentLosses: {
      data: Float64Array.from(reduced.flatMap((part) => Array.from(part.data))),
      shape: [components.length, ...(options.reduction === 'none' ? layout.sampleShape : [])],
    },
  };
}
