// What all operations take: the options object itself, reduction, scale, emptyMean and out.

import type { OperationRecord } from '../losses/record.ts';
import { describe, isTyped, overlap, sameShape, show, sizeOf } from '../values/array.ts';
import { FINITE, readNumber } from '../values/number.ts';
import type { NumericArray, Reduction, Tensor } from '../values/types.ts';
import { adviceOnName, adviceOnOptions } from './advice.ts';
import type { Call, Output } from './call.ts';
import { readShape } from './operand.ts';

const REDUCTIONS: readonly unknown[] = ['mean', 'sum', 'none', 'batchmean'];

/** Options by name, each read once. */
export type Given = Readonly<Record<string, unknown>>;

/** The names of a record's options and of those common to its kind. */
export const namesOf = ({ options, target }: OperationRecord): string[] => [
  ...Object.keys(options),
  ...(target === 'none' ? ['out'] : ['reduction', 'out', 'scale', 'emptyMean']),
];

const none: Given = Object.freeze({});

/** The options that are given, with no name that the operation does not know; `more`: names that its form adds. */
export function readNames(
  name: string,
  record: OperationRecord,
  options: unknown,
  more: readonly string[] = [],
): Given {
  if (options === undefined) return none;
  if (typeof options !== 'object' || options === null || Array.isArray(options) || isTyped(options)) {
    const hint = adviceOnOptions(options, namesOf(record));
    throw new TypeError(`${name}: options is ${describe(options)}, expected an object${hint}`);
  }
  const given: Record<string, unknown> = {};
  for (const key of Object.keys(options)) {
    const value = (options as Given)[key];
    if (value === undefined) continue;
    const known = Object.hasOwn(record.options, key) || isCommon(key, record) || more.includes(key);
    if (!known) {
      const names = [...namesOf(record), ...more];
      const hint = adviceOnName(key, names, record.name);
      throw new TypeError(`${name}: unknown option ${JSON.stringify(key)}, expected one of ${names.join(', ')}${hint}`);
    }
    given[key] = value;
  }
  return given;
}

const isCommon = (key: string, { target }: OperationRecord): boolean =>
  key === 'out' || (target !== 'none' && (key === 'reduction' || key === 'scale' || key === 'emptyMean'));

/** Reads the options common to all losses into a call. */
export function readCommon(call: Call, { reduction, emptyMean, scale, out }: Given): void {
  const { name } = call;
  if (reduction !== undefined) {
    if (typeof reduction !== 'string') {
      throw new TypeError(`${name}: reduction is ${describe(reduction)}, expected a string`);
    }
    if (!REDUCTIONS.includes(reduction)) {
      throw new RangeError(`${name}: reduction is ${describe(reduction)}, expected one of ${REDUCTIONS.join(', ')}`);
    }
    call.reduction = reduction as Reduction;
  }
  if (emptyMean !== undefined) {
    if (emptyMean !== 'nan' && emptyMean !== 'zero') {
      const error = typeof emptyMean === 'string' ? RangeError : TypeError;
      throw new error(`${name}: emptyMean is ${describe(emptyMean)}, expected 'nan' or 'zero'`);
    }
    call.emptyMean = emptyMean;
  }
  if (scale !== undefined) call.scale = readNumber(scale, `${name}: scale`, FINITE);
  if (out !== undefined) readOuts(call, out);
}

/** Where the gradient goes, or the two of them. */
function readOuts(call: Call, out: unknown): void {
  const { name, record, shape } = call;
  const { second } = record;
  if (second === undefined || second in record.options) {
    call.out = readOut(out, shape, `${name}: out`);
    return;
  }
  if (typeof out !== 'object' || out === null || isTyped(out)) {
    throw new TypeError(`${name}: out is ${describe(out)}, expected an object { ${record.names[0]}, ${second} }`);
  }
  const { [record.names[0]]: first, [second]: other } = out as Record<string, unknown>;
  call.out = readOut(first, shape, `${name}: out.${record.names[0]}`);
  call.outSecond = readOut(other, shape.slice(0, -1), `${name}: out.${second}`);
}

/** The tensor or Float32Array that receives a result. */
export function readOut(out: unknown, shape: readonly number[], where: string): Output {
  let data = out;
  let tensor: Tensor | undefined;
  let own: readonly number[] | undefined;
  if (typeof out === 'object' && out !== null && !isTyped(out) && 'data' in out) {
    data = out.data;
    const { shape: sizes, dims } = out as { shape?: unknown; dims?: unknown };
    if (isTyped(data)) own = readShape(sizes ?? dims, where);
    if (sizes !== undefined) tensor = out as Tensor;
  }
  // what only inherits from an array is none
  if (!isTyped(data) || !(data instanceof Float32Array)) {
    throw new TypeError(`${where} is ${describe(out)}, expected a Float32Array or a tensor of one`);
  }
  if (own && !sameShape(own, shape)) throw new RangeError(`${where} has shape ${show(own)}, expected ${show(shape)}`);
  const size = sizeOf(shape);
  if (data.length !== size) throw new RangeError(`${where} has ${data.length} values, expected ${size}`);
  return { tensor, data };
}

/** `out` shares memory with nothing but, wholly, the input. */
export function checkOverlap(call: Call, others: readonly (NumericArray | undefined)[]): void {
  const { name, record, input, uses, out, outSecond } = call;
  const second = uses.find(({ pulls }) => pulls)?.operand;
  const pairs = [
    { to: out, itself: record.names[0], array: input.typed, rest: [second?.typed, outSecond?.data] },
    { to: outSecond, itself: record.second, array: second?.typed, rest: [input.typed] },
  ];
  for (const { to, itself, array, rest } of pairs) {
    if (to) checkOut(name, to.data, { name: itself as string, array }, [...others, ...rest]);
  }
}

/** A result goes wholly over the array that it may go over, if it does, and over no other. */
export function checkOut(
  where: string,
  out: Float32Array,
  { name, array }: { readonly name: string; readonly array: NumericArray | undefined },
  others: readonly (NumericArray | undefined)[],
): void {
  const rest = `expected ${name} itself or other memory`;
  if (array && overlap(out, array)) {
    const whole = array instanceof Float32Array && out.byteOffset === array.byteOffset && array.length === out.length;
    if (!whole) throw new RangeError(`${where}: out overlaps ${name} in part, ${rest}`);
  }
  if (others.some((other) => other && overlap(out, other))) {
    throw new RangeError(`${where}: out overlaps another argument, ${rest}`);
  }
}
