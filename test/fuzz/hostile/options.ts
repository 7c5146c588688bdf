/** Hostile shapes, names, numbers and outputs; see attacks.ts. */
import type { Attack } from './attacks.ts';

type Options = Record<string, unknown>;
type Holder = { data: Float32Array; shape: readonly number[] };

/** Shapes; the values stay. */
const shapes: Readonly<Record<string, Attack>> = {
  'a size more': { sorts: ['shape'], verdict: 'any', make: (value: number[]) => [...value, 2] },
  'negative sizes': { sorts: ['shape'], verdict: 'throws', make: (value: number[]) => [-1, ...value.map((n) => -n)] },
  'a fraction': { sorts: ['shape'], verdict: 'throws', make: (value: number[]) => [...value, 0.5] },
  'NaN in a shape': { sorts: ['shape'], verdict: 'throws', make: (value: number[]) => [...value, Number.NaN] },
  'Infinity in a shape': { sorts: ['shape'], verdict: 'throws', make: (value: number[]) => [...value, Infinity] },
  'a string in a shape': { sorts: ['shape'], verdict: 'throws', make: (value: number[]) => [...value, '1'] },
  'a symbol in a shape': { sorts: ['shape'], verdict: 'throws', make: (value: number[]) => [...value, Symbol('s')] },
  'bigints in a shape': { sorts: ['shape'], verdict: 'same', make: (value: number[]) => value.map(BigInt) },
  'a typed shape': { sorts: ['shape'], verdict: 'same', make: (value: number[]) => Int32Array.from(value) },
  'sizes beyond integers': { sorts: ['shape'], verdict: 'throws', make: () => [2 ** 53, 2 ** 53] },
  'a sparse shape': { sorts: ['shape'], verdict: 'throws', make: () => new Array(2 ** 31) },
  'a shape that is no array': { sorts: ['shape'], verdict: 'throws', make: () => ({ length: 1, 0: 1 }) },
  'a thousand axes of size 1': {
    sorts: ['shape'],
    verdict: 'any',
    make: (value: number[]) => [...value, ...Array<number>(1000).fill(1)],
  },
  'a million axes': {
    sorts: ['shape'],
    verdict: 'any',
    make: (value: number[]) => [...value, ...Array<number>(1_000_000).fill(1)],
  },
};

/** Names of options. */
const names: Readonly<Record<string, Attack>> = {
  'an unknown option': { sorts: ['options'], verdict: 'throws', make: (value: Options) => ({ ...value, foo: 1 }) },
  'an option of PyTorch': {
    sorts: ['options'],
    verdict: 'throws',
    make: (value: Options) => ({ ...value, ignore_index: 1 }),
  },
  'an option named constructor': {
    sorts: ['options'],
    verdict: 'throws',
    make: (value: Options) => Object.defineProperty({ ...value }, 'constructor', { value: 1, enumerable: true }),
  },
  'an option named toString': {
    sorts: ['options'],
    verdict: 'throws',
    make: (value: Options) => Object.defineProperty({ ...value }, 'toString', { value: 1, enumerable: true }),
  },
  'an option named __proto__': {
    sorts: ['options'],
    verdict: 'throws',
    make: (value: Options) =>
      Object.defineProperty({ ...value }, '__proto__', { value: { reduction: 'sum' }, enumerable: true }),
  },
  'an inherited unknown option': {
    sorts: ['options'],
    verdict: 'same',
    make: (value: Options) => Object.assign(Object.create({ foo: 1 }) as object, value),
  },
  'an inherited reduction': {
    sorts: ['options'],
    verdict: 'any',
    make: (value: Options) => Object.assign(Object.create({ reduction: 'sum' }) as object, value),
  },
  'a symbol as name': {
    sorts: ['options'],
    verdict: 'any',
    make: (value: Options) => ({ ...value, [Symbol('s')]: 1 }),
  },
  'undefined options': {
    sorts: ['options'],
    verdict: 'same',
    make: (value: Options) => ({ ...value, unknown: undefined }),
  },
};

/** Numbers and texts of options. */
const scalars: Readonly<Record<string, Attack>> = {
  NaN: { sorts: ['number'], verdict: 'any', make: () => Number.NaN },
  Infinity: { sorts: ['number'], verdict: 'any', make: () => Infinity },
  'a large number': { sorts: ['number'], verdict: 'any', make: () => 1e300 },
  'a fraction more': { sorts: ['number'], verdict: 'any', make: (value: number) => value + 0.5 },
  '2 ** 53': { sorts: ['number'], verdict: 'any', make: () => 2 ** 53 },
  'a large bigint': { sorts: ['number'], verdict: 'any', make: () => 10n ** 400n },
  'a number as text': { sorts: ['number'], verdict: 'throws', make: (value: number) => String(value) },
  'a number as object': { sorts: ['number'], verdict: 'throws', make: (value: number) => ({ valueOf: () => value }) },
  'a Number': { sorts: ['number'], verdict: 'throws', make: (value: number) => Object(value) as unknown },
  'a number in a list': { sorts: ['number'], verdict: 'any', make: (value: number) => [value] },
  'another text': { sorts: ['text'], verdict: 'throws', make: (value: string) => value.toUpperCase() },
  'a String': { sorts: ['text'], verdict: 'throws', make: (value: string) => Object(value) as unknown },
  'a text in a list': { sorts: ['text'], verdict: 'throws', make: (value: string) => [value] },
  'the name of a member': { sorts: ['text'], verdict: 'throws', make: () => 'constructor' },
};

/** Outputs. */
const outs: Readonly<Record<string, Attack>> = {
  'out of float64': {
    sorts: ['out'],
    verdict: 'throws',
    make: (value: Holder) => new Float64Array((value.data ?? value).length),
  },
  'out of int32': {
    sorts: ['out'],
    verdict: 'throws',
    make: (value: Holder) => new Int32Array((value.data ?? value).length),
  },
  'out as a list': { sorts: ['out'], verdict: 'throws', make: (value: Holder) => Array.from(value.data ?? value) },
  'out too long': {
    sorts: ['out'],
    verdict: 'throws',
    make: (value: Holder) => new Float32Array((value.data ?? value).length + 1),
  },
  'out without values': {
    sorts: ['out'],
    verdict: 'throws',
    make: (value: Holder) => ((value.data ?? value).length > 0 ? new Float32Array(0) : undefined),
  },
  'out with a symbol in its shape': {
    sorts: ['out'],
    verdict: 'throws',
    make: (value: Holder) => ({ data: value.data ?? value, shape: [Symbol('s')] }),
  },
  'out of another shape': {
    sorts: ['out'],
    verdict: 'throws',
    make: (value: Holder) => ({ data: value.data ?? value, shape: [(value.data ?? value).length, 1, 1, 1, 1, 1, 1] }),
  },
  'out without a shape': { sorts: ['out'], verdict: 'any', make: (value: Holder) => ({ data: value.data ?? value }) },
  'out detached': {
    sorts: ['out'],
    verdict: 'throws',
    make: (value: Holder) => {
      const array = new Float32Array((value.data ?? value).length);
      if (array.length === 0) return undefined;
      structuredClone(array.buffer, { transfer: [array.buffer] });
      return array;
    },
  },
  'out of int32 in memory': {
    sorts: ['out'],
    verdict: 'throws',
    make: (value: Holder, { engine }) => {
      const tensor = engine.tensor([(value.data ?? value).length], 'int32');
      const { data, shape } = tensor;
      tensor.free();
      return { data, shape };
    },
  },
};

export const optionAttacks: Readonly<Record<string, Attack>> = { ...shapes, ...names, ...scalars, ...outs };
