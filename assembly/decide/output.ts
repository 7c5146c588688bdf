// What the kernels of lossmith/decide write: some numbers for each sample, of 32 bits each, output by output at p.parts.

import { loadV, storeV, VECTOR } from '../lane/lane';
import { laneArray, Walk } from '../classes/walk';
import { Plan } from '../plan';
import { copyFloats } from '../sums';

/** Where an output of a sample stands. */
// @ts-ignore: decorator
@inline export function outputOf(p: Plan, i: i32, sample: i32): usize {
  return p.parts + (<usize>(i * p.partStep + sample) << 2);
}

/** Writes the lane array at `from` out. */
export function putLanes(p: Plan, t: Walk, i: i32, from: usize): void {
  copyFloats(from, outputOf(p, i, t.sample), t.n);
}

/** Copies a lane array. */
export function copyLanes(p: Plan, t: Walk, from: usize, to: usize): void {
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) storeV(laneArray(p, to) + at, loadV(laneArray(p, from) + at));
}
