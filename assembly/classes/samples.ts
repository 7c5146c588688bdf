// What belongs to samples and not to a loss: their targets, weights and incoming gradients, and which of them are idle. A
// sample is idle where nothing of it counts (its target is ignored, or its weights are 0): its loss and its gradient are 0,
// whatever its logits hold.

import { anyOf, clear, eq, everyBit, isInt, LANES, loadV, or, splat, storeV, VECTOR } from '../lane/lane';
import { gather, loadSome, offsets } from '../lane/place';
import { high, join, low, mulW, splatW } from '../lane/wide';
import { INDICES, Plan } from '../plan';
import { copyFloats } from '../sums';
import { tileRow } from './pack';
import { laneArray, Walk } from './walk';

// Arrays of one value per sample of a tile. Losses use those from FREE on for what is their own.
export const TARGET: usize = 0; // int32; past the last sample ignoreIndex
export const PLACE: usize = 1; // where the target is in a tile (bytes)
export const OWN: usize = 2; // what weighs the sample's loss: sample weight · class weight of the target
export const MASS: usize = 3; // what weighs its gradient: OWN · everything that scales gradients, rounded once
export const WEIGHT: usize = 4; // sample weight
export const WEIGHT_MASS: usize = 5; // and the same for the gradient
export const UPSTREAM: usize = 6; // what scales gradients where no sample has its own
export const IDLE: usize = 7; // mask
export const MAX: usize = 8; // m, the largest logit
export const REST: usize = 9; // q = Σ e^(x−m) − 1
export const AWAY: usize = 10; // half of x − m of the target (halves do not overflow)
export const OF_TARGET: usize = 11; // e^(x−m) of the target
export const AT_TARGET: usize = 12; // what stands at the target's place in the tile of gradients
export const LOSS: usize = 13;
export const SIDE: usize = 14; // the term with a denominator of its own
export const SCALE: usize = 15; // what multiplies the tile of gradients on its way out
export const PRODUCT: usize = 16; // products of (1 + q) whose logarithm is still to be taken (sums.ts)
export const SUM: usize = 17; // where e is not kept: Σ e^(x−m) but for the maxima, float64, so two arrays
export const TIES: usize = 19; // and the number of classes that are maxima
export const ALL: usize = 20; // mask with every lane set
export const BLOCK: usize = 21; // where e is not kept: the largest logit of a block of classes
export const UNUSED: usize = 22; // the largest of values of which nobody asks for it
export const FREE: usize = 23;
/** All of them, with those that a loss may use. */
export const ARRAYS: usize = 36;

/** One value for each sample of a tile, all 1. */
export const ONES: usize = memory.data<f32>([
  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
], 16);

/** Fills the arrays that hold for all samples. */
export function beginSamples(p: Plan): void {
  const upstream = splat(<f32>p.upstream);
  for (let at: usize = 0; at < tileRow(); at += VECTOR) {
    storeV(laneArray(p, UPSTREAM) + at, upstream);
    storeV(laneArray(p, ALL) + at, everyBit());
  }
}

/** Everything that scales the gradient of a sample, its incoming gradient included. */
// @ts-ignore: decorator
@inline export function upstreamOf(p: Plan, sample: i32): f64 {
  return p.incoming ? p.upstream * load<f32>(p.incoming + (<usize>sample << 2)) : p.upstream;
}

/** Weight of a sample before class weights: 1 unless sample weights (operand b) are given. */
// @ts-ignore: decorator
@inline export function sampleWeightOf(p: Plan, sample: i32): f64 {
  return p.b ? <f64>load<f32>(p.b + (<usize>sample << 2)) : 1;
}

/** Weight of a class (operand a): 1 unless class weights are given. */
// @ts-ignore: decorator
@inline export function classWeightOf(p: Plan, c: i32): f64 {
  return p.a ? <f64>load<f32>(p.a + (<usize>c << 2)) : 1;
}

