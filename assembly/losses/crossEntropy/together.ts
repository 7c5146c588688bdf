// What the loops over few classes share (few.ts): the targets, smoothing, and the sums of samples whose losses nobody asks for one
// by one.

import { AWAY, REST, TARGET } from '../../classes/samples';
import { laneArray, Walk } from '../../classes/walk';
import { LANES, loadV, splat, storeV } from '../../lane/lane';
import { sumOf, zeroW } from '../../lane/wide';
import { Plan } from '../../plan';
import { closeProducts, openProducts } from '../../sums';

/** 1/2. */
export const HALF: usize = memory.data<f32>([0.5], 16);

/** Where the targets of the last n samples of a tile are; lanes past the last one are idle. */
// @ts-ignore: decorator
@inline export function targetsAt(p: Plan, t: Walk, n: i32, apart: bool): usize {
  const i = <usize>(t.n - n) << 2;
  if (apart) return laneArray(p, TARGET) + i;
  return n < LANES ? lastTargets(p, t, n) : p.indices + (<usize>t.sample << 2) + i;
}

function lastTargets(p: Plan, t: Walk, n: i32): usize {
  const to = laneArray(p, TARGET), from = p.indices + (<usize>(t.sample + t.n - n) << 2);
  for (let i = 0; i < LANES; i++) {
    const at = <usize>i << 2;
    store<i32>(to + at, i < n ? load<i32>(from + at) : p.ignoreIndex);
  }
  return to;
}

/** Smoothing by ε gives each class the share ε/C of a sample, and its target what is kept, 1 − ε, beside. */
@unmanaged
export class Smooth extends Plan {
  // @ts-ignore: decorator
  @inline share(): v128 {
    return splat(<f32>(this.p0 / this.total));
  }

  // @ts-ignore: decorator
  @inline kept(): v128 {
    return splat(<f32>(1 - this.p0));
  }
}

// The loss of a sample is log(1 + q) + 2·away, away being half of m − x of its target: the logarithms of many are one, of a
// product (sums.ts), and what is away adds up behind it. Loops hold both in registers: in memory they cost a tenth of [8, 3, 47].

/** Bytes from the products to the sum of what is away. */
export const BEHIND: usize = 32;

/** Begins sums. */
export function openTogether(products: usize): void {
  openProducts(products);
  storeV(products + BEHIND, zeroW());
}

/** The losses together. */
export function closeTogether(products: usize): f64 {
  const sum = closeProducts(products) - 2 * sumOf(loadV(products + BEHIND));
  storeV(products + BEHIND, zeroW());
  return sum;
}

/** Keeps a vector of samples whose losses are computed one by one. */
// @ts-ignore: decorator
@inline export function keepApart(p: Plan, at: usize, q: v128, gap: v128): void {
  storeV(laneArray(p, REST) + at, q);
  storeV(laneArray(p, AWAY) + at, gap);
}
