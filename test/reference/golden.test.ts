/** Every golden case against the float64 reference. */
import { describe, expect, it } from 'vitest';
import {
  type GoldenCase,
  type GoldenTensor,
  goldenFiles,
  linearOf,
  loadGolden,
  operationOf,
  problemOf,
  subgradientLimits,
} from '../golden.ts';
import { largest } from './bounds.ts';
import {
  type ActivationName,
  errorBounds,
  isLossName,
  type LossName,
  linearLoss,
  reference,
  references,
  type Tensor64,
  unit,
} from './index.ts';

/** Digits in which two computations in doubles agree, next to the scale of the result. */
const digits = 1e-12;

interface Comparison {
  readonly what: string;
  readonly got: Tensor64;
  readonly wanted: GoldenTensor;
  /** Size of what the result is the sum or difference of. */
  readonly scale: number;
}

const oneOrMore = (values: ArrayLike<number> | undefined): number =>
  Math.max(1, largest({ data: Float64Array.from(values ?? []) }));

/** The gradients that have names, all of them in both. */
function named(
  got: Readonly<Record<string, Tensor64>> = {},
  wanted: Readonly<Record<string, GoldenTensor>> = {},
  scale: (name: string) => number,
): Comparison[] {
  expect(Object.keys(got).sort()).toEqual(Object.keys(wanted).sort());
  return Object.entries(got).map(([name, tensor]) => ({
    what: `gradient of ${name}`,
    got: tensor,
    wanted: wanted[name]!,
    scale: scale(name),
  }));
}

function compareActivation(op: ActivationName, golden: GoldenCase): Comparison[] {
  const { inputs, options } = problemOf(golden);
  const { loss, grad } = reference(op, inputs, options);
  const scale = oneOrMore(golden.inputs.gradOutput?.data) * oneOrMore([grad.data.length]);
  return [
    { what: 'output', got: loss, wanted: golden.expected.loss, scale: 1 },
    { what: 'grad', got: grad, wanted: golden.expected.grad, scale },
  ];
}

function compareLinear(op: LossName, golden: GoldenCase): Comparison[] {
  const { inputs, options } = problemOf(golden);
  const operands = linearOf(golden);
  const { loss, grad, logits, atLogits } = linearLoss(references[op], operands, inputs, options);
  const { input, ...others } = grad;
  const scale = oneOrMore(logits.data) * oneOrMore(atLogits.grad.data) * oneOrMore(operands.features.data);
  return [
    { what: 'loss', got: loss, wanted: golden.expected.loss, scale },
    { what: 'grad', got: input, wanted: golden.expected.grad, scale },
    ...named(others, golden.expected.grads, () => scale),
  ];
}

function compareLoss(op: LossName, golden: GoldenCase): Comparison[] {
  const { expected } = golden;
  const problem = problemOf(golden);
  const { loss, grad, grads, componentLosses } = reference(op, problem.inputs, problem.options);
  const bounds = errorBounds(references[op], problem, 1);
  const scaleOf = (data: Float64Array | undefined): number => (data ? largest({ data }) / unit : 1);
  expect(componentLosses === undefined).toBe(expected.componentLosses === undefined);
  return [
    { what: 'loss', got: loss, wanted: expected.loss, scale: scaleOf(bounds.loss) },
    { what: 'grad', got: grad, wanted: expected.grad, scale: scaleOf(bounds.grad) },
    ...named(grads, expected.grads, (name) => scaleOf(bounds.grads[name])),
    ...(componentLosses && expected.componentLosses
      ? [{ what: 'componentLosses', got: componentLosses, wanted: expected.componentLosses, scale: 1 }]
      : []),
  ];
}

function compare(golden: GoldenCase): Comparison[] {
  const op = operationOf(golden);
  if (!isLossName(op)) return compareActivation(op, golden);
  return golden.form === 'linear' ? compareLinear(op, golden) : compareLoss(op, golden);
}

/** NaN and the infinities match themselves. At a kink any subgradient is right. */
function expectNear({ what, got, wanted, scale }: Comparison, id: string, limits?: Float64Array): void {
  expect(got.shape, `${id} ${what}`).toEqual(wanted.shape);
  expect(got.data.length, `${id} ${what}`).toBe(wanted.data.length);
  for (const [i, truth] of wanted.data.entries()) {
    const value = got.data[i]!;
    const bound = digits * (scale + Math.abs(truth));
    if (limits !== undefined && limits[i]! > 0 && Math.abs(value) <= limits[i]!) continue;
    const same = Number.isFinite(truth) ? Math.abs(value - truth) <= bound : Object.is(value, truth);
    if (!same) expect.fail(`${id} ${what}[${i}] is ${value}, expected ${truth}, bound ${bound}`);
  }
}

