// Arrays of numbers, and how values are named in messages.

import type { NumericArray } from './types.ts';

// the one view that is no typed array, DataView, has no length
export const isTyped = (value: unknown): value is NumericArray => ArrayBuffer.isView(value) && 'length' in value;

/** The name of a typed array's kind, such as "Float32Array". */
export const kindOf = (data: NumericArray): string =>
  data.constructor === Float32Array ? 'Float32Array' : data[Symbol.toStringTag]; // the tag is slow in JavaScriptCore

export const isFloat = (data: NumericArray): boolean => kindOf(data).startsWith('Float');

export const isBig = (data: NumericArray): data is BigInt64Array | BigUint64Array => kindOf(data).startsWith('Big');

export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i] as number;
  return size;
}

export const sameShape = (a: readonly number[], b: readonly number[]): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

export const show = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** Describes a value in a message. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  const name = isTyped(value) ? value.constructor?.name : undefined;
  if (name !== undefined && !name.endsWith('Array')) return `a ${name}`;
  if (typeof value === 'object') return `an object (${Object.prototype.toString.call(value).slice(8, -1)})`;
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (typeof value === 'symbol' || typeof value === 'function') return `a ${typeof value}`;
  return String(value);
}

/** Whether an array's memory was transferred away, or a buffer that shrank ends before it. */
export function isDetached(data: NumericArray): boolean {
  if (data.length > 0) return false;
  try {
    Float32Array.prototype.keys.call(data as Float32Array); // which refuses such arrays of any kind
    return false;
  } catch {
    return true;
  }
}

/** Whether two arrays share bytes. */
export const overlap = (a: NumericArray, b: NumericArray): boolean =>
  a.buffer === b.buffer && a.byteOffset < b.byteOffset + b.byteLength && b.byteOffset < a.byteOffset + a.byteLength;

/** Room for values; RangeError where there is none for so many. */
export function roomFor<A>(length: number, where: string, kind: new (length: number) => A): A {
  try {
    return new kind(length);
  } catch {
    throw new RangeError(`${where} has ${length} values, more than there is memory for`);
  }
}

/** The value of float16 bits, exactly. */
export function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  let value = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
  if (exponent === 31) value = fraction ? Number.NaN : Number.POSITIVE_INFINITY;
  return bits & 0x8000 ? -value : value;
}

/** A Float32Array of the values: the array itself where it is one. */
export function toFloat32(data: NumericArray): Float32Array {
  if (data instanceof Float32Array) return data;
  return isBig(data) ? Float32Array.from(data, Number) : Float32Array.from(data);
}
