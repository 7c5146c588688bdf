/**
 * Where an operand lies: plain arrays, typed arrays of every kind, tensors of an engine and slices of them. Each place makes
 * the argument, the code that makes the same argument, and what tells afterwards whether anything else was written.
 */
import { sizeOf } from '../reference/layout.ts';
import type { Bench } from './bench.ts';
import type { Operand } from './types.ts';

export const arrayPlaces = ['f32', 'nested', 'list', 'list bare', 'f32 bare', 'f32 dims', 'f32 sub', 'f64'] as const;
export const integerPlaces = ['i32', 'i8', 'u8', 'i16', 'u16', 'u32', 'i64', 'u64', 'i32 bare', 'i64 bare'] as const;
export const memoryPlaces = ['tensor', 'slice', 'foreign'] as const;

/** Labels, and maps from class to group, are lists of their own. */
export const labelPlaces = ['list bare', 'i32 bare', 'i8 bare', 'i16 bare'] as const;
export const mapPlaces = ['nested', 'i32'] as const;
export const listPlaces = ['list bare', 'f32 bare', 'f64 bare'] as const;

export type PlaceName =
  | (typeof arrayPlaces)[number]
  | (typeof integerPlaces)[number]
  | (typeof memoryPlaces)[number]
  | (typeof labelPlaces)[number]
  | (typeof listPlaces)[number];

/** Where the gradient goes. `input`: in place; `foreign`: a tensor of another engine. */
export const outPlaces = ['absent', 'bare', 'like', 'sub', 'tensor', 'slice', 'foreign', 'input'] as const;
export type OutPlace = (typeof outPlaces)[number];

type Numbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;
type Bigs = BigInt64Array | BigUint64Array;
export type Values = ArrayLike<number>;

const numberTypes = {
  f32: Float32Array,
  f64: Float64Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
} as const;
const bigTypes = { i64: BigInt64Array, u64: BigUint64Array } as const;

/** Bytes around an array that nobody may write. */
const PAD = 16;
export const CANARY = 0x5ca1ab1e;

/** An operand at its place. */
export interface Placed {
  readonly name: string;
  readonly operand: Operand;
  /** What the library is given. */
  readonly argument: unknown;
  /** The same as source text: statements, the last of which declares `name`. */
  readonly code: readonly string[];
  /** Writes other values into the same arrays. */
  write(values: Values): void;
  /** What it holds now: no copy where there need be none. */
  read(): Values;
  /** What was written beside it, if anything. */
  beside(): string | undefined;
  free(): void;
}

/** Numbers as source text. */
export const literal = (values: Values): string =>
  Array.from(values, (v) => (Object.is(v, -0) ? '-0' : String(v))).join(', ');

/** Up to this many values are written out. */
const MOST_LITERALS = 64;

export const listText = (values: Values, recipe: string): string =>
  values.length <= MOST_LITERALS ? `[${literal(values)}]` : recipe;

const shapeText = (shape: readonly number[]): string => `[${shape.join(', ')}]`;

/** Nested arrays of a shape: a number where it has no axes. */
export function nest(values: Values, shape: readonly number[], at = 0): unknown {
  const [size, ...rest] = shape;
  if (size === undefined) return values[at]!;
  const step = rest.reduce((n, d) => n * d, 1);
  return Array.from({ length: size }, (_, i) => nest(values, rest, at + i * step));
}

/** Writes nested arrays anew. */
function renest(row: unknown[], values: Values, state: { at: number }): void {
  for (let i = 0; i < row.length; i++) {
    const value = row[i];
    if (Array.isArray(value)) renest(value, values, state);
    else row[i] = values[state.at++]!;
  }
}

const flatten = (value: unknown): number[] => (Array.isArray(value) ? value.flatMap(flatten) : [Number(value)]);

/** Whether nested arrays can say this shape: an axis of size 0 hides those behind it. */
const nestable = (shape: readonly number[]): boolean => !shape.slice(0, -1).includes(0);

