// From the arguments of a call to a job: every operand converted, every shape checked, the geometry worked out. Nothing here
// touches linear memory, so a call that throws here has changed nothing.

import {
  fitExactly,
  type Options,
  overlap,
  readBroadcast,
  readCommon,
  readComponents,
  readComponentWeights,
  readFloats,
  readLabels,
  readNames,
  readNumber,
  sameShape,
} from './options.ts';
import { broadcastStrides, splitAtAxis } from './shape.ts';
import { Source } from './source.ts';
import type { OperationRecord, OptionKind } from './table.ts';
import { isFloat, isTyped, type Operand, readOperand, show, sizeOf } from './tensor.ts';
import type { NumericArray, TensorInput } from './types.ts';

/** What a loss is compared with. */
export type Targets =
  | { readonly kind: 'indices'; readonly source: Source }
  | { readonly kind: 'values'; readonly source: Source };

/** A checked call. */
export interface Job {
  readonly name: string;
  readonly record: OperationRecord;
  readonly input: Source;
  readonly shape: readonly number[];
  readonly targets: Targets | undefined;
  readonly options: Options;
  /** Class losses: the axis split; elementwise ones: everything is inner. */
  readonly outer: number;
  readonly classes: number;
  readonly inner: number;
  readonly lossShape: readonly number[];
  /** Size of the first axis that is not the class axis. */
  readonly batch: number;
}

/** Checks a call of a loss. */
export function checkLoss(
  name: string,
  record: OperationRecord,
  input: TensorInput,
  target: TensorInput,
  options: unknown,
): Job {
  const given = readNames(name, record, options);
  const common = readCommon(name, given);
  const source = readOperand(input, `${name}: ${record.names[0]}`);
  const call: Call = { name, record, given, options: common, source, shape: source.shape ?? [source.data.length] };
  const job = record.walk === 'class' ? classJob(call, target) : elementJob(call, target);
  if (common.out) checkOut(job, source.data, dataOf(target));
  return job;
}

/** A call whose input and common options have been read. */
interface Call {
  readonly name: string;
  readonly record: OperationRecord;
  readonly given: Readonly<Record<string, unknown>>;
  readonly options: Options;
  readonly source: Operand;
  readonly shape: readonly number[];
}

/** The array behind an argument that has been read. */
const dataOf = (value: TensorInput): unknown => (typeof value === 'object' && 'data' in value ? value.data : value);

/** Checks a call of an activation; `incoming` is the gradOutput of the backward form. */
export function checkActivation(
  name: string,
  record: OperationRecord,
  input: TensorInput,
  options: unknown,
  incoming?: TensorInput,
): Job {
  const given = readNames(name, record, options);
  const source = readOperand(input, `${name}: ${record.names[0]}`);
  const shape = source.shape ?? [source.data.length];
  const where = `${name}: ${record.names[0]}`;
  const axis = given.axis === undefined ? undefined : readNumber(given.axis, 'axis', `${name}: axis`);
  const geometry = record.walk === 'class' ? splitAtAxis(shape, axis, where) : flat(shape);
  const values =
    incoming === undefined
      ? undefined
      : readFloats(incoming, shape, `${name}: gradOutput`, `the shape of ${record.names[0]}`);
  const job: Job = {
    name,
    record,
    input: new Source(source),
    shape,
    targets: values && { kind: 'values', source: values },
    options: readCommon(name, given),
    outer: geometry.outer,
    classes: geometry.classes,
    inner: geometry.inner,
    lossShape: geometry.lossShape,
    batch: 1,
  };
  if (job.options.out) checkOut(job, source.data, incoming === undefined ? undefined : dataOf(incoming));
  return job;
}

const flat = (shape: readonly number[]) => ({ outer: 1, classes: 1, inner: sizeOf(shape), lossShape: shape });

/** The number given for an option, if there is one. */
function numberOf({ name, given }: Call, key: string, kind: OptionKind): number | undefined {
  return given[key] === undefined ? undefined : readNumber(given[key], kind, `${name}: ${key}`);
}

function classJob(call: Call, target: TensorInput): Job {
  const { name, record, given, options, source, shape } = call;
  const axis = numberOf(call, 'axis', 'axis');
  const { outer, classes, inner, lossShape } = splitAtAxis(shape, axis, `${name}: ${record.names[0]}`);
  options.ignoreIndex = numberOf(call, 'ignoreIndex', 'integer');
  options.labelSmoothing = numberOf(call, 'labelSmoothing', 'unit') ?? 0;
  options.zLoss = numberOf(call, 'zLoss', 'number') ?? 0;
  options.jointWeight = numberOf(call, 'jointWeight', 'number') ?? 0;
  if (given.weight !== undefined) {
    options.classWeight = readFloats(given.weight, [classes], `${name}: weight`, 'one per class');
  }
  if (given.sampleWeight !== undefined) {
    options.sampleWeight = readFloats(given.sampleWeight, lossShape, `${name}: sampleWeight`, 'one per sample');
  }
  // the shape of the target first: a class axis forgotten would make every other message misleading
  const targets = classTargets(call, readOperand(target, `${name}: target`), lossShape);
  if (given.labels !== undefined) options.labels = readLabels(given.labels, classes, `${name}: labels`);
  if ('components' in record.options) {
    options.components = readComponents(given.components, classes, `${name}: components`);
    options.componentWeights = readComponentWeights(given.weights, options.components.length, `${name}: weights`);
  }
  const input = new Source(source);
  return { name, record, input, shape, targets, options, outer, classes, inner, lossShape, batch: lossShape[0] ?? 1 };
}

