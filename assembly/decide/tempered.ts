// Logits at a temperature: d = (x − m)·β with β = 1/T, the maximum taken away first, so that a common offset costs no digits.
// A kernel that wants tiles of d calls `startTempered` first and passes `temper` as load and `settle` as measure; from then on the
// maximum is 0. The flag `far` of the walk says that the maxima are known.

import { tileRow } from '../classes/pack';
import { FREE, MAX } from '../classes/samples';
import { tileOf } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { loadV, mul, splat, storeV, sub, VECTOR } from '../lane/lane';
import { Plan } from '../plan';
import { copyLanes } from './output';

const TOP: usize = FREE; // m
/** The first array that is free. */
export const TEMPERED: usize = FREE + 1;

export function startTempered(p: Plan): void {
  if (p.scratch) changetype<Walk>(p.scratch).far = false;
}

/** Turns the logits of the tile into d, once the maxima are known. */
export function temper(p: Plan, t: Walk): void {
  if (!t.far) return;
  const by = splat(<f32>p.p0);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const m = loadV(laneArray(p, TOP) + at);
    let x = tileOf(p, 0) + at;
    for (let c = 0; c < t.count; c++, x += tileRow()) storeV(x, mul(sub(loadV(x), m), by));
  }
}

/** With the last classes the maxima are known. */
export function settle(p: Plan, t: Walk): void {
  if (t.first + t.count < p.total) return;
  copyLanes(p, t, MAX, TOP);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) storeV(laneArray(p, MAX) + at, splat(0));
  t.far = true;
  if (t.kept) temper(p, t); // else they are fetched again
}
