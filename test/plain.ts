/** Legal calls of any shape that cost nothing to make, by what the table's records say: for sizes that no draw is made for. */

import * as table from '../src/losses/index.ts';
import type { OperationRecord, OptionKind } from '../src/losses/record.ts';
import type { FormName, Input, Options, Target, Tensor32 } from './calls.ts';
import { type Layout, layoutOf, sizeOf } from './reference/layout.ts';

const records = new Map<string, OperationRecord>(Object.values(table).map((record) => [record.name, record]));

/** What the table says of a loss. */
export function recordOf(op: FormName): OperationRecord {
  const record = records.get(op);
  if (record === undefined) throw new Error(`${op} is not in the table`);
  return record;
}

export const filled = (shape: readonly number[], value = 0.5): Tensor32 => ({
  data: new Float32Array(sizeOf(shape)).fill(value),
  shape,
});

/** Class axis of a record: option, last one, or none. */
export const axisOf = (op: FormName, axis: number): number | undefined => {
  const { walk } = recordOf(op);
  return walk === 'element' ? undefined : walk === 'row' ? -1 : axis;
};

interface Geometry extends Layout {
  readonly shape: readonly number[];
}

const count = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** An ordinary value of each kind of option; none for those that a plain call leaves out. */
const values: { readonly [K in OptionKind]?: (at: Geometry) => unknown } = {
  perClass: ({ classes }) => filled([classes]),
  perSample: ({ sampleShape }) => filled(sampleShape),
  perElement: ({ shape }) => filled(shape),
  broadcast: ({ shape }) => filled(shape.slice(-1)),
  variance: ({ shape }) => filled(shape),
  components: ({ classes }) => [0, 1, 2].map((m) => Int32Array.from({ length: classes }, (_, c) => c % (m + 2))),
  perComponent: () => [1, 2, 0.5],
  // of as many as anybody names
  labels: ({ classes }) => (classes > 10_000 ? undefined : count(classes).map((c) => c + 1)),
};

/** A call, with all options that have an operand where `every`, else with those that it cannot do without. */
export function plainCall(op: FormName, shape: readonly number[], axis: number, every: boolean) {
  const record = recordOf(op);
  const layout = layoutOf(shape, axisOf(op, axis) ?? -1);
  const own = Object.entries(record.options).flatMap(([name, { kind, required }]) => {
    const value = values[kind]?.({ ...layout, shape });
    return value !== undefined && (every || required) ? [[name, value] as const] : [];
  });
  const hasAxis = record.walk === 'class' || record.walk === 'group';
  const options: Options = { ...Object.fromEntries(own), ...(hasAxis && { axis }) };
  const byIndex = record.target === 'classes' || record.target === 'indices';
  const first = 'labels' in options ? 1 : 0;
  const target: Target = byIndex
    ? { data: new Int32Array(layout.samples).fill(first), shape: layout.sampleShape }
    : filled(shape, 1);
  const input: Input =
    record.second !== undefined && !(record.second in record.options)
      ? { [record.names[0]]: filled(shape), [record.second]: filled(layout.sampleShape) }
      : filled(shape);
  return { op, input, target, options };
}

/** Bytes of what has one value per class, of which a call may hold one copy. */
export function perClassBytes(op: FormName, { options }: { readonly options: Options }, classes: number): number {
  const kinds = Object.entries(recordOf(op).options).filter(([name]) => name in options);
  return kinds.reduce((bytes, [, { kind }]) => {
    if (kind === 'perClass' || kind === 'labels') return bytes + 4 * classes;
    return kind === 'components' ? bytes + 3 * 4 * classes : bytes;
  }, 0);
}
