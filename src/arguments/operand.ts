// Operands from whatever callers bring: typed arrays, flat and nested arrays, { data, shape } and { data, dims }. Every
// property of an argument is read once, here, before anything else happens, so that getters may do what they like.

import { describe, half, isBig, isDetached, isTyped, kindOf, sameShape, show } from '../values/array.ts';
import type { NumericArray } from '../values/types.ts';
import { adviceOnValue } from './advice.ts';

/** A tensor object, whose data may be another array later. */
interface Owner {
  readonly data: unknown;
}

/** The properties of a tensor object as they were read. */
interface Seen {
  readonly of?: unknown;
  readonly data?: unknown;
  readonly sizes?: unknown;
}

const UNSEEN: Seen = {};
const REPLACEABLE: ReadonlySet<string> = new Set(['Float32Array', 'Float64Array', 'Int32Array']);
/** Values of an array that may be held from one call to the next. */
const SMALL = 4096;
const NOTHING = new Float32Array(0);
const GONE: Owner = { data: NOTHING };

/** Numbers that a caller brought. */
export class Operand {
  /** Opens every message about it, e.g. "crossEntropy: logits". */
  readonly where: string;
  /** Undefined where the caller gave a bare flat array, whose shape the context decides. */
  readonly shape: readonly number[] | undefined;
  readonly length: number;
  /** Brought as nested arrays, which have no element type of their own. */
  readonly nested: boolean;
  /** The object whose `data` this is. */
  owner: Owner | undefined;
  /** The array that the caller brought: a typed one, or numbers in arrays. */
  #raw: NumericArray | readonly unknown[];
  readonly #halves: boolean;
  #data: NumericArray | undefined;
  /** The kind of the arrays that it takes, once one was dropped. */
  #kind = '';
  /** What `take` has read last, and of what. */
  #seen: Seen = UNSEEN;

  constructor(
    where: string,
    raw: NumericArray | readonly unknown[],
    shape: readonly number[] | undefined,
    length: number,
    more: { nested?: boolean; owner?: Owner; halves?: boolean } = {},
  ) {
    this.where = where;
    this.#raw = raw;
    this.shape = shape;
    this.length = length;
    this.nested = more.nested ?? false;
    this.owner = more.owner;
    this.#halves = more.halves ?? false;
    if (isTyped(raw) && !this.#converts(raw)) this.#data = raw;
  }

  /** Whether the array is not what kernels, or a plain copy, can take. */
  #converts(raw: NumericArray): boolean {
    return this.#halves || isBig(raw);
  }

  /**
   * The values, as numbers. Those of arrays and of big integers are a copy, made when it is first asked for; those of a tensor of an
   * engine are a view of its memory as it is now.
   */
  get data(): NumericArray {
    const data = this.#data ?? this.settle();
    if (data.length === this.length || this.owner === undefined) return data;
    const now = this.owner.data;
    if (isTyped(now) && now.length === this.length) this.#raw = this.#data = now;
    return this.#data ?? data;
  }

  /** Makes that copy, where there has to be one. */
  settle(): NumericArray {
    if (this.#data === undefined) {
      const data = this.#room();
      this.#copy(data);
      this.#data = data;
    }
    return this.#data;
  }

  /** Whether bits of float16 were decoded. */
  get decoded(): boolean {
    return this.#halves;
  }

  /** The array itself, where the caller brought a typed one. */
  get typed(): NumericArray | undefined {
    return isTyped(this.#raw) ? this.#raw : undefined;
  }

  #room(): Float64Array {
    try {
      return new Float64Array(this.length);
    } catch {
      throw new RangeError(`${this.where} has ${this.length} values, more than there is memory for`);
    }
  }

  #copy(to: Float64Array): void {
    const raw = this.#raw;
    if (!isTyped(raw)) fill(raw, to, this.shape && this.nested ? this.shape : [this.length], this.where);
    else if (this.#halves) for (let i = 0; i < to.length; i++) to[i] = half(raw[i] as number);
    else for (let i = 0; i < to.length; i++) to[i] = Number(raw[i]);
  }

