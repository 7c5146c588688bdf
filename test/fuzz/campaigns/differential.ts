/**
 * Every form against the float64 reference with plain arrays, then with the operands where they were drawn to lie: the same
 * bits, nothing else written, nothing kept, little memory taken.
 */
import { Call, type Form, isLarge, plainly, shown } from '../calls.ts';
import type { Context } from '../context.ts';
import { calls } from '../draws.ts';
import { features } from '../finding.ts';
import { differs, misses, type Outcome, Truths } from '../judge.ts';
import { isActivation } from '../losses.ts';
import { problemOf } from '../problem.ts';
import type { CallDraw, Problem } from '../types.ts';
import type { Campaign } from './campaign.ts';

const judged = ['fused', 'forward', 'backward'] as const;

function numbersOf({ loss, grad }: Outcome): number {
  return (typeof loss === 'object' ? loss.data.length : 1) + (grad?.data.length ?? 0);
}

/** The problem with plain arrays, each form compared with the truth. */
function baseline(problem: Problem, context: Context): ReadonlyMap<Form, Outcome> {
  const truths = new Truths(problem);
  const call = new Call(context.bench(problem.draw.tier, isLarge(problem)), plainly(problem), 'absent');
  const outcomes = new Map<Form, Outcome>();
  try {
    for (const form of judged) {
      const outcome = call.run(form);
      context.counts.calls++;
      context.counts.compared += numbersOf(outcome);
      const wrong = misses(form, outcome, truths);
      if (wrong) call.fail(form, wrong);
      outcomes.set(form, outcome);
    }
  } finally {
    call.free();
  }
  return outcomes;
}

function attempt(draw: CallDraw, context: Context): void {
  const problem = problemOf(draw);
  const expected = baseline(problem, context);
  const call = new Call(context.bench(draw.tier, isLarge(problem)), problem, draw.out);
  try {
    const all: readonly Form[] = isActivation(problem.entry) ? judged : [...judged, 'prepare'];
    for (const form of all) {
      const outcome = call.run(form);
      context.counts.calls++;
      const like = expected.get(form === 'prepare' ? 'fused' : form)!;
      const { zSum: _, ...comparable } = like;
      const wrong = differs(outcome, form === 'prepare' ? comparable : like, problem, context.settings);
      if (wrong) call.fail(form, wrong);
    }
  } finally {
    call.free();
  }
}

export const differential: Campaign<CallDraw> = {
  name: 'differential',
  share: 40,
  limit: 30,
  draws: calls,
  attempt,
  features,
  show: (draw, context) => shown(draw, 'fused', context),
  gist: features,
  call: { get: (draw) => draw, set: (_, call) => call },
};
