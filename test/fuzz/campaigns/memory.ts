/**
 * Class axes of thousands to millions in the middle, rows longer than a block: right, and in little memory. With --large
 * also shapes whose scratch would pass 2^31 bytes, which need gigabytes.
 */
import fc, { type Arbitrary } from 'fast-check';
import { Call } from '../calls.ts';
import { BLOCK, calls, type ShapeDraw } from '../draws.ts';
import { Truths } from '../judge.ts';
import { entries, hasAxis, names } from '../losses.ts';
import type { PlaceName } from '../places.ts';
import { problemOf } from '../problem.ts';
import type { CallDraw } from '../types.ts';
import type { Campaign } from './campaign.ts';
import { judge } from './differential.ts';
import { placement } from './placement.ts';

/** Values of one case. */
const MOST = 600_000;

const longAxes: Arbitrary<ShapeDraw> = fc
  .tuple(
    fc.integer({ min: 1000, max: MOST }),
    fc.constantFrom(2, 3, 1, 5, 70),
    fc.constantFrom(1, 2),
    fc.nat({ max: 2 }),
  )
  .map(([classes, inner, outer, axis]): ShapeDraw => {
    const c = Math.max(1, Math.floor(classes / (inner * outer)));
    if (axis === 0) return { shape: [c, inner], axis: 0 };
    return axis === 1 ? { shape: [outer, c, inner], axis: 1 } : { shape: [outer, c], axis: 1 };
  });

const longRows = fc
  .integer({ min: 1, max: 9 })
  .map((blocks): ShapeDraw => ({ shape: [2, blocks * BLOCK + 1], axis: 1 }));

/** Scratch of 512 or 768 bytes for each class passes 2^31 at 4.2 and 2.8 million classes, and 2^32 at twice that. */
const overflowing = fc
  .constantFrom(2_800_000, 4_200_000, 2_100_000, 5_600_000)
  .map((classes): ShapeDraw => ({ shape: [classes, 2], axis: 0 }));

/** Losses whose scratch grows with the classes. */
const byClass = names.filter((op) => hasAxis(entries[op]!));

/** Nested arrays and lists of millions of numbers take longer than all the rest. */
function unnested(draw: CallDraw): CallDraw {
  const typed = <T extends { readonly place: PlaceName }>(operand: T): T =>
    /nested|list/.test(operand.place) ? { ...operand, place: 'f32' } : operand;
  return { ...draw, input: typed(draw.input), ...(draw.target && { target: typed(draw.target) }) };
}

export const memory: Campaign<CallDraw> = {
  ...placement,
  name: 'memory',
  share: 12,
  limit: 180,
  draws: (choice) => {
    const shapes = choice.large
      ? overflowing
      : fc.oneof({ weight: 3, arbitrary: longAxes }, { weight: 1, arbitrary: longRows });
    if (!choice.large) return calls({ ...choice, shapes });
    const ops = byClass.filter((op) => choice.ops?.includes(op) ?? true);
    return calls({ ...choice, ops, shapes }).map(unnested);
  },
  attempt(draw, context) {
    const problem = problemOf(draw);
    judge(new Call(context.bench(draw.tier, true), problem, draw.out), new Truths(problem), context);
  },
};
