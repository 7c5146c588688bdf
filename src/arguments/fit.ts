// Whether operands have the shape that is expected of them.

import { sameShape, show, sizeOf } from '../values/array.ts';
import type { Operand } from './operand.ts';

/** Checks that an operand has the expected shape, or as a flat array its length; `what` says what shape that is. */
export function fitExactly({ shape, length, where }: Operand, wanted: readonly number[], what: () => string): void {
  if (shape !== undefined && !sameShape(shape, wanted)) {
    throw new RangeError(`${where} has shape ${show(shape)}, expected ${show(wanted)}, ${what()}`);
  }
  const expected = sizeOf(wanted);
  if (length !== expected) throw new RangeError(`${where} has ${length} values, expected ${expected}, ${what()}`);
}
