/**
 * The operands where they were drawn to lie, and plain arrays: the same bits from every form, a prepared step among them,
 * nothing else written, nothing kept, little memory taken.
 */
import fc from 'fast-check';
import { Call, type Form, isLarge, shown } from '../calls.ts';
import type { Context } from '../context.ts';
import { blockShapes, calls, edgeShapes, tinyShapes } from '../draws.ts';
import { features } from '../finding.ts';
import { differs, type Outcome } from '../judge.ts';
import { isActivation } from '../losses.ts';
import { problemOf } from '../problem.ts';
import type { CallDraw, Problem } from '../types.ts';
import type { Campaign } from './campaign.ts';
import { baseline, judged } from './differential.ts';

/** Compares every form of a call at its places with what plain arrays gave. */
export function comparePlaces(problem: Problem, expected: ReadonlyMap<Form, Outcome>, context: Context): void {
  const { draw } = problem;
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

const shapes = fc.oneof(
  { weight: 5, arbitrary: tinyShapes },
  { weight: 4, arbitrary: edgeShapes },
  { weight: 3, arbitrary: blockShapes },
);

export const placement: Campaign<CallDraw> = {
  name: 'placement',
  share: 20,
  limit: 60,
  draws: (choice) => calls({ shapes, ...choice }),
  attempt(draw, context) {
    const problem = problemOf(draw);
    comparePlaces(problem, baseline(problem, context), context);
  },
  features,
  show: (draw, context) => shown(draw, 'fused', context),
  gist: features,
  call: { get: (draw) => draw, set: (_, call) => call },
};
