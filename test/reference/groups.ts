/** Losses of the probability of a group of classes. */
import { massLoss } from './crossEntropy.ts';
import { denseOf, drawSampleWeight, ignoreIndex, labels, multiHot, sparseOf, withTarget } from './draws.ts';
import { classesOf, drawRows, layoutFor, massScale, rowLoss, rowScales } from './entries.ts';
import { layoutOf, readRow, rowStart, writeRow } from './layout.ts';
import { groupOf, hasNoSoftmax, logOdds, product, sigmoid, softmaxRow, softplus, sumOf } from './numeric.ts';
import { below, chance, pick } from './random.ts';
import { reducerOf } from './reduce.ts';
import { addRows, classIndices, denseTarget, nanRow, type Row, reduceRows, sampleWeights } from './rows.ts';
import { rowSpice } from './spice.ts';
import {
  isSparse,
  type Problem,
  type ReferenceInputs,
  type ReferenceOptions,
  type ReferenceResult,
  type Scales,
  type Tensor64,
} from './types.ts';

/**
 * -log Σ_{c in group} softmax_c, with D = LSE(outside) - LSE(inside), each relative to its own maximum: value
 * log(1 + e^D), gradient sigmoid(D) (softmax over the outside - softmax over the inside). Exactly 0 when nothing, or
 * only -Infinity, is outside.
 */
function groupRow(x: Float64Array, inGroup: (k: number) => boolean): Row {
  if (hasNoSoftmax(x)) return nanRow(x.length);
  const inside = groupOf(x, inGroup);
  const outside = groupOf(x, (k) => !inGroup(k));
  const d = logOdds(outside, inside);
  const share = sigmoid(d);
  return { value: softplus(d), grad: x.map((_, k) => product(share, outside.softmax[k]! - inside.softmax[k]!)) };
}

function oneHotOf(t: number, classes: number): Float64Array {
  const y = new Float64Array(classes);
  y[t] = 1;
  return y;
}

/**
 * l = sampleWeight · [ jointWeight · CE + Σ_m weights_m · (-log Σ_{c in group_m(t)} softmax_c) ]; a weight of 0 skips
 * its term. Mean divides by the number of kept samples (the sum of their sampleWeight), for the total and for each of
 * the componentLosses, which leave out `weights` and so are ∂loss/∂weights.
 */
function componentCompute(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const { input } = inputs;
  const { components = [], weights = components.map(() => 1), jointWeight = 0 } = options;
  const layout = layoutOf(input.shape, options.axis);
  const index = classIndices(denseTarget(inputs), layout.classes, options);
  const s = sampleWeights(options, layout);
  const parts = components.map(() => new Float64Array(layout.samples));
  const result = reduceRows(input, options, layout, (x, i) => {
    const t = index[i]!;
    if (t < 0) return undefined;
    const rows = components.map((map) => groupRow(x, (k) => map[k] === map[t]));
    for (const [m, row] of rows.entries()) parts[m]![i] = product(s[i]!, row.value);
    const terms = rows.map((row, m) => ({ weight: weights[m]!, row }));
    return addRows(x.length, [...terms, { weight: jointWeight, row: massLoss(oneHotOf(t, x.length), softmaxRow(x)) }]);
  });
  const reducer = reducerOf(options, layout.sampleShape, layout.batch);
  const reduced = parts.map((part) => reducer.loss(part, result.weightSum));
  return {
    ...result,
    componentLosses: {
      data: Float64Array.from(reduced.flatMap((part) => Array.from(part.data))),
      shape: [components.length, ...(options.reduction === 'none' ? layout.sampleShape : [])],
    },
  };
}

const finite = (v: number): number => (Number.isFinite(v) ? v : 0);

