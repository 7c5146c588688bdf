/**
 * Class axes of thousands to millions in the middle, rows longer than a block: right, and in little memory. With --large
 * also shapes whose scratch would pass 2^31 bytes, which need gigabytes.
 */
import fc, { type Arbitrary } from 'fast-check';
import { BLOCK, calls, type ShapeDraw } from '../draws.ts';
import { Truths } from '../judge.ts';
import { problemOf } from '../problem.ts';
import type { CallDraw } from '../types.ts';
import type { Campaign } from './campaign.ts';
import { baseline } from './differential.ts';
import { comparePlaces, placement } from './placement.ts';

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
  .constantFrom(2_800_000, 4_200_000, 2_100_000, 5_600_000, 8_400_000)
  .map((classes): ShapeDraw => ({ shape: [classes, 2], axis: 0 }));

export const memory: Campaign<CallDraw> = {
  ...placement,
  name: 'memory',
  share: 12,
  limit: 180,
  draws: (choice) => {
    const shapes = choice.large
      ? overflowing
      : fc.oneof({ weight: 3, arbitrary: longAxes }, { weight: 1, arbitrary: longRows });
    return calls({ ...choice, shapes });
  },
  attempt(draw, context) {
    const problem = problemOf(draw);
    comparePlaces(problem, baseline(problem, context, new Truths(problem)), context);
  },
};
