/** Every golden case through every form of the library, by the rule of golden/README.md. */
import { describe, expect, it } from 'vitest';
import {
  axisOf,
  boundsOf,
  type GoldenCase,
  goldenFiles,
  inputOf,
  loadGolden,
  mismatch,
  operationOf,
  problemOf,
  subgradientLimits,
} from './golden.ts';
import {
  activations,
  asTensor,
  type BackwardResult,
  callOf,
  type FormName,
  type ForwardResult,
  float32,
  gradientsOf,
  type Input,
  libraryInput,
  losses,
  moveAxis,
  type Options,
  type Tensor32,
} from './library.ts';
import { isActivationName, isSparse, type Problem, reference, references, type Tensor64 } from './reference/index.ts';
import { sampled } from './sample.ts';

/** A case's problem with the class axis moved to the end, where the loss has an axis to choose. */
function moved(golden: GoldenCase, problem: Problem): Problem {
  const { inputs, options } = problem;
  const axis = axisOf(golden);
  const alike = (tensor: Tensor64): boolean => tensor.shape.length === inputs.input.shape.length;
  const move = (tensor: Tensor64): Tensor64 => (alike(tensor) ? moveAxis(tensor, axis) : tensor);
  const { target } = inputs;
  return {
    inputs: {
      ...inputs,
      input: move(inputs.input),
      target: target === undefined || isSparse(target) ? target : move(target),
    },
    options: { ...options, axis: -1 },
  };
}

/** Checks whatever a form returned; `back` moves the class axis back to where the case has it. */
function expectGolden(
  what: string,
  golden: GoldenCase,
  got: Partial<ForwardResult & BackwardResult>,
  back: (tensor: Tensor32) => Tensor32,
): void {
  const { expected } = golden;
  const bounds = boundsOf(golden);
  const wrong: (string | undefined)[] = [];
  if (got.loss !== undefined) {
    wrong.push(mismatch(`${what} loss`, asTensor(got.loss), expected.loss, bounds.loss));
    if (expected.componentLosses !== undefined) {
      if (got.componentLosses === undefined) wrong.push(`${what}: componentLosses are missing`);
      else {
        const name = `${what} componentLosses`;
        wrong.push(mismatch(name, got.componentLosses, expected.componentLosses, bounds.componentLosses));
      }
    }
  }
  if (got.grad !== undefined) {
    const { grad, grads } = gradientsOf({ ...got, grad: got.grad });
    wrong.push(mismatch(`${what} grad`, back(grad), expected.grad, bounds.grad, subgradientLimits(golden)));
    for (const [name, truth] of Object.entries(expected.grads ?? {})) {
      const own = grads[name];
      if (own === undefined) wrong.push(`${what}: no gradient of ${name}`);
      else wrong.push(mismatch(`${what} grad of ${name}`, own, truth, bounds.grads[name]!));
    }
  }
  const messages = wrong.filter((message) => message !== undefined);
  if (messages.length > 0) expect.fail(messages.join('\n'));
}

/** sum, count and weightSum against the float64 reference. */
function expectTotals(what: string, got: ForwardResult, op: FormName, { inputs, options }: Problem): void {
  const truth = reference(op, inputs, options);
  expect(got.count, `${what} count`).toBe(truth.count);
  const near = (name: string, value: number, wanted: number, scale: number) =>
    mismatch(`${what} ${name}`, asTensor(value), { shape: [], data: Float64Array.of(wanted) }, 2 ** -22 * scale);
  const scale = Number.isFinite(truth.sum) ? Math.max(1, truth.count, Math.abs(truth.sum)) : 0;
  expect(near('sum', got.sum, truth.sum, scale) ?? '').toBe('');
  expect(near('weightSum', got.weightSum, truth.weightSum, Math.abs(truth.weightSum)) ?? '').toBe('');
}

const bits = (tensor: Tensor32): string => Array.from(tensor.data, (v) => (Object.is(v, -0) ? '-0' : v)).join();
const bitsOf = (of: Input): string => ('data' in of ? bits(of as Tensor32) : Object.values(of).map(bits).join());

