// The entry lossmith/decide: from logits to decisions, and what goes before and beside losses. It imports the main entry and
// never contains it: values from src/index.ts alone, types from anywhere.

export * from './argmax.ts';
export * from './balance.ts';
export * from './codec.ts';
export type {
  Head,
  HeadLoss,
  HeadResult,
  HeadTargets,
  MultiHeadForward,
  MultiHeadLinear,
  MultiHeadLinearOptions,
  MultiHeadLinearResult,
  MultiHeadLinearStep,
  MultiHeadLoss,
  MultiHeadOptions,
  MultiHeadResult,
  MultiHeadStep,
} from './heads.ts';
export * from './levels.ts';
export * from './likelihood.ts';
export * from './marginal.ts';
export * from './multiHead.ts';
export * from './ordinal.ts';
export * from './predict.ts';
export * from './propensity.ts';
export * from './propensityScored.ts';
export * from './remap.ts';
export * from './tasks.ts';
export * from './thresholds.ts';
