/** Golden cases: decoding, and the comparison rule that golden/README.md describes. Needs nothing of its host. */

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface GoldenOptions {
  readonly reduction?: 'mean' | 'sum' | 'none';
  readonly labelSmoothing?: number;
  readonly ignoreIndex?: number;
  readonly components?: number[][];
  readonly weights?: number[];
  readonly jointWeight?: number;
  readonly dim?: number;
}

export interface GoldenCase {
  readonly id: string;
  readonly op: string;
  readonly tags: readonly string[];
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly options: GoldenOptions;
  readonly expected: {
    readonly loss: GoldenTensor;
    readonly grad: GoldenTensor;
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
  tags?: string[];
  inputs: Record<string, RawTensor>;
  options: GoldenOptions;
  expected: { loss: RawTensor; grad: Record<string, RawTensor>; componentLosses?: RawTensor };
  torchF32: { lossMaxAbsErr: number | string; gradMaxAbsErr: number | string };
}

const optionNames = new Set([
  'reduction',
  'labelSmoothing',
  'ignoreIndex',
  'components',
  'weights',
  'jointWeight',
  'dim',
]);

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

function decodeCase(raw: RawCase): GoldenCase {
  const { id, op, tags = [], options, expected, torchF32 } = raw;
  const inputs = Object.fromEntries(Object.entries(raw.inputs).map(([name, value]) => [name, decodeTensor(value)]));
  const grads = Object.values(expected.grad);
  if (grads.length !== 1) throw new Error(`${id}: ${grads.length} gradients`);
  return {
    id,
    op,
    tags,
    inputs,
    options,
    expected: {
      loss: decodeTensor(expected.loss),
      grad: decodeTensor(grads[0]!),
      ...(expected.componentLosses && { componentLosses: decodeTensor(expected.componentLosses) }),
    },
    torchF32: {
      lossMaxAbsErr: decodeNumber(torchF32.lossMaxAbsErr),
      gradMaxAbsErr: decodeNumber(torchF32.gradMaxAbsErr),
    },
  };
}

/** All cases in the text of a golden file. An option that is not known here is an error, never dropped. */
export function decodeGolden(text: string): GoldenCase[] {
  const cases = (JSON.parse(text) as RawCase[]).map(decodeCase);
  for (const { id, op, options } of cases) {
    const unknown = Object.keys(options).filter((key) => !optionNames.has(key));
    if (unknown.length > 0 && libraryOps.has(op)) throw new Error(`${id}: unknown options ${unknown.join(', ')}`);
  }
  return cases;
}

/** Operations of golden cases that the library has, by the name of its function. */
export const libraryOps: ReadonlyMap<string, string> = new Map(
  Object.entries({
    crossEntropy: 'crossEntropy',
    crossEntropyProb: 'crossEntropy',
    componentCrossEntropy: 'componentCrossEntropy',
    bceWithLogits: 'bceWithLogits',
    mse: 'mse',
    softmax: 'softmax',
    logSoftmax: 'logSoftmax',
    sigmoid: 'sigmoid',
    logSigmoid: 'logSigmoid',
  }),
);

/** The tensor that the gradient belongs to: logits, or input. */
export function inputOf(golden: GoldenCase): GoldenTensor {
  const input = golden.inputs.logits ?? golden.inputs.input;
  if (input === undefined) throw new Error(`${golden.id} has neither logits nor input`);
  return input;
}

/** The class axis: `dim` of the activations, otherwise 1, or 0 for 1-D logits. */
export function axisOf(golden: GoldenCase): number {
  const { shape } = inputOf(golden);
  const axis = golden.options.dim ?? (shape.length === 1 ? 0 : 1);
  return axis < 0 ? axis + shape.length : axis;
}

/** 4 units in the last place of a float32 near 1. */
const fourUnits = 4 * 2 ** -24;

const float32 = (values: Float64Array): Float64Array => Float64Array.from(values, Math.fround);

function largest(values: Float64Array): number {
  return values.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 0);
}

/**
 * The float64 truth itself is only this good next to the upstream gradient: 1 - p cancels in it too, so that it may say 0
 * where e^-44 is right.
 */
const truthError = 1e-15;

/** PyTorch's own error. Where it failed altogether (infinite), it is no measure, and only the 2^-24 term counts. */
const torchError = (error: number): number => (Number.isFinite(error) ? error : 0);

