// Composite labels: cross entropy of the parts of a label under one softmax over the joint classes. Component k maps every
// class to a group; with I the classes in the group of the target, O the others, D = LSE(x_O) − LSE(x_I):
//
//   l_k = −log Σ_{c∈I} p_c = log(1 + e^D) = log1p(σ_O/σ_I),      σ_O, σ_I = Σ e^(x−m) over O and I
//   ∂l_k/∂x_c = p_c                                              for c in O
//             = −(σ_O/(σ_O + σ_I))·e_c/σ_I                       for c in I (p_c − e_c/σ_I without the cancellation)
//   l = s·Σ_k w_k·l_k
//
// Plain cross entropy is the component that maps every class to a group of its own; the caller adds it for a joint weight.
//
// Both sums may be taken relative to the largest logit while no e^(x−m) comes near underflow, that is while the logits of a
// sample span less than SPAN (near.ts: one exponential for all components). In samples with a wider span (−Infinity masks,
// ±1e30), and where the classes do not fit a tile, each group is taken relative to its own maximum (wide.ts). A component of
// weight 0 adds nothing, whatever its own loss is; one with nothing outside costs exactly 0, if something inside is finite.
//
// Operands: b sampleWeight, c int32 groups [members][C], d float32 weights [members]; parts and partSums per component.

import { FEW } from '../../classes/few';
import { tileRow } from '../../classes/pack';
import { IDLE, LOSS, SCALE, TARGET } from '../../classes/samples';
import { nothing, SPARE, tileOf, tiles } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import { clear, loadV, storeV, VECTOR } from '../../lane/lane';
import { offsets } from '../../lane/place';
import { Plan } from '../../plan';
import { few } from './few';
import { measure, near } from './near';
import {
  CLASS, closeChunk, finishLosses, lumps, openGroups, openSums, ownBytes, weighsAny, weightOf,
} from './parts';
import { closeWide, spreadWide, sumWide, topsWide } from './wide';

/** Component cross entropy over a plan. */
export function componentCrossEntropy(p: Plan): usize {
  return tiles(
    p, SPARE, ownBytes(p),
    nothing,
    (p: Plan, t: Walk): void => open(p, t),
    (p: Plan, t: Walk): void => { if (!t.kept) for (let k = 0; k < p.members; k++) sumWide(p, t, k, k); },
    nothing,
    (p: Plan, t: Walk): void => finish(p, t),
    (p: Plan, t: Walk): void => { if (!t.kept) spread(p, t); },
    nothing,
    (p: Plan, t: Walk): void => closeChunk(p),
  );
}

/** What comes before the sums: the groups of the targets, and maxima. */
function open(p: Plan, t: Walk): void {
  if (t.first == 0) {
    if (t.sample == p.begin) openSums(p);
    for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
      storeV(laneArray(p, CLASS) + at, offsets(laneArray(p, TARGET) + at, p.ignoreIndex, 4, 0, 0));
    }
  }
  if (t.kept) {
    measure(p, t);
    return;
  }
  for (let k = 0; k < p.members; k++) {
    if (t.first == 0) openGroups(p, t, k, k);
    topsWide(p, t, k, k);
  }
}

/** The losses and, of a tile that is kept, the gradients. */
function finish(p: Plan, t: Walk): void {
  if (t.kept && !t.far && t.count >= 2 && t.count <= FEW && lumps(p) && weighsAny(p)) few(p, t);
  else if (t.kept) near(p, t);
  else {
    memory.fill(laneArray(p, LOSS), 0, tileRow());
    for (let k = 0; k < p.members; k++) {
      closeWide(p, t, k);
      finishLosses(p, t, k, k, false);
    }
    finishLosses(p, t, -1, 0, false);
  }
  for (let at: usize = 0; !t.kept && at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at);
    storeV(laneArray(p, SCALE) + at, clear(loadV(t.mass + at), idle));
  }
  t.scales = laneArray(p, SCALE);
}

/** The gradients of a block of classes. */
function spread(p: Plan, t: Walk): void {
  const tile = tileOf(p, 1);
  memory.fill(tile, 0, <usize>t.count * tileRow());
  for (let k = 0; k < p.members; k++) if (weightOf(p, k) != 0) spreadWide(p, t, k, k, tile);
}
