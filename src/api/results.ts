// What the forms return.

import type { OperationRecord } from '../losses/record.ts';
import type { ComponentLosses, Tensor } from '../values/types.ts';
import type { Work } from '../work/work.ts';

/** What a record adds to the results of its loss. */
export type Extra<R extends OperationRecord> = R['options'] extends { components: unknown } ? ComponentLosses : unknown;

/** What a form returns. */
export interface Results {
  loss: number | Tensor;
  grad?: Tensor | undefined;
  sum: number;
  count: number;
  weightSum: number;
  zSum?: number;
  componentLosses?: Tensor;
}

/** The results of a work, with the gradient where it was wanted. */
export function resultsOf(work: Work, wanted: boolean): Results {
  const { loss, sum, sideSum, count, weightSum, parts } = work;
  const total = sum + sideSum;
  const results: Results = wanted
    ? { loss, grad: work.grad, sum: total, count, weightSum }
    : { loss, sum: total, count, weightSum };
  if (work.sides) results.zSum = sideSum;
  if (parts) results.componentLosses = parts;
  return results;
}