/** A gradient whose terms cancel may be 0 in one form and the last bits of them in another: all forms share one kernel. */
function runLoss(golden: GoldenCase, op: FormName, last: boolean): void {
  const original = problemOf(golden);
  const problem = last ? moved(golden, original) : original;
  const { input, target, options, gradOutput } = callOf(op, problem);
  const upstream =
    last && typeof gradOutput !== 'number' && gradOutput.shape.length === 0 ? gradOutput.data[0]! : gradOutput;
  const loss = losses[op];
  const back = (tensor: Tensor32): Tensor32 => (last ? moveAxis(tensor, axisOf(golden), 'back') : tensor);
  const check = (what: string, got: Partial<ForwardResult & BackwardResult>) => expectGolden(what, golden, got, back);
  const before = bitsOf(input);
  const inPlace = (run: (own: Input, out: Options) => BackwardResult): string => {
    const own = libraryInput(op, problem.inputs);
    const { grad } = run(own, { ...options, out: own });
    expect(bitsOf(grad)).toBe(bitsOf(own));
    return bitsOf(own);
  };

  const forward = loss.forward(input, target, options);
  check('forward', forward);
  expect('grad' in forward && forward.grad !== undefined).toBe(false);
  const backward = loss.backward(upstream, input, target, options);
  check('backward', backward);
  expect(inPlace((own, out) => loss.backward(upstream, own, target, out))).toBe(bitsOf(backward.grad));

  const fused = loss(input, target, options);
  expectTotals('fused', fused, op, problem);
  expect([forward.sum, forward.count, forward.weightSum]).toEqual([fused.sum, fused.count, fused.weightSum]);
  // the fused form has the upstream gradient 1: where the case has another, its loss alone can be compared
  const { grad, ...withoutGrad } = fused;
  check('fused', golden.inputs.gradOutput === undefined ? fused : withoutGrad);
  expect(inPlace((own, out) => loss(own, target, out))).toBe(bitsOf(grad));
  const step = loss.prepare(input, target, options);
  expect(asTensor(step())).toEqual(asTensor(fused.loss));
  expect(bitsOf(step.grad)).toBe(bitsOf(grad));
  step.free();
  expect(bitsOf(input), 'the input is unchanged').toBe(before);
}

function runActivation(golden: GoldenCase, last: boolean): void {
  const { op, expected } = golden;
  if (!isActivationName(op)) throw new Error(`${op} is no activation`);
  const activation = activations[op];
  const axis = axisOf(golden);
  const { gradOutput } = golden.inputs;
  if (gradOutput === undefined) throw new Error(`${golden.id} has no gradOutput`);
  const move = (tensor: Tensor32): Tensor32 => (last ? moveAxis(tensor, axis) : tensor);
  const back = (tensor: Tensor32): Tensor32 => (last ? moveAxis(tensor, axis, 'back') : tensor);
  const input = move(float32(inputOf(golden)));
  const upstream = move(float32(gradOutput));
  const options: Options = golden.options.dim === undefined ? {} : { axis: last ? -1 : golden.options.dim };
  const bounds = boundsOf(golden);

  const output = activation(input, options);
  expect(mismatch('output', back(output), expected.loss, bounds.loss) ?? '').toBe('');
  const grad = activation.backward(upstream, input, options);
  expect(mismatch('grad', back(grad), expected.grad, bounds.grad) ?? '').toBe('');

  const own = { data: input.data.slice(), shape: input.shape };
  const written = activation(own, { ...options, out: own });
  expect(written.data.buffer).toBe(own.data.buffer);
  expect(bits(written)).toBe(bits(output));
  const other = { data: input.data.slice(), shape: input.shape };
  expect(bits(activation.backward(upstream, other, { ...options, out: other }))).toBe(bits(grad));
}

/** Whether a case can also be asked with the class axis at the end. */
function hasAxis(golden: GoldenCase): boolean {
  const op = operationOf(golden);
  if (isActivationName(op)) return op.endsWith('oftmax');
  const { family } = references[op];
  // the samples of a class axis in front would not be the same ones at the end
  if (family === 'overlap') return inputOf(golden).shape.length > 1;
  return family === 'class';
}

function run(golden: GoldenCase, last: boolean): void {
  const op = operationOf(golden);
  if (isActivationName(op)) runActivation(golden, last);
  else runLoss(golden, op as FormName, last);
}

// the loss that is a call alone, and linear forms, have tests of their own
const others: readonly string[] = ['uncertaintyWeighted', 'linear'];

/** Of each file; test/tiers.test.ts asks for less. */
const share = Number(process.env.GOLDEN_SHARE ?? 1);

describe.each(goldenFiles().filter((name) => !others.includes(name)))('golden %s', (file) => {
  const cases = loadGolden(file);
  it('has cases', () => expect(cases.length).toBeGreaterThan(0));
  it.each(sampled(cases, share).map((golden) => [golden.id, golden] as const))('%s', (_, golden) => {
    run(golden, false);
    if (hasAxis(golden)) run(golden, true);
  });
});

/**
 * What is right under our contract where PyTorch's own result may be improved. Only the differences are named:
 * `loss` (a number, or 'finite' for the float64 reference value, which must then be finite), rows or elements whose
 * gradient is 0, or an error. What is not named is as PyTorch has it.
 */
interface Verdict {
  readonly why: string;
  readonly loss?: number | 'finite';
  readonly zeroGradient?: readonly number[] | 'all';
  /** Elements of the gradient that are not as PyTorch has them. */
  readonly gradient?: Readonly<Record<number, number>>;
  readonly throws?: typeof RangeError;
}

