// Losses and activations out of their records: every form of every record comes from here.

import type { Call } from '../arguments/call.ts';
import { checkActivation, checkLinear, checkLoss } from '../arguments/check.ts';
import type { OperationRecord, OptionsOf } from '../losses/record.ts';
import type { Runtime } from '../machine/runtime.ts';
import { trim } from '../values/guard.ts';
import type { Activation, CommonOptions, Loss, Tensor, TensorInput } from '../values/types.ts';
import { type Wanted, Work } from '../work/work.ts';
import { gradientsOf, resultsOf, type TypesOf } from './results.ts';
import { prepareStep } from './step.ts';

/** Gives the runtime at the first call. */
export type RuntimeSource = () => Runtime;

/** The loss of a record. */
export type LossOf<R extends OperationRecord> = Loss<TypesOf<R>>;
/** The activation of a record. */
export type ActivationOf<R extends OperationRecord> = Activation<OptionsOf<R> & Pick<CommonOptions, 'out'>>;

/** Runs a call once, on the runtime's plan and shared scratch. */
function once(call: Call, runtime: Runtime, wanted: Wanted): Work {
  const work = new Work(call, runtime, runtime.plan, wanted);
  return runtime.memory.withScratch(work.bytes, (base) => {
    work.place(base);
    work.step();
    return work;
  });
}

const GRAD: Wanted = { grad: true };
const LOSS: Wanted = { grad: false };

/** Checks the arguments of a form; of the backward form with the incoming gradient, of steps saying so. */
type Check = (
  name: string,
  args: readonly unknown[],
  more: { readonly gradOutput?: readonly [unknown]; readonly keeps?: boolean },
) => Call;

/** The forms of a loss, whose checks are `check`. */
function formsOf(name: string, check: Check, source: RuntimeSource) {
  const fused = (...args: unknown[]) => {
    try {
      return resultsOf(once(check(name, args, {}), source(), GRAD), true);
    } catch (error) {
      trim(error, fused);
      throw error;
    }
  };
  const forward = (...args: unknown[]) => {
    try {
      return resultsOf(once(check(`${name}.forward`, args, {}), source(), LOSS), false);
    } catch (error) {
      trim(error, forward);
      throw error;
    }
  };
  const backward = (gradOutput: unknown, ...args: unknown[]) => {
    try {
      return gradientsOf(once(check(`${name}.backward`, args, { gradOutput: [gradOutput] }), source(), GRAD));
    } catch (error) {
      trim(error, backward);
      throw error;
    }
  };
  const prepare = (...args: unknown[]) => {
    try {
      return prepareStep(check(`${name}.prepare`, args, { keeps: true }), source());
    } catch (error) {
      trim(error, prepare);
      throw error;
    }
  };
  Object.defineProperty(fused, 'name', { value: name });
  return Object.assign(fused, { forward, backward, prepare });
}

/** The loss of a record, on the runtime that `source` gives. */
export function makeLoss<R extends OperationRecord>(record: R, source: RuntimeSource): LossOf<R> {
  const { name, second, options } = record;
  const forms: object = formsOf(
    name,
    (form, [input, target, given], { gradOutput }) => checkLoss(form, record, input, target, given, gradOutput),
    source,
  );
  if (second === undefined || second in options) {
    const linear = formsOf(`${name}.linear`, (form, args, more) => checkLinear(form, record, args, more), source);
    Object.assign(forms, { linear: Object.freeze(linear) });
  }
  // the overloads of Loss tie result types to the reduction, which the shared code above cannot follow
  const loss: unknown = Object.freeze(forms);
  return loss as LossOf<R>;
}

/** The activation of a record, on the runtime that `source` gives. */
export function makeActivation<R extends OperationRecord>(record: R, source: RuntimeSource): ActivationOf<R> {
  const { name } = record;
  const result = (call: Call): Tensor => once(call, source(), GRAD).grad as Tensor;
  const forward = (input: TensorInput, options?: unknown) => {
    try {
      return result(checkActivation(name, record, input, options));
    } catch (error) {
      trim(error, forward);
      throw error;
    }
  };
  const backward = (gradOutput: TensorInput, input: TensorInput, options?: unknown) => {
    try {
      return result(checkActivation(`${name}.backward`, record, input, options, [gradOutput]));
    } catch (error) {
      trim(error, backward);
      throw error;
    }
  };
  Object.defineProperty(forward, 'name', { value: name });
  return Object.freeze(Object.assign(forward, { backward }));
}
