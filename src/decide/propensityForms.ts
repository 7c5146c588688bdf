// The forms of a propensity-scored loss, whatever it is of: those of the loss itself, and what positives cost beside.

import { checkOptions } from '../entries/options.ts';
import { internals as lib } from '../index.ts';
import type { ForwardResult, Reduction, Step, TensorInput } from '../values/types.ts';
import type { Extra, Forms, Given, Scored, Target } from './propensityExtra.ts';

/** What positives cost beside a call, and how their slopes are added to its gradients, each times a factor. */
export interface Seen<G> {
  readonly extra: Extra;
  readonly add: (grad: G, factor: (at: number) => number) => void;
}

/** Looks at the arguments of a call; undefined where they do not fit, which the loss itself will say. */
export type Look<Of extends readonly unknown[], G> = (of: Of, target: Target, given: Given) => Seen<G> | undefined;

/** Options that the forward form takes no part in. */
const BARE = { grads: undefined, out: undefined, accumulate: undefined };

/** What a loss is divided by. */
function denominatorOf({ reduction = 'mean' }: Given, weightSum: number, shape: readonly number[]): number {
  if (reduction === 'mean') return weightSum;
  return reduction === 'batchmean' ? (shape[0] ?? 1) : 1;
}

/** The results of the base, with what positives cost beside. */
function withLosses<R extends ForwardResult<Reduction>>(result: R, extra: Extra, given: Given): R {
  const { losses, places, shape } = extra;
  let sum = result.sum;
  for (const each of losses) sum += each;
  if (typeof result.loss !== 'number') {
    const { data } = result.loss;
    for (const [i, at] of places.entries()) data[at] = lib.real((data[at] as number) + (losses[i] as number));
    return { ...result, sum };
  }
  const by = denominatorOf(given, result.weightSum, shape);
  return { ...result, sum, loss: by === 0 ? result.loss : sum / by };
}

const scaleOf = ({ scale = 1 }: Given): number => Number(scale);

/** The forms; `count` is how many arguments come before the target. */
export function formsOf<Of extends readonly unknown[], G>(
  base: Forms<Of, G>,
  scored: Scored,
  { name, count, look }: { readonly name: string; readonly count: number; readonly look: Look<Of, G> },
) {
  type Args = [...of: Of, target: Target, options?: Given];
  const split = (args: Args) => {
    const options: unknown = args[count + 1];
    checkOptions(name, options);
    return {
      of: args.slice(0, count) as unknown as Of, // as Args says
      target: args[count] as Target,
      given: { ...options } as Given, // each read once, also for the steps that come
    };
  };
  const fused = (...args: Args) => {
    const { of, target, given } = split(args);
    const options = scored.options(given);
    const seen = look(of, target, given); // before the gradient goes over the input
    const result = base(...of, target, options);
    if (!seen) return result;
    const by = denominatorOf(given, result.weightSum, seen.extra.shape);
    if (by !== 0) seen.add(result.grad, () => scaleOf(given) / by);
    return withLosses(result, seen.extra, given);
  };
  const forward = (...args: Args) => {
    const { of, target, given } = split(args);
    const result = base.forward(...of, target, scored.options(given));
    const seen = look(of, target, given);
    return seen ? withLosses(result, seen.extra, given) : result;
  };
  const backward = (gradOutput: TensorInput, ...args: Args) => {
    const { of, target, given } = split(args);
    const options = scored.options(given);
    const seen = look(of, target, given);
    const mean = given.reduction === undefined || given.reduction === 'mean';
    const weightSum = mean ? base.forward(...of, target, { ...options, ...BARE }).weightSum : 1;
    const result = base.backward(gradOutput, ...of, target, options);
    if (!seen) return result;
    const by = denominatorOf(given, weightSum, seen.extra.shape);
    const { data } = lib.readOperand(gradOutput, `${name}: gradOutput`);
    const incoming = (at: number): number => Number(given.reduction === 'none' ? data[at] : data[0]);
    if (by !== 0) seen.add(result.grad, (at) => (incoming(at) * scaleOf(given)) / by);
    return result;
  };
  const prepare = (...args: Args) => {
    const { of, target, given } = split(args);
    const inner = base.prepare(...of, target, scored.options(given));
    return stepOf(inner, () => {
      const seen = look(of, target, given);
      const loss = inner();
      if (!seen) return { loss, sum: inner.sum };
      const by = denominatorOf(given, inner.weightSum, seen.extra.shape);
      if (by !== 0) seen.add(inner.grad, () => scaleOf(given) / by);
      const { sum, count, weightSum } = inner;
      return withLosses({ loss, sum, count, weightSum }, seen.extra, given);
    });
  };
  const forms = { forward: lib.guard(forward), backward: lib.guard(backward), prepare: lib.guard(prepare) };
  return Object.defineProperty(Object.assign(lib.guard(fused), forms), 'name', { value: name });
}

/** A step around the one of the base. */
function stepOf<L, S extends { sum: number; count: number; weightSum: number; grad: unknown; free(): void }>(
  inner: S,
  run: () => { readonly loss: L; readonly sum: number },
): Step {
  let sum = 0;
  const step = (): L => {
    const result = run();
    sum = result.sum;
    return result.loss;
  };
  const results = {
    grad: { get: () => inner.grad, enumerable: true },
    sum: { get: () => sum, enumerable: true },
    count: { get: () => inner.count, enumerable: true },
    weightSum: { get: () => inner.weightSum, enumerable: true },
    zSum: { get: () => 0, enumerable: true },
  };
  const free = (): void => inner.free();
  const made = Object.defineProperties(Object.assign(lib.guard(step), { free }), results);
  if (Symbol.dispose) Object.defineProperty(made, Symbol.dispose, { value: free });
  return made as unknown as Step; // the properties above are what Step says
}
