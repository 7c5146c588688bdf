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
  const count = lib.readNumber(classes, `${name}: classes`, COUNT);
  return Array.from(lib.roomFor(count, `${name}: the list of classes`, Float64Array), (_, c) => c);
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

/** Predictions and targets that count, as places in the list of classes. */
export function eachPair(
  name: string,
  [predicted, target]: readonly [predicted: ArrayLike<number>, target: ArrayLike<number>],
  ignored: (value: number) => boolean,
  values: readonly number[],
  use: (target: number, predicted: number) => void,
): void {
  const places = new Map(values.map((value, c) => [value, c]));
  const find = (what: string, i: number, value: number): number => {
    const place = places.get(value);
    if (place !== undefined) return place;
    const list = values.length > 20 ? `${values.slice(0, 20).join(', ')}, …` : values.join(', ');
    throw new RangeError(`${name}: ${what}[${i}] is ${value}, expected one of ${list}`);
  };
  for (let i = 0; i < target.length; i++) {
    if (ignored(target[i] as number)) continue;
    use(find('target', i, target[i] as number), find('predicted', i, predicted[i] as number));
  }
}
