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

/** One NaN, whatever bits the machine made. */
export const real = (value: number): number => (Number.isNaN(value) ? Number.NaN : value);

/** e^x: 2^n·e^r by its series, in operations that round alike everywhere (Math.exp need not). */
export function exponential(x: number): number {
  if (!(x > -745)) return Number.isNaN(x) ? x : 0;
  if (x > 709.78) return 1 / 0;
  const n = Math.round(x * Math.LOG2E);
  const r = x - n * 0.6931471803691238 - n * 1.9082149292705877e-10; // ln 2 in two parts
  let sum = 1;
  for (let k = 18; k > 0; k--) sum = 1 + (sum * r) / k;
  for (let i = 0; i < Math.abs(n); i++) sum *= n < 0 ? 0.5 : 2;
  return sum;
}

/** ln x of a positive number, by Halley's steps on `exponential`, and so in operations that round alike everywhere. */
export function logarithm(x: number): number {
  let [y, mass] = [0, x];
  for (; mass >= 2; mass /= 2) y += Math.LN2;
  for (; mass < 1; mass *= 2) y -= Math.LN2;
  y += (mass - 1) * Math.LN2; // off by less than 0.06; each step leaves the cube of what it finds
  for (let i = 0; i < 3; i++) {
    const e = exponential(y);
    y += (2 * (x - e)) / (x + e);
  }
  return y;
}