/** Class indices or class probabilities; the shape decides, and for a bare flat array the fact that it is flat. */
function classTargets(call: Call, operand: Operand, lossShape: readonly number[]): Targets {
  const { name, record, shape, given } = call;
  const input = record.names[0];
  const need = input === 'logits' ? 'need' : 'needs';
  const axis = () => `${input} ${need} a class axis, e.g. ${show(withClassAxis(operand, shape, given.labels))}`;
  if (operand.shape === undefined) {
    const alike = operand.data.length === sizeOf(shape);
    const what = () =>
      `one class index per sample of ${input} ${show(shape)}${alike ? `; with a target for each, ${axis()}` : ''}`;
    fitExactly(operand, lossShape, `${name}: target`, what);
    return { kind: 'indices', source: new Source(operand) };
  }
  if (sameShape(operand.shape, lossShape)) return { kind: 'indices', source: new Source(operand) };
  const classes = record.target === 'classes';
  if (!sameShape(operand.shape, shape)) {
    const also = classes ? ` or class probabilities ${show(shape)}` : '';
    throw new RangeError(
      `${name}: target has shape ${show(operand.shape)}, expected class indices ${show(lossShape)}${also} for ${input} ${show(shape)}`,
    );
  }
  const kind = kindOf(operand);
  if (kind === 'fractions' && !classes) {
    throw new RangeError(`${name}: target holds class probabilities, expected class indices ${show(lossShape)}`);
  }
  if (kind === 'labels' || kind === 'integers' || !classes) {
    const hint = classes && kind === 'integers' ? ' (class probabilities are a float tensor)' : '';
    throw new RangeError(`${name}: ${input} ${show(shape)} and target ${show(operand.shape)}: ${axis()}${hint}`);
  }
  for (const key of ['ignoreIndex', 'labels'] as const) {
    if (given[key] !== undefined) {
      throw new RangeError(
        `${name}: ${key} is given with class probabilities, expected class indices ${show(lossShape)}`,
      );
    }
  }
  return { kind: 'values', source: new Source(operand) };
}

/**
 * What a target of the logits' own shape holds: fractions, whole numbers of a float type (0 and 1), integers by type, or
 * whole numbers of which one is negative (labels). The first two are probabilities.
 */
function kindOf({ nested, data }: Operand): 'fractions' | 'whole' | 'integers' | 'labels' {
  let negative = false;
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    if (!Number.isInteger(value)) return 'fractions';
    negative ||= value < 0;
  }
  if (negative) return 'labels';
  return nested || isFloat(data) ? 'whole' : 'integers';
}

/** The shape that logits for these labels would have. */
function withClassAxis(operand: Operand, shape: readonly number[], labels: unknown): number[] {
  const found = new Set(Array.from(operand.data as ArrayLike<number>).slice(0, 10000)).size;
  const listed = Array.isArray(labels) || isTyped(labels) ? labels.length : undefined;
  const classes = listed ?? (found > 1 && found < 100 ? found : 3);
  return [...shape.slice(0, 1), classes, ...shape.slice(1)];
}

function elementJob(call: Call, target: TensorInput): Job {
  const { name, record, given, options, source, shape } = call;
  const likeInput = `the shape of ${record.names[0]}`;
  for (const key of ['weight', 'posWeight'] as const) {
    if (given[key] === undefined) continue;
    const kind = record.options[key]?.kind;
    const where = `${name}: ${key}`;
    options[key] =
      kind === 'elementWeights'
        ? { source: readFloats(given[key], shape, where, likeInput), strides: broadcastStrides(shape, shape) ?? [] }
        : readBroadcast(given[key], shape, where);
  }
  options.labelSmoothing = numberOf(call, 'labelSmoothing', 'unit') ?? 0;
  const ignored = numberOf(call, 'ignoreValue', 'marker');
  options.ignoreValue = ignored === undefined ? undefined : Math.fround(ignored);
  const values = readFloats(target, shape, `${name}: target`, likeInput);
  return {
    name,
    record,
    input: new Source(source),
    shape,
    targets: { kind: 'values', source: values },
    options,
    outer: 1,
    classes: 1,
    inner: source.data.length,
    lossShape: shape,
    batch: shape[0] ?? 1,
  };
}

/** `out` has the input's size, and shares memory with nothing but, wholly, the input. */
function checkOut(job: Job, input: NumericArray, target: unknown): void {
  const { name, shape, record } = job;
  const { out, classWeight, sampleWeight, weight, posWeight } = job.options;
  if (!out) return;
  const data = 'data' in out ? out.data : out;
  if ('data' in out && !sameShape(out.shape, shape)) {
    throw new RangeError(`${name}: out has shape ${show(out.shape)}, expected ${show(shape)}`);
  }
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(`${name}: out has ${data.length} values, expected ${sizeOf(shape)}`);
  }
  const itself = record.names[0];
  const whole = input instanceof Float32Array && data.byteOffset === input.byteOffset;
  if (overlap(data, input) && !whole) {
    throw new RangeError(`${name}: out overlaps ${itself} in part, expected ${itself} itself or other memory`);
  }
  const others = [target, classWeight?.data, sampleWeight?.data, weight?.source.data, posWeight?.source.data];
  for (const other of others) {
    if (other === undefined || !isTyped(other) || !overlap(data, other)) continue;
    throw new RangeError(`${name}: out overlaps another argument, expected ${itself} itself or other memory`);
  }
}
