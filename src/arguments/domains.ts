// The ranges that targets have to lie in, and what to say of one that does not.

import type { TargetKind } from '../losses/record.ts';
import type { Call } from './call.ts';
import { logitAt } from './linear.ts';

/** A range of targets. */
export interface Domain {
  readonly low: number;
  readonly high: number;
  /** In words. */
  readonly range: string;
  /** Whole numbers alone; all of them but 0. */
  readonly whole?: true;
  readonly nonzero?: true;
}

const unit: Domain = { low: 0, high: 1, range: '[0, 1]' };
const INFINITY = Number.POSITIVE_INFINITY;

export const DOMAINS: Partial<Readonly<Record<TargetKind, Domain>>> = {
  unit,
  labels: unit,
  masses: { low: 0, high: INFINITY, range: '[0, Infinity]' },
  signs: { low: -1, high: 1, range: '{-1, 1}', whole: true, nonzero: true },
  bits: { low: -1, high: 1, range: '{-1, 0, 1}', whole: true },
};

/** Class probabilities of a group: what adds up to 1 may be a rounding error more. */
const PROBABILITIES: Domain = { ...unit, high: 1 + 2 ** -20 };

/** The range of a call's targets, if they have one. */
export function domainOf({ record, target }: Call): Domain | undefined {
  return record.walk === 'group' && target?.kind === 'values' ? PROBABILITIES : DOMAINS[record.target];
}

const within = (value: number, { low, high, whole, nonzero }: Domain): boolean =>
  value >= low && value <= high && !(whole && !Number.isInteger(value)) && !(nonzero && value === 0);

/** Whether all values are legal. */
const all = (values: ArrayLike<number>, domain: Domain): boolean => {
  for (let i = 0; i < values.length; i++) if (!within(values[i] as number, domain)) return false;
  return values.length > 0;
};

const NOTHING: Domain = { low: 0, high: 0, range: '0' };

/** What an illegal target may have meant to be. */
function advice({ name, record, input, head }: Call, value: number, values: ArrayLike<number>, domain: Domain): string {
  const { options, target } = record;
  const [operation] = name.split('.');
  if (Number.isNaN(value)) return options.ignoreValue ? '; for missing labels ignoreValue: NaN' : '';
  const binary = target === 'unit' || target === 'labels' || target === 'bits' || target === 'signs';
  // logits that are all 0 are those of a start
  const labels = (given: ArrayLike<number>): boolean =>
    all(given, { ...domain, whole: true }) && !(Number.isInteger(value) && all(given, NOTHING));
  if (binary && !head && !record.both && labels(input.data as ArrayLike<number>)) {
    return `; did you swap the arguments? It is ${operation}(${record.names.join(', ')})`;
  }
  if (target === 'signs') return value === 0 ? '; for 0 and 1 use hinge, or 2 * y - 1' : '';
  const most = Array.prototype.reduce.call(values, (a, b) => Math.max(a as number, b as number), 0) as number;
  if (!Number.isInteger(value)) return '';
  if (most > 19 && most < 256) return '; divide values of 0 … 255 by 255';
  const missing = options.ignoreValue ? `, for missing labels ignoreValue: ${value}` : '';
  if (!binary) return missing.replace(',', ';');
  return `; for classes -1, 0, 1 use crossEntropy with labels: [-1, 0, 1]${missing}`;
}

/** The error for the target (or input) at a position that is out of range. */
export function outsideDomain(call: Call, domain: Domain, values: ArrayLike<number>, at: number): RangeError {
  const { name, marker, record, input, head } = call;
  const value = values[at] as number;
  const first = head ? logitAt(head, at) : (input.data[at] as number);
  if (record.both && within(value, domain) && !within(first, domain)) {
    const hint = record.target === 'unit' ? '; for logits use bceWithLogits' : '';
    return new RangeError(`${name}: ${record.names[0]}[${at}] is ${first}, outside ${domain.range}${hint}`);
  }
  const hint = marker === undefined ? advice(call, value, values, domain) : ` (ignoreValue ${marker})`;
  return new RangeError(`${name}: target[${at}] is ${value}, outside ${domain.range}${hint}`);
}
