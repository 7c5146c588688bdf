/**
 * Arguments that no caller should give, each made of a legal one at its place. The makers name nothing but their parameters,
 * since their text is printed with a failing call.
 */
import type { Engine, Host, Library } from '../api.ts';

/** What a maker may use. */
export interface Tools {
  readonly lossmith: Library;
  readonly engine: Engine;
  readonly host: Host;
  /** Another, legal call of the same function. */
  readonly again: () => unknown;
  /** The arguments of the hostile call. */
  readonly args: readonly unknown[];
  /** What user code throws by itself; it may come through as it is. */
  readonly mine: Error;
}

/** What an argument is, where a maker wants to know; 'group': an object of several by name. */
export type Sort =
  | 'holder'
  | 'group'
  | 'list'
  | 'typed'
  | 'tensor'
  | 'number'
  | 'text'
  | 'options'
  | 'shape'
  | 'data'
  | 'out';

/**
 * What the library may make of it: 'same': the result of the legal call, or an error; 'throws': an error only; 'any': a
 * result of its own or an error.
 */
export type Verdict = 'same' | 'throws' | 'any';

export interface Attack {
  /** Sorts of arguments that it is for. */
  readonly sorts: readonly Sort[];
  readonly verdict: Verdict;
  /** Undefined where it cannot be made of this value or in this host. */
  readonly make: (value: never, tools: Tools) => unknown;
  /** Not for prepared steps, which read their operands again. */
  readonly once?: true;
  /** Leaves the engine, or the operands, unusable. */
  readonly ends?: 'engine' | 'operands';
}

type Holder = { data: unknown; shape?: unknown; dims?: unknown };
type Options = Record<string, unknown>;

const operands: readonly Sort[] = ['holder', 'group', 'list', 'typed', 'tensor'];
const everything: readonly Sort[] = [...operands, 'number', 'text', 'shape', 'data', 'out'];

/** Kinds that stand for nothing. */
const strangers: Readonly<Record<string, Attack>> = {
  null: { sorts: everything, verdict: 'throws', make: () => null },
  symbol: { sorts: everything, verdict: 'throws', make: () => Symbol('s') },
  string: { sorts: everything, verdict: 'throws', make: () => 'abc' },
  function: { sorts: everything, verdict: 'throws', make: () => () => 1 },
  date: { sorts: everything, verdict: 'throws', make: () => new Date(0) },
  map: { sorts: everything, verdict: 'throws', make: () => new Map() },
  promise: { sorts: everything, verdict: 'throws', make: (value: unknown) => Promise.resolve(value) },
  'data view': { sorts: everything, verdict: 'throws', make: () => new DataView(new ArrayBuffer(8)) },
  'array buffer': { sorts: everything, verdict: 'throws', make: () => new ArrayBuffer(8) },
  'plain object': { sorts: everything, verdict: 'throws', make: () => ({}) },
  'array-like': { sorts: operands, verdict: 'throws', make: () => ({ length: 1e9, 0: 1 }) },
  true: { sorts: ['text', 'holder', 'tensor', 'shape'], verdict: 'throws', make: () => true },
  // an option may be a flag
  'true for a number': { sorts: ['number'], verdict: 'any', make: () => true },
  undefined: { sorts: everything, verdict: 'any', make: () => undefined },
  bigint: { sorts: everything, verdict: 'any', make: () => 1n },
  'the module': { sorts: operands, verdict: 'throws', make: (_: unknown, { lossmith }) => lossmith },
  'the engine': { sorts: operands, verdict: 'throws', make: (_: unknown, { engine }) => engine },
  options: { sorts: ['options'], verdict: 'throws', make: () => 3 },
  'options as list': { sorts: ['options'], verdict: 'throws', make: () => [1] },
  'options null': { sorts: ['options'], verdict: 'throws', make: () => null },
  'options symbol': { sorts: ['options'], verdict: 'throws', make: () => Symbol('s') },
  'options date': { sorts: ['options'], verdict: 'any', make: () => new Date(0) },
};

