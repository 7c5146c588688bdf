/** Makes table entries of losses with one value per row: what tests need to know, from little. */
import { drawClassWeight, drawSampleWeight, drawTarget, ignoreIndex, labels, logits } from './draws.ts';
import { type Layout, layoutOf, readRow, rowStart } from './layout.ts';
import { product, softmaxRow, sumOf } from './numeric.ts';
import { pick, type Random } from './random.ts';
import { classCompute, classIndices, denseTarget, type RowRule, samplesOf, sampleWeights } from './rows.ts';
import { rowSpice } from './spice.ts';
import type { Problem, ReferenceLoss, Scales, TargetKind } from './types.ts';

/** Scale of one sample; of its gradient for the row, or class by class. */
export interface RowScale {
  readonly loss: number;
  readonly grad: number | Float64Array;
}

export const layoutFor = ({ inputs, options }: Problem, axis = options.axis): Layout =>
  layoutOf(inputs.input.shape, axis);

/** Scales of all samples times their sampleWeight; ignored ones have none. */
export function rowScales(
  problem: Problem,
  layout: Layout,
  scaleOf: (x: Float64Array, sample: number) => RowScale | undefined,
): Scales {
  const { input } = problem.inputs;
  const s = sampleWeights(problem.options, layout);
  const loss = new Float64Array(layout.samples);
  const grad = new Float64Array(input.data.length);
  for (let i = 0; i < layout.samples; i++) {
    const scale = scaleOf(readRow(input.data, layout, i), i);
    if (scale === undefined) continue;
    loss[i] = product(Math.abs(s[i]!), scale.loss);
    const start = rowStart(layout, i);
    for (let k = 0; k < layout.classes; k++) {
      const own = typeof scale.grad === 'number' ? scale.grad : scale.grad[k]!;
      grad[start + k * layout.inner] = product(Math.abs(s[i]!), Math.abs(own));
    }
  }
  return { loss, grad };
}

/** Masses q: the loss is Σ q (-log p), with -log p rounded next to 1 - log p, the gradient a difference of masses. */
export function massScale(x: Float64Array, q: Float64Array): { loss: number; grad: number } {
  const { nll } = softmaxRow(x);
  const mass = sumOf(q.map(Math.abs));
  const size = q.map((v, k) => (Number.isFinite(nll[k]!) ? Math.abs(v) * nll[k]! : 0));
  return { loss: mass + sumOf(size), grad: mass };
}

/** Logits with a target of that kind. */
export function drawRows(
  random: Random,
  shape: readonly number[],
  axis: number | undefined,
  kind: TargetKind,
): Problem {
  const inputs = { input: logits(random, shape), target: drawTarget(random, shape, axis, kind) };
  return { inputs, options: { ...(axis !== undefined && { axis }) } };
}

type Given = Pick<ReferenceLoss, 'compute' | 'targets' | 'scales'> & Partial<ReferenceLoss>;

/** Fills in what most losses with rows have in common: logits as input, softmax, no kinks. */
export function rowLoss(given: Given): ReferenceLoss {
  const { targets } = given;
  return {
    family: 'class',
    domain: () => [-Infinity, Infinity],
    others: [],
    draw: (random, shape, axis, kind = targets[0]!) => drawRows(random, shape, axis, kind),
    settings: [],
    options: {},
    targetOptions: {},
    spice: rowSpice,
    kinks: ({ inputs }) => ({ grad: new Uint8Array(inputs.input.data.length) }),
    measure: 'masses',
    torchErrorsCount: true,
    ...given,
  };
}

export interface ClassRule extends Partial<ReferenceLoss> {
  readonly row: RowRule;
  /** samples leaves class weights out of the denominator. */
  readonly meanBy?: 'weights' | 'samples';
  /** Has class weights. */
  readonly weighted?: true;
  readonly smoothed?: true;
  /** Scale of a sample; the masses' if left out. */
  readonly scale?: (...given: Parameters<RowRule>) => RowScale;
}

/** A loss of class indices, with ignoreIndex, labels and sampleWeight. */
export function classLoss({ row, meanBy, weighted, smoothed, scale = massScale, ...rest }: ClassRule): ReferenceLoss {
  return rowLoss({
    targets: ['index'],
    compute: classCompute(row, meanBy),
    scales(problem) {
      const layout = layoutFor(problem);
      const samples = samplesOf(problem.inputs, problem.options, layout);
      return rowScales(problem, layout, (x, i) => samples[i] && scale(x, samples[i].q, samples[i].t, problem.options));
    },
    targetOptions: { ignoreIndex, labels },
    ...rest,
    options: {
      sampleWeight: drawSampleWeight,
      ...(weighted && { weight: drawClassWeight }),
      ...(smoothed && { labelSmoothing: (random) => pick(random, [0.1, 0.5, 1]) }),
      ...rest.options,
    },
  });
}

/** Class of each sample of a problem with class indices, -1 where it is ignored. */
export const classesOf = (problem: Problem, layout: Layout): Int32Array =>
  classIndices(denseTarget(problem.inputs), layout.classes, problem.options);