/**
 * Reads what belongs to the samples of a tile. `weighs`: the class weight of its target weighs a sample. `spreads`: a sample
 * counts also where that weight is 0; `always`: even where its sample weight is.
 */
export function openSamples(p: Plan, t: Walk, weighs: bool, spreads: bool, always: bool): void {
  const indices = (p.flags & INDICES) != 0;
  const end = (t.n + LANES - 1) & -LANES;
  const targets = laneArray(p, TARGET);
  let marks = splat(0);
  if (indices) {
    copyFloats(p.indices + (<usize>t.sample << 2), targets, t.n);
    for (let i = t.n; i < end; i++) store<i32>(targets + (<usize>i << 2), p.ignoreIndex);
    for (let i = 0; i < end; i += LANES) {
      const at = <usize>i << 2;
      const idle = isInt(targets + at, p.ignoreIndex);
      storeV(laneArray(p, PLACE) + at, offsets(targets + at, p.ignoreIndex, <i32>tileRow(), <i32>at, 4));
      storeV(laneArray(p, IDLE) + at, idle);
      if (i + LANES <= t.n) marks = or(marks, idle);
    }
  } else {
    for (let i = 0; i < end; i += LANES) storeV(laneArray(p, IDLE) + (<usize>i << 2), splat(0));
    for (let i = t.n; i < end; i++) store<i32>(laneArray(p, IDLE) + (<usize>i << 2), -1);
  }
  t.own = t.weight = ONES;
  t.mass = t.weightMass = laneArray(p, UPSTREAM);
  t.scales = ONES;
  // lanes past the last sample are idle too, but hold zeros
  t.marked = anyOf(marks);
  for (let i = t.n & -LANES; i < t.n; i++) if (load<i32>(laneArray(p, IDLE) + (<usize>i << 2))) t.marked = true;
  if ((weighs && p.a != 0) || p.b || p.incoming) weighSamples(p, t, weighs, spreads, always);
}

/** Weights and incoming gradients of samples that have any; products are rounded once. */
function weighSamples(p: Plan, t: Walk, weighs: bool, spreads: bool, always: bool): void {
  const one = splat(1), zero = splat(0), classes = laneArray(p, OWN), upstream = splatW(p.upstream);
  let marks = zero;
  for (let i = 0; i < t.n; i += LANES) {
    const at = <usize>i << 2, place = <usize>(t.sample + i) << 2, left = t.n - i;
    const idle = loadV(laneArray(p, IDLE) + at);
    const s = clear(p.b ? loadSome(p.b + place, left, 0) : one, idle);
    let c = one;
    if (weighs && p.a != 0) {
      storeV(classes + at, offsets(laneArray(p, TARGET) + at, p.ignoreIndex, 4, 0, 0));
      c = gather(p.a, classes + at);
    }
    const incoming = p.incoming ? loadSome(p.incoming + place, left, 0) : one;
    const low0 = mulW(low(s), low(c)), high0 = mulW(high(s), high(c));
    const low1 = mulW(upstream, low(incoming)), high1 = mulW(upstream, high(incoming));
    const nothing = eq(s, zero), none = or(nothing, eq(c, zero));
    if (!always) {
      const more = clear(spreads ? nothing : none, idle);
      storeV(laneArray(p, IDLE) + at, or(idle, more));
      marks = or(marks, more);
    }
    storeV(laneArray(p, OWN) + at, join(low0, high0));
    storeV(laneArray(p, MASS) + at, clear(join(mulW(low0, low1), mulW(high0, high1)), none));
    storeV(laneArray(p, WEIGHT) + at, s);
    storeV(laneArray(p, WEIGHT_MASS) + at, clear(join(mulW(low(s), low1), mulW(high(s), high1)), nothing));
  }
  if (anyOf(marks)) t.marked = true;
  t.own = laneArray(p, OWN);
  t.mass = laneArray(p, MASS);
  t.weight = laneArray(p, WEIGHT);
  t.weightMass = laneArray(p, WEIGHT_MASS);
}
