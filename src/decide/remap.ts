// Targets in other numbers than the classes have.

import { internals as lib } from '../index.ts';
import type { Tensor, TensorInput } from '../values/types.ts';

/** What `remap` returns. */
export interface Remapped {
  /** The classes, shaped like the targets. */
  readonly targets: Tensor<Int32Array>;
  /** From classes (predictions, say) back to the values that the targets had. */
  inverse(values: TensorInput): Tensor<Float64Array>;
}

/** From target values to class indices: an object (its keys are numbers as text) or a Map. */
export type TargetMap = Readonly<Record<number | string, number>> | ReadonlyMap<number, number>;

const isInt32 = (value: number): boolean => value === (value | 0);

function readMap(map: TargetMap): Map<number, number> {
  if (typeof map !== 'object' || map === null || Array.isArray(map) || lib.isTyped(map)) {
    throw new TypeError(`remap: map is ${lib.describe(map)}, expected an object { value: class } or a Map`);
  }
  const entries = map instanceof Map ? [...map] : Object.entries(map);
  if (entries.length === 0) throw new RangeError('remap: map is empty, expected a class for each target value');
  return new Map(
    entries.map(([key, to]) => {
      const from = typeof key === 'string' && key.trim() !== '' ? Number(key) : key;
      if (typeof from !== 'number' || (Number.isNaN(from) && typeof key === 'string')) {
        throw new TypeError(`remap: map has the key ${lib.describe(key)}, expected numbers`);
      }
      const where = `remap: map[${key}]`;
      const index = lib.readNumber(to, where, { takes: 'an integer (a class)', test: isInt32 });
      return [from, index];
    }),
  );
}

const shapeOf = ({ shape, length }: { shape: readonly number[] | undefined; length: number }): readonly number[] =>
  shape ?? [length];

const listed = (keys: Iterable<number>): string => {
  const all = [...keys];
  return all.length > 20 ? `${all.slice(0, 20).join(', ')}, …` : all.join(', ');
};

/**
 * Targets in the numbers that classes have, and the way back: −1, 0, 1 become 0, 1, 2 with the map { '-1': 0, 0: 1, 1: 2 }.
 *
 * Losses with option `labels` do this for themselves (`labels: [-1, 0, 1]`); `remap` serves everything else, such as targets
 * that are stored, or several values that make one class. Values are compared exactly; a marker such as −100 needs an entry.
 *
 * @param targets - Target values: a tensor, a typed array or arrays of numbers.
 * @param map - The class of each value: an object whose keys are numbers, or a Map (which may hold NaN too).
 * @returns `{ targets, inverse }`: classes (Int32Array) shaped like the targets; `inverse(values)` turns classes back into target
 * values (Float64Array).
 * @throws RangeError for a value that is not in the map, and from `inverse` for a class that no value or more than one has;
 * TypeError for the wrong kind.
 * @example
 * import { remap } from 'lossmith/decide';
 * const { targets, inverse } = remap([[1, 0, -1, 0]], { '-1': 0, 0: 1, 1: 2 });
 * targets.data; // => [2, 1, 0, 1]
 * inverse(targets).data; // => [1, 0, -1, 0]
 */
export const remap: (targets: TensorInput, map: TargetMap) => Remapped = /* @__PURE__ */ lib.guard(
  (targets: TensorInput, map: TargetMap): Remapped => {
    const classes = readMap(map);
    const values = new Map<number, number>();
    const shared = new Set<number>();
    for (const [value, index] of classes) {
      if (values.has(index)) shared.add(index);
      values.set(index, value);
    }
    const operand = lib.readOperand(targets, 'remap: targets');
    const data = Int32Array.from(operand.data as ArrayLike<number>, (value, i) => {
      const index = classes.get(value);
      if (index !== undefined) return index;
      throw new RangeError(`remap: targets[${i}] is ${value}, expected one of ${listed(classes.keys())}`);
    });
    const inverse = (given: TensorInput): Tensor<Float64Array> => {
      const own = lib.readOperand(given, 'inverse: values');
      const back = Float64Array.from(own.data as ArrayLike<number>, (index, i) => {
        const value = values.get(index);
        if (value !== undefined && !shared.has(index)) return value;
        const why = value === undefined ? `expected one of ${listed(values.keys())}` : 'the class of several values';
        throw new RangeError(`inverse: values[${i}] is ${index}, ${why}`);
      });
      return { data: back, shape: shapeOf(own) };
    };
    return { targets: { data, shape: shapeOf(operand) }, inverse: lib.guard(inverse) };
  },
);