const safe = (name: string): string => (/^[A-Za-z_]\w*$/.test(name) ? name : `_${name}`);

interface Parts {
  readonly argument: unknown;
  readonly expression: string;
  readonly before?: readonly string[];
  readonly after?: readonly string[];
  write(values: Values): void;
  read(): Values;
  beside?(): string | undefined;
  free?(): void;
}

const placed = (operand: Operand, { argument, expression, before = [], after = [], ...rest }: Parts): Placed => ({
  beside: () => undefined,
  free: () => {},
  ...rest,
  name: safe(operand.name),
  operand,
  argument,
  code: [...before, `const ${safe(operand.name)} = ${expression};`, ...after],
});

function plainList(operand: Operand, container: string): Parts {
  const { data, shape } = operand.tensor;
  const text = listText(data, operand.recipe);
  const holder: { data: number[]; shape: number[] } = { data: Array.from(data), shape: [...shape] };
  const { data: first } = holder;
  const bare = container === 'bare';
  // a campaign may have given the holder another array
  const now = (): number[] => (bare ? first : holder.data);
  return {
    argument: bare ? first : holder,
    expression: bare ? text : `{ data: ${text}, shape: ${shapeText(shape)} }`,
    write: (values) => {
      for (let i = 0; i < now().length; i++) now()[i] = values[i]!;
    },
    read: now,
  };
}

function nested(operand: Operand): Parts {
  const { data, shape } = operand.tensor;
  const root = nest(data, shape);
  const few = data.length <= MOST_LITERALS;
  const spelled = JSON.stringify(root, (_, v: unknown) => (typeof v === 'number' ? `#${literal([v])}#` : v))
    .replaceAll(/"#|#"/g, '')
    .replaceAll(',', ', ');
  return {
    argument: root,
    expression: few ? spelled : `nest(${operand.recipe}, ${shapeText(shape)})`,
    write: (values) => {
      if (Array.isArray(root)) renest(root, values, { at: 0 });
    },
    read: () => flatten(root),
  };
}

/** Maps from class to group, one array for each component. */
function maps(operand: Operand, place: PlaceName): Parts {
  const { data, shape } = operand.tensor;
  const classes = shape[1]!;
  const rows = Array.from({ length: shape[0]! }, (_, m) => Array.from(data.slice(m * classes, (m + 1) * classes)));
  const typedRows = rows.map((row) => Int32Array.from(row));
  const inside = place === 'i32';
  const text = rows.map((row, m) => (data.length <= MOST_LITERALS ? `[${literal(row)}]` : `${operand.recipe}[${m}]`));
  const argument: (number[] | Int32Array)[] = inside ? typedRows : rows;
  return {
    argument,
    expression: `[${text.map((row) => (inside ? `Int32Array.from(${row})` : row)).join(', ')}]`,
    write: (values) => {
      argument.forEach((row, m) => {
        for (let c = 0; c < classes; c++) row[c] = values[m * classes + c]!;
      });
    },
    read: () => argument.flatMap((row) => Array.from(row)),
  };
}

/** A sparse target: its indices and its offsets, as lists or int32 arrays. */
function sparse(operand: Operand, place: PlaceName): Parts {
  const { indices, offsets } = operand.sparse!;
  const lists = place.includes('list') || place === 'nested';
  const argument = lists
    ? { indices: Array.from(indices), offsets: Array.from(offsets) }
    : { indices: indices.slice(), offsets: offsets.slice() };
  const text = (values: Values): string => (lists ? `[${literal(values)}]` : `Int32Array.of(${literal(values)})`);
  return {
    argument,
    expression: `{ indices: ${text(indices)}, offsets: ${text(offsets)} }`,
    write: (values) => {
      for (let i = 0; i < argument.indices.length; i++) argument.indices[i] = values[i]!;
      for (let i = 0; i < argument.offsets.length; i++) argument.offsets[i] = values[argument.indices.length + i]!;
    },
    read: () => [...argument.indices, ...argument.offsets],
  };
}

