// One of a set of classes is right (Jin & Ghahramani 2002): l = −log Σ_{c in set} p_c = log(1 + e^D), D = LSE of the others minus
// LSE of the set. It is a component whose group differs from sample to sample, and computed like one: samples whose logits span
// less than 80 with one exponential for each class (componentCrossEntropy/near.ts), the others with two (wide.ts). Samples with
// an empty set are idle (indices).
//
// Operands: target ≠ 0 where a class is in the set, b sampleWeight.

import { expTile } from '../classes/columns';
import { tileRow } from '../classes/pack';
import { IDLE, LOSS, MAX, REST, SCALE } from '../classes/samples';
import { nothing, SPARE, tileOf, tiles, VALUES } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { add, clear, eq, loadV, mul, splat, storeV, VECTOR } from '../lane/lane';
import { Plan } from '../plan';
import { addLosses } from '../sums';
import { halves, measure, mergeWide, scales, setFactors, setRatios } from './componentCrossEntropy/near';
import { HALF, ownBytes, REMOTE, setArray } from './componentCrossEntropy/parts';
import { closeWide, spreadWide, sumWide, topsWide } from './componentCrossEntropy/wide';

export function partialLabel(p: Plan): usize {
  return tiles(
    p, VALUES | SPARE, ownBytes(p),
    nothing,
    (p: Plan, t: Walk): void => { if (t.kept) measure(p, t); else topsWide(p, t, -1, 0); },
    (p: Plan, t: Walk): void => { if (!t.kept) sumWide(p, t, -1, 0); },
    nothing,
    (p: Plan, t: Walk): void => finish(p, t),
    (p: Plan, t: Walk): void => gradients(p, t),
    nothing, nothing,
  );
}

function finish(p: Plan, t: Walk): void {
  if (t.kept) {
    const marks = t.far ? laneArray(p, REMOTE) : 0;
    expTile(t, tileOf(p, 0), tileOf(p, 1), laneArray(p, MAX), laneArray(p, REST), marks);
    setRatios(p, t, tileOf(p, 1));
    if (t.farther) {
      topsWide(p, t, -1, 0);
      sumWide(p, t, -1, 0);
      closeWide(p, t, 0);
    }
    halves(p, t);
  } else closeWide(p, t, 0);
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
  const grads = tileOf(p, 1), exact = t.kept ? tileOf(p, 3) : grads;
  t.scales = laneArray(p, SCALE);
  if (!t.kept || t.farther) {
    memory.fill(exact, 0, <usize>t.count * tileRow());
    spreadWide(p, t, -1, 0, exact);
  }
  if (!t.kept) return;
  setFactors(p, t, grads);
  scales(p, t, true);
  if (t.farther) mergeWide(p, t, grads, exact);
}
