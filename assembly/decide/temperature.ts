// What a step towards the best temperature needs, summed over the samples that count, at β = 1/T (p0), d = (x − m)·β:
//
//   sum        −log p_t = log1p(q) − d_t
//   sideSum    its slope times β, E[d] − d_t, E over the softmax of d
//   weightSum  its second derivative times β², Var[d]

import { tileRow } from '../classes/pack';
import { IDLE, LOSS, REST } from '../classes/samples';
import { awayOf } from '../classes/target';
import { EXPONENTIALS, nothing, OF_TARGETS, tileOf, tiles } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { add, clear, div, loadV, massTimes, mul, splat, storeV, sub, VECTOR } from '../lane/lane';
import { addWide, narrow } from '../lane/wide';
import { log1p } from '../math/log';
import { Plan } from '../plan';
import { sumFloats } from '../sums';
import { settle, startTempered, temper, TEMPERED } from './tempered';

const FIRST: usize = TEMPERED; // float64: Σ e·d, two arrays
const SECOND: usize = TEMPERED + 2; // Σ e·d², two arrays
const SLOPE: usize = TEMPERED + 4;
const BEND: usize = TEMPERED + 5;

export function temperature(p: Plan): usize {
  startTempered(p);
  return tiles(
    p, EXPONENTIALS | OF_TARGETS, 0,
    (p: Plan, t: Walk): void => temper(p, t),
    (p: Plan, t: Walk): void => settle(p, t),
    (p: Plan, t: Walk): void => moments(p, t),
    nothing,
    (p: Plan, t: Walk): void => finish(p, t),
    nothing, nothing, nothing,
  );
}

function moments(p: Plan, t: Walk): void {
  if (t.first == 0) memory.fill(laneArray(p, FIRST), 0, 4 * tileRow()); // and SECOND
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    let d = tileOf(p, 0) + at, e = tileOf(p, 1) + at;
    for (let c = 0; c < t.count; c++, d += tileRow(), e += tileRow()) {
      // a class that is masked adds nothing
      const first = massTimes(loadV(e), loadV(d));
      addWide(laneArray(p, FIRST) + 2 * at, first);
      addWide(laneArray(p, SECOND) + 2 * at, massTimes(first, loadV(d)));
    }
  }
}

function finish(p: Plan, t: Walk): void {
  t.far = false;
  const zero = splat(0), one = splat(1);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at), half = awayOf(p, t, at), away = add(half, half);
    const q = loadV(laneArray(p, REST) + at), all = add(q, one);
    const mean = div(narrow(laneArray(p, FIRST) + 2 * at, zero), all);
    const square = div(narrow(laneArray(p, SECOND) + 2 * at, zero), all);
    storeV(laneArray(p, LOSS) + at, clear(sub(log1p(q), away), idle));
    storeV(laneArray(p, SLOPE) + at, clear(sub(mean, away), idle));
    storeV(laneArray(p, BEND) + at, clear(sub(square, mul(mean, mean)), idle));
  }
  p.sum += sumFloats(laneArray(p, LOSS), t.n);
  p.sideSum += sumFloats(laneArray(p, SLOPE), t.n);
  p.weightSum += sumFloats(laneArray(p, BEND), t.n);
}
