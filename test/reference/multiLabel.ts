/** Losses of many labels at once that have one value per row. */
import { massLoss } from './crossEntropy.ts';
import { logits, multiHot, tensorOf } from './draws.ts';
import { elementSpice, flagNear, targetOf } from './elements.ts';
import { layoutFor, massScale, rowLoss, rowScales } from './entries.ts';
import { layoutOf, readRow } from './layout.ts';
import { expm1Rest, product, sigmoid, softmaxRow, softplus, sumOf } from './numeric.ts';
import { between, chance, fill } from './random.ts';
import { reducerOf } from './reduce.ts';
import { type Row, reduceRows, zeroRow } from './rows.ts';
import { rowSpice } from './spice.ts';
import type { Problem, ReferenceInputs, ReferenceOptions, ReferenceResult, Tensor64 } from './types.ts';

const classWeights = ({ weight }: ReferenceOptions, classes: number): Float64Array =>
  typeof weight === 'object' ? weight.data : new Float64Array(classes).fill(weight ?? 1);

/**
 * (1/C) Σ_c w_c [y softplus(-x) + (1-y) softplus(x)] over the last axis, one loss per row
 * (torch.nn.functional.multilabel_soft_margin_loss); gradient w_c [(1-y) σ(x) - y σ(-x)] / C.
 */
function softMarginRow(x: Float64Array, y: Float64Array, w: Float64Array): Row {
  const mass = (k: number, label: number): number => (w[k]! * label) / x.length;
  const positive = (k: number): number => mass(k, y[k]!);
  const negative = (k: number): number => mass(k, 1 - y[k]!);
  return {
    value: sumOf(x.map((v, k) => product(positive(k), softplus(-v)) + product(negative(k), softplus(v)))),
    grad: x.map((v, k) => product(negative(k), sigmoid(v)) - product(positive(k), sigmoid(-v))),
  };
}

export const multiLabelSoftMargin = rowLoss({
  family: 'row',
  targets: ['dense'],
  compute(inputs, options) {
    const layout = layoutOf(inputs.input.shape, -1);
    const y = targetOf(inputs).data;
    const w = classWeights(options, layout.classes);
    return reduceRows(inputs.input, options, layout, (x, i) => softMarginRow(x, readRow(y, layout, i), w));
  },
  draw: (random, shape) => {
    const target = chance(random, 0.7) ? multiHot(random, shape) : tensorOf(random, shape, 0.05, 0.95);
    return { inputs: { input: logits(random, shape), target }, options: {} };
  },
  options: { weight: (random, { inputs }) => tensorOf(random, inputs.input.shape.slice(-1), 0.25, 2) },
  spice: elementSpice({ near: (random, y) => (y > 0.5 ? 1 : -1) * between(random, 10, 80) }),
  scales(problem) {
    const layout = layoutFor(problem, -1);
    const share = classWeights(problem.options, layout.classes).map((w) => Math.abs(w) / layout.classes);
    const y = targetOf(problem.inputs).data;
    return rowScales(problem, layout, (x, i) => {
      const { value } = softMarginRow(
        x,
        readRow(y, layout, i),
        share.map((w) => w * layout.classes),
      );
      return { loss: sumOf(share) + value, grad: share };
    });
  },
  measure: 'result',
});

/** The number of labels is not below this, so that it can be a plain output. */
const fewest = 0.01;

interface FactorizedParts {
  readonly row: Row;
  readonly zSlope: number;
}

/**
 * KL(y/Y ‖ softmax(logits)) + μ (max(z, 0.01) - Y)², Y = Σ y: labels as their number times a distribution. A row
 * without labels has no distribution and costs its number alone. The divergence is summed as P (e^t - 1 - t) with
 * t = log(q/P), and q where P is 0: all terms positive, and together the same, as Σ (q - P) is 0.
 */
function factorizedParts(x: Float64Array, y: Float64Array, z: number, { mu = 1 }: ReferenceOptions): FactorizedParts {
  const total = sumOf(y);
  const number = Math.max(z, fewest);
  const count = { value: product(mu, (number - total) ** 2), slope: z < fewest ? 0 : product(2 * mu, z - total) };
  if (total === 0) return { row: { ...zeroRow(x.length), value: count.value }, zSlope: count.slope };
  const share = y.map((v) => v / total);
  const row = softmaxRow(x);
  const terms = share.map((p, k) => (p === 0 ? row.p[k]! : p * expm1Rest(-row.nll[k]! - Math.log(p))));
  return { row: { value: sumOf(terms) + count.value, grad: massLoss(share, row).grad }, zSlope: count.slope };
}

function operands({ input, target, others }: ReferenceInputs): { y: Float64Array; z: Tensor64 } {
  const z = others?.z;
  if (z === undefined) throw new TypeError('factorizedMultiLabel needs z');
  return { y: targetOf({ input, target }).data, z };
}

function factorizedCompute(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const { y, z } = operands(inputs);
  const layout = layoutOf(inputs.input.shape, -1);
  const slopes = new Float64Array(layout.samples);
  const result = reduceRows(inputs.input, options, layout, (x, i) => {
    const { row, zSlope } = factorizedParts(x, readRow(y, layout, i), z.data[i]!, options);
    slopes[i] = zSlope;
    return row;
  });
  const reducer = reducerOf(options, layout.sampleShape, layout.batch);
  const grad = slopes.map((slope, i) => product(reducer.upstream(i, result.weightSum), slope));
  return { ...result, grads: { z: { data: grad, shape: z.shape } } };
}

export const factorizedMultiLabel = rowLoss({
  family: 'row',
  targets: ['dense'],
  others: ['z'],
  compute: factorizedCompute,
  draw(random, shape) {
    const z = tensorOf(random, shape.slice(0, -1), 0.2, 5);
    return { inputs: { input: logits(random, shape), target: multiHot(random, shape), others: { z } }, options: {} };
  },
  options: { mu: (random) => between(random, 0.1, 2) },
  spice: {
    ...rowSpice,
    fewLabels: (random, { inputs, options }) => {
      const { z } = operands(inputs);
      const low = { data: fill(z.data.length, () => between(random, -2, 0.02)), shape: z.shape };
      return { inputs: { ...inputs, others: { z: low } }, options };
    },
  },
  scales(problem: Problem) {
    const { y, z } = operands(problem.inputs);
    const { mu = 1 } = problem.options;
    const layout = layoutFor(problem, -1);
    const sizes = z.data.map((v, i) => Math.max(Math.abs(v), fewest) + Math.abs(sumOf(readRow(y, layout, i))));
    const rows = rowScales(problem, layout, (x, i) => {
      const labels = readRow(y, layout, i);
      const total = sumOf(labels);
      const { loss, grad } = massScale(
        x,
        labels.map((v) => (total === 0 ? 0 : v / total)),
      );
      const difference = Math.abs(Math.max(z.data[i]!, fewest) - total);
      // log P is taken off a logarithm of its own size, and made of those of y and Y
      const entropy = total === 0 ? 0 : Math.log(layout.classes) + Math.abs(Math.log(total));
      const counted = product(Math.abs(mu), (difference + 2 ** -20 * sizes[i]!) * 2 * sizes[i]!);
      return { loss: loss + entropy + counted, grad };
    });
    return { ...rows, grads: { z: sizes.map((size) => product(2 * Math.abs(mu), size)) } };
  },
  kinks({ inputs }, reach) {
    const { z } = operands(inputs);
    return { grad: new Uint8Array(inputs.input.data.length), grads: { z: flagNear(z.data, () => [fewest], reach) } };
  },
});
