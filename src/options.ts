// Options: their kinds checked and turned into what the kernels read. Every message opens with the function's name.

import { broadcastStrides } from './shape.ts';
import { Source } from './source.ts';
import type { OperationRecord, OptionKind } from './table.ts';
import { describe, type Operand, readOperand, show, sizeOf } from './tensor.ts';
import type { NumericArray, Reduction, Tensor } from './types.ts';

/** A weight that repeats along some axes. */
export interface Broadcast {
  readonly source: Source;
  /** In elements, along each axis of the input. */
  readonly strides: readonly number[];
}

/** Where a gradient goes: a tensor, or an array alone. */
export type Output = Tensor | Float32Array;

/** The options of a call after checking; absent ones are undefined. */
export interface Options {
  reduction: Reduction;
  scale: number;
  emptyMean: 'nan' | 'zero';
  out: Output | undefined;
  classWeight: Source | undefined;
  sampleWeight: Source | undefined;
  weight: Broadcast | undefined;
  posWeight: Broadcast | undefined;
  ignoreIndex: number | undefined;
  ignoreValue: number | undefined;
  labelSmoothing: number;
  zLoss: number;
  labels: readonly number[] | undefined;
  components: readonly Int32Array[];
  componentWeights: Source | undefined;
  jointWeight: number;
}

const COMMON = ['reduction', 'out', 'scale', 'emptyMean'] as const;
const REDUCTIONS: readonly string[] = ['mean', 'sum', 'none', 'batchmean'];

/** The options object itself, with no name that the operation does not know. */
export function readNames(name: string, record: OperationRecord, options: unknown): Readonly<Record<string, unknown>> {
  if (options === undefined) return {};
  if (typeof options !== 'object' || options === null || Array.isArray(options) || ArrayBuffer.isView(options)) {
    throw new TypeError(`${name}: options is ${describe(options)}, expected an object`);
  }
  const common = record.target === 'none' ? (['out'] as const) : COMMON;
  for (const key of Object.keys(options)) {
    const value = (options as Readonly<Record<string, unknown>>)[key];
    if (value === undefined || Object.hasOwn(record.options, key) || (common as readonly string[]).includes(key))
      continue;
    const known = [...Object.keys(record.options), ...common].join(', ');
    throw new TypeError(`${name}: unknown option ${JSON.stringify(key)}, expected one of ${known}`);
  }
  return options as Readonly<Record<string, unknown>>;
}

/** A number by the rule of its kind. */
export function readNumber(value: unknown, kind: OptionKind | 'scale', where: string): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  const wanted =
    { integer: 'an integer', axis: 'an integer', unit: 'a number in [0, 1]' }[kind as string] ?? 'a number';
  if (typeof number !== 'number') throw new TypeError(`${where} is ${describe(value)}, expected ${wanted}`);
  const right =
    kind === 'marker' ||
    ((kind === 'unit' ? number >= 0 && number <= 1 : Number.isFinite(number)) &&
      (!(kind === 'integer' || kind === 'axis') || Number.isInteger(number)));
  if (!right)
    throw new RangeError(`${where} is ${number}, expected ${wanted === 'a number' ? 'a finite number' : wanted}`);
  return number;
}

/** The options common to all losses, with nothing else given. */
export function readCommon(name: string, given: Readonly<Record<string, unknown>>): Options {
  const reduction = given.reduction === undefined ? 'mean' : given.reduction;
  if (typeof reduction !== 'string') {
    throw new TypeError(`${name}: reduction is ${describe(reduction)}, expected a string`);
  }
  if (!REDUCTIONS.includes(reduction)) {
    throw new RangeError(`${name}: reduction is ${describe(reduction)}, expected one of ${REDUCTIONS.join(', ')}`);
  }
  const emptyMean = given.emptyMean === undefined ? 'nan' : given.emptyMean;
  if (emptyMean !== 'nan' && emptyMean !== 'zero') {
    const error = typeof emptyMean === 'string' ? RangeError : TypeError;
    throw new error(`${name}: emptyMean is ${describe(emptyMean)}, expected 'nan' or 'zero'`);
  }
  return {
    reduction: reduction as Reduction,
    emptyMean,
    scale: given.scale === undefined ? 1 : readNumber(given.scale, 'scale', `${name}: scale`),
    out: readOut(name, given.out),
    classWeight: undefined,
    sampleWeight: undefined,
    weight: undefined,
    posWeight: undefined,
    ignoreIndex: undefined,
    ignoreValue: undefined,
    labelSmoothing: 0,
    zLoss: 0,
    labels: undefined,
    components: [],
    componentWeights: undefined,
    jointWeight: 0,
  };
}

