// The table: one record for each loss.

export * from './binary.ts';
export * from './classification.ts';
export * from './distributions.ts';
export * from './regression.ts';
