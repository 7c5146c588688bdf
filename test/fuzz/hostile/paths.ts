/** Where in the arguments of a call an attack can stand, and what stands there. */
import type { Sort } from './attacks.ts';

/** Keys from the list of arguments down. */
export type Path = readonly (string | number)[];

type Holder = Record<string, unknown>;

const isObject = (value: unknown): value is Holder => typeof value === 'object' && value !== null;
const isTensor = (value: unknown): boolean => isObject(value) && 'free' in value;
const isHolder = (value: unknown): value is Holder => isObject(value) && Object.hasOwn(value, 'data');

function sortsOf(value: unknown, key: string | number): readonly Sort[] {
  if (key === 'out') return ['out'];
  if (isTensor(value)) return ['tensor'];
  if (isHolder(value)) return ['holder'];
  if (Array.isArray(value)) return ['list'];
  if (ArrayBuffer.isView(value)) return ['typed'];
  if (typeof value === 'number') return ['number'];
  return typeof value === 'string' ? ['text'] : [];
}

export interface Place {
  readonly path: Path;
  readonly sorts: readonly Sort[];
}

/** Every place in the arguments, the options being the last of them. */
export function placesOf(args: readonly unknown[]): readonly Place[] {
  const inside = (value: unknown, path: Path): Place[] => {
    if (!isHolder(value) || isTensor(value)) return [];
    const size = 'shape' in value ? 'shape' : 'dims';
    return [
      { path: [...path, size], sorts: ['shape'] },
      { path: [...path, 'data'], sorts: ['data', ...sortsOf(value.data, 'data')] },
    ];
  };
  const last = args.length - 1;
  const options = args[last] as Holder;
  return [
    ...args.slice(0, last).flatMap((value, i) => [{ path: [i], sorts: sortsOf(value, i) }, ...inside(value, [i])]),
    { path: [last], sorts: ['options'] },
    ...Object.entries(options).flatMap(([name, value]) => [
      { path: [last, name], sorts: sortsOf(value, name) },
      ...(name === 'out' ? [] : inside(value, [last, name])),
    ]),
  ];
}

export const valueAt = (root: unknown, path: Path): unknown =>
  path.reduce((value: unknown, key) => (value as Holder)[key], root);

/** The arguments with another value at a place; what is on the way there is copied. */
export function withValue(root: unknown, path: Path, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const copy = Array.isArray(root) ? [...root] : { ...(root as Holder) };
  (copy as Holder)[key] = withValue((root as Holder)[key], rest, value);
  return copy;
}

/** A path as source text. */
export const pathText = (path: Path): string =>
  path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
