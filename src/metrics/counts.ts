// Which classes a metric counts, and how often each was predicted for each.

import { type Labels, readLabels } from '../entries/classes.ts';
import { COUNT } from '../entries/options.ts';
import { internals as lib } from '../index.ts';

/** Which classes there are. */
export interface Classes {
  /** The number of classes: values are 0 … C − 1. */
  readonly classes?: number | undefined;
  /** The values of the classes, in class order. */
  readonly labels?: Labels | undefined;
}

/** The values of the classes that options name; undefined where they name none. */
export function readClassValues(name: string, { classes, labels }: Classes): readonly number[] | undefined {
  if (labels !== undefined) {
    const count = classes === undefined ? undefined : lib.readNumber(classes, `${name}: classes`, COUNT);
    return readLabels(labels, `${name}: labels`, count);
  }
  if (classes === undefined) return undefined;
  return Array.from({ length: lib.readNumber(classes, `${name}: classes`, COUNT) }, (_, c) => c);
}

/** The values that occur, in order. */
export function presentValues(
  name: string,
  predicted: ArrayLike<number>,
  target: ArrayLike<number>,
  ignored: (value: number) => boolean,
): readonly number[] {
  const seen = new Set<number>();
  for (let i = 0; i < target.length; i++) {
    if (ignored(target[i] as number)) continue;
    for (const [what, list] of [
      ['predicted', predicted],
      ['target', target],
    ] as const) {
      const value = list[i] as number;
      if (!Number.isInteger(value)) throw new RangeError(`${name}: ${what}[${i}] is ${value}, expected an integer`);
      seen.add(value);
    }
  }
  return [...seen].sort((a, b) => a - b);
}

/** For each pair of classes how often the second was predicted for the first: [C, C], row by row. */
export function countPairs(
  name: string,
  predicted: ArrayLike<number>,
  target: ArrayLike<number>,
  ignored: (value: number) => boolean,
  values: readonly number[],
): Float64Array {
  const places = new Map(values.map((value, c) => [value, c]));
  const counts = new Float64Array(values.length ** 2);
  const find = (what: string, i: number, value: number): number => {
    const place = places.get(value);
    if (place !== undefined) return place;
    const list = values.length > 20 ? `${values.slice(0, 20).join(', ')}, …` : values.join(', ');
    throw new RangeError(`${name}: ${what}[${i}] is ${value}, expected one of ${list}`);
  };
  for (let i = 0; i < target.length; i++) {
    if (ignored(target[i] as number)) continue;
    const row = find('target', i, target[i] as number);
    const at = row * values.length + find('predicted', i, predicted[i] as number);
    counts[at] = (counts[at] as number) + 1;
  }
  return counts;
}
