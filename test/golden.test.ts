/** Every golden case through every form of the library, by the rule of golden/README.md. */
import { describe, expect, it } from 'vitest';
import { axisOf, type Bounds, boundsOf, type GoldenCase, inputOf, libraryOps, loadGolden, mismatch } from './golden.ts';
import {
  activations,
  asTensor,
  exported,
  type FusedResult,
  float32,
  isActivation,
  isLoss,
  type LossName,
  libraryGradOutput,
  libraryOptions,
  libraryTarget,
  losses,
  moveAxis,
  type Options,
  type Target,
  type Tensor32,
} from './library.ts';
import { type ReferenceOptions, type ReferenceResult, reference } from './reference/index.ts';

/** A case as one call. With `last` the class axis has been moved to the end. */
interface Call {
  readonly input: Tensor32;
  readonly target: Target;
  readonly options: Options;
  readonly gradOutput: number | Tensor32;
  readonly last: boolean;
}

const rowOps = new Set(['crossEntropy', 'crossEntropyProb', 'componentCrossEntropy', 'softmax', 'logSoftmax']);

function referenceOptions(golden: GoldenCase): ReferenceOptions {
  const { weight, posWeight, gradOutput } = golden.inputs;
  const { dim, ...options } = golden.options;
  return { ...options, weight, posWeight, gradOutput, ...(dim !== undefined && { axis: dim }) };
}

function lossCall(golden: GoldenCase, op: LossName, last: boolean): Call {
  const input = inputOf(golden);
  const { target, gradOutput } = golden.inputs;
  const options = libraryOptions(referenceOptions(golden));
  const move = <T extends Parameters<typeof moveAxis>[0]>(tensor: T): T =>
    last && tensor.shape.length === input.shape.length ? (moveAxis(tensor, axisOf(golden)) as T) : tensor;
  const inputs = { input: move(input), target: target && move(target) };
  return {
    input: float32(inputs.input),
    target: libraryTarget(op, inputs),
    options: last ? { ...options, axis: -1 } : options,
    gradOutput: gradOutput?.shape.length === 0 && last ? gradOutput.data[0]! : libraryGradOutput({ gradOutput }),
    last,
  };
}

function expectGolden(what: string, golden: GoldenCase, got: Partial<FusedResult>, call: Call, bounds: Bounds): void {
  const { expected } = golden;
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
    const grad = call.last ? moveAxis(got.grad, axisOf(golden), 'back') : got.grad;
    wrong.push(mismatch(`${what} grad`, grad, expected.grad, bounds.grad));
  }
  const messages = wrong.filter((message) => message !== undefined);
  if (messages.length > 0) expect.fail(messages.join('\n'));
}

/** sum, count and weightSum against the float64 reference. */
function expectTotals(what: string, got: FusedResult, truth: ReferenceResult): void {
  expect(got.count, `${what} count`).toBe(truth.count);
  const near = (name: string, value: number, wanted: number, scale: number) =>
    mismatch(`${what} ${name}`, asTensor(value), { shape: [], data: Float64Array.of(wanted) }, 2 ** -22 * scale);
  const scale = Number.isFinite(truth.sum) ? Math.max(1, truth.count, Math.abs(truth.sum)) : 0;
  expect(near('sum', got.sum, truth.sum, scale) ?? '').toBe('');
  expect(near('weightSum', got.weightSum, truth.weightSum, Math.abs(truth.weightSum)) ?? '').toBe('');
}

const bits = (tensor: Tensor32): string => Array.from(tensor.data, (v) => (Object.is(v, -0) ? '-0' : v)).join();

function runLoss(golden: GoldenCase, op: LossName, last: boolean): void {
  const loss = losses[op];
  const bounds = boundsOf(golden);
  const call = lossCall(golden, op, last);
  const { input, target, options, gradOutput } = call;
  const before = bits(input);
  const check = (what: string, got: Partial<FusedResult>) => expectGolden(what, golden, got, call, bounds);
  const inPlace = (run: (tensor: Tensor32, out: Options) => { grad: Tensor32 }): Tensor32 => {
    const own = { data: input.data.slice(), shape: input.shape };
    const { grad } = run(own, { ...options, out: own });
    expect(grad.data.buffer).toBe(own.data.buffer);
    expect(bits(grad)).toBe(bits(own));
    return grad;
  };

  const forward = loss.forward(input, target, options);
  check('forward', forward);
  expect('grad' in forward && forward.grad !== undefined).toBe(false);
  const backward = loss.backward(gradOutput, input, target, options);
  check('backward', backward);
  expect(bits(inPlace((own, out) => loss.backward(gradOutput, own, target, out)))).toBe(bits(backward.grad));

  const fused = loss(input, target, options);
  const truth = reference(op, { input: inputOf(golden), target: golden.inputs.target }, referenceOptions(golden));
  expectTotals('fused', fused, truth);
  expect([forward.sum, forward.count, forward.weightSum]).toEqual([fused.sum, fused.count, fused.weightSum]);
  // The fused form has the upstream gradient 1: where the case has another, its loss alone can be compared.
  const { grad, ...withoutGrad } = fused;
  check('fused', golden.inputs.gradOutput === undefined ? fused : withoutGrad);
  expect(bits(inPlace((own, out) => loss(own, target, out)))).toBe(bits(grad));
  expect(bits(input), 'the input is unchanged').toBe(before);
}

