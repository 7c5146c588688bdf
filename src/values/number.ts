// Numbers that a caller gives, by the rule of their kind.

import { describe } from './array.ts';

/** What a number has to be: in words, and as a test. */
export interface Rule {
  readonly takes: string;
  readonly test: (value: number) => boolean;
}

export const FINITE: Rule = { takes: 'a finite number', test: Number.isFinite };
export const INTEGER: Rule = { takes: 'an integer', test: Number.isInteger };

/** A number by its rule: TypeError for another kind of thing, RangeError for another number. */
export function readNumber(value: unknown, where: string, { takes, test }: Rule): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number') {
    throw new TypeError(`${where} is ${describe(value)}, expected ${takes.replace('finite ', '')}`);
  }
  if (!test(number)) throw new RangeError(`${where} is ${number}, expected ${takes}`);
  return number;
}
