// One form of an operation, from its arguments to its results. The work of a call is kept for the next one: where that has the
// same options, and arrays of the same kinds and shapes, nothing has to be checked or placed again. Of arrays that are not the
// engine's own nothing is held meanwhile.

import type { Call } from '../arguments/call.ts';
import type { Given } from '../arguments/common.ts';
import type { Operand } from '../arguments/operand.ts';
import type { Runtime } from '../machine/runtime.ts';
import { MemoryTensor } from '../machine/tensor.ts';
import { type Wanted, Work } from '../work/work.ts';

/** Gives the runtime at the first call. */
export type RuntimeSource = () => Runtime;

/** The arguments of a call beside its options: what it is of, what that is compared with, and the incoming gradient of a loss. */
export interface Arguments {
  readonly args: readonly unknown[];
  readonly gradOutput?: readonly [unknown];
}

/** What a form consists of. */
export interface FormParts {
  readonly source: RuntimeSource;
  readonly wanted: Wanted;
  /** Reads the options, each once. */
  readonly read: (options: unknown) => Given;
  readonly check: (args: Arguments, given: Given) => Call;
}

/** Runs a call once, on the runtime's plan and shared scratch. */
export function once(call: Call, runtime: Runtime, wanted: Wanted): Work {
  const work = new Work(call, runtime, runtime.plan, wanted);
  runtime.memory.withScratch(work.bytes, (base) => {
    work.place(base);
    work.step();
  });
  return work;
}

interface Recent {
  readonly work: Work;
  readonly runtime: Runtime;
  /** The options, but for an `out` that may be another one at each call. */
  readonly given: Given;
  readonly count: number;
}

/** Runs the calls of a form. */
export function runsOf<R>({ source, wanted, read, check }: FormParts, result: (work: Work) => R) {
  let recent: Recent | undefined;

  const finish = (last: Recent): R => {
    const done = result(last.work);
    last.work.drop();
    recent = last;
    return done;
  };

  /** Runs a call with the work of the last one; undefined where it is not alike. */
  const again = (last: Recent, { args, gradOutput }: Arguments, given: Given): R | undefined => {
    const { work, runtime } = last;
    if (!same(given, last) || source() !== runtime || !work.take(args[0], args[1], gradOutput, given.out))
      return undefined;
    const base = runtime.memory.scratchOf(work.bytes);
    return base !== undefined && work.again(base) ? finish(last) : undefined;
  };

  return (args: Arguments, options: unknown): R => {
    const given = read(options);
    // nobody finds it meanwhile: an argument may be a getter that calls the same form
    const last = recent;
    recent = undefined;
    const served = last && again(last, args, given);
    if (served !== undefined) return served;
    const call = check(last ? seen(last, args) : args, given);
    const runtime = source();
    const work = once(call, runtime, wanted);
    if (!work.replaceable) return result(work);
    work.keep();
    const kept = work.aimed ? { ...given, out: undefined } : given;
    return finish({ work, runtime, given: kept, count: Object.keys(given).length });
  };
}

/** Whether options are those of the last call, or hold the same. */
function same(given: Given, { given: before, count, work }: Recent): boolean {
  let found = 0;
  for (const key of Object.keys(given)) {
    if (!work.takeOption(key, given[key], before[key])) return false;
    found += 1;
  }
  return found === count;
}

/** Arguments as the last call's work has read them before it turned out that it cannot serve; tensors of engines stay what they are. */
function seen({ work: { call } }: Recent, { args, ...rest }: Arguments): Arguments {
  const own = call.target as { readonly operand?: Operand } | undefined;
  const read = (arg: unknown) => {
    const now = call.input.seen(arg) ?? own?.operand?.seen(arg);
    return now === undefined || MemoryTensor.runtimeOf(arg as object) ? arg : now;
  };
  return { ...rest, args: args.map(read) };
}
