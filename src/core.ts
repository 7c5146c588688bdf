// Losses and activations out of the table: every form of every record comes from here.

import { checkActivation, checkLoss, type Job } from './check.ts';
import { ClassRun } from './classrun.ts';
import { ElementRun } from './elementrun.ts';
import { fitExactly, overlap } from './options.ts';
import type { Run, Wanted } from './run.ts';
import { Plan, type Runtime } from './runtime.ts';
import { Source } from './source.ts';
import {
  ACTIVATIONS,
  type ActivationName,
  type ActivationOptions,
  LOSSES,
  type LossExtra,
  type LossName,
  type LossOptions,
} from './table.ts';
import { readOperand } from './tensor.ts';
import type { Activation, Loss, Step, Tensor, TensorInput } from './types.ts';

/** Gives the runtime at the first call. */
export type RuntimeSource = () => Runtime;

/** A run of the kind that the record walks. */
function makeRun(job: Job, runtime: Runtime, plan: Plan, wanted: Wanted): Run {
  runtime.memory.renew();
  const Kind = job.record.walk === 'class' ? ClassRun : ElementRun;
  return new Kind(job, runtime, plan, wanted);
}

/** Runs a job once, on the runtime's plan and shared scratch. */
function once(job: Job, runtime: Runtime, wanted: Wanted): Run {
  const run = makeRun(job, runtime, runtime.plan, wanted);
  return runtime.memory.withScratch(run.bytes, (base) => {
    run.place(base);
    run.step();
    return run;
  });
}

/** What a form returns. */
interface Results {
  loss: number | Tensor;
  grad?: Tensor | undefined;
  sum: number;
  count: number;
  weightSum: number;
  zSum?: number;
  componentLosses?: Tensor;
}

/** The results of a run, with the gradient where it was wanted. */
function resultsOf(run: Run): Results {
  const { loss, sum, zSum, count, weightSum, grad } = run;
  const results: Results = grad
    ? { loss, grad, sum: sum + zSum, count, weightSum }
    : { loss, sum: sum + zSum, count, weightSum };
  if (run.job.options.zLoss !== 0) results.zSum = zSum;
  if (run instanceof ClassRun && run.componentLosses) results.componentLosses = run.componentLosses;
  return results;
}

/** gradOutput: a number under a reduction, one per loss for 'none'. */
function readIncoming(job: Job, name: string, gradOutput: TensorInput): number | Source {
  const operand = readOperand(gradOutput, `${name}: gradOutput`);
  const { reduction } = job.options;
  const shape = reduction === 'none' ? job.lossShape : [];
  fitExactly(operand, shape, `${name}: gradOutput`, () => `the shape of the loss (reduction '${reduction}')`);
  if (reduction !== 'none') return Number(operand.data[0]);
  const { out } = job.options;
  if (out && overlap('data' in out ? out.data : out, operand.data)) {
    throw new RangeError(`${name}: out overlaps gradOutput, expected ${job.record.names[0]} itself or other memory`);
  }
  return new Source(operand);
}

/** A prepared step: plan and scratch of its own, kept until it is freed. */
function prepareStep(name: string, job: Job, runtime: Runtime): Step {
  const { memory } = runtime;
  const plan = new Plan(memory);
  let run: Run;
  let base = 0;
  try {
    run = makeRun(job, runtime, plan, { grad: true, later: true });
    base = memory.allocate(run.bytes);
  } catch (error) {
    plan.free();
    throw error;
  }
  run.place(base);
  let alive = true;
  const step = (): number | Tensor => {
    if (!alive) throw new TypeError(`${name}.prepare: this step was freed`);
    runtime.check();
    run.step();
    return run.loss;
  };
  const free = (): void => {
    if (!alive) return;
    alive = false;
    if (runtime.disposed) return;
    memory.release(base, run.bytes);
    plan.free();
  };
  const results = {
    grad: () => run.grad,
    sum: () => run.sum + run.zSum,
    zSum: () => run.zSum,
    count: () => run.count,
    weightSum: () => run.weightSum,
    componentLosses: () => (run instanceof ClassRun ? run.componentLosses : undefined),
  };
  for (const [key, get] of Object.entries(results)) Object.defineProperty(step, key, { get, enumerable: true });
  Object.assign(step, { free });
  if (Symbol.dispose) Object.defineProperty(step, Symbol.dispose, { value: free });
  // the properties above are what Step says; TypeScript cannot follow defineProperty
  return step as unknown as Step;
}

/** The loss of a record. */
export function makeLoss<N extends LossName>(name: N, runtime: RuntimeSource): Loss<LossOptions<N>, LossExtra<N>> {
  const record = LOSSES[name];
  const fused = (input: TensorInput, target: TensorInput, options?: unknown) =>
    resultsOf(once(checkLoss(name, record, input, target, options), runtime(), { grad: true }));
  const forward = (input: TensorInput, target: TensorInput, options?: unknown) =>
    resultsOf(once(checkLoss(`${name}.forward`, record, input, target, options), runtime(), { grad: false }));
  const backward = (gradOutput: TensorInput, input: TensorInput, target: TensorInput, options?: unknown) => {
    const job = checkLoss(`${name}.backward`, record, input, target, options);
    const incoming = readIncoming(job, `${name}.backward`, gradOutput);
    return { grad: once(job, runtime(), { grad: true, incoming }).grad };
  };
  const prepare = (input: TensorInput, target: TensorInput, options?: unknown) =>
    prepareStep(name, checkLoss(`${name}.prepare`, record, input, target, options), runtime());
  // the overloads of Loss tie result types to the reduction, which the shared code above cannot follow
  Object.defineProperty(fused, 'name', { value: name });
  const loss: unknown = Object.freeze(Object.assign(fused, { forward, backward, prepare }));
  return loss as Loss<LossOptions<N>, LossExtra<N>>;
}

/** The activation of a record. */
export function makeActivation<N extends ActivationName>(
  name: N,
  runtime: RuntimeSource,
): Activation<ActivationOptions<N>> {
  const record = ACTIVATIONS[name];
  const result = (job: Job): Tensor => {
    const { grad } = once(job, runtime(), { grad: true });
    return grad ?? { data: new Float32Array(0), shape: job.shape };
  };
  const forward = (input: TensorInput, options?: ActivationOptions<N>) =>
    result(checkActivation(name, record, input, options));
  const backward = (gradOutput: TensorInput, input: TensorInput, options?: ActivationOptions<N>) =>
    result(checkActivation(`${name}.backward`, record, input, options, gradOutput));
  Object.defineProperty(forward, 'name', { value: name });
  return Object.freeze(Object.assign(forward, { backward }));
}
