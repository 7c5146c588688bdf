/** The losses and activations as the fuzzer draws and judges them: the library's own table, and the references. */
import * as activationRecords from '../../src/losses/activations.ts';
import * as lossRecords from '../../src/losses/index.ts';
import type { OperationRecord, TargetKind as RecordTarget } from '../../src/losses/record.ts';
import {
  activations,
  type ReferenceInputs,
  type ReferenceLoss,
  type ReferenceOptions,
  type ReferenceResult,
  reference,
  references,
} from '../reference/index.ts';
import type { Entry, TargetKind } from './types.ts';

/** What each kind of target of a record may be drawn as. */
const targetKinds: Readonly<Record<RecordTarget, readonly TargetKind[]>> = {
  classes: ['indices', 'probabilities'],
  indices: ['indices'],
  sets: ['sparse', 'sets'],
  unit: ['unit'],
  labels: ['unit', 'sparse'],
  signs: ['signs'],
  bits: ['bits'],
  masses: ['masses'],
  real: ['real'],
  none: [],
};

const table: Readonly<Record<string, ReferenceLoss>> = references;

function entryOf(record: OperationRecord): Entry {
  const { name, target, second, options } = record;
  return {
    name,
    record,
    loss: table[name],
    targets: targetKinds[target],
    second: second !== undefined && !(second in options) ? second : undefined,
  };
}

const records: readonly OperationRecord[] = [...Object.values(lossRecords), ...Object.values(activationRecords)];

export const entries: Readonly<Record<string, Entry>> = Object.fromEntries(
  records.map((record) => [record.name, entryOf(record)]),
);

export const names: readonly string[] = Object.keys(entries);

export const isActivation = (entry: Entry): boolean => entry.targets.length === 0;

/** Whether there is one result for each element, or for rows or classes of them. */
export const isElementwise = ({ record }: Entry): boolean => record.walk === 'element';

/** Whether option `axis` chooses the class axis. */
export const hasAxis = ({ record }: Entry): boolean => 'axis' in record.options;

/** Options without which there is no call. */
export const requiredOf = ({ record: { options } }: Entry): readonly string[] =>
  Object.keys(options).filter((name) => options[name]!.required);

const isKnown = (op: string): op is keyof typeof references | keyof typeof activations =>
  op in references || op in activations;

/** What the reference says. A tensor without axes has one class: softmax 1, logSoftmax 0 (PyTorch). */
export function judgeOf(op: string, inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  if (!isKnown(op)) throw new Error(`test/reference has no ${op}`);
  const { input } = inputs;
  const entry = entries[op];
  if (!entry || !isActivation(entry) || isElementwise(entry) || input.shape.length > 0)
    return reference(op, inputs, options);
  const { gradOutput } = options;
  const flat = typeof gradOutput === 'object' ? { ...gradOutput, shape: [1] } : gradOutput;
  const truth = reference(op, { input: { ...input, shape: [1] } }, { ...options, axis: 0, gradOutput: flat });
  const { loss, grad } = truth;
  return { ...truth, loss: { ...loss, shape: [] }, grad: { ...grad, shape: [] } };
}

/** Where another subgradient is right too. */
export function kinkOf(
  { loss }: Entry,
  inputs: ReferenceInputs,
  options: ReferenceOptions,
): { readonly grad: Uint8Array; readonly grads?: Readonly<Record<string, Uint8Array>> } | undefined {
  return loss?.kinks({ inputs, options });
}
