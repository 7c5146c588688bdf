import * as activations from '../src/losses/activations.ts';
import * as losses from '../src/losses/index.ts';
import type { OperationRecord } from '../src/losses/record.ts';
import { references } from '../test/reference/index.ts';
import { baselines, isArithmetic } from './baseline/index.ts';

/** Records of all losses and activations, as the table lists them. */
export const records: readonly OperationRecord[] = [...Object.values(losses), ...Object.values(activations)];

/** What the losses of a walk are measured on. */
const shapes: Readonly<Record<OperationRecord['walk'], readonly (readonly number[])[]>> = {
  element: [[256, 256]],
  class: [
    [4096, 16],
    [16, 21, 64, 64],
  ],
  row: [[4096, 16]],
  group: [[16, 21, 64, 64]],
};

const isLoss = ({ target }: OperationRecord): boolean => target !== 'none';

/** One workload of the table. */
export interface Entry {
  readonly record: OperationRecord;
  readonly shape: readonly number[];
  /** How many times faster than plain JavaScript a prepared step has to be. */
  readonly steps?: number;
}

/** Workloads of every loss and activation. */
export const entries: readonly Entry[] = records.flatMap((record) =>
  shapes[record.walk].map((shape) => ({
    record,
    shape,
    ...(isLoss(record) && { steps: isArithmetic(record.name) ? 2 : 4 }),
  })),
);

/** What the benchmark lacks for the losses and activations of the table: one line each, none if it measures all of them. */
export function gaps(table: readonly OperationRecord[] = records): string[] {
  return table.flatMap((record) => {
    const { name, walk } = record;
    const lines: string[] = [];
    if (!(name in baselines)) lines.push(`${name}: no plain JavaScript in bench/baseline/index.ts`);
    if (shapes[walk] === undefined) lines.push(`${name}: no shape for walk '${walk}' in bench/table.ts`);
    if (isLoss(record) && !(name in references)) lines.push(`${name}: no reference in test/reference that draws data`);
    return lines;
  });
}
