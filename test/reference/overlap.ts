/** Losses of the overlap of a predicted and a given region, class by class. */
import { drawTarget, ignoreIndex, tensorOf } from './draws.ts';
import { drawRows, rowLoss } from './entries.ts';
import { type Layout, layoutOf, readRow, writeRow } from './layout.ts';
import { product, sigmoid, softmaxBack, softmaxRow, softplus, sumOf } from './numeric.ts';
import { between, pick, type Random } from './random.ts';
import { reducerOf } from './reduce.ts';
import { samplesOf } from './rows.ts';
import { rowSpice } from './spice.ts';
import type {
  Problem,
  ReferenceInputs,
  ReferenceLoss,
  ReferenceOptions,
  ReferenceResult,
  Scales,
  TargetKind,
} from './types.ts';

/** Ratio (hits + s) / (hits + misses + s): how much each kind of position counts. */
interface Counting {
  /** Factor of Σ p y, in numerator and denominator. */
  readonly hit: number;
  /** Factors of Σ p (1-y) and Σ (1-p) y, in the denominator. */
  readonly falsePositive: number;
  readonly falseNegative: number;
}

/** One position: p, 1 - p, log p and log(1 - p) where there are any, and what the activation passes back. */
interface Activated {
  readonly p: Float64Array;
  readonly rest: Float64Array;
  readonly nll: Float64Array;
  readonly restNll: Float64Array;
  readonly back: (g: Float64Array) => Float64Array;
}

function activate(x: Float64Array, { activation = 'softmax' }: ReferenceOptions): Activated {
  if (activation === 'softmax') {
    const row = softmaxRow(x);
    const restNll = row.others.map((v) => (v === 0 ? 0 : -Math.log(v)));
    // a ratio that is NaN has no slope, not even of what has no share in it
    const back = (g: Float64Array): Float64Array =>
      g.some(Number.isNaN) ? g.map(() => Number.NaN) : softmaxBack(row, g);
    return { p: row.p, rest: row.others, nll: row.nll, restNll, back };
  }
  const none = new Float64Array(x.length);
  if (activation === 'none') return { p: x, rest: x.map((v) => 1 - v), nll: none, restNll: none, back: (g) => g };
  const p = x.map(sigmoid);
  const rest = x.map((v) => sigmoid(-v));
  return {
    p,
    rest,
    nll: x.map((v) => softplus(-v)),
    restNll: x.map(softplus),
    back: (g) => g.map((v, k) => v * p[k]! * rest[k]!),
  };
}

interface Position extends Activated {
  readonly y: Float64Array;
  /** Which ratios it counts in: the sample, or 0 for the whole batch. */
  readonly group: number;
}

/** Every position that is not ignored, with its place among the samples. */
function positionsOf({ inputs, options }: Problem, layout: Layout): Map<number, Position> {
  const samples = samplesOf(inputs, options, layout);
  const inner = layout.batch === 0 ? 0 : layout.samples / layout.batch;
  const kept = samples.flatMap((sample, i) => (sample === undefined ? [] : [[i, sample.q] as const]));
  return new Map(
    kept.map(([i, y]) => {
      const group = options.per === 'batch' ? 0 : Math.floor(i / inner);
      return [i, { ...activate(readRow(inputs.input.data, layout, i), options), y, group }];
    }),
  );
}

interface Ratio {
  /** 1 - ratio as misses / denominator; both sums of what is really there, so that a small loss keeps its digits. */
  readonly loss: number;
  readonly denominator: number;
  /** Size of the rounding errors of `loss`. */
  readonly scale: number;
}

/** In units of 2^-24: what is predicted below every normal float32 may be 0, which shows where nothing else is. */
const FLUSHED = 2 ** -102;

/** The ratios [groups, classes]; 0/0 is a ratio of 1. */
function ratiosOf(
  positions: Iterable<Position>,
  groups: number,
  classes: number,
  by: Counting,
  smooth: number,
): Ratio[] {
  const lists = Array.from({ length: groups * classes }, () => ({
    hits: [] as number[],
    misses: [] as number[],
    sizes: [] as number[],
  }));
  for (const { p, rest, nll, restNll, y, group } of positions) {
    for (let k = 0; k < classes; k++) {
      const { hits, misses, sizes } = lists[group * classes + k]!;
      const positive = by.falsePositive * product(p[k]!, 1 - y[k]!);
      const negative = by.falseNegative * product(y[k]!, rest[k]!);
      hits.push(by.hit * product(y[k]!, p[k]!));
      misses.push(positive, negative);
      sizes.push(Math.abs(product(positive, 1 + nll[k]!)) + Math.abs(product(negative, 1 + restNll[k]!)));
    }
  }
  return lists.map(({ hits, misses, sizes }) => {
    const missed = sumOf(misses);
    const denominator = sumOf([...hits, ...misses, smooth]);
    if (denominator === 0) return { loss: 0, denominator, scale: 0 };
    return {
      loss: missed / denominator,
      denominator,
      scale: Math.abs((sumOf(sizes) + FLUSHED * sizes.length) / denominator),
    };
  });
}

/** The terms of ∂loss/∂p of one class: (fp (1-y) - fn y) / denominator and -loss (hit y + fp (1-y) - fn y) / denominator. */
function slopeTerms({ loss, denominator }: Ratio, y: number, by: Counting): readonly [number, number] {
  if (denominator === 0) return [0, 0];
  const miss = by.falsePositive * (1 - y) - by.falseNegative * y;
  return [miss / denominator, -(loss * (by.hit * y + miss)) / denominator];
}

