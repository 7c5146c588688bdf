// Losses and activations out of the table: every form of every record comes from here.

import { checkActivation, checkLoss, type Job } from './check.ts';
import { fitExactly } from './options.ts';
import { type Outcome, runActivation, runLoss, type Wanted } from './run.ts';
import type { Runtime } from './runtime.ts';
import {
  ACTIVATIONS,
  type ActivationName,
  type ActivationOptions,
  LOSSES,
  type LossExtra,
  type LossName,
  type LossOptions,
} from './table.ts';
import { readOperand, toFloat32 } from './tensor.ts';
import type { Activation, Loss, TensorInput } from './types.ts';

/** Gives the runtime at the first call. */
export type RuntimeSource = () => Runtime;

/** The results of the forward form. */
function forwardResult({ loss, sum, count, weightSum, zSum, componentLosses }: Outcome, job: Job) {
  return {
    loss,
    sum,
    count,
    weightSum,
    ...(job.options.zLoss === 0 ? undefined : { zSum }),
    ...(componentLosses && { componentLosses }),
  };
}

/** gradOutput: a number under a reduction, one per loss for 'none'. */
function readIncoming(job: Job, name: string, gradOutput: TensorInput): number | Float32Array {
  const operand = readOperand(gradOutput, `${name}: gradOutput`);
  const { reduction } = job.options;
  const shape = reduction === 'none' ? job.lossShape : [];
  fitExactly(operand, shape, `${name}: gradOutput`, `the shape of the loss (reduction '${reduction}')`);
  return reduction === 'none' ? toFloat32(operand.data) : Number(operand.data[0]);
}

/** The loss of a record. */
export function makeLoss<N extends LossName>(name: N, runtime: RuntimeSource): Loss<LossOptions<N>, LossExtra<N>> {
  const record = LOSSES[name];
  const run = (job: Job, wanted: Wanted): Outcome => runLoss(job, runtime(), wanted);
  const fused = (input: TensorInput, target: TensorInput, options?: unknown) => {
    const job = checkLoss(name, record, input, target, options);
    const outcome = run(job, { grad: true });
    return { ...forwardResult(outcome, job), grad: outcome.grad };
  };
  const forward = (input: TensorInput, target: TensorInput, options?: unknown) => {
    const job = checkLoss(`${name}.forward`, record, input, target, options);
    return forwardResult(run(job, { grad: false }), job);
  };
  const backward = (gradOutput: TensorInput, input: TensorInput, target: TensorInput, options?: unknown) => {
    const job = checkLoss(`${name}.backward`, record, input, target, options);
    const { grad } = run(job, { grad: true, incoming: readIncoming(job, `${name}.backward`, gradOutput) });
    return { grad };
  };
  // the overloads of Loss tie result types to the reduction, which the shared code above cannot follow
  return Object.freeze(Object.assign(fused, { forward, backward })) as unknown as Loss<LossOptions<N>, LossExtra<N>>;
}

/** The activation of a record. */
export function makeActivation<N extends ActivationName>(
  name: N,
  runtime: RuntimeSource,
): Activation<ActivationOptions<N>> {
  const record = ACTIVATIONS[name];
  const forward = (input: TensorInput, options?: ActivationOptions<N>) =>
    runActivation(checkActivation(name, record, input, options), runtime(), false);
  const backward = (gradOutput: TensorInput, input: TensorInput, options?: ActivationOptions<N>) =>
    runActivation(checkActivation(`${name}.backward`, record, input, options, gradOutput), runtime(), true);
  return Object.freeze(Object.assign(forward, { backward }));
}
