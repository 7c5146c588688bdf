import * as classes from './classes.ts';
import * as differences from './differences.ts';
import * as distributions from './distributions.ts';
import * as exponentials from './exponentials.ts';
import * as overlap from './overlap.ts';
import type { Baseline } from './plain.ts';

export { type Plain, plainOf } from './plain.ts';

/** Plain JavaScript of every loss and activation, by name. */
export const baselines: Readonly<Record<string, Baseline>> = {
  ...differences,
  ...exponentials,
  ...classes,
  ...distributions,
  ...overlap,
};

/** Whether a loss of single elements does without exponentials and logarithms. */
export const isArithmetic = (name: string): boolean => name in differences;