const verdicts: Record<string, Verdict> = {
  '001-nan': { why: 'NaN stays', gradient: { 4: Number.NaN } },
  '002-smoothingWithMaskedClass': { why: 'smoothing gives a -Infinity class mass: loss Infinity, gradient finite' },
  '003-zeroProbOnMaskedClass': { why: '0 · Infinity is 0', loss: 'finite' },
  '004-rowAllNegInf': { why: 'a row of -Infinity is NaN, the other rows are not' },
  '005-posInfLogit': { why: 'a row with +Infinity is NaN, the other rows are not' },
  '006-ignoredRowWithNaN': { why: 'an ignored row has gradient 0', loss: 'finite', zeroGradient: [4, 5, 6, 7] },
  '007-ignoredRowAllNegInf': { why: 'an ignored row has gradient 0', loss: 'finite', zeroGradient: [4, 5, 6, 7] },
  '008-totalWeightZero': { why: 'a weight sum of 0 counts as nothing', loss: Number.NaN, zeroGradient: 'all' },
  '009-smoothingMaskedClassZeroWeight': { why: 'weight 0 skips the class', loss: 'finite' },
  '010-negativeSmoothing': { why: 'negative labelSmoothing is an error', throws: RangeError },
  '011-zeroWeightTargetMasked': { why: 'weight 0 skips the sample', loss: 'finite', zeroGradient: [0, 1, 2, 3] },
  '012-infLogit': { why: '+Infinity against target 0 costs Infinity', loss: Number.POSITIVE_INFINITY },
  '013-infLogit': { why: '+Infinity agrees with target 1', loss: 0, zeroGradient: [0] },
  '014-infLogit': { why: '-Infinity agrees with target 0', loss: 0, zeroGradient: [0] },
  '015-infLogit': { why: '-Infinity against target 1 costs Infinity', loss: Number.POSITIVE_INFINITY },
  '016-zeroTargetNegInfInput': { why: '0 · Infinity is 0', loss: 'finite' },
  '017-negativeTarget': { why: 'as PyTorch' },
  '018-logTargetNegInf': { why: '0 · Infinity is 0', loss: 'finite' },
  '019-rowAllNegInf': { why: 'a row of -Infinity is NaN, the other rows are not' },
  '020-betaZero': { why: 'l1, whose gradient is 0 at equality', gradient: { 0: 0 } },
  '021-overflow': { why: 'a loss beyond float32 is Infinity in float32' },
};

describe('golden quirks', () => {
  const cases = loadGolden('quirks');
  it('has 21 cases', () => expect(cases).toHaveLength(21));
  it.each(cases.map((golden) => [golden.id, golden] as const))('%s', (_, golden) => {
    const op = operationOf(golden);
    const verdict = verdicts[golden.id.replace('pub/quirks/', '')];
    if (verdict === undefined) throw new Error('no verdict');
    if (isActivationName(op)) return runActivation(golden, false);
    const name = op as FormName;
    const problem = problemOf(golden);
    const { input, target, options, gradOutput } = callOf(name, problem);
    if (verdict.throws !== undefined) {
      for (const form of ['forward', 'fused', 'backward']) {
        const call = (): unknown => {
          if (form === 'backward') return losses[name].backward(gradOutput, input, target, options);
          return form === 'fused' ? losses[name](input, target, options) : losses[name].forward(input, target, options);
        };
        expect(call, `${verdict.why}, ${form}`).toThrow(verdict.throws);
      }
      return;
    }
    const { expected } = golden;
    const truth = reference(name, problem.inputs, problem.options);
    const grad = expected.grad.data.map((v, i) => {
      if (verdict.zeroGradient === 'all' || verdict.zeroGradient?.includes(i)) return 0;
      return verdict.gradient?.[i] ?? v;
    });
    const finite = verdict.loss === 'finite';
    const loss = finite ? truth.loss.data : expected.loss.data.map((v) => (verdict.loss as number | undefined) ?? v);
    if (finite) expect(Array.from(loss).every(Number.isFinite)).toBe(true);
    const ours: GoldenCase = {
      ...golden,
      expected: {
        loss: { shape: expected.loss.shape, data: loss },
        grad: { shape: expected.grad.shape, data: grad },
      },
    };
    const { data } = gradientsOf(losses[name].backward(gradOutput, input, target, options)).grad;
    for (const [i, v] of grad.entries())
      if (v === 0) expect(data[i], `${verdict.why}, gradient ${i}`).toBeCloseTo(0, 40);
    runLoss(ours, name, false);
    if (hasAxis(golden)) runLoss(ours, name, true);
  });

  it('has no verdict without a case', () => {
    const ids = new Set(cases.map(({ id }) => id.replace('pub/quirks/', '')));
    expect(Object.keys(verdicts).filter((id) => !ids.has(id))).toEqual([]);
  });
});
