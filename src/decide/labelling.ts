// What decisions are called: class indices, or target values where `labels` are given.

import { internals as lib } from '../index.ts';

/** What stands for a sample without a decision: −1, or this where labels are given. */
const INVALID_LABEL = -100;

/** From class indices (−1: none) to what a result holds. */
export function labelling(
  name: string,
  labels: readonly number[] | undefined,
  invalid: number | undefined,
): (index: number) => number {
  const int32 = { takes: 'an int32', test: (value: number) => value === (value | 0) };
  const none =
    invalid === undefined ? (labels ? INVALID_LABEL : -1) : lib.readNumber(invalid, `${name}: invalid`, int32);
  if (labels === undefined) return none === -1 ? (index) => index : (index) => (index < 0 ? none : index);
  if (labels.includes(none)) {
    throw new RangeError(`${name}: labels has ${none}, which marks a sample without a decision (option invalid)`);
  }
  for (const label of labels) lib.readNumber(label, `${name}: labels`, int32);
  return (index) => (index < 0 ? none : (labels[index] as number));
}
