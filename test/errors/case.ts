// What the cases of a message share.

import { tensor } from '../../src/index.ts';

/** A call that must throw, and what. */
export interface Case {
  readonly does: string;
  readonly run: () => unknown;
  readonly error: typeof RangeError | typeof TypeError;
  readonly says: string | RegExp;
}

/** A tensor of zeros. */
export const floats = (...shape: number[]) => tensor(new Float32Array(shape.reduce((n, d) => n * d, 1)), shape);

/** A value that the types forbid. */
export const unsafe = (value: unknown): never => value as never;

/** Two components of two groups each. */
export const parts = [
  [0, 0, 1, 1],
  [0, 1, 0, 1],
];