function componentScales(problem: Problem): Scales {
  const { components = [], weights = components.map(() => 1), jointWeight = 0 } = problem.options;
  const layout = layoutFor(problem);
  const index = classesOf(problem, layout);
  const parts = components.map(() => new Float64Array(layout.samples));
  const s = sampleWeights(problem.options, layout);
  const total = rowScales(problem, layout, (x, i) => {
    const t = index[i]!;
    if (t < 0) return undefined;
    const joint = massScale(x, oneHotOf(t, x.length));
    const sizes = components.map((map) => 1 + finite(groupRow(x, (k) => map[k] === map[t]).value));
    for (const [m, size] of sizes.entries()) parts[m]![i] = Math.abs(s[i]!) * size;
    return {
      loss: sumOf(sizes.map((size, m) => Math.abs(weights[m]!) * size)) + Math.abs(jointWeight) * joint.loss,
      grad: sumOf(weights.map(Math.abs)) + Math.abs(jointWeight),
    };
  });
  return { ...total, componentLosses: Float64Array.from(parts.flatMap((part) => Array.from(part))) };
}

export const componentCrossEntropy = rowLoss({
  targets: ['index'],
  compute: componentCompute,
  draw(random, shape, axis) {
    const { inputs, options } = drawRows(random, shape, axis, 'index');
    const { classes } = layoutOf(shape, axis);
    const groups = pick(random, [[3], [2, 4], [1, 3, 4]]);
    const components = groups.map((n) => Array.from({ length: classes }, () => below(random, n)));
    return { inputs, options: { ...options, components } };
  },
  settings: ['components'],
  options: {
    weights: (random, { options: { components = [] } }) => components.map(() => pick(random, [0, 0.5, 5])),
    jointWeight: (random) => pick(random, [0.25, 1]),
    sampleWeight: drawSampleWeight,
  },
  targetOptions: { ignoreIndex, labels },
  scales: componentScales,
  torchErrorsCount: false,
});

/** The set of each sample, as a 0/1 tensor. */
function setsOf({ input, target }: ReferenceInputs, { axis }: ReferenceOptions): Tensor64 {
  if (target === undefined) throw new TypeError('partialLabel needs a target');
  return isSparse(target) ? denseOf(target, input.shape, axis) : target;
}

/**
 * -log Σ_{c in set} softmax_c: the label is one of a set (Jin & Ghahramani 2002). An empty set is ignored; a tensor
 * counts every entry that is not 0. Mean divides by the number of sets (the sum of their sampleWeight).
 */
function partialCompute(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const layout = layoutOf(inputs.input.shape, options.axis);
  const sets = setsOf(inputs, options);
  return reduceRows(inputs.input, options, layout, (x, i) => {
    const set = readRow(sets.data, layout, i);
    return set.some((v) => v !== 0) ? groupRow(x, (k) => set[k] !== 0) : undefined;
  });
}

export const partialLabel = rowLoss({
  targets: ['sparse', 'dense'],
  compute: partialCompute,
  draw(random, shape, axis, kind = 'sparse') {
    const { inputs, options } = drawRows(random, shape, axis, 'dense');
    const layout = layoutOf(shape, axis);
    const sets = multiHot(random, shape, 0.3);
    for (let i = 0; i < layout.samples; i++) {
      sets.data[rowStart(layout, i) + below(random, layout.classes) * layout.inner] = 1;
    }
    return { inputs: { ...inputs, target: kind === 'sparse' ? sparseOf(random, sets, axis) : sets }, options };
  },
  options: { sampleWeight: drawSampleWeight },
  spice: {
    ...rowSpice,
    emptySets(random, problem) {
      const { axis } = problem.options;
      const { target } = problem.inputs;
      const layout = layoutFor(problem);
      const sets = setsOf(problem.inputs, problem.options);
      const data = sets.data.slice();
      for (let i = 0; i < layout.samples; i++) {
        if (chance(random, 0.3)) writeRow(data, layout, i, new Float64Array(layout.classes));
      }
      const emptied = { data, shape: sets.shape };
      return withTarget(problem, target && isSparse(target) ? sparseOf(random, emptied, axis) : emptied);
    },
  },
  scales(problem) {
    const layout = layoutFor(problem);
    const sets = setsOf(problem.inputs, problem.options);
    return rowScales(problem, layout, (x, i) => {
      const set = readRow(sets.data, layout, i);
      if (set.every((v) => v === 0)) return undefined;
      return { loss: 1 + finite(groupRow(x, (k) => set[k] !== 0).value), grad: 1 };
    });
  },
});
