import { type Case, useCases, useOf } from '../cases.ts';

/** What is measured in every engine: the workloads that stand for a use, and smaller and odd ones. */
export const workloads: readonly Case[] = [
  ...useCases,
  useOf({ operation: 'mse', meaning: 'the smallest call that matters', shape: [64], targets: {} }),
  useOf({ operation: 'mse', meaning: 'within the caches', shape: [10_000], targets: {} }),
  useOf({ operation: 'softmax', meaning: 'rows of three', shape: [77, 3], targets: {} }),
];
