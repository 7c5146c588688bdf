/** Where in the arguments of a call an attack can stand, and what stands there. */
import type { Sort } from './attacks.ts';

/** Keys from the list of arguments down. */
export type Path = readonly (string | number)[];

type Holder = Record<string, unknown>;

const isObject = (value: unknown): value is Holder => typeof value === 'object' && value !== null;
const isTensor = (value: unknown): boolean => isObject(value) && 'free' in value;
const isHolder = (value: unknown): value is Holder => isObject(value) && Object.hasOwn(value, 'data');

/** Two inputs or outputs by name, or a sparse target. */
const isPlainGroup = (value: unknown): value is Holder =>
  isObject(value) && Object.getPrototypeOf(value) === Object.prototype && !isHolder(value);

function sortsOf(value: unknown, inOut: boolean): readonly Sort[] {
  if (isPlainGroup(value)) return ['group'];
  if (inOut) return ['out'];
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
  const all = (value: unknown, path: Path, inOut = false): Place[] => [
    { path, sorts: sortsOf(value, inOut) },
    ...inside(value, path, inOut),
  ];
  const inside = (value: unknown, path: Path, inOut: boolean): Place[] => {
    if (isTensor(value)) return [];
    if (isPlainGroup(value)) return Object.entries(value).flatMap(([key, each]) => all(each, [...path, key], inOut));
    if (!isHolder(value) || inOut) return [];
    const size = 'shape' in value ? 'shape' : 'dims';
    return [
      { path: [...path, size], sorts: ['shape'] },
      { path: [...path, 'data'], sorts: ['data', ...sortsOf(value.data, false)] },
    ];
  };
  const last = args.length - 1;
  const options = Object.entries(args[last] as Holder);
  return [
    ...args.slice(0, last).flatMap((value, i) => all(value, [i])),
    { path: [last], sorts: ['options'] },
    ...options.flatMap(([name, value]) => all(value, [last, name], name === 'out')),
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
