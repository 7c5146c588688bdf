// Options and plain arguments of the functions of the other entries.

import { internals as lib } from '../index.ts';
import type { Rule } from '../values/number.ts';
import type { TensorInput } from '../values/types.ts';

/** Options are an object, or not given. */
export function checkOptions(name: string, options: unknown): asserts options is object | undefined {
  if (options === undefined) return;
  if (typeof options === 'object' && options !== null && !Array.isArray(options) && !lib.isTyped(options)) return;
  throw new TypeError(`${name}: options is ${lib.describe(options)}, expected an object`);
}

/** The options that are given, with no name that the function does not know. */
export function readOptions<O extends object>(
  name: string,
  options: O | undefined,
  known: readonly (keyof O & string)[],
): O | Record<keyof O, undefined> {
  const given: Partial<Record<string, unknown>> = {};
  checkOptions(name, options);
  if (options === undefined) return given as Record<keyof O, undefined>;
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (!(known as readonly string[]).includes(key)) {
      const hint = lib.adviceOnName(key, known, name);
      throw new TypeError(`${name}: unknown option ${JSON.stringify(key)}, expected one of ${known.join(', ')}${hint}`);
    }
    given[key] = value;
  }
  return given as O;
}

/** One of some strings. */
export function readChoice<T extends string>(value: unknown, where: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  const error = typeof value === 'string' ? RangeError : TypeError;
  throw new error(`${where} is ${lib.describe(value)}, expected one of ${choices.map((c) => `'${c}'`).join(', ')}`);
}

/** True or false. */
export function readFlag(value: unknown, where: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${where} is ${lib.describe(value)}, expected a boolean`);
}

export const NOT_NEGATIVE: Rule = { takes: 'a finite number of 0 or more', test: (v) => v >= 0 && v < 1 / 0 };
export const POSITIVE: Rule = { takes: 'a finite number above 0', test: (v) => v > 0 && v < 1 / 0 };
export const UNIT: Rule = { takes: 'a number in [0, 1]', test: (v) => v >= 0 && v <= 1 };
export const PROPENSITY: Rule = { takes: 'a number in (0, 1]', test: (v) => v > 0 && v <= 1 };
export const COUNT: Rule = { takes: 'an integer above 0', test: (v) => Number.isSafeInteger(v) && v > 0 };

/** A row of numbers, each by a rule; `length` values where that is given, of which `what` says what they are. */
export function readRow(
  value: TensorInput,
  where: string,
  rule: Rule,
  length?: number,
  what = 'one per class',
): Float64Array {
  const operand = lib.readOperand(value, where);
  const { shape, data } = operand;
  if (typeof value === 'number' || (shape !== undefined && shape.length !== 1)) {
    throw new RangeError(`${where} has shape ${lib.show(shape ?? [])}, expected one axis`);
  }
  if (length !== undefined) lib.fitExactly(operand, [length], () => what);
  return Float64Array.from(data as ArrayLike<number>, (v, i) => {
    if (!rule.test(v)) throw new RangeError(`${where}[${i}] is ${v}, expected ${rule.takes}`);
    return v;
  });
}

/** A tensor of one axis over values. */
export const rowOf = (data: Float64Array): { readonly data: Float64Array; readonly shape: readonly number[] } => ({
  data,
  shape: [data.length],
});
