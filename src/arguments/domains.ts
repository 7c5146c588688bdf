// The ranges that targets have to lie in, and what to say of one that does not.

import type { TargetKind } from '../losses/record.ts';
import type { NumericArray } from '../values/types.ts';
import type { Call } from './call.ts';

/** A range of targets. */
export interface Domain {
  readonly low: number;
  readonly high: number;
  /** In words. */
  readonly range: string;
  /** What else a target may have meant to be. */
  readonly advice: (value: number) => string;
}

const unit: Domain = {
  low: 0,
  high: 1,
  range: '[0, 1]',
  advice: (value) =>
    Number.isNaN(value)
      ? '; for missing labels ignoreValue: NaN'
      : `; for classes -1, 0, 1 use crossEntropy with labels: [-1, 0, 1], for missing labels ignoreValue: ${value}`,
};

export const DOMAINS: Partial<Readonly<Record<TargetKind, Domain>>> = { unit };

/** The error for the target at a position that is out of range. */
export function outsideDomain({ name, marker }: Call, domain: Domain, values: NumericArray, at: number): RangeError {
  const value = values[at] as number;
  const hint = marker === undefined ? domain.advice(value) : ` (ignoreValue ${marker})`;
  return new RangeError(`${name}: target[${at}] is ${value}, outside ${domain.range}${hint}`);
}