/** The tensor or Float32Array that receives a result. */
export function readOut(name: string, out: unknown): Output | undefined {
  if (out === undefined || out instanceof Float32Array) return out;
  if (typeof out === 'object' && out !== null && 'data' in out && out.data instanceof Float32Array) {
    // its shape and size will be compared with those of the input
    if ('shape' in out && Array.isArray(out.shape)) return out as Tensor;
    const { data, shape } = readOperand(out, `${name}: out`);
    return 'shape' in out ? (out as Tensor) : { data: data as Float32Array, shape: shape ?? [] };
  }
  throw new TypeError(`${name}: out is ${describe(out)}, expected a Float32Array or a tensor of one`);
}

/** A float operand of exactly `count` values; a shape, where one is given, must be `shape`. */
export function readFloats(value: unknown, shape: readonly number[], where: string, what: string): Source {
  const operand = readOperand(value, where);
  fitExactly(operand, shape, where, () => what);
  return new Source(operand);
}

/** Checks that an operand has the expected shape, or as a flat array its length. */
export function fitExactly(operand: Operand, shape: readonly number[], where: string, what: () => string): void {
  if (operand.shape !== undefined && !sameShape(operand.shape, shape)) {
    throw new RangeError(`${where} has shape ${show(operand.shape)}, expected ${show(shape)}, ${what()}`);
  }
  const expected = sizeOf(shape);
  if (operand.data.length !== expected) {
    throw new RangeError(`${where} has ${operand.data.length} values, expected ${expected}, ${what()}`);
  }
}

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

/** A weight that broadcasts to `shape`; a flat array may also have as many values as the input. */
export function readBroadcast(value: unknown, shape: readonly number[], where: string): Broadcast {
  const operand = readOperand(value, where);
  const source = new Source(operand);
  const own = operand.shape ?? [source.length];
  const strides = broadcastStrides(own, shape);
  if (strides) return { source, strides };
  if (operand.shape === undefined && source.length === sizeOf(shape)) {
    return { source, strides: broadcastStrides(shape, shape) ?? [] };
  }
  const hint = shape.length > 1 ? ` (one per sample: shape ${show([shape[0] ?? 0, ...shape.slice(1).fill(1)])})` : '';
  throw new RangeError(`${where} ${show(own)} does not broadcast to ${show(shape)}${hint}`);
}

/** Integers one by one, e.g. labels. */
function readIntegers(value: unknown, where: string): number[] {
  const list = readOperand(value, where);
  if (list.shape !== undefined && list.shape.length !== 1) {
    throw new RangeError(`${where} has shape ${show(list.shape)}, expected one axis`);
  }
  const integers: number[] = [];
  for (let i = 0; i < list.data.length; i++) {
    const value = list.data[i];
    integers.push(Number.isInteger(value) ? (value as number) : readNumber(value, 'integer', `${where}[${i}]`));
  }
  return integers;
}

/** Target values in class order: distinct integers, one per class. */
export function readLabels(value: unknown, classes: number, where: string): number[] {
  if (typeof value === 'number') throw new TypeError(`${where} is ${value}, expected an array of integers`);
  const labels = readIntegers(value, where);
  if (labels.length !== classes) {
    throw new RangeError(`${where} has ${labels.length} values, expected ${classes}, one per class`);
  }
  const seen = new Set<number>();
  const twice = labels.find((label) => seen.size === seen.add(label).size);
  if (twice !== undefined) throw new RangeError(`${where} has ${twice} twice, expected distinct values`);
  return labels;
}

/** Class → group maps: at least one, each with a non-negative integer per class. */
export function readComponents(value: unknown, classes: number, where: string): Int32Array[] {
  if (value === undefined) throw new TypeError(`${where} is missing, expected one class → group map per component`);
  if (!Array.isArray(value)) throw new TypeError(`${where} is ${describe(value)}, expected an array of maps`);
  if (value.length === 0) throw new RangeError(`${where} is empty, expected one class → group map per component`);
  return value.map((map: unknown, m) => {
    if (typeof map === 'number') throw new TypeError(`${where}[${m}] is ${map}, expected an array of groups`);
    const groups = readIntegers(map, `${where}[${m}]`);
    if (groups.length !== classes) {
      throw new RangeError(`${where}[${m}] has ${groups.length} values, expected ${classes}, one per class`);
    }
    const bad = groups.findIndex((group) => group < 0 || group > 0x7fffffff);
    if (bad >= 0) throw new RangeError(`${where}[${m}][${bad}] is ${groups[bad]}, expected a non-negative integer`);
    return Int32Array.from(groups);
  });
}

/** One weight per component; none given means all 1. */
export function readComponentWeights(value: unknown, components: number, where: string): Source | undefined {
  return value === undefined ? undefined : readFloats(value, [components], where, 'one per component');
}

/** Whether two arrays share bytes. */
export function overlap(a: NumericArray, b: NumericArray): boolean {
  return (
    a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength
  );
}
