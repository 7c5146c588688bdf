// Cross entropy plus λ times the squared error of the expected class value: l = CE + λ·D², D = E[v] − v_t = Σ p_c·(v_c − v_t), so
// that a sure sample keeps its digits; ∂l/∂x_k = (p_k − [k = t]) + 2·λ·D·p_k·((v_k − v_t) − D).
//
// Parameters: p0 lambda. Operands: b sampleWeight, c values [C] (0 … C−1 where absent).

import { TILE_RUN } from '../classes/columns';
import { tileRow } from '../classes/pack';
import { FREE, IDLE, LOSS, REST, SCALE, TARGET } from '../classes/samples';
import { atTarget, awayOf, ofTarget, othersOf, placeTargets } from '../classes/target';
import { EXPONENTIALS, nothing, OF_TARGETS, tileOf, tiles } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { add, clear, div, doubled, eq, loadV, madd, mul, neg, splat, storeV, sub, VECTOR } from '../lane/lane';
import { addWide, narrow } from '../lane/wide';
import { log1p } from '../math/log';
import { Plan } from '../plan';
import { addLosses } from '../sums';

// arrays of one value per sample
const VALUE: usize = FREE; // v_t
const ERROR: usize = FREE + 1; // Σ e·(v − v_t), float64: two arrays
const PULL: usize = FREE + 3; // 2·λ·D over Σe, times the mass
const MEAN: usize = FREE + 4; // D

export function ordinalCrossEntropy(p: Plan): usize {
  return tiles(
    p, EXPONENTIALS | OF_TARGETS, 0,
    nothing, nothing,
    (p: Plan, t: Walk): void => errors(p, t),
    nothing,
    (p: Plan, t: Walk): void => finish(p, t),
    (p: Plan, t: Walk): void => gradients(p, t),
    nothing, nothing,
  );
}

// @ts-ignore: decorator
@inline function valueOf(p: Plan, c: i32): f32 {
  return p.c ? load<f32>(p.c + (<usize>c << 2)) : <f32>c;
}

function errors(p: Plan, t: Walk): void {
  if (t.first == 0) {
    memory.fill(laneArray(p, ERROR), 0, 2 * tileRow());
    for (let i = 0; i < t.n; i++) {
      const at = <usize>i << 2, c = load<i32>(laneArray(p, TARGET) + at);
      store<f32>(laneArray(p, VALUE) + at, c == p.ignoreIndex ? 0 : valueOf(p, c));
    }
  }
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const own = loadV(laneArray(p, VALUE) + at);
    let e = tileOf(p, 1) + at;
    for (let c = 0; c < t.count; ) {
      const end = min(c + TILE_RUN, t.count);
      let sum = splat(0);
      for (; c < end; c++, e += tileRow()) sum = madd(loadV(e), sub(splat(valueOf(p, t.first + c)), own), sum);
      addWide(laneArray(p, ERROR) + 2 * at, sum);
    }
  }
}

function finish(p: Plan, t: Walk): void {
  const zero = splat(0), one = splat(1), lambda = splat(<f32>p.p0);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at), own = clear(loadV(t.own + at), idle);
    const q = loadV(laneArray(p, REST) + at), sum = add(q, one), away = awayOf(p, t, at);
    const mean = div(narrow(laneArray(p, ERROR) + 2 * at, zero), sum);
    const loss = madd(mul(own, lambda), mul(mean, mean), sub(mul(own, log1p(q)), doubled(mul(own, away))));
    storeV(laneArray(p, LOSS) + at, clear(loss, eq(own, zero)));
    const mass = clear(loadV(t.mass + at), idle), scale = clear(div(mass, sum), idle);
    const pull = clear(mul(mul(add(lambda, lambda), mean), scale), idle);
    const e = ofTarget(p, t, at);
    atTarget(p, at, clear(neg(madd(scale, othersOf(e, q), mul(pull, mul(e, mean)))), idle));
    storeV(laneArray(p, SCALE) + at, scale);
    storeV(laneArray(p, PULL) + at, pull);
    storeV(laneArray(p, MEAN) + at, mean);
  }
  addLosses(p, laneArray(p, LOSS), t.sample, t.n);
}

function gradients(p: Plan, t: Walk): void {
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at);
    const scale = loadV(laneArray(p, SCALE) + at), pull = loadV(laneArray(p, PULL) + at);
    const away = clear(add(loadV(laneArray(p, VALUE) + at), loadV(laneArray(p, MEAN) + at)), idle);
    let e = tileOf(p, 1) + at;
    for (let c = 0; c < t.count; c++, e += tileRow()) {
      const d = sub(splat(valueOf(p, t.first + c)), away);
      storeV(e, mul(loadV(e), madd(pull, d, scale)));
    }
  }
  placeTargets(p, t);
}