/** A typed array, at the start of a buffer of its own or with canaries on both sides. */
function typed(operand: Operand, storage: keyof typeof numberTypes, container: string): Parts {
  const { data, shape } = operand.tensor;
  const Type = numberTypes[storage];
  const name = Type.name;
  const bytes = data.length * Type.BYTES_PER_ELEMENT;
  const inside = container === 'sub';
  const buffer = new ArrayBuffer(inside ? bytes + 2 * PAD : bytes);
  if (inside) new Uint8Array(buffer).fill(CANARY & 0xff);
  const array: Numbers = new Type(buffer, inside ? PAD : 0, data.length);
  array.set(data);
  const text = listText(data, operand.recipe);
  const fresh = data.length <= MOST_LITERALS ? `${name}.of(${literal(data)})` : `${name}.from(${text})`;
  const own = `new ${name}(new ArrayBuffer(${bytes + 2 * PAD}), ${PAD}, ${data.length})`;
  const sizes = shapeText(shape);
  const expressions: Record<string, string> = { bare: fresh, dims: `{ data: ${fresh}, dims: ${sizes} }` };
  const holder: { data: Numbers } =
    container === 'dims' ? { data: array, ...{ dims: [...shape] } } : { data: array, ...{ shape: [...shape] } };
  const now = (): Numbers => (container === 'bare' ? array : holder.data);
  return {
    argument: container === 'bare' ? array : holder,
    expression: expressions[container] ?? `{ data: ${inside ? own : fresh}, shape: ${sizes} }`,
    ...(inside && { after: [`${safe(operand.name)}.data.set(${text});`] }),
    write: (values) => now().set(values),
    read: now,
    beside: () => {
      if (!inside) return undefined;
      const all = new Uint8Array(buffer);
      const pads = [...all.subarray(0, PAD), ...all.subarray(PAD + bytes)];
      return pads.every((byte) => byte === (CANARY & 0xff)) ? undefined : `the bytes around ${operand.name}`;
    },
  };
}

function big(operand: Operand, storage: keyof typeof bigTypes, container: string): Parts {
  const { data, shape } = operand.tensor;
  const Type = bigTypes[storage];
  const array: Bigs = new Type(Array.from(data, BigInt));
  const expression =
    data.length <= MOST_LITERALS
      ? `${Type.name}.of(${Array.from(data, (v) => `${v}n`).join(', ')})`
      : `${Type.name}.from(${operand.recipe}, BigInt)`;
  const bare = container === 'bare';
  const holder: { data: Bigs; shape: number[] } = { data: array, shape: [...shape] };
  const now = (): Bigs => (bare ? array : holder.data);
  return {
    argument: bare ? array : holder,
    expression: bare ? expression : `{ data: ${expression}, shape: ${shapeText(shape)} }`,
    write: (values) => {
      for (let i = 0; i < now().length; i++) now()[i] = BigInt(values[i]!);
    },
    read: () => Array.from(now(), Number),
  };
}