/** Calls visit(sample, offset of its class 0, distance of its classes) for every class row. */
function eachRow(
  shape: readonly number[],
  axis: number,
  visit: (sample: number, start: number, stride: number) => void,
): void {
  const classes = shape[axis]!;
  const inner = shape.slice(axis + 1).reduce((product, n) => product * n, 1);
  const outer = shape.slice(0, axis).reduce((product, n) => product * n, 1);
  for (let o = 0; o < outer; o++) for (let i = 0; i < inner; i++) visit(o * inner + i, o * classes * inner + i, inner);
}

/** The scale U of a gradient: see golden/README.md. */
export function gradientScale(golden: GoldenCase): number {
  const { inputs, options, op } = golden;
  const elementwise = ['bceWithLogits', 'mse', 'sigmoid', 'logSigmoid'];
  if (elementwise.includes(op)) return largest(float32(golden.expected.grad.data));

  const { shape } = inputOf(golden);
  const axis = axisOf(golden);
  const classes = shape[axis]!;
  const { weight, target, gradOutput } = inputs;
  const { reduction = 'mean', labelSmoothing = 0, ignoreIndex = -100 } = options;
  const upstream = (sample: number): number => Math.abs(gradOutput?.data[reduction === 'none' ? sample : 0] ?? 1);
  let scale = 0;
  let denominator = 0;
  eachRow(shape, axis, (sample, start, stride) => {
    if (op === 'softmax' || op === 'logSoftmax') {
      let sum = 0;
      for (let k = 0; k < classes; k++) sum += Math.abs(gradOutput?.data[start + k * stride] ?? 1);
      scale = Math.max(scale, sum);
      return;
    }
    if (target === undefined) throw new Error(`${golden.id} has no target`);
    const soft = op === 'crossEntropyProb';
    const t = target.data[sample]!;
    if (!soft && t === ignoreIndex) return;
    let mass = 0;
    if (op === 'componentCrossEntropy') {
      const { components = [], weights = components.map(() => 1), jointWeight = 0 } = options;
      mass = Math.abs(jointWeight) + weights.reduce((sum, w) => sum + Math.abs(w), 0);
      denominator += 1;
    } else {
      for (let k = 0; k < classes; k++) {
        const y = soft ? target.data[start + k * stride]! : Number(k === t);
        const smoothed = (1 - labelSmoothing) * y + labelSmoothing / classes;
        mass += Math.abs((weight?.data[k] ?? 1) * smoothed);
      }
      denominator += soft ? 1 : (weight?.data[t] ?? 1);
    }
    scale = Math.max(scale, upstream(sample) * mass);
  });
  const divides = reduction === 'mean' && op !== 'softmax' && op !== 'logSoftmax';
  return divides && denominator !== 0 ? scale / Math.abs(denominator) : scale;
}

export interface Bounds {
  readonly loss: number;
  readonly grad: number;
  readonly componentLosses: number;
}

/** Largest absolute errors that a case allows. */
export function boundsOf(golden: GoldenCase): Bounds {
  const { expected, torchF32 } = golden;
  const lossUnits = (values: Float64Array): number => fourUnits * Math.max(1, largest(float32(values)));
  const upstream = Math.max(1, largest(golden.inputs.gradOutput?.data ?? new Float64Array()));
  const grad = Math.max(fourUnits * gradientScale(golden), truthError * upstream);
  if (golden.op === 'componentCrossEntropy') {
    if (expected.componentLosses === undefined) throw new Error(`${golden.id} has no componentLosses`);
    return { loss: lossUnits(expected.loss.data), grad, componentLosses: lossUnits(expected.componentLosses.data) };
  }
  return {
    loss: Math.max(torchError(torchF32.lossMaxAbsErr), lossUnits(expected.loss.data)),
    grad: Math.max(torchError(torchF32.gradMaxAbsErr), grad),
    componentLosses: 0,
  };
}

/**
 * What is wrong with a result, or undefined. Shapes must be equal; NaN matches NaN alone and an infinity itself.
 * A result in float64 where the expected value overflows float32 is rounded to float32 first.
 */
export function mismatch(
  what: string,
  got: { readonly data: ArrayLike<number>; readonly shape: readonly number[] },
  expected: GoldenTensor,
  bound: number,
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
