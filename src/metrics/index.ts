// The entry lossmith/metrics: how good predictions are. It imports the main entry and never contains it: values from
// src/index.ts alone, types from anywhere.

export type { Merging } from '../entries/results.ts';
export * from './agreement.ts';
export * from './confusion.ts';
export type { Classes } from './counts.ts';
export * from './precision.ts';
export * from './probabilities.ts';
export * from './propensity.ts';
export * from './ranking.ts';
export type { Ratio } from './ratio.ts';
