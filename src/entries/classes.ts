// Class indices and label values, as the losses have them: `labels` are target values in class order, `ignoreIndex` marks what
// does not count and is compared with the raw value first.

import { internals as lib } from '../index.ts';
import type { TensorInput } from '../values/types.ts';

/** Target values in class order. */
export type Labels = readonly (number | bigint)[] | Int8Array | Int16Array | Int32Array;

/** The target value that marks an ignored one. */
export const DEFAULT_IGNORE = -100;
/** What an ignored target becomes. */
export const IGNORED = -1;

/** Distinct integers, one per class. */
export function readLabels(labels: Labels | undefined, where: string, classes?: number): number[] | undefined {
  if (labels === undefined) return undefined;
  if (!Array.isArray(labels) && !lib.isTyped(labels)) {
    throw new TypeError(`${where} is ${lib.describe(labels)}, expected an array of integers`);
  }
  const list = Array.from(labels as ArrayLike<unknown>, (each, i) =>
    lib.readNumber(each, `${where}[${i}]`, lib.INTEGER),
  );
  if (classes !== undefined && list.length !== classes) {
    throw new RangeError(`${where} has ${list.length} values, expected ${classes}, one per class`);
  }
  const seen = new Set<number>();
  const twice = list.find((label) => seen.size === seen.add(label).size);
  if (twice !== undefined) throw new RangeError(`${where} has ${twice} twice, expected distinct values`);
  return list;
}

/** From a target value to its class; −1 for none. */
export function classFinder(classes: number, labels: readonly number[] | undefined): (value: number) => number {
  if (labels === undefined) return (value) => (value >= 0 && value < classes && Number.isInteger(value) ? value : -1);
  const places = new Map(labels.map((label, c) => [label, c]));
  return (value) => places.get(value) ?? -1;
}

/** The error for a target that is no class. */
export function noClass(
  where: string,
  value: number,
  classes: number,
  labels: readonly number[] | undefined,
  ignore: number | undefined,
): RangeError {
  const hint = ignore === undefined ? '' : ` (ignoreIndex ${ignore})`;
  if (labels)
    return new RangeError(`${where} is ${value}, not one of labels [${labels.slice(0, 20).join(', ')}]${hint}`);
  if (!Number.isInteger(value)) return new RangeError(`${where} is ${value}, expected an integer (a class index)`);
  return new RangeError(`${where} is ${value}, outside [0, ${classes})${hint}`);
}

/** Class indices of targets, IGNORED for those that are ignored. */
export function readClasses(
  target: TensorInput,
  where: string,
  classes: number,
  labels: readonly number[] | undefined,
  ignore: number,
): { readonly data: Int32Array; readonly shape: readonly number[] } {
  const operand = lib.readOperand(target, where);
  const find = classFinder(classes, labels);
  const data = Int32Array.from(operand.data as ArrayLike<number>, (value, i) => {
    if (value === ignore) return IGNORED;
    const index = find(value);
    if (index < 0) throw noClass(`${where}[${i}]`, value, classes, labels, ignore);
    return index;
  });
  return { data, shape: operand.shape ?? [operand.length] };
}
