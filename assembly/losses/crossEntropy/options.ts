// What the two kinds of target and the two walks share: the options as kernels read them, and zLoss.

import { FREE, IDLE, MAX, SIDE } from '../../classes/samples';
import { ALWAYS, EXPONENTIALS, SPREADS } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import { add, clear, div, loadV, mul, splat, storeV } from '../../lane/lane';
import { Plan } from '../../plan';

// arrays of one value per sample
const SIDE_MASS: usize = FREE; // what weighs the gradient of zLoss
export const SIDE_SCALE: usize = FREE + 1; // what multiplies e in it
export const SHIFTED: usize = FREE + 2; // float64: half of Σ w·(x − m), times the sample's share of ε; two arrays
export const TOTAL: usize = FREE + 4; // float64: Σ t of probability targets; two arrays

/** Adds up the class weights, or counts them, for all samples of a call, which has a scratch. */
export function addWeights(p: Plan): void {
  if (!p.scratch) return;
  let total: f64 = p.a ? 0 : p.total;
  if (p.a) for (let c = 0; c < p.total; c++) total += load<f32>(p.a + (<usize>c << 2));
  changetype<Walk>(p.scratch).total = total;
}

/** Whether any class weighs anything. */
export function weighsAny(p: Plan): bool {
  if (!p.a) return true;
  for (let c = 0; c < p.total; c++) if (load<f32>(p.a + (<usize>c << 2)) != 0) return true;
  return false;
}

/** What the options ask of the frame. */
export function traitsOf(p: Plan): u32 {
  const spreads = p.p0 != 0 && weighsAny(p);
  return EXPONENTIALS | (spreads ? SPREADS : 0) | (p.p1 != 0 ? ALWAYS : 0);
}

/** zLoss of one vector of samples: its value goes to SIDE, what multiplies e in its gradient to SIDE_SCALE. */
export function sideColumn(p: Plan, at: usize, log: v128, sum: v128): void {
  const lse = clear(add(loadV(laneArray(p, MAX) + at), log), loadV(laneArray(p, IDLE) + at));
  storeV(laneArray(p, SIDE) + at, mul(mul(lse, splat(<f32>p.p1)), lse));
  storeV(laneArray(p, SIDE_SCALE) + at, div(mul(lse, loadV(laneArray(p, SIDE_MASS) + at)), sum));
}

/** What weighs the gradients of zLoss. */
export function openSide(p: Plan, t: Walk): void {
  for (let i = 0; i < t.n; i++) {
    const incoming: f64 = p.incoming ? load<f32>(p.incoming + (<usize>(t.sample + i) << 2)) : 1;
    store<f32>(laneArray(p, SIDE_MASS) + (<usize>i << 2), <f32>(2 * p.p1 * p.sideUpstream * incoming));
  }
}

/** Adds the zLoss of a tile to its sum, and to the losses that are kept. */
export function addSides(p: Plan, t: Walk): void {
  for (let i = 0; i < t.n; i++) addSide(p, t.sample + i, load<f32>(laneArray(p, SIDE) + (<usize>i << 2)));
}

/** Adds the zLoss of one sample. */
export function addSide(p: Plan, sample: i32, side: f64): void {
  p.sideSum += side;
  if (!p.loss) return;
  const place = p.loss + (<usize>sample << 2);
  store<f32>(place, <f32>(<f64>load<f32>(place) + side));
}