/** The same values behind something that runs code, or wears another prototype. */
const wrapped: Readonly<Record<string, Attack>> = {
  proxy: {
    sorts: [...operands, 'options', 'shape', 'data', 'out'],
    verdict: 'same',
    make: (value: object) => new Proxy(value, {}),
  },
  'proxy that throws': {
    sorts: [...operands, 'options', 'shape', 'data', 'out'],
    verdict: 'throws',
    make: (value: object, { mine }) => {
      const fail = (): never => {
        throw mine;
      };
      return new Proxy(value, { get: fail, has: fail, ownKeys: fail, getOwnPropertyDescriptor: fail });
    },
  },
  'revoked proxy': {
    sorts: [...operands, 'options', 'shape', 'data', 'out'],
    verdict: 'throws',
    make: (value: object) => {
      const { proxy, revoke } = Proxy.revocable(value, {});
      revoke();
      return proxy;
    },
  },
  inherits: {
    sorts: [...operands, 'out'],
    verdict: 'same',
    make: (value: object) => Object.create(value) as unknown,
  },
  'options that are all inherited': {
    sorts: ['options'],
    verdict: 'any',
    make: (value: object) => Object.create(value) as unknown,
  },
  frozen: {
    sorts: ['holder', 'list', 'options', 'shape', 'out'],
    verdict: 'same',
    make: (value: object) => (ArrayBuffer.isView(value) ? undefined : Object.freeze(value)),
  },
  'class instance': {
    sorts: ['holder', 'options'],
    verdict: 'same',
    make: (value: object) => Object.assign(new (class Own {})(), value),
  },
  'null prototype': {
    sorts: ['holder', 'options'],
    verdict: 'same',
    make: (value: object) => Object.assign(Object.create(null) as object, value),
  },
  'extra properties': {
    sorts: ['holder', 'list'],
    verdict: 'same',
    make: (value: object) => Object.assign(value, { extra: 1, foo: 'bar' }),
  },
  'subclass of its array': {
    sorts: ['typed', 'data'],
    verdict: 'same',
    make: (value: unknown) =>
      value instanceof Float32Array ? new (class Own extends Float32Array {})(value) : undefined,
  },
  'subclass of Array': {
    sorts: ['list'],
    verdict: 'same',
    make: (value: number[]) =>
      typeof value[0] === 'number' && value.length > 1 ? class Own extends Array<number> {}.from(value) : undefined,
  },
  getters: {
    sorts: ['holder'],
    verdict: 'same',
    make: (value: Holder) => {
      const { data, ...sizes } = value;
      return Object.defineProperty({ ...sizes }, 'data', { get: () => data, enumerable: true });
    },
  },
  'getter that throws': {
    sorts: ['holder', 'out'],
    verdict: 'throws',
    make: (value: Holder, { mine }) => ({
      ...value,
      get data(): never {
        throw mine;
      },
    }),
  },
  'getter of shape that throws': {
    sorts: ['holder', 'out'],
    verdict: 'throws',
    make: ({ data }: Holder, { mine }) => ({
      data,
      get shape(): never {
        throw mine;
      },
    }),
  },
  'options with a getter that throws': {
    sorts: ['options'],
    verdict: 'throws',
    make: (value: Options, { mine }) => ({
      ...value,
      get reduction(): never {
        throw mine;
      },
    }),
  },
  'getter that calls the library': {
    sorts: ['holder', 'out'],
    verdict: 'same',
    make: (value: Holder, { again }) => {
      const { data: _, ...sizes } = value;
      const get = (): unknown => {
        again();
        return value.data; // which memory that has grown renews
      };
      return Object.defineProperty({ ...sizes }, 'data', { get, enumerable: true });
    },
  },
  'options with a getter that calls the library': {
    sorts: ['options'],
    verdict: 'same',
    make: (value: Options, { again }) => {
      const { reduction } = value;
      const get = (): unknown => {
        again();
        return reduction;
      };
      return Object.defineProperty({ ...value }, 'reduction', { get, enumerable: true });
    },
  },
  'getter that grows memory': {
    sorts: ['holder', 'out'],
    verdict: 'same',
    make: (value: Holder, { engine }) => {
      const { data, ...sizes } = value;
      const get = (): unknown => {
        if (engine.memory.buffer.byteLength < 2 ** 26) engine.memory.grow(1);
        return data;
      };
      return Object.defineProperty({ ...sizes }, 'data', { get, enumerable: true });
    },
  },
  'getter that takes memory': {
    sorts: ['holder', 'out'],
    verdict: 'same',
    make: (value: Holder, { engine }) => {
      const { data, ...sizes } = value;
      const get = (): unknown => {
        const bytes = engine.memory.buffer.byteLength;
        if (bytes < 2 ** 24) engine.tensor([bytes / 4]).free();
        return data;
      };
      return Object.defineProperty({ ...sizes }, 'data', { get, enumerable: true });
    },
  },
  'getter that frees tensors': {
    sorts: ['holder'],
    verdict: 'same',
    ends: 'operands',
    make: (value: Holder, { args }) => {
      const { data, ...sizes } = value;
      const all = [...args, ...Object.values(args.at(-1) as object)] as readonly unknown[];
      const get = (): unknown => {
        for (const each of all)
          if (typeof each === 'object' && each !== null && 'free' in each) (each.free as () => void)();
        return data;
      };
      return Object.defineProperty({ ...sizes }, 'data', { get, enumerable: true });
    },
  },
  'getter that disposes the engine': {
    sorts: ['holder'],
    verdict: 'same',
    ends: 'engine',
    make: (value: Holder, { engine, lossmith }) => {
      if (engine === lossmith.defaultEngine()) return undefined;
      const { data, ...sizes } = value;
      const get = (): unknown => {
        engine.dispose();
        return data;
      };
      return Object.defineProperty({ ...sizes }, 'data', { get, enumerable: true });
    },
  },
  'getter that changes its mind': {
    sorts: ['holder'],
    verdict: 'same',
    once: true,
    make: (value: Holder) => {
      const { data, ...sizes } = value;
      let reads = 0;
      const get = (): unknown => (reads++ === 0 ? data : new Float32Array(1));
      return Object.defineProperty({ ...sizes }, 'data', { get, enumerable: true });
    },
  },
  'shape that changes its mind': {
    sorts: ['holder'],
    verdict: 'same',
    once: true,
    make: ({ data, shape, dims }: Holder) => {
      let reads = 0;
      return {
        data,
        get shape(): unknown {
          return reads++ === 0 ? (shape ?? dims) : [1e6, 7];
        },
      };
    },
  },
  'sizes that change': {
    sorts: ['shape'],
    verdict: 'same',
    once: true,
    make: (value: number[]) => {
      let reads = 0;
      const sizes = [...value];
      if (sizes.length === 0) return undefined;
      const get = (): number => (reads++ === 0 ? (value[0] ?? 0) : 1e9);
      return Object.defineProperty(sizes, 0, { get, enumerable: true });
    },
  },
};

export const valueAttacks: Readonly<Record<string, Attack>> = { ...strangers, ...wrapped };
