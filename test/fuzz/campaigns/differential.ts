/** Every form, on plain arrays, against the float64 reference. */
import { Call, type Form, isLarge, plainly, shown } from '../calls.ts';
import type { Context } from '../context.ts';
import { calls } from '../draws.ts';
import { features } from '../finding.ts';
import { misses, type Outcome, Truths } from '../judge.ts';
import { problemOf } from '../problem.ts';
import type { CallDraw, Problem } from '../types.ts';
import type { Campaign } from './campaign.ts';

export const judged = ['fused', 'forward', 'backward'] as const;

function numbersOf({ loss, grad }: Outcome): number {
  return (typeof loss === 'object' ? loss.data.length : 1) + (grad?.data.length ?? 0);
}

/** The problem with plain arrays. */
export function baseline(problem: Problem, context: Context, truths?: Truths): ReadonlyMap<Form, Outcome> {
  const call = new Call(context.bench(problem.draw.tier, isLarge(problem)), plainly(problem), 'absent');
  return judge(call, truths, context);
}

/** Every form of a call, compared with the truth where there is one. */
export function judge(call: Call, truths: Truths | undefined, context: Context): ReadonlyMap<Form, Outcome> {
  const outcomes = new Map<Form, Outcome>();
  try {
    for (const form of judged) {
      const outcome = call.run(form);
      context.counts.calls++;
      outcomes.set(form, outcome);
      if (truths === undefined) continue;
      context.counts.compared += numbersOf(outcome);
      const wrong = misses(form, outcome, truths);
      if (wrong) call.fail(form, wrong);
    }
  } finally {
    call.free();
  }
  return outcomes;
}

export const differential: Campaign<CallDraw> = {
  name: 'differential',
  share: 25,
  limit: 60,
  draws: calls,
  attempt(draw, context) {
    const problem = problemOf(draw);
    baseline(problem, context, new Truths(problem));
  },
  features,
  show: (draw, context) => shown(draw, 'fused', context),
  gist: features,
  call: { get: (draw) => draw, set: (_, call) => call },
};
