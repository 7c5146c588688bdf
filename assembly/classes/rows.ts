// The frame of class operations that go by rows: the classes of a sample lie side by side and there are many. Its passes are
// those of tiles.ts. A row of up to KEPT classes keeps its exponentials in the scratch; a longer one computes them again.

import { ACCUMULATE, CUT, FINISH, GRADIENT, MEASURE, Plan, SECOND } from '../plan';
import { openProducts } from '../sums';
import { expRow, expRowBlock, maxRow } from './row';
import { ARRAYS, PRODUCT } from './samples';
import { Pass } from './tiles';
import { advance, begin, closeChunk, laneArray, locate, openChunk, startsAnew, stateBytes, Walk } from './walk';

/** Classes of a row whose exponentials are kept: 768 KiB. */
const KEPT: i32 = 196608;
/** Classes of a block of a longer row. */
const BLOCK: i32 = 32768;

/** Whether a sample counts at all. */
export type Opening = (p: Plan, t: Walk) => bool;

/** Classes that the scratch has room for. */
// @ts-ignore: decorator
@inline function room(p: Plan): i32 {
  return !(p.flags & CUT) && p.total <= KEPT ? p.total : BLOCK;
}

/** Takes a plan through the passes of an operation, row by row. `moved`: it computes with logits of its own making. */
export function rows(
  p: Plan, moved: bool, open: Opening, load: Pass, first: Pass, finish: Pass, gradient: Pass, close: Pass,
): usize {
  const size = ((<usize>room(p) << 2) + 15) & ~15;
  if (!p.scratch) return stateBytes(ARRAYS) + (moved ? 2 * size : size);
  const t = changetype<Walk>(p.scratch);
  t.e = p.scratch + stateBytes(ARRAYS);
  const own = t.e + size;
  const cut = (p.flags & CUT) != 0, fresh = startsAnew(p);
  if (fresh) {
    begin(p);
    openProducts(laneArray(p, PRODUCT));
  } else locate(p, t, 0);
  t.kept = !cut && room(p) == p.total;
  while (!fresh || openChunk(p, t)) {
    while (!fresh || advance(p, t, true, false)) {
      if (fresh) {
        t.marked = !open(p, t);
        t.top = -Infinity;
        t.rest = t.ties = t.u = t.v = t.w = 0;
      }
      if (!t.marked) passes(p, t, moved ? own : 0, load, first, finish, gradient);
      else if (p.grad != 0 && (p.phase & GRADIENT) != 0) memory.fill(t.g, 0, <usize>p.middle << 2);
      if (!fresh) break;
    }
    if (p.phase & FINISH) {
      close(p, t);
      closeChunk(p, t);
    }
    if (cut) break;
  }
  return 0;
}

function passes(p: Plan, t: Walk, own: usize, load: Pass, first: Pass, finish: Pass, gradient: Pass): void {
  const x = t.x, y = t.y, g = t.g;
  const step = t.kept ? p.middle : BLOCK;
  for (let phase: u32 = MEASURE; phase <= GRADIENT; phase <<= 1) {
    if (!(p.phase & phase)) continue;
    if (phase == FINISH) {
      if (!t.kept) t.q = t.rest + (t.ties - 1);
      finish(p, t);
      continue;
    }
    if (phase == SECOND || (phase == GRADIENT && !p.grad)) continue;
    for (let c = 0; c < p.middle; c += step) {
      t.first = p.first + c;
      t.count = min(step, p.middle - c);
      t.x = x + (<usize>c << 2);
      t.y = y + (<usize>c << 2);
      t.g = g + (<usize>c << 2);
      if (!t.kept || phase == MEASURE) {
        t.row = own ? own : t.x;
        load(p, t);
      }
      if (phase == MEASURE) t.top = Math.max(t.top, maxRow(t.row, t.count, t.e));
      else if (phase == ACCUMULATE) {
        if (t.kept) t.q = expRow(t.row, t.e, t.count, <f32>t.top);
        else expRowBlock(t, t.row, p.grad ? t.e : 0, t.count);
        first(p, t);
      } else if (phase == GRADIENT) {
        if (!t.kept) {
          const ties = t.ties, rest = t.rest;
          expRowBlock(t, t.row, t.e, t.count);
          t.ties = ties;
          t.rest = rest;
        }
        gradient(p, t);
      }
    }
    t.x = x;
    t.y = y;
    t.g = g;
  }
}
