/** Golden cases: decoding, and the comparison rule that golden/README.md describes. Needs nothing of its host. */
import { errorBounds, largest } from './reference/bounds.ts';
import {
  isActivationName,
  isLossName,
  type LinearOperands,
  linearLoss,
  optionNames,
  type Problem,
  type ReferenceInputs,
  type ReferenceLoss,
  type ReferenceOp,
  type ReferenceOptions,
  references,
} from './reference/index.ts';

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Options whose values are tensors stand among the inputs, under their own names. */
type TensorOption = 'weight' | 'posWeight' | 'sampleWeight' | 'logitShift' | 'variance' | 'gradOutput';

/** As in the files: `dim` is the axis of an activation, `outputs` the row of logits of a linear form. */
export interface GoldenOptions extends Omit<ReferenceOptions, TensorOption> {
  readonly dim?: number;
  readonly outputs?: readonly number[];
}

export interface GoldenCase {
  readonly id: string;
  readonly op: string;
  /** linear: the loss of features·weightᵀ + bias. */
  readonly form?: 'linear';
  readonly tags: readonly string[];
  readonly note?: string;
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly options: GoldenOptions;
  readonly expected: {
    readonly loss: GoldenTensor;
    /** Of logits or input; of the features in a linear form. */
    readonly grad: GoldenTensor;
    /** The others by name: variance, z, s; weight and bias of a linear form. */
    readonly grads?: Readonly<Record<string, GoldenTensor>>;
    readonly componentLosses?: GoldenTensor;
  };
  readonly torchF32: { readonly lossMaxAbsErr: number; readonly gradMaxAbsErr: number };
}

interface RawTensor {
  shape: number[];
  data: (number | string)[];
}

interface RawCase {
  id: string;
  op: string;
  form?: 'linear';
  tags?: string[];
  note?: string;
  inputs: Record<string, RawTensor>;
  options: GoldenOptions;
  expected: { loss: RawTensor; grad: Record<string, RawTensor>; componentLosses?: RawTensor };
  torchF32: { lossMaxAbsErr: number | string; gradMaxAbsErr: number | string };
}

/** "NaN", "Infinity" and "-Infinity" are strings in the files; nothing else may be one. */
function decodeNumber(value: number | string): number {
  if (typeof value === 'number') return value;
  if (value !== 'NaN' && value !== 'Infinity' && value !== '-Infinity') throw new Error(`not a number: ${value}`);
  return Number(value);
}

function decodeTensor(raw: RawTensor): GoldenTensor {
  const size = raw.shape.reduce((product, n) => product * n, 1);
  if (raw.data.length !== size) throw new Error(`${raw.data.length} values for shape [${raw.shape.join(', ')}]`);
  return { shape: raw.shape, data: Float64Array.from(raw.data, decodeNumber) };
}

const decodeTensors = (raw: Record<string, RawTensor>): Record<string, GoldenTensor> =>
  Object.fromEntries(Object.entries(raw).map(([name, value]) => [name, decodeTensor(value)]));

/** Names of the tensor that is differentiated first: of a linear form its features, which the files call input. */
const mainInputs = ['logits', 'input', 'losses'] as const;

function decodeCase(raw: RawCase): GoldenCase {
  const { expected, torchF32, tags = [], inputs, options, ...rest } = raw;
  const { componentLosses } = expected;
  const grads = decodeTensors(expected.grad);
  const main = mainInputs.find((name) => name in grads);
  if (main === undefined) throw new Error(`${raw.id} has no gradient of its input`);
  const { [main]: grad, ...others } = grads;
  // torchvision's sigmoid_focal_loss does not reduce unless asked to, and a case with defaults is as it has it
  const unreduced = isLossName(raw.op) && options.reduction === undefined && expected.loss.shape.length > 0;
  return {
    ...rest,
    tags,
    inputs: decodeTensors(inputs),
    options: unreduced ? { ...options, reduction: 'none' } : options,
    expected: {
      loss: decodeTensor(expected.loss),
      grad: grad!,
      ...(Object.keys(others).length > 0 && { grads: others }),
      ...(componentLosses && { componentLosses: decodeTensor(componentLosses) }),
    },
    torchF32: {
      lossMaxAbsErr: decodeNumber(torchF32.lossMaxAbsErr),
      gradMaxAbsErr: decodeNumber(torchF32.gradMaxAbsErr),
    },
  };
}

