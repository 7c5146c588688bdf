// The default entry: the losses and activations on one engine, made at the first call.

/** @internal */
export { internals } from './api/internals.ts';
export { tensor } from './api/tensor.ts';
export * from './functions/activations.ts';
export * from './functions/binary.ts';
export * from './functions/classification.ts';
export * from './functions/distributions.ts';
export * from './functions/engine.ts';
export * from './functions/linear.ts';
export * from './functions/regression.ts';
export * from './functions/tasks.ts';
export type * from './generated/declarations.ts';
export type * from './values/linear.ts';
export type * from './values/types.ts';