  /** Whether another array can take its place: a typed one that needs no conversion. */
  get replaceable(): boolean {
    return isTyped(this.#raw) && this.length > 0 && REPLACEABLE.has(kindOf(this.#raw));
  }

  /** Whether it came as a flat array of numbers, which the next call reads again. */
  get listed(): boolean {
    return !isTyped(this.#raw) && !this.nested && this.owner === undefined;
  }

  /** Takes the numbers of such an array, or of this one by now; false where it is not one of as many numbers. */
  reread(value: unknown): boolean {
    const data = this.data as Float64Array;
    if (!Array.isArray(value) || value.length !== data.length) return false;
    for (let i = 0; i < data.length; i++) {
      const now: unknown = value[i];
      if (typeof now !== 'number') return false;
      data[i] = now;
    }
    return true;
  }

  /** Whether it is so small an array that it may be held, and the next call may find other values in it. */
  get settled(): boolean {
    return this.owner === undefined && (this.replaceable || this.listed) && this.length <= SMALL;
  }

  /** Takes the array of another call in place of that of the last one; false where it is none of the same kind and shape. */
  take(value: unknown): boolean {
    let array = value;
    if (this.owner !== undefined) {
      if (typeof value !== 'object' || value === null || isTyped(value)) return false;
      const { data, shape, dims } = value as { data?: unknown; shape?: unknown; dims?: unknown };
      const sizes = shape ?? dims;
      this.#seen = { of: value, data, sizes };
      if (!Array.isArray(sizes) || !sameShape(sizes, this.shape ?? [])) return false;
      array = data;
    }
    if (!isTyped(array) || array.length !== this.length || kindOf(array) !== this.#kind) return false;
    this.#raw = array;
    this.#data = array;
    if (this.owner !== undefined) this.owner = value as Owner;
    return true;
  }

  /** A tensor as `take` has read it, if it has: no property of an argument is read twice. */
  seen(value: unknown): object | undefined {
    const { of, data, sizes } = this.#seen;
    if (of !== value || (!isTyped(data) && !Array.isArray(data))) return undefined;
    return { data, shape: sizes, type: (value as { type?: unknown }).type };
  }

  /** Lets go of the array, which may be large, until `take`. */
  drop(): void {
    this.#seen = UNSEEN;
    if (this.#kind === '') {
      if (!this.replaceable) return;
      this.#kind = kindOf(this.#raw as NumericArray);
    }
    this.#raw = this.#data = NOTHING;
    if (this.owner !== undefined) this.owner = GONE;
  }

  /** Reads the caller's arrays again, at a later step; `kept`: they have a place that outlives a view of it. */
  refresh(kept = false): void {
    const raw = this.#raw;
    const now = this.owner ? this.owner.data : raw;
    if (!isTyped(raw)) {
      if (!Array.isArray(now)) {
        throw new TypeError(`${this.where}.data is ${describe(now)}, expected an array of numbers as before`);
      }
      this.#raw = now;
      if (this.#data) this.#copy(this.#data as Float64Array);
      return;
    }
    if (now !== raw) {
      if (!isTyped(now) || kindOf(now) !== kindOf(raw) || now.length !== this.length) {
        const got = isTyped(now) ? `${describe(now)} of ${now.length} values` : describe(now);
        throw new TypeError(
          `${this.where}.data is ${got}, expected ${describe(raw)} of ${this.length} values as before`,
        );
      }
      this.#raw = now;
      if (!this.#converts(now)) this.#data = now;
    }
    if (this.#converts(this.#raw as NumericArray)) this.#copy(this.data as Float64Array);
    if (kept && this.#raw === raw) return;
    if ((this.#raw as NumericArray).length !== this.length) {
      throw new TypeError(`${this.where} is an array that was detached (transferred or resized) since it was given`);
    }
  }
}

/** Reads an operand. `bits`: 16-bit integers without a declared type are refused, which may be float16. */
export function readOperand(value: unknown, where: string, bits = false): Operand {
  if (typeof value === 'number') return new Operand(where, Float64Array.of(value), [], 1);
  if (isTyped(value)) {
    if (bits) refuseBytes(value, where);
    return new Operand(where, value, undefined, lengthOf(value, where));
  }
  if (Array.isArray(value)) return readArray(value, where, bits);
  if (typeof value === 'object' && value !== null && 'data' in value && !('dataSync' in value))
    return readTensor(value, where, bits);
  throw new TypeError(
    `${where} is ${describe(value)}, expected a tensor { data, shape }, a typed array or an array of numbers${adviceOnValue(value)}`,
  );
}

/** Arrays that more likely hold the bytes of floats than numbers. */
function refuseBytes(value: NumericArray, where: string): void {
  if (kindOf(value) === 'Uint16Array') {
    const types = "bits of float16 need { type: 'float16', data, dims }, integers { type: 'uint16', data, dims }";
    throw new TypeError(`${where} is a Uint16Array, expected floats; ${types}`);
  }
  if (describe(value) === 'a Buffer') {
    throw new TypeError(
      `${where} is a Buffer, expected floats; of the bytes of floats new Float32Array(b.buffer, b.byteOffset, b.length / 4)`,
    );
  }
}

/** The length of an array that still has its memory. */
function lengthOf(data: NumericArray, where: string): number {
  if (isDetached(data)) throw new TypeError(`${where} is a detached array, whose memory was transferred or cut away`);
  return data.length;
}

function readTensor(value: { readonly data: unknown }, where: string, bits: boolean): Operand {
  const { data } = value;
  const { shape, dims, type } = value as { shape?: unknown; dims?: unknown; type?: unknown };
  const sizes = shape ?? dims;
  if (sizes === undefined) throw new TypeError(`${where} has data but neither shape nor dims`);
  if (isTyped(data)) {
    const halves = type === 'float16' && kindOf(data) === 'Uint16Array';
    if (bits && !halves && type !== 'uint16') refuseBytes(data, where);
    const length = lengthOf(data, where);
    return new Operand(where, data, readShape(sizes, where, length), length, { owner: value, halves });
  }
  if (!Array.isArray(data)) throw new TypeError(`${where}.data is ${describe(data)}, expected an array of numbers`);
  const { length } = data;
  refuseHoles(data, where);
  return new Operand(where, data, readShape(sizes, where, length), length, { owner: value });
}

/** Sizes of axes that hold `length` values together, if that is given; `what` opens messages about them. */
export function readShape(shape: unknown, where: string, length?: number, what = `${where}.shape`): readonly number[] {
  if (!Array.isArray(shape) && !isTyped(shape)) {
    throw new TypeError(`${what} is ${describe(shape)}, expected an array of sizes`);
  }
  const given = shape as ArrayLike<unknown>;
  const axes = given.length;
  const sizes: number[] = [];
  let product = 1;
  let legal = true;
  if (axes > MOST_AXES) throw new RangeError(`${what} has ${axes} axes, expected at most ${MOST_AXES}`);
  for (let i = 0; i < axes; i++) {
    const value = given[i];
    if (typeof value !== 'number' && typeof value !== 'bigint') {
      throw new TypeError(`${what} holds ${describe(value)}, expected sizes`);
    }
    const size = Number(value);
    legal &&= Number.isSafeInteger(size) && size >= 0;
    product *= size;
    sizes.push(size);
  }
  if (!legal) throw new RangeError(`${what} is ${show(sizes)}, expected sizes that are integers of 0 or more`);
  if (length !== undefined && product !== length) {
    throw new RangeError(`${where} has ${length} values, but its shape ${show(sizes)} needs ${product}`);
  }
  return sizes;
}

/** A giant array of holes is refused before there is room for it. */
function refuseHoles(value: readonly unknown[], where: string): void {
  if (value.length > 0) toNumber(value[value.length - 1], where, value.length - 1);
}

/** More axes than any tensor has; arrays may be nested without end (in themselves). */
const MOST_AXES = 32;

const isRow = (value: unknown): value is ArrayLike<unknown> => Array.isArray(value) || isTyped(value);

function readArray(value: readonly unknown[], where: string, bits: boolean): Operand {
  const shape: number[] = [];
  for (let level: unknown = value; isRow(level); level = level[0]) {
    shape.push(level.length);
    if (bits && isTyped(level)) refuseBytes(level, where);
    if (shape.length > MOST_AXES) {
      throw new RangeError(`${where} is nested more than ${MOST_AXES} deep, expected an array of numbers or of rows`);
    }
    if (level.length === 0) break;
  }
  const nested = shape.length > 1;
  if (!nested) {
    refuseHoles(value, where);
    return new Operand(where, value, undefined, value.length);
  }
  checkRows(value, shape, where);
  let length = 1;
  for (const size of shape) length *= size;
  return new Operand(where, value, shape, length, { nested });
}

const ragged = (where: string, path: readonly number[], got: string, expected: string): never => {
  const place = path.map((i) => `[${i}]`).join('') || '[]';
  throw new RangeError(`${where} is ragged: row ${place} has ${got}, expected ${expected}`);
};

/** Each row must have the length that the first row of its depth had. A row that stands in many places is looked at once. */
function checkRows(top: readonly unknown[], shape: readonly number[], where: string): void {
  const seen = shape.map(() => new Set<unknown>());
  const path: number[] = [];
  const visit = (row: unknown, depth: number): void => {
    if (seen[depth]?.has(row)) return;
    if (!isRow(row) || row.length !== shape[depth]) {
      ragged(where, path, isRow(row) ? `${row.length} values` : describe(row), `${shape[depth]} values`);
    }
    seen[depth]?.add(row);
    if (depth === shape.length - 1) return;
    for (let i = 0; i < (row as ArrayLike<unknown>).length; i++) {
      path.push(i);
      visit((row as ArrayLike<unknown>)[i], depth + 1);
      path.pop();
    }
  };
  visit(top, 0);
}

/** Copies the numbers of rows. */
function fill(top: readonly unknown[], to: Float64Array, shape: readonly number[], where: string): void {
  let at = 0;
  const path: number[] = [];
  const copy = (row: ArrayLike<unknown>, depth: number): void => {
    const expected = shape[depth] as number;
    if (!isRow(row) || row.length !== expected) {
      ragged(where, path, isRow(row) ? `${row.length} values` : describe(row), `${expected} values`);
    }
    const deepest = depth === shape.length - 1;
    for (let i = 0; i < expected; i++) {
      const value = row[i];
      if (deepest && typeof value === 'number') {
        to[at++] = value;
        continue;
      }
      path.push(i);
      if (!deepest) copy(value as ArrayLike<unknown>, depth + 1);
      else if (isRow(value)) ragged(where, path, `${value.length} values`, 'a number');
      else to[at++] = toNumber(value, where, ...path);
      path.pop();
    }
  };
  copy(top, 0);
}

function toNumber(value: unknown, where: string, ...path: number[]): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return Number(value);
  if (isRow(value)) return ragged(where, path, `${value.length} values`, 'a number');
  throw new TypeError(`${where}${path.map((i) => `[${i}]`).join('')} is ${describe(value)}, expected a number`);
}
