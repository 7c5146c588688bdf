// Tensors from whatever callers bring: typed arrays, flat and nested arrays, { data, shape } and { data, dims }.

import type { NestedArray, NumericArray, Tensor, TensorInput } from './types.ts';

/** A normalised operand. `shape` is undefined where the caller gave a bare flat array, whose shape the context decides. */
export interface Operand {
  readonly data: NumericArray;
  readonly shape: readonly number[] | undefined;
  /** Brought as nested arrays, which have no element type of their own. */
  readonly nested: boolean;
  /** Reads the caller's plain arrays into `data` again. */
  readonly reread?: () => void;
  /** The tensor whose `data` this is; an engine's tensor renews it when memory grows. */
  readonly owner?: { readonly data: NumericArray };
}

// the one view that is no typed array, DataView, has no length
export const isTyped = (value: unknown): value is NumericArray => ArrayBuffer.isView(value) && 'length' in value;

export const isFloat = (data: NumericArray): boolean => {
  const name = data[Symbol.toStringTag] as string;
  return name.startsWith('Float');
};

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i] as number;
  return size;
}

export const show = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** Describes a value in a message. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return `an object (${Object.prototype.toString.call(value).slice(8, -1)})`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'symbol' || typeof value === 'function') return `a ${typeof value}`;
  return String(value);
}

/** A Float32Array of the operand's values: itself where it is one. */
export function toFloat32(data: NumericArray): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float32Array.from(data, Number);
  return Float32Array.from(data);
}

/** Reads an operand; `where` opens every message, e.g. "crossEntropy: logits". */
export function readOperand(value: unknown, where: string): Operand {
  if (typeof value === 'number') return { data: Float64Array.of(value), shape: [], nested: false };
  if (isTyped(value)) return { data: value, shape: undefined, nested: false };
  if (Array.isArray(value)) return readArray(value as NestedArray, where);
  if (typeof value === 'object' && value !== null && 'data' in value) {
    const { data } = value;
    const shape = 'shape' in value ? value.shape : 'dims' in value ? value.dims : undefined;
    if (shape === undefined) throw new TypeError(`${where} has data but neither shape nor dims`);
    if (isTyped(data)) {
      const sizes = checkShape(shape, data.length, where);
      return { data, shape: sizes, nested: false, owner: value as { data: NumericArray } };
    }
    if (!Array.isArray(data)) throw new TypeError(`${where}.data is ${describe(data)}, expected an array of numbers`);
    return { ...readFlat(data, where), shape: checkShape(shape, data.length, where) };
  }
  throw new TypeError(
    `${where} is ${describe(value)}, expected a tensor { data, shape }, a typed array or an array of numbers`,
  );
}

function checkShape(shape: unknown, length: number, where: string): readonly number[] {
  if (!Array.isArray(shape) && !isTyped(shape)) {
    throw new TypeError(`${where}.shape is ${describe(shape)}, expected an array of sizes`);
  }
  const given = shape as ArrayLike<unknown>;
  const sizes: number[] = [];
  let product = 1;
  let legal = true;
  for (let i = 0; i < given.length; i++) {
    const value = given[i];
    if (typeof value !== 'number' && typeof value !== 'bigint') {
      throw new TypeError(`${where}.shape holds ${describe(value)}, expected sizes`);
    }
    const size = Number(value);
    legal &&= Number.isSafeInteger(size) && size >= 0;
    product *= size;
    sizes.push(size);
  }
  if (!legal) throw new RangeError(`${where}.shape is ${show(sizes)}, expected sizes that are integers of 0 or more`);
  if (product !== length) {
    throw new RangeError(`${where} has ${length} values, but its shape ${show(sizes)} needs ${product}`);
  }
  return sizes;
}

/** More axes than any tensor has; arrays may be nested without end (in themselves). */
const MOST_AXES = 32;

const isRow = (value: unknown): value is ArrayLike<unknown> => Array.isArray(value) || isTyped(value);

