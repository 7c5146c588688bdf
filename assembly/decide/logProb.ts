// log p of the class of each sample at a temperature, d_t − log1p(q); 0 where it is ignored. Parameter p0: β = 1/T.

import { maxRow } from '../classes/row';
import { rows } from '../classes/rows';
import { IDLE, LOSS, REST } from '../classes/samples';
import { awayOf } from '../classes/target';
import { EXPONENTIALS, nothing, OF_TARGETS, tiles } from '../classes/tiles';
import { laneArray, Walk, walksRows } from '../classes/walk';
import { add, clear, LANES, loadV, mul, splat, storeV, sub, VECTOR } from '../lane/lane';
import { loadSome, storeSome } from '../lane/place';
import { log1p, log1pDouble } from '../math/log';
import { Plan } from '../plan';
import { outputOf, putLanes } from './output';
import { settle, startTempered, temper } from './tempered';

export function logProb(p: Plan): usize {
  if (walksRows(p)) {
    return rows(
      p, true,
      (p: Plan, t: Walk): bool => open(p, t),
      (p: Plan, t: Walk): void => temperRow(p, t),
      (p: Plan, t: Walk): void => target(p, t),
      (p: Plan, t: Walk): void => store<f32>(outputOf(p, 0, t.sample), <f32>(t.u - log1pDouble(t.q))),
      nothing, nothing,
    );
  }
  startTempered(p);
  return tiles(
    p, EXPONENTIALS | OF_TARGETS, 0,
    (p: Plan, t: Walk): void => temper(p, t),
    (p: Plan, t: Walk): void => settle(p, t),
    nothing, nothing,
    (p: Plan, t: Walk): void => finish(p, t),
    nothing, nothing, nothing,
  );
}

function finish(p: Plan, t: Walk): void {
  t.far = false;
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const away = awayOf(p, t, at), log = log1p(loadV(laneArray(p, REST) + at));
    storeV(laneArray(p, LOSS) + at, clear(sub(add(away, away), log), loadV(laneArray(p, IDLE) + at)));
  }
  putLanes(p, t, 0, laneArray(p, LOSS));
}

/** Finds the maximum of a row that counts. */
function open(p: Plan, t: Walk): bool {
  if (load<i32>(p.indices + (<usize>t.sample << 2)) == p.ignoreIndex) {
    store<f32>(outputOf(p, 0, t.sample), 0);
    return false;
  }
  t.z = maxRow(t.x, p.total, 0);
  return true;
}

function temperRow(p: Plan, t: Walk): void {
  const m = splat(<f32>t.z), by = splat(<f32>p.p0);
  let x = t.x, to = t.row;
  for (let n = t.count; n > 0; n -= LANES, x += VECTOR, to += VECTOR) storeSome(to, mul(sub(loadSome(x, n, 0), m), by), n);
}

/** d of the target. */
function target(p: Plan, t: Walk): void {
  const c = load<i32>(p.indices + (<usize>t.sample << 2)) - t.first;
  if (<u32>c < <u32>t.count) t.u = <f64>load<f32>(t.row + (<usize>c << 2)) - t.top;
}