/** The function that a case is about: crossEntropyProb is crossEntropy with probabilities. */
export function operationOf({ op }: Pick<GoldenCase, 'op'>): ReferenceOp {
  const name = op === 'crossEntropyProb' ? 'crossEntropy' : op;
  if (isLossName(name) || isActivationName(name)) return name;
  throw new Error(`${op} has no reference`);
}

const knownOptions = (golden: Pick<GoldenCase, 'op' | 'form'>): readonly string[] => {
  const name = operationOf(golden);
  if (!isLossName(name)) return ['dim'];
  return [...optionNames(references[name]), 'dim', ...(golden.form === 'linear' ? ['outputs'] : [])];
};

/** All cases in the text of a golden file. An option that is not known here is an error, never dropped. */
export function decodeGolden(text: string): GoldenCase[] {
  const cases = (JSON.parse(text) as RawCase[]).map(decodeCase);
  for (const golden of cases) {
    const known = knownOptions(golden);
    const unknown = Object.keys(golden.options).filter((key) => !known.includes(key));
    if (unknown.length > 0) throw new Error(`${golden.id}: unknown options ${unknown.join(', ')}`);
  }
  return cases;
}

/** The tensor that the gradient belongs to. */
export function inputOf({ id, inputs }: GoldenCase): GoldenTensor {
  const input = inputs.logits ?? inputs.input ?? inputs.losses ?? inputs.features;
  if (input === undefined) throw new Error(`${id} has no input`);
  return input;
}

/** The class axis: `dim` of the activations, otherwise 1, or 0 for 1-D logits. */
export function axisOf(golden: GoldenCase): number {
  const { shape } = inputOf(golden);
  const axis = golden.options.dim ?? golden.options.axis ?? (shape.length === 1 ? 0 : 1);
  return axis < 0 ? axis + shape.length : axis;
}

const integers = ({ data }: GoldenTensor): Int32Array => Int32Array.from(data);

function targetOf({ inputs: { target, indices, offsets } }: GoldenCase): ReferenceInputs['target'] {
  return indices && offsets ? { indices: integers(indices), offsets: integers(offsets) } : target;
}

/** The options of a case, those that are tensors among them. */
function optionsOf(golden: GoldenCase): ReferenceOptions {
  const { weight, classWeight, ...tensors } = golden.inputs;
  const { dim, outputs, ...options } = golden.options;
  const own = golden.form === 'linear' ? classWeight : weight;
  const names: readonly TensorOption[] = ['posWeight', 'sampleWeight', 'logitShift', 'variance', 'gradOutput'];
  const given = names.flatMap((name) => (tensors[name] === undefined ? [] : [[name, tensors[name]]]));
  return {
    ...options,
    ...(dim !== undefined && { axis: dim }),
    ...(own && { weight: own }),
    ...Object.fromEntries(given),
  };
}

/** A case as the reference takes it; one with a linear form needs `linearOf` beside it, for its logits. */
export function problemOf(golden: GoldenCase): Problem {
  const name = operationOf(golden);
  const others = isLossName(name) ? references[name].others : [];
  const tensors = others.map((key) => [key, golden.inputs[key]!] as const);
  return {
    inputs: {
      input: inputOf(golden),
      target: targetOf(golden),
      ...(tensors.length > 0 && { others: Object.fromEntries(tensors) }),
    },
    options: optionsOf(golden),
  };
}

/** The layer of a case with a linear form. */
export function linearOf({ id, inputs, options }: GoldenCase): LinearOperands {
  const { features, weight, bias } = inputs;
  if (features === undefined || weight === undefined) throw new Error(`${id} has no linear layer`);
  return { features, weight, bias, outputs: options.outputs };
}

/** 4 units in the last place of a float32 near 1. */
const unit = 2 ** -24;
const fourUnits = 4 * unit;

const float32 = ({ shape, data }: GoldenTensor): GoldenTensor => ({
  shape,
  data: Float64Array.from(data, Math.fround),
});

/**
 * The float64 truth itself is only this good next to the upstream gradient: 1 - p cancels in it too, so that it may say 0
 * where e^-44 is right.
 */
const truthError = 1e-15;

