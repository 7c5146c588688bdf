// Losses and activations out of their records: every form of every record comes from here.

import type { Call } from '../arguments/call.ts';
import { checkActivation, checkLinear, checkLoss } from '../arguments/check.ts';
import { type Given, readNames } from '../arguments/common.ts';
import { HEAD_OPTIONS } from '../arguments/linear.ts';
import type { OperationRecord, OptionsOf } from '../losses/record.ts';
import { trim } from '../values/guard.ts';
import type { Activation, CommonOptions, Loss, Tensor, TensorInput } from '../values/types.ts';
import type { Wanted, Work } from '../work/work.ts';
import { type Arguments, type RuntimeSource, runsOf } from './form.ts';
import { gradientsOf, resultsOf, type TypesOf } from './results.ts';
import { prepareStep } from './step.ts';

/** The loss of a record. */
export type LossOf<R extends OperationRecord> = Loss<TypesOf<R>>;
/** The activation of a record. */
export type ActivationOf<R extends OperationRecord> = Activation<OptionsOf<R> & Pick<CommonOptions, 'out'>>;

const GRAD: Wanted = { grad: true };
const LOSS: Wanted = { grad: false };

/** How the arguments of forms are checked; `keeps`: those of steps. */
type Check = (name: string, args: Arguments, given: Given, keeps?: boolean) => Call;

/** The forms of a loss. `more`: options that its record has not; `at`: which argument the options are. */
function formsOf(
  name: string,
  record: OperationRecord,
  source: RuntimeSource,
  { check, more = [], at }: { check: Check; more?: readonly string[]; at: number },
) {
  const runs = <R>(form: string, wanted: Wanted, result: (work: Work) => R) =>
    runsOf(
      {
        source,
        wanted,
        read: (options) => readNames(form, record, options, more),
        check: (args, given) => check(form, args, given),
      },
      result,
    );
  const runFused = runs(name, GRAD, (work) => resultsOf(work, true));
  const runForward = runs(`${name}.forward`, LOSS, (work) => resultsOf(work, false));
  const runBackward = runs(`${name}.backward`, GRAD, gradientsOf);
  const fused = (...args: unknown[]) => {
    try {
      return runFused({ args }, args[at]);
    } catch (error) {
      trim(error, fused);
      throw error;
    }
  };
  const forward = (...args: unknown[]) => {
    try {
      return runForward({ args }, args[at]);
    } catch (error) {
      trim(error, forward);
      throw error;
    }
  };
  const backward = (gradOutput: unknown, ...args: unknown[]) => {
    try {
      return runBackward({ args, gradOutput: [gradOutput] }, args[at]);
    } catch (error) {
      trim(error, backward);
      throw error;
    }
  };
  const prepare = (...args: unknown[]) => {
    try {
      const form = `${name}.prepare`;
      return prepareStep(() => check(form, { args }, readNames(form, record, args[at], more), true), source());
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
  const forms: object = formsOf(name, record, source, {
    check: (form, { args: [input, target], gradOutput }, given) =>
      checkLoss(form, record, input, target, given, gradOutput),
    at: 2,
  });
  if (second === undefined || second in options) {
    const linear = formsOf(`${name}.linear`, record, source, {
      check: (form, { args, gradOutput }, given, keeps = false) =>
        checkLinear(form, record, args, given, { gradOutput, keeps }),
      more: HEAD_OPTIONS,
      at: 3,
    });
    Object.assign(forms, { linear: Object.freeze(linear) });
  }
  // the overloads of Loss tie result types to the reduction, which the shared code above cannot follow
  const loss: unknown = Object.freeze(forms);
  return loss as LossOf<R>;
}

/** The activation of a record, on the runtime that `source` gives. */
export function makeActivation<R extends OperationRecord>(record: R, source: RuntimeSource): ActivationOf<R> {
  const { name } = record;
  const runs = (form: string) =>
    runsOf(
      {
        source,
        wanted: GRAD,
        read: (options) => readNames(form, record, options),
        check: ({ args: [input, ...incoming] }, given) =>
          checkActivation(form, record, input, given, incoming.length > 0 ? [incoming[0]] : undefined),
      },
      (work) => work.grad as Tensor,
    );
  const [runForward, runBackward] = [runs(name), runs(`${name}.backward`)];
  const forward = (input: TensorInput, options?: unknown) => {
    try {
      return runForward({ args: [input] }, options);
    } catch (error) {
      trim(error, forward);
      throw error;
    }
  };
  const backward = (gradOutput: TensorInput, input: TensorInput, options?: unknown) => {
    try {
      return runBackward({ args: [input, gradOutput] }, options);
    } catch (error) {
      trim(error, backward);
      throw error;
    }
  };
  Object.defineProperty(forward, 'name', { value: name });
  return Object.freeze(Object.assign(forward, { backward }));
}