function readArray(value: NestedArray, where: string): Operand {
  const shape: number[] = [];
  for (let level: unknown = value; isRow(level); level = level[0]) {
    shape.push(level.length);
    if (shape.length > MOST_AXES) {
      throw new RangeError(`${where} is nested more than ${MOST_AXES} deep, expected an array of numbers or of rows`);
    }
    if (level.length === 0) break;
  }
  if (shape.length <= 1) return readFlat(value, where);
  // all rows are looked at before there is room for what they promise
  fill(value, 0, { data: undefined, shape, where, at: 0, path: [] });
  const data = new Float64Array(sizeOf(shape));
  const reread = () => fill(value, 0, { data, shape, where, at: 0, path: [] });
  reread();
  return { data, shape, nested: true, reread };
}

interface Filling {
  /** Where the numbers go; undefined: look at the rows alone. */
  readonly data: Float64Array | undefined;
  readonly shape: readonly number[];
  readonly where: string;
  readonly path: number[];
  at: number;
}

const showPath = (path: readonly number[]): string => path.map((i) => `[${i}]`).join('');

/** Copies nested rows, each of which must have the length that the first row of its depth had. */
function fill(row: unknown, depth: number, state: Filling): void {
  const { data, shape, where, path } = state;
  if (!isRow(row) || row.length !== shape[depth]) {
    const got = isRow(row) ? `${row.length} values` : describe(row);
    throw new RangeError(
      `${where} is ragged: row ${showPath(path) || '[]'} has ${got}, expected ${shape[depth]} values`,
    );
  }
  const deepest = depth === shape.length - 1;
  for (let i = 0; i < row.length; i++) {
    const value = row[i];
    if (deepest && typeof value === 'number') {
      if (data) data[state.at++] = value;
      continue;
    }
    path.push(i);
    if (!deepest) fill(value, depth + 1, state);
    else if (isRow(value)) {
      throw new RangeError(`${where} is ragged: row ${showPath(path)} has ${value.length} values, expected a number`);
    } else {
      const number = toNumber(value, `${where}${showPath(path)}`);
      if (data) data[state.at++] = number;
    }
    path.pop();
  }
}

function readFlat(values: readonly unknown[], where: string): Operand {
  const data = new Float64Array(values.length);
  const reread = () => {
    for (let i = 0; i < data.length; i++) {
      const value = values[i];
      data[i] = typeof value === 'number' ? value : toNumber(value, `${where}[${i}]`);
    }
  };
  reread();
  return { data, shape: undefined, nested: false, reread };
}

function toNumber(value: unknown, where: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return Number(value);
  throw new TypeError(`${where} is ${describe(value)}, expected a number`);
}

/**
 * Makes a tensor: `{ data, shape }`, row-major.
 *
 * @param source - A typed array (used as it is), a flat array with a shape, nested arrays, or a number (0-D).
 * @param shape - Sizes of the axes. Default: the nesting, or one axis.
 * @returns The tensor. Plain arrays become a Float32Array.
 * @throws RangeError for ragged nesting (naming the row) or a shape that does not fit; TypeError for anything else.
 * @example
 * import { tensor } from 'lossmith';
 * tensor([[1, 2, 3], [4, 5, 6]]).shape.join(); // => "2,3"
 */
export function tensor<D extends NumericArray>(source: D, shape?: readonly number[]): Tensor<D>;
export function tensor(source: NestedArray | number, shape?: readonly number[]): Tensor;
export function tensor(source: TensorInput, shape?: readonly number[]): Tensor<NumericArray> {
  const operand = readOperand(source, 'tensor: source');
  const data = isTyped(source) ? operand.data : toFloat32(operand.data);
  const own = operand.shape ?? [data.length];
  if (shape === undefined) return { data, shape: own };
  const wanted = checkShape(shape, data.length, 'tensor: source');
  return { data, shape: wanted };
}