/** PyTorch's own error. Where it failed altogether (infinite), it is no measure, and only the 2^-24 term counts. */
const torchError = (error: number): number => (Number.isFinite(error) ? error : 0);

export interface Bounds {
  readonly loss: number;
  readonly grad: number;
  readonly grads: Readonly<Record<string, number>>;
  readonly componentLosses: number;
}

const lossUnits = (loss: GoldenTensor): number => fourUnits * Math.max(1, largest(float32(loss)));

/** A bound for each gradient of a case. */
const mapGrads = (golden: GoldenCase, bound: (name: string, grad: GoldenTensor) => number) =>
  Object.fromEntries(Object.entries(golden.expected.grads ?? {}).map(([name, grad]) => [name, bound(name, grad)]));

/** By the masses, the results or the terms, as the loss says. */
function lossBounds(golden: GoldenCase, loss: ReferenceLoss): Bounds {
  const { expected } = golden;
  const problem = problemOf(golden);
  const scaled = errorBounds(loss, problem, 4, loss.goldenScale?.(problem));
  const byResult = loss.measure === 'result';
  // what is beyond float32 is Infinity there, and has no rounding error
  const isFloat32 = (bound: number): boolean => Number.isFinite(Math.fround(bound / fourUnits));
  const largestOf = (data: Float64Array = new Float64Array()): number => largest({ data: data.filter(isFloat32) });
  const gradBound = (grad: GoldenTensor, scale: Float64Array | undefined): number =>
    byResult ? fourUnits * largest(float32(grad)) : largestOf(scale);
  return {
    loss: Math.max(lossUnits(expected.loss), loss.measure === 'terms' ? largestOf(scaled.loss) : 0),
    grad: gradBound(expected.grad, scaled.grad),
    grads: mapGrads(golden, (name, grad) => gradBound(grad, scaled.grads[name])),
    componentLosses: expected.componentLosses ? lossUnits(expected.componentLosses) : 0,
  };
}

/** Largest Σ |values| along one axis of a matrix. */
function largestSum({ data, shape: [rows = 0, columns = 0] }: GoldenTensor, axis: 0 | 1): number {
  const sums = new Float64Array(axis === 0 ? columns : rows);
  for (const [i, v] of data.entries()) sums[axis === 0 ? i % columns : Math.floor(i / columns)]! += Math.abs(v);
  return largest({ data: sums });
}

/** A logit is a sum of D rounded products, so that it has B = max Σ |feature · weight| + |bias| units of its own. */
function linearBounds(golden: GoldenCase, loss: ReferenceLoss): Bounds {
  const { inputs, options } = problemOf(golden);
  const operands = linearOf(golden);
  const sizes = linearLoss(loss, absolute(operands), inputs, { ...options, gradOutput: 1 }).logits;
  const { logits, atLogits } = linearLoss(loss, operands, inputs, options);
  const plain = linearLoss(loss, operands, inputs, { ...options, gradOutput: 1 }).atLogits.grad.data;
  const rounded = largest(sizes);
  const own = largest({ data: errorBounds(loss, { inputs: { ...inputs, input: logits }, options }, 4).grad });
  const each = unit * (8 + rounded) * largest(atLogits.grad) + own;
  const { features, weight } = operands;
  const columns = features.shape[1] ?? 0;
  const matrix = { data: weight.data, shape: [columns === 0 ? 0 : weight.data.length / columns, columns] };
  const factors: Record<string, number> = { weight: largestSum(features, 0), bias: features.shape[0] ?? 0 };
  return {
    loss: lossUnits(golden.expected.loss) + 2 * unit * rounded * plain.reduce((sum, g) => sum + Math.abs(g), 0),
    grad: each * largestSum(matrix, 0),
    grads: mapGrads(golden, (name) => each * factors[name]!),
    componentLosses: golden.expected.componentLosses ? lossUnits(golden.expected.componentLosses) : 0,
  };
}

const absolute = ({ features, weight, bias, outputs }: LinearOperands): LinearOperands => {
  const positive = ({ data, shape }: GoldenTensor): GoldenTensor => ({ data: data.map(Math.abs), shape });
  return { features: positive(features), weight: positive(weight), bias: bias && positive(bias), outputs };
};

