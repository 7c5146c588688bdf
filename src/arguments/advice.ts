// What to say to those who stumble where others did before.

import { isTyped, sameShape, show, sizeOf } from '../values/array.ts';
import type { Call } from './call.ts';
import type { Given } from './common.ts';
import type { Operand } from './operand.ts';

/** What other libraries call it, where no two letters are enough to find out. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  size_average: 'reduction',
  reduce: 'reduction',
  dim: 'axis',
  ignore_class: 'ignoreIndex',
  class_weight: 'weight',
  class_weights: 'weight',
};

const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();

/** Whether one letter more, less or other makes one name of the other, or two that changed places. */
function isNear(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return Math.max(left.length, right.length) < 2 || (left.length === 2 && left === right.split('').reverse().join(''));
}

/** The option that an unknown one may have meant. */
export function adviceOnName(name: string, known: readonly string[], operation: string): string {
  if (plain(name) === 'fromlogits') {
    return operation === 'bce'
      ? '; did you mean bceWithLogits?'
      : '; did you mean to leave it out? The function itself says whether it takes logits';
  }
  const meant = known.find((each) => plain(each) === plain(name) || isNear(plain(each), plain(name)));
  const other = ELSEWHERE[name];
  const found = meant ?? (other !== undefined && known.includes(other) ? other : undefined);
  return found === undefined ? '' : `; did you mean ${found}?`;
}

/** What something that is no options object may have meant. */
export function adviceOnOptions(options: unknown, known: readonly string[]): string {
  if (typeof options === 'string') return `; did you mean { reduction: '${options.slice(0, 20)}' }?`;
  const array = Array.isArray(options) || isTyped(options);
  return array && known.includes('weight') ? '; did you mean { weight }?' : '';
}

/** What something that is no tensor may be. */
export function adviceOnValue(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  const { then, dataSync } = value as { then?: unknown; dataSync?: unknown };
  if (typeof then === 'function') return '; await it first';
  return typeof dataSync === 'function' ? '; of a tf.Tensor tensor(x.dataSync(), x.shape)' : '';
}

/** What shapes that do not fit may have meant. */
export function adviceOnShapes(call: Call, target: Operand, given?: Given): string {
  const { input, shape, name, record, middle } = call;
  const [operation] = name.split('.');
  const own = target.shape ?? [target.length];
  const names = record.names.join(', ');
  const last = shape.length > 1 && sameShape(own, shape.slice(0, -1));
  if (last && record.walk === 'class' && given && given.axis === undefined) return '; did you mean axis: -1?';
  const without = (axis: number): boolean =>
    sameShape(
      own.filter((_, i) => i !== axis),
      shape,
    );
  if (given && target.shape && own.length > 1 && (without(1) || without(own.length - 1))) {
    return `; did you swap the arguments? It is ${operation}(${names})`;
  }
  if (given && input.shape === undefined && own.length === 1 && own[0] !== undefined) {
    const classes = shape[0] === undefined ? 0 : shape[0] / own[0];
    if (Number.isInteger(classes) && classes > 1)
      return `; did you mean tensor(${record.names[0]}, ${show([own[0], classes])}), or ${show([1, classes, own[0]])} with a class after the other?`;
  }
  if (given && target.shape === undefined && target.length === input.length && middle > 0) {
    return `; with a target for each, ${axisAdvice(call, target, given, false)}`;
  }
  if (record.walk === 'group' && middle === 1) {
    return `; with one channel, activation: 'sigmoid' and a target of shape ${show(shape)}`;
  }
  return '';
}

/** That logits need a class axis, with the shape that they would have. */
export function axisAdvice(call: Call, target: Operand, given: Given, integers: boolean): string {
  const { record, shape, middle } = call;
  const needs = `${record.names[0]} need a class axis, e.g. ${show(withClassAxis(target, shape, given.labels))}`;
  if (!integers) return needs;
  const hot = isOneHot(target, middle) ? '; one-hot targets are a float tensor, or their argmax' : '';
  return `${needs} (class probabilities are a float tensor)${hot}`;
}

/** Whether all values are 0 or 1, and as many are 1 as there are samples. */
function isOneHot({ data, shape }: Operand, classes: number): boolean {
  let ones = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] !== 0 && data[i] !== 1) return false;
    ones += data[i] as number;
  }
  return ones * classes === sizeOf(shape ?? []);
}

/** The shape that logits for these labels would have. */
function withClassAxis({ data }: Operand, shape: readonly number[], labels: unknown): number[] {
  const found = new Set(Array.from(data as ArrayLike<number>).slice(0, 10000)).size;
  const listed = Array.isArray(labels) || isTyped(labels) ? labels.length : undefined;
  const classes = listed ?? (found > 1 && found < 100 ? found : 3);
  return [...shape.slice(0, 1), classes, ...shape.slice(1)];
}

/** What an index that is no class may have meant. */
export function adviceOnIndex(
  { middle, labels, record, shape }: Call,
  value: number,
  values: ArrayLike<number | bigint>,
): string {
  if (labels || middle < 1) return '';
  if (middle === 1) {
    if (record.walk === 'group')
      return `; with one channel, activation: 'sigmoid' and a target of shape ${show(shape)}`;
    return '; for one logit per yes or no use bceWithLogits';
  }
  if (!record.options.labels || value < 0) return '';
  let least = value;
  for (let i = 0; i < values.length && least > 0; i++)
    if (Number(values[i]) >= 0) least = Math.min(least, Number(values[i]));
  if (value !== middle || least < 1) return '';
  const all = Array.from({ length: Math.min(middle, 4) }, (_, c) => c + 1);
  return `; for classes that count from 1, labels: [${all.join(', ')}${middle > 4 ? ', …' : ''}]`;
}
