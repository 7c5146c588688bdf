/** The rule by which golden cases are compared allows what float32 cannot do better, and no more. */
import { describe, expect, it } from 'vitest';
import {
  boundsOf,
  decodeGolden,
  type GoldenCase,
  type GoldenTensor,
  goldenFiles,
  linearOf,
  loadGolden,
  mismatch,
  operationOf,
  problemOf,
  subgradientLimits,
} from '../golden.ts';
import { isLossName, linearLoss, reference, references, type Tensor64 } from './index.ts';

/** Every result of a case: what the reference has, what PyTorch has, and how far they may be apart. */
interface Part {
  readonly name: string;
  readonly got: Tensor64;
  readonly wanted: GoldenTensor;
  readonly bound: number;
  readonly limits?: Float64Array | undefined;
}

function results(golden: GoldenCase) {
  const op = operationOf(golden);
  const { inputs, options } = problemOf(golden);
  if (golden.form !== 'linear' || !isLossName(op)) return reference(op, inputs, options);
  const { loss, grad, componentLosses } = linearLoss(references[op], linearOf(golden), inputs, options);
  const { input, ...grads } = grad;
  return { loss, grad: input, grads, componentLosses };
}

function partsOf(golden: GoldenCase): Part[] {
  const { expected } = golden;
  const { loss, grad, grads = {}, componentLosses } = results(golden);
  const bounds = boundsOf(golden);
  const further = Object.entries(expected.grads ?? {}).map(
    ([name, wanted]): Part => ({ name, got: grads[name as keyof typeof grads]!, wanted, bound: bounds.grads[name]! }),
  );
  const parts = expected.componentLosses;
  return [
    { name: 'loss', got: loss, wanted: expected.loss, bound: bounds.loss },
    { name: 'grad', got: grad, wanted: expected.grad, bound: bounds.grad, limits: subgradientLimits(golden) },
    ...further,
    ...(parts ? [{ name: 'parts', got: componentLosses!, wanted: parts, bound: bounds.componentLosses }] : []),
  ];
}

const rounded = ({ data, shape }: Tensor64): Tensor64 => ({ data: Float64Array.from(data, Math.fround), shape });

describe.each(goldenFiles())('%s', (file) => {
  const cases = loadGolden(file);

  it('the reference in float32 passes, and what is a little further off does not', () => {
    for (const golden of cases) {
      for (const { name, got, wanted, bound, limits } of partsOf(golden)) {
        const what = `${golden.id} ${name}`;
        expect(bound, what).toBeGreaterThan(0);
        expect(Number.isFinite(bound), what).toBe(true);
        expect(mismatch(what, rounded(got), wanted, bound, limits)).toBeUndefined();
        const at = wanted.data.findIndex((v, i) => Number.isFinite(Math.fround(v)) && (limits?.[i] ?? 0) === 0);
        if (at < 0) continue;
        const off = (error: number): Tensor64 => ({
          data: Float64Array.from(wanted.data, (v, i) => Math.fround(v) + (i === at ? error : 0)),
          shape: wanted.shape,
        });
        // what a sum with the expected value rounds away is no error
        const [inside, outside] = [off(0.9 * bound), off(1.1 * bound + 2 ** -50 * Math.abs(wanted.data[at]!))];
        expect(mismatch(what, inside, wanted, bound * (1 + 1e-6), limits)).toBeUndefined();
        expect(mismatch(what, outside, wanted, bound, limits)).toContain(what);
      }
    }
  });
});

describe('mismatch', () => {
  const tensor = (...data: number[]): Tensor64 => ({ data: Float64Array.from(data), shape: [data.length] });

  it('NaN and the infinities match themselves alone', () => {
    const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
    expect(mismatch('x', tensor(nan, infinity), tensor(nan, 1e60), 1)).toBeUndefined();
    for (const [got, wanted] of [
      [nan, 1],
      [1, nan],
      [infinity, 1],
      [1, infinity],
      [-infinity, infinity],
      [nan, infinity],
    ]) {
      expect(mismatch('x', tensor(got!), tensor(wanted!), 1e300)).toContain('x[0]');
    }
  });

  it('at a kink any size up to the limit is right', () => {
    const limits = Float64Array.of(0, 2);
    expect(mismatch('x', tensor(1, -1.5), tensor(1, 2), 0, limits)).toBeUndefined();
    expect(mismatch('x', tensor(1, 2.5), tensor(1, 2), 0, limits)).toContain('x[1]');
    expect(mismatch('x', tensor(1.5, 2), tensor(1, 2), 0, limits)).toContain('x[0]');
  });

  it('shapes and lengths count, and a bound that is NaN allows nothing', () => {
    expect(mismatch('x', { data: [1], shape: [1, 1] }, tensor(1), 1)).toContain('shape');
    expect(mismatch('x', { data: [1, 2], shape: [1] }, tensor(1), 1)).toContain('2 values');
    expect(mismatch('x', tensor(1), tensor(1), Number.NaN)).toContain('NaN');
  });
});

describe('decoding', () => {
  const one = { shape: [1], data: [1] };
  const text = (changes: object): string =>
    JSON.stringify([
      {
        id: 'x',
        op: 'mse',
        inputs: { input: one, target: one },
        options: {},
        expected: { loss: { shape: [], data: ['NaN'] }, grad: { input: one } },
        torchF32: { lossMaxAbsErr: 0, gradMaxAbsErr: 'Infinity' },
        ...changes,
      },
    ]);

  it('takes what the files have', () => {
    const [golden] = decodeGolden(text({}));
    expect([golden!.expected.loss.data[0], golden!.torchF32.gradMaxAbsErr]).toEqual([Number.NaN, Infinity]);
    expect(boundsOf(golden!).grad).toBe(2 ** -22);
  });

  it.each([
    ['an option that the loss does not have', { options: { delta: 1 } }, 'delta'],
    ['another string than the three', { inputs: { input: { shape: [1], data: ['1'] }, target: one } }, 'not a number'],
    ['data of another size', { inputs: { input: { shape: [2], data: [1] }, target: one } }, '1 values'],
    ['an operation without reference', { op: 'triplet' }, 'triplet'],
    ['no gradient of the input', { expected: { loss: one, grad: { other: one } } }, 'no gradient'],
  ])('refuses %s', (_, changes, message) => {
    expect(() => decodeGolden(text(changes))).toThrow(message);
  });
});