/** A tensor of the engine under test or of another one; indices are an int32 one. */
function inMemory(operand: Operand, place: 'tensor' | 'slice' | 'foreign', bench: Bench): Parts {
  const { data, shape } = operand.tensor;
  const dtype = operand.role === 'indices' ? 'int32' : 'float32';
  const foreign = place === 'foreign';
  const engine = foreign ? bench.foreign() : bench.engine;
  const variable = foreign ? 'other' : 'engine';
  const [rows, ...rest] = shape;
  const sliced = place === 'slice' && rows !== undefined;
  const first = bench.canary(engine);
  const whole = engine.tensor(sliced ? [rows + 2, ...rest] : shape, dtype);
  const last = bench.canary(engine);
  if (sliced) new Int32Array(whole.data.buffer, whole.data.byteOffset, whole.data.length).fill(CANARY);
  const tensor = sliced ? whole.slice(1, rows + 1) : whole;
  tensor.data.set(data);
  const around = (): boolean => {
    if (!sliced || whole.shape.includes(0)) return true;
    const row = sizeOf(rest);
    const words = new Int32Array(whole.data.buffer, whole.data.byteOffset, whole.data.length);
    const edges = [...words.subarray(0, row), ...words.subarray((rows + 1) * row)];
    return edges.every((word) => word === CANARY);
  };
  const kind = dtype === 'int32' ? ", 'int32'" : '';
  const makes = sliced
    ? `${variable}.tensor(${shapeText([rows + 2, ...rest])}${kind}).slice(1, ${rows + 1})`
    : `${variable}.tensor(${shapeText(shape)}${kind})`;
  return {
    argument: tensor,
    expression: makes,
    after: [`${safe(operand.name)}.data.set(${listText(data, operand.recipe)});`],
    // an empty one may have lost its view when memory grew, which is for the library to notice
    write: (values) => {
      if (values.length > 0) tensor.data.set(values);
    },
    read: () => (data.length > 0 ? tensor.data : []),
    beside: () => (first.alive() && last.alive() && around() ? undefined : `linear memory beside ${operand.name}`),
    free: () => {
      for (const each of [first, whole, last]) each.free();
    },
  };
}

const holds = (Type: (typeof numberTypes)[keyof typeof numberTypes], data: Values): boolean => {
  const copy: Numbers = new Type(data);
  for (let i = 0; i < data.length; i++) if (!Object.is(copy[i], data[i])) return false;
  return true;
};

/** Whether a place can hold the operand, and the library is to understand it there. */
export function fits(operand: Operand, place: PlaceName): boolean {
  const { role, tensor } = operand;
  const { shape, data } = tensor;
  const [storage = '', container = ''] = place.split(' ');
  if (role === 'maps' || role === 'sparse') return true;
  if ((role === 'integers' || role === 'list') && container !== 'bare') return false;
  // a bare array has one axis, or as target and weight the shape that is expected
  if (container === 'bare' && (role === 'shaped' || shape.length === 0)) return false;
  if (container === 'bare' && (role === 'input' || role === 'spread') && shape.length !== 1) return false;
  if (storage === 'nested') return nestable(shape) && (role !== 'shaped' || shape.length > 1);
  if (storage === 'slice') return shape.length > 0;
  if (storage === 'tensor' || storage === 'foreign') return true;
  // uint16 may be float16 bits, so logits are not given as such
  if (storage === 'u16' && role !== 'indices' && role !== 'integers') return false;
  // class probabilities are floats by type
  const integer = /^[iu]\d/.test(storage);
  if (integer && role === 'shaped') return false;
  if (storage in bigTypes) {
    return Array.from(data).every((v) => Number.isInteger(v) && !Object.is(v, -0) && (v >= 0 || storage === 'i64'));
  }
  if (storage in numberTypes) return holds(numberTypes[storage as keyof typeof numberTypes], data);
  return true;
}

/** Puts an operand where it is to lie, or, where that cannot hold it, into the plainest array that can. */
export function put(operand: Operand, bench: Bench): Placed {
  const fallbacks: Partial<Record<Operand['role'], PlaceName>> = {
    indices: 'list',
    integers: 'list bare',
    list: 'list bare',
  };
  const place = fits(operand, operand.place) ? operand.place : (fallbacks[operand.role] ?? 'f32');
  const [storage = '', container = ''] = place.split(' ');
  if (operand.role === 'maps') return placed(operand, maps(operand, place));
  if (operand.role === 'sparse') return placed(operand, sparse(operand, place));
  if (storage === 'nested') return placed(operand, nested(operand));
  if (storage === 'list') return placed(operand, plainList(operand, container));
  if (storage === 'tensor' || storage === 'slice' || storage === 'foreign') {
    return placed(operand, inMemory(operand, storage, bench));
  }
  if (storage === 'i64' || storage === 'u64') return placed(operand, big(operand, storage, container));
  return placed(operand, typed(operand, storage as keyof typeof numberTypes, container));
}