/** Size of the terms of ∂loss/∂p, which may cancel where y is soft. */
function slopeSize({ loss, denominator }: Ratio, y: number, by: Counting): number {
  if (denominator === 0) return 0;
  const miss = Math.abs(by.falsePositive * (1 - y)) + Math.abs(by.falseNegative * y);
  return (miss * (1 + Math.abs(loss)) + Math.abs(loss * by.hit * y)) / Math.abs(denominator);
}

function geometry(inputs: ReferenceInputs, { axis, per = 'sample' }: ReferenceOptions) {
  const layout = layoutOf(inputs.input.shape, axis);
  const leading = per === 'batch' ? [] : layout.sampleShape.slice(0, 1);
  return { layout, groups: per === 'batch' ? 1 : layout.batch, lossShape: [...leading, layout.classes] };
}

function overlapCompute(by: (options: ReferenceOptions) => Counting) {
  return (inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult => {
    const { smooth = 1, per = 'sample', reduction } = options;
    if (per === 'batch' && reduction === 'batchmean') throw new RangeError('batchmean of ratios per batch');
    const { layout, groups, lossShape } = geometry(inputs, options);
    const positions = positionsOf({ inputs, options }, layout);
    const counting = by(options);
    const ratios = ratiosOf(positions.values(), groups, layout.classes, counting, smooth);
    const reducer = reducerOf(options, lossShape, layout.batch);
    const count = ratios.length;
    const grad = new Float64Array(inputs.input.data.length);
    for (const [i, { y, group, back }] of positions) {
      const g = y.map((v, k) => {
        const at = group * layout.classes + k;
        const [first, second] = slopeTerms(ratios[at]!, v, counting);
        return product(reducer.upstream(at, count), first + second);
      });
      writeRow(grad, layout, i, back(g));
    }
    const values = Float64Array.from(ratios, ({ loss }) => loss);
    return {
      loss: reducer.loss(values, count),
      grad: { data: grad, shape: inputs.input.shape },
      sum: sumOf(values),
      count,
      weightSum: count,
    };
  };
}

function overlapScales(by: (options: ReferenceOptions) => Counting) {
  return (problem: Problem): Scales => {
    const { inputs, options } = problem;
    const { layout, groups } = geometry(inputs, options);
    const positions = positionsOf(problem, layout);
    const counting = by(options);
    const ratios = ratiosOf(positions.values(), groups, layout.classes, counting, options.smooth ?? 1);
    const grad = new Float64Array(inputs.input.data.length);
    for (const [i, { p, nll, y, group }] of positions) {
      const sizes = y.map((v, k) => slopeSize(ratios[group * layout.classes + k]!, v, counting));
      const { activation = 'softmax' } = options;
      const all = activation === 'softmax' ? sumOf(sizes.map((size, k) => product(p[k]! + FLUSHED, size))) : 0;
      const row = sizes.map((size, k) =>
        activation === 'none' ? size : product(p[k]!, (1 + nll[k]!) * (size + all)) + FLUSHED * (size + all),
      );
      writeRow(grad, layout, i, row);
    }
    return { loss: Float64Array.from(ratios, ({ scale, loss }) => scale + Math.abs(loss)), grad };
  };
}

const activations = ['softmax', 'sigmoid', 'none'] as const;

/** `activation` decides what the input is, so it is drawn with it. */
function drawOverlap(random: Random, shape: readonly number[], axis?: number, kind: TargetKind = 'index'): Problem {
  const activation = pick(random, activations);
  const { inputs, options } = drawRows(random, shape, axis, kind);
  const input = activation === 'none' ? tensorOf(random, shape, 0, 1) : inputs.input;
  return { inputs: { input, target: drawTarget(random, shape, axis, kind) }, options: { ...options, activation } };
}

function overlapLoss(
  by: (options: ReferenceOptions) => Counting,
  options: ReferenceLoss['options'] = {},
): ReferenceLoss {
  return rowLoss({
    family: 'overlap',
    targets: ['index', 'dense'],
    compute: overlapCompute(by),
    draw: drawOverlap,
    settings: ['activation'],
    domain: ({ activation }) => (activation === 'none' ? [0, 1] : [-Infinity, Infinity]),
    options: {
      smooth: (random) => pick(random, [0.1, 2]),
      per: (random) => pick(random, ['sample', 'batch'] as const),
      ...options,
    },
    targetOptions: { ignoreIndex },
    spice: Object.fromEntries(
      Object.entries(rowSpice).map(([name, change]) => [
        name,
        (random, problem) => change(random, problem.options.activation === 'none' ? asLogits(problem) : problem),
      ]),
    ),
    scales: overlapScales(by),
    goldenScale: ({ inputs }) => inputs.input.data.map(() => 1),
  });
}

/** Extreme probabilities are not probabilities any more; as logits they are legal. */
const asLogits = ({ inputs, options }: Problem): Problem => ({
  inputs,
  options: { ...options, activation: 'softmax' },
});

/** 1 - (2 Σ p y + s) / (Σ p + Σ y + s) (sum form, Sudre et al. 2017). */
export const dice = overlapLoss(() => ({ hit: 2, falsePositive: 1, falseNegative: 1 }));

/** 1 - (Σ p y + s) / (Σ p y + α Σ p (1-y) + β Σ (1-p) y + s) (Salehi et al. 2017). */
export const tversky = overlapLoss(
  ({ alpha = 0.5, beta = 0.5 }) => ({ hit: 1, falsePositive: alpha, falseNegative: beta }),
  { alpha: (random) => between(random, 0.1, 1), beta: (random) => between(random, 0.1, 1) },
);
