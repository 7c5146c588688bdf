/** What the forms of a loss return, with its gradients by the names that they have here. */
import type { LossResult, Step, Tensor32 } from './api.ts';
import type { Outcome } from './judge.ts';
import type { Entry } from './types.ts';

/** What a form returned, with the gradients at their names here. */
export function outcomeOf({ record, second }: Entry, result: Partial<LossResult>): Outcome {
  const { loss, grad, sum, count, weightSum, zSum, componentLosses } = result;
  const side =
    record.second === undefined ? '' : `grad${record.second.charAt(0).toUpperCase()}${record.second.slice(1)}`;
  const pair = second === undefined ? undefined : (grad as Readonly<Record<string, Tensor32>> | undefined);
  const other = pair ? pair[second!] : (result as Readonly<Record<string, Tensor32 | undefined>>)[side];
  const own = pair ? pair[record.names[0]] : (grad as Tensor32 | undefined);
  return {
    ...(loss !== undefined && { loss }),
    ...(own && { grad: own }),
    ...(other && { second: other }),
    ...(sum !== undefined && { sum }),
    ...(count !== undefined && { count }),
    ...(weightSum !== undefined && { weightSum }),
    ...(zSum !== undefined && { zSum }),
    ...(componentLosses && { componentLosses }),
  };
}

/** What a step holds after it returned a loss. zSum has no value where there is none. */
export function steppedOf(entry: Entry, step: Step, loss: number | Tensor32): Outcome {
  const { zSum: _, ...outcome } = outcomeOf(entry, step as Partial<LossResult>);
  return { ...outcome, loss };
}

const copyOf = ({ data, shape }: Tensor32): Tensor32 => ({
  // the caller's own tensor may show an array that has been detached since, which has no slice
  data: data.length === 0 ? new Float32Array(0) : data.slice(),
  shape: [...shape],
});

export function copied(outcome: Outcome): Outcome {
  const { loss, grad, second, componentLosses } = outcome;
  return {
    ...outcome,
    ...(typeof loss === 'object' && { loss: copyOf(loss) }),
    ...(grad && { grad: copyOf(grad) }),
    ...(second && { second: copyOf(second) }),
    ...(componentLosses && { componentLosses: copyOf(componentLosses) }),
  };
}
