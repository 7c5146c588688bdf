// One of a set of classes is right (Jin & Ghahramani 2002): l = −log Σ_{c in set} p_c = log(1 + e^D), D = LSE of the others minus
// LSE of the set. It is a component whose group differs from sample to sample (componentCrossEntropy/wide.ts). Samples with an
// empty set are idle (indices).
//
// Operands: target ≠ 0 where a class is in the set, b sampleWeight.

import { tileRow } from '../classes/pack';
import { IDLE, LOSS, SCALE } from '../classes/samples';
import { nothing, SPARE, tileOf, tiles, VALUES } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { add, clear, eq, loadV, mul, splat, storeV, VECTOR } from '../lane/lane';
import { Plan } from '../plan';
import { addLosses } from '../sums';
import { HALF, ownBytes, setArray } from './componentCrossEntropy/parts';
import { closeWide, spreadWide, sumWide, topsWide } from './componentCrossEntropy/wide';

export function partialLabel(p: Plan): usize {
  return tiles(
    p, VALUES | SPARE, ownBytes(p),
    nothing,
    (p: Plan, t: Walk): void => topsWide(p, t, -1, 0),
    (p: Plan, t: Walk): void => sumWide(p, t, -1, 0),
    nothing,
    (p: Plan, t: Walk): void => finish(p, t),
    (p: Plan, t: Walk): void => gradients(p, t),
    nothing, nothing,
  );
}

function finish(p: Plan, t: Walk): void {
  closeWide(p, t, 0);
  const zero = splat(0);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at), own = clear(loadV(t.own + at), idle);
    const half = mul(own, loadV(setArray(p, 0, HALF) + at));
    storeV(laneArray(p, LOSS) + at, clear(add(half, half), eq(own, zero)));
    storeV(laneArray(p, SCALE) + at, clear(loadV(t.mass + at), idle));
  }
  addLosses(p, laneArray(p, LOSS), t.sample, t.n);
}

function gradients(p: Plan, t: Walk): void {
  const tile = tileOf(p, 1);
  memory.fill(tile, 0, <usize>t.count * tileRow());
  spreadWide(p, t, -1, 0, tile);
  t.scales = laneArray(p, SCALE);
}