function runActivation(golden: GoldenCase, last: boolean): void {
  const { op, expected } = golden;
  if (!isActivation(op)) throw new Error(`${op} is no activation`);
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

const files = {
  crossEntropy: 207,
  crossEntropyLarge: 1,
  crossEntropyProb: 104,
  bceWithLogits: 116,
  mse: 25,
  componentCrossEntropy: 90,
  softmax: 25,
  logSoftmax: 25,
  sigmoid: 14,
  logSigmoid: 14,
};

describe.each(Object.entries(files))('golden %s', (file, count) => {
  const cases = loadGolden(file);
  it(`has ${count} cases`, () => expect(cases).toHaveLength(count));
  it.each(cases.map((golden) => [golden.id, golden] as const))('%s', (_, golden) => {
    const op = libraryOps.get(golden.op);
    if (op === undefined) throw new Error(`${golden.op} is not in the library`);
    for (const last of rowOps.has(golden.op) ? [false, true] : [false]) {
      if (isLoss(op)) runLoss(golden, op, last);
      else runActivation(golden, last);
    }
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
  readonly throws?: typeof RangeError;
}

const verdicts: Record<string, Verdict> = {
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
  '019-rowAllNegInf': { why: 'a row of -Infinity is NaN, the other rows are not' },
  '021-overflow': { why: 'a loss beyond float32 is Infinity in float32' },
};

describe('golden quirks', () => {
  const cases = loadGolden('quirks');
  it('has 21 cases', () => expect(cases).toHaveLength(21));
  it.each(cases.map((golden) => [golden.id, golden] as const))('%s', (_, golden) => {
    const op = libraryOps.get(golden.op);
    const verdict = verdicts[golden.id.replace('pub/quirks/', '')];
    if (op === undefined) {
      // The day the library gets the function, this case needs a verdict.
      expect(exported.has(golden.op), `${golden.op} is exported, but has no verdict here`).toBe(false);
      expect(verdict).toBeUndefined();
      return;
    }
    if (verdict === undefined) throw new Error('no verdict');
    if (!isLoss(op)) return runActivation(golden, false);

    const { input, target, options, gradOutput } = lossCall(golden, op, false);
    if (verdict.throws !== undefined) {
      for (const form of ['forward', 'fused', 'backward']) {
        const run = (): unknown => {
          if (form === 'backward') return losses[op].backward(gradOutput, input, target, options);
          return form === 'fused' ? losses[op](input, target, options) : losses[op].forward(input, target, options);
        };
        expect(run, `${verdict.why}, ${form}`).toThrow(verdict.throws);
      }
      return;
    }
    const { expected } = golden;
    const truth = reference(op, { input: inputOf(golden), target: golden.inputs.target }, referenceOptions(golden));
    const grad = expected.grad.data.map((v, i) =>
      verdict.zeroGradient === 'all' || verdict.zeroGradient?.includes(i) ? 0 : v,
    );
    const loss = verdict.loss === 'finite' ? truth.loss.data[0]! : (verdict.loss ?? expected.loss.data[0]!);
    if (verdict.loss === 'finite') expect(Number.isFinite(loss)).toBe(true);
    const ours: GoldenCase = {
      ...golden,
      expected: { loss: { shape: [], data: Float64Array.of(loss) }, grad: { shape: expected.grad.shape, data: grad } },
    };
    const { data } = losses[op].backward(gradOutput, input, target, options).grad;
    for (const [i, v] of grad.entries())
      if (v === 0) expect(data[i], `${verdict.why}, gradient ${i}`).toBeCloseTo(0, 40);
    runLoss(ours, op, false);
    if (rowOps.has(op)) runLoss(ours, op, true);
  });

  it('has no verdict without a case', () => {
    const ids = new Set(cases.map(({ id }) => id.replace('pub/quirks/', '')));
    expect(Object.keys(verdicts).filter((id) => !ids.has(id))).toEqual([]);
  });
});
