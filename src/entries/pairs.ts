// Two tensors that are compared element by element, and which elements do not count.

import type { Operand } from '../arguments/operand.ts';
import { internals as lib } from '../index.ts';
import type { TensorInput } from '../values/types.ts';
import { DEFAULT_IGNORE } from './classes.ts';

/** Which targets do not count. */
export interface Ignoring {
  /** The target value that marks an ignored sample. Default -100. */
  readonly ignoreIndex?: number | undefined;
  /** Another target value that marks a missing one; NaN is allowed. Default none. */
  readonly ignoreValue?: number | undefined;
}

export const IGNORING = ['ignoreIndex', 'ignoreValue'] as const;

/** Two tensors of one shape. */
export interface Pair {
  readonly first: ArrayLike<number>;
  readonly second: ArrayLike<number>;
  readonly shape: readonly number[];
  readonly length: number;
}

const ANY = { takes: 'a number', test: () => true };

/** Whether a target value does not count. */
export function readIgnored(name: string, { ignoreIndex, ignoreValue }: Ignoring): (value: number) => boolean {
  const index = lib.readNumber(ignoreIndex ?? DEFAULT_IGNORE, `${name}: ignoreIndex`, lib.INTEGER);
  const marker = ignoreValue === undefined ? index : lib.readNumber(ignoreValue, `${name}: ignoreValue`, ANY);
  if (Number.isNaN(marker)) return (value) => value === index || Number.isNaN(value);
  // an array of float32 holds the marker rounded
  const rounded = Math.fround(marker);
  return (value) => value === index || value === marker || value === rounded;
}

/** The shape of the first of two operands, or of the second where that is a bare array. */
export function commonShape(first: Operand, second: Operand): readonly number[] {
  return first.shape ?? second.shape ?? [first.length];
}

/** Reads two tensors of one shape; a bare array takes that of the other. */
export function readPair(
  name: string,
  [firstName, secondName]: readonly [string, string],
  first: TensorInput,
  second: TensorInput,
): Pair {
  const a = lib.readOperand(first, `${name}: ${firstName}`);
  const b = lib.readOperand(second, `${name}: ${secondName}`);
  const shape = commonShape(a, b);
  const more = shape.length > (b.shape?.length ?? 1);
  const hint = firstName === 'predicted' && more ? '; of logits give argmax(logits)' : '';
  lib.fitExactly(a, shape, () => `the shape of ${secondName}`);
  lib.fitExactly(b, shape, () => `the shape of ${firstName}${hint}`);
  return { first: a.data as ArrayLike<number>, second: b.data as ArrayLike<number>, shape, length: a.length };
}

/** What is compared by class: predictions and targets. */
export const PREDICTIONS = ['predicted', 'target'] as const;
