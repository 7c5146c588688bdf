/** Hostile arrays; see attacks.ts. */
import type { Attack } from './attacks.ts';

/** Arrays in buffers of other kinds, and arrays whose values are gone or not there. */
/** Hands the buffer of an array over, so that nothing is left of it. */
const detach: Attack['make'] = (value: unknown) => {
  if (!ArrayBuffer.isView(value) || !(value.buffer instanceof ArrayBuffer) || value.byteLength === 0) return undefined;
  structuredClone(value.buffer, { transfer: [value.buffer] });
  return value;
};

/** An array whose buffer no longer reaches its end. */
const outlive: Attack['make'] = (value: unknown) => {
  if (!(value instanceof Float32Array) || value.length === 0 || !('resize' in ArrayBuffer.prototype)) return undefined;
  const Resizable = ArrayBuffer as unknown as new (
    bytes: number,
    options: object,
  ) => ArrayBuffer & { resize(n: number): void };
  const buffer = new Resizable(4 * value.length, { maxByteLength: 4 * value.length });
  const array = new Float32Array(buffer, 0, value.length);
  buffer.resize(4 * (value.length - 1));
  return array;
};

export const arrayAttacks: Readonly<Record<string, Attack>> = {
  // one without a shape cannot be told from an empty one
  detached: { sorts: ['data'], verdict: 'throws', make: detach },
  'detached and bare': { sorts: ['typed'], verdict: 'any', make: detach },
  'out of its buffer': { sorts: ['data'], verdict: 'throws', make: outlive },
  'out of its buffer and bare': { sorts: ['typed'], verdict: 'any', make: outlive },
  resizable: {
    sorts: ['typed', 'data'],
    verdict: 'same',
    make: (value: unknown) => {
      if (!(value instanceof Float32Array) || !('resize' in ArrayBuffer.prototype)) return undefined;
      const Resizable = ArrayBuffer as unknown as new (bytes: number, options: object) => ArrayBuffer;
      const array = new Float32Array(new Resizable(4 * value.length, { maxByteLength: 4 * value.length + 64 }));
      array.set(value);
      return array;
    },
  },
  shared: {
    sorts: ['typed', 'data'],
    verdict: 'same',
    make: (value: unknown) => {
      if (!(value instanceof Float32Array) || typeof SharedArrayBuffer === 'undefined') return undefined;
      const array = new Float32Array(new SharedArrayBuffer(4 * value.length));
      array.set(value);
      return array;
    },
  },
  float16: {
    sorts: ['typed', 'data'],
    verdict: 'same',
    make: (value: unknown) => {
      const { Float16Array: Type } = globalThis as { Float16Array?: new (values: Float32Array) => ArrayLike<number> };
      if (!(value instanceof Float32Array) || Type === undefined) return undefined;
      const half = new Type(value);
      return value.every((v, i) => Object.is(v, half[i])) ? half : undefined;
    },
  },
  'a hole': {
    sorts: ['list'],
    verdict: 'throws',
    make: (value: unknown[]) => {
      if (value.length === 0) return undefined;
      delete value[value.length - 1];
      return value;
    },
  },
  'giant sparse': { sorts: ['list'], verdict: 'throws', make: () => new Array(2 ** 32 - 1) },
  'giant sparse rows': {
    sorts: ['list'],
    verdict: 'throws',
    make: () => [new Array(2 ** 32 - 1), new Array(2 ** 32 - 1)],
  },
  'giant sparse data': {
    sorts: ['holder'],
    verdict: 'throws',
    make: () => ({ data: new Array(2 ** 31), shape: [2 ** 31] }),
  },
  'itself in it': {
    sorts: ['list'],
    verdict: 'throws',
    make: () => {
      const list: unknown[] = [];
      list.push(list);
      return list;
    },
  },
  'itself in its second row': {
    sorts: ['list'],
    verdict: 'throws',
    make: () => {
      const list: unknown[] = [[1]];
      list.push(list);
      return list;
    },
  },
  // a legal input of an activation, of 16 MB
  '22 times doubled': {
    sorts: ['list'],
    verdict: 'any',
    make: () => {
      let list: unknown = 1;
      for (let i = 0; i < 22; i++) list = [list, list];
      return list;
    },
  },
  '28 times doubled, a string inside': {
    sorts: ['list'],
    verdict: 'throws',
    make: () => {
      let list: unknown = 'x';
      for (let i = 0; i < 28; i++) list = [list, list];
      return list;
    },
  },
  '10,000 deep': {
    sorts: ['list'],
    verdict: 'throws',
    make: () => {
      let list: unknown = 1;
      for (let i = 0; i < 10_000; i++) list = [list];
      return list;
    },
  },
  'a string inside': {
    sorts: ['list'],
    verdict: 'throws',
    make: (value: unknown[]) => (value.length > 0 && !Array.isArray(value[0]) ? value.with(0, '1') : undefined),
  },
  'a symbol inside': {
    sorts: ['list'],
    verdict: 'throws',
    make: (value: unknown[]) => (value.length > 0 && !Array.isArray(value[0]) ? value.with(0, Symbol('s')) : undefined),
  },
  'an element that throws': {
    sorts: ['list'],
    verdict: 'throws',
    make: (value: unknown[], { mine }) => {
      if (value.length === 0) return undefined;
      const get = (): never => {
        throw mine;
      };
      return Object.defineProperty(value, 0, { get });
    },
  },
  'an element that calls the library': {
    sorts: ['list'],
    verdict: 'same',
    make: (value: unknown[], { again }) => {
      if (value.length === 0) return undefined;
      const [first] = value;
      const get = (): unknown => {
        again();
        return first;
      };
      return Object.defineProperty(value, 0, { get });
    },
  },
  'an object with valueOf inside': {
    sorts: ['list'],
    verdict: 'throws',
    make: (value: unknown[]) =>
      value.length > 0 && !Array.isArray(value[0]) ? value.with(0, { valueOf: () => 1 }) : undefined,
  },
};