/** Rows of softmax by Σ |gradOutput|, elements by the gradient itself. */
function activationBounds(golden: GoldenCase): Bounds {
  const { loss, grad } = golden.expected;
  const { gradOutput } = golden.inputs;
  const rows = golden.op === 'softmax' || golden.op === 'logSoftmax';
  const upstream = { data: (gradOutput ?? grad).data.map((g) => (gradOutput ? Math.abs(g) : 1)), shape: grad.shape };
  const scale = rows ? largestRow(upstream, axisOf(golden)) : largest(float32(grad));
  return { loss: lossUnits(loss), grad: fourUnits * scale, grads: {}, componentLosses: 0 };
}

/** Largest Σ along an axis. */
function largestRow({ data, shape }: GoldenTensor, axis: number): number {
  const inner = shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  const row = inner * (shape[axis] ?? 1);
  const sums = new Float64Array(data.length);
  for (const [i, v] of data.entries()) sums[Math.floor(i / row) * inner + (i % inner)]! += v;
  return largest({ data: sums });
}

/** Largest absolute errors that a case allows. */
export function boundsOf(golden: GoldenCase): Bounds {
  const { torchF32, inputs } = golden;
  const name = operationOf(golden);
  const loss = isLossName(name) ? references[name] : undefined;
  const own =
    loss === undefined
      ? activationBounds(golden)
      : golden.form === 'linear'
        ? linearBounds(golden, loss)
        : lossBounds(golden, loss);
  const counts = loss?.torchErrorsCount ?? true;
  const [lossError, gradError] = counts ? [torchF32.lossMaxAbsErr, torchF32.gradMaxAbsErr].map(torchError) : [0, 0];
  const floor = truthError * Math.max(1, inputs.gradOutput ? largest(inputs.gradOutput) : 0);
  const gradBound = (bound: number): number => Math.max(bound, floor, gradError!);
  return {
    ...own,
    loss: Math.max(own.loss, lossError!),
    grad: gradBound(own.grad),
    grads: mapGrads(golden, (key) => gradBound(own.grads[key]!)),
  };
}

/** Tag anySubgradient: for elements of the gradient at a kink the largest size that any subgradient has, else 0. */
export function subgradientLimits(golden: GoldenCase): Float64Array | undefined {
  const name = operationOf(golden);
  if (!golden.tags.includes('anySubgradient') || !isLossName(name)) return undefined;
  const problem = problemOf(golden);
  const { grad } = errorBounds(references[name], problem, 1);
  const kinks = references[name].kinks(problem).grad;
  return grad.map((bound, i) => (kinks[i] === 1 ? bound / unit : 0));
}

/**
 * What is wrong with a result, or undefined. Shapes must be equal; NaN matches NaN alone and an infinity itself.
 * A result in float64 where the expected value overflows float32 is rounded to float32 first. Where `limits` is given,
 * and not 0, any value of that size or less is right.
 */
export function mismatch(
  what: string,
  got: { readonly data: ArrayLike<number>; readonly shape: readonly number[] },
  expected: GoldenTensor,
  bound: number,
  limits?: Float64Array,
): string | undefined {
  if (Number.isNaN(bound)) return `${what}: the bound is NaN`;
  if (got.shape.length !== expected.shape.length || expected.shape.some((n, d) => got.shape[d] !== n)) {
    return `${what}: shape [${got.shape.join(', ')}], expected [${expected.shape.join(', ')}]`;
  }
  if (got.data.length !== expected.data.length) {
    return `${what}: ${got.data.length} values, expected ${expected.data.length}`;
  }
  let worst = 0;
  let message: string | undefined;
  for (let i = 0; i < expected.data.length; i++) {
    const limit = limits?.[i] ?? 0;
    if (limit > 0 && Math.abs(got.data[i]!) <= limit + bound) continue;
    const truth = Math.fround(expected.data[i]!);
    const value = Number.isFinite(truth) ? got.data[i]! : Math.fround(got.data[i]!);
    const error = Object.is(value, truth) ? 0 : Math.abs(value - truth);
    if (!Number.isFinite(truth) ? !Object.is(value, truth) : !(error <= bound)) {
      if (message === undefined || error > worst) {
        message = `${what}[${i}] is ${got.data[i]}, expected ${expected.data[i]}: error ${error}, bound ${bound}`;
        worst = error;
      }
    }
  }
  return message;
}