function expectCase(golden: GoldenCase): void {
  const limits = subgradientLimits(golden);
  for (const each of compare(golden)) expectNear(each, golden.id, each.what === 'grad' ? limits : undefined);
}

describe('the reference agrees with PyTorch in float64', () => {
  it.each(goldenFiles())('%s', (file) => {
    for (const golden of loadGolden(file)) expectCase(golden);
  });
});

/**
 * Where this library's contract is another than PyTorch's. Only the differences are named: the loss ('finite' stands for
 * one that PyTorch has as NaN), or the places whose gradient is 0. What is not named is as PyTorch has it.
 */
interface Verdict {
  readonly why: string;
  readonly loss?: number | 'finite';
  readonly zeroGradient?: readonly number[] | 'all';
  /** The library refuses it, so that there is nothing to compare. */
  readonly refused?: true;
  /** PyTorch chose one of several subgradients. */
  readonly anyGradient?: readonly number[];
}

const verdicts: Record<string, Verdict> = {
  '001-nan': { why: 'a NaN difference has a NaN gradient', anyGradient: [4] },
  '002-smoothingWithMaskedClass': { why: 'as PyTorch' },
  '003-zeroProbOnMaskedClass': { why: '0 · Infinity is 0', loss: 'finite' },
  '004-rowAllNegInf': { why: 'as PyTorch' },
  '005-posInfLogit': { why: 'as PyTorch' },
  '006-ignoredRowWithNaN': { why: 'an ignored row has gradient 0', zeroGradient: [4, 5, 6, 7] },
  '007-ignoredRowAllNegInf': { why: 'an ignored row has gradient 0', zeroGradient: [4, 5, 6, 7] },
  '008-totalWeightZero': { why: 'a weight sum of 0 counts as nothing', loss: Number.NaN, zeroGradient: 'all' },
  '009-smoothingMaskedClassZeroWeight': { why: 'weight 0 drops the class', loss: 'finite' },
  '010-negativeSmoothing': { why: 'negative labelSmoothing is an error', refused: true },
  '011-zeroWeightTargetMasked': { why: 'weight 0 drops the sample', loss: 'finite' },
  '012-infLogit': { why: 'as PyTorch' },
  '013-infLogit': { why: '+Infinity agrees with target 1', loss: 0 },
  '014-infLogit': { why: '-Infinity agrees with target 0', loss: 0 },
  '015-infLogit': { why: '-Infinity against target 1', loss: Number.POSITIVE_INFINITY },
  '016-zeroTargetNegInfInput': { why: '0 · Infinity is 0', loss: 'finite' },
  '017-negativeTarget': { why: 'as PyTorch' },
  '018-logTargetNegInf': { why: 'e^-Infinity · Infinity is 0', loss: 'finite' },
  '019-rowAllNegInf': { why: 'as PyTorch' },
  '020-betaZero': { why: 'at the kink of l1 any slope between is right', anyGradient: [0] },
  '021-overflow': { why: 'as PyTorch' },
};

describe('golden quirks', () => {
  const cases = loadGolden('quirks');

  it('has a verdict for every case', () => {
    expect(cases.map(({ id }) => id.replace('pub/quirks/', ''))).toEqual(Object.keys(verdicts));
  });

  const verdictOf = (id: string): Verdict => verdicts[id.replace('pub/quirks/', '')]!;
  const compared = cases.filter(({ id }) => verdictOf(id).refused === undefined);

  it.each(compared.map((golden) => [golden.id, golden] as const))('%s', (id, golden) => {
    const verdict = verdictOf(id);
    const { inputs, options } = problemOf(golden);
    const own = reference(operationOf(golden), inputs, options);
    const { expected } = golden;
    if (verdict.loss === 'finite') expect(Number.isFinite(own.loss.data[0])).toBe(true);
    const loss =
      verdict.loss === undefined ? expected.loss.data : [verdict.loss === 'finite' ? own.loss.data[0]! : verdict.loss];
    const isZero = (i: number): boolean =>
      verdict.zeroGradient === 'all' || (verdict.zeroGradient?.includes(i) ?? false);
    const grad = expected.grad.data.map((v, i) => {
      if (verdict.anyGradient?.includes(i)) return own.grad.data[i]!;
      return isZero(i) ? 0 : v;
    });
    expectCase({
      ...golden,
      expected: {
        loss: { shape: expected.loss.shape, data: Float64Array.from(loss) },
        grad: { shape: expected.grad.shape, data: grad },
      },
    });
  });
});
