// Jensen-Shannon divergence of q = softmax(x) and y (Lin 1991), y as given, natural logarithm. With S = q + y and
// u = (q − y)/S:
//
//   l = Σ_c (S/4)·[(1 + u)·log(1 + u) + (1 − u)·log(1 − u)],   ∂l/∂x_k = q_k·(g_k − Σ_c q_c·g_c),   g = ½·log(1 + u)
//
// where 1 + u = 2q/S and 1 − u = 2y/S. The bracket is u²·P(u²) near u = 0, where its two terms cancel; P is a fit of its series
// Σ z^k/((k + 1)·(2k + 1)) on [0, ¼], 2.9e-9 relative. g is taken from u where that is not near −1, else from 2q/S.
//
// Operands: b sampleWeight.

import { TILE_RUN } from '../classes/columns';
import { tileRow } from '../classes/pack';
import { FREE, REST } from '../classes/samples';
import { finishSums } from '../classes/summed';
import { EXPONENTIALS, nothing, tileOf, tiles, VALUES } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import {
  add, clear, div, eq, loadV, lt, madd, massTimes, mul, select_, splat, storeV, sub, VECTOR,
} from '../lane/lane';
import { addWide, narrow } from '../lane/wide';
import { logNear, logNormal } from '../math/log';
import { Plan } from '../plan';

// arrays of one value per sample, float64: two arrays each
const SUMS: usize = FREE; // of the terms, as finishSums takes them
const PULL: usize = FREE + 2; // Σ q·2g

export function jsDiv(p: Plan): usize {
  return tiles(
    p, EXPONENTIALS | VALUES, 0,
    nothing, nothing, nothing,
    (p: Plan, t: Walk): void => sums(p, t),
    (p: Plan, t: Walk): void => finishSums(p, t),
    (p: Plan, t: Walk): void => gradients(p, t),
    nothing, nothing,
  );
}

/** 2·g; 0 where both masses are. That of q = 0 is some finite number, times 0 wherever it goes. */
function pullOf(q: v128, y: v128): v128 {
  const s = add(q, y), u = div(sub(q, y), s);
  return clear(logNear(u, div(add(q, q), s), lt(u, splat(-0.5))), eq(s, splat(0)));
}

/** The term of a class, whose 2·g is given. */
// @ts-ignore: decorator
@inline function termOf(q: v128, y: v128, pull: v128): v128 {
  const zero = splat(0), s = add(q, y), d = sub(q, y), u = div(d, s), z = mul(u, u);
  let series = madd(splat(0.02734109449), z, splat(0.01843185979));
  series = madd(series, z, splat(0.03621793837));
  series = madd(series, z, splat(0.06663812546));
  series = madd(series, z, splat(0.1666671864));
  series = mul(mul(madd(series, z, splat(1)), splat(0.25)), mul(d, u));
  const far = mul(splat(0.5), add(massTimes(q, pull), massTimes(y, logNormal(div(add(y, y), s)))));
  return clear(select_(series, far, lt(z, splat(0.25))), eq(s, zero));
}

function sums(p: Plan, t: Walk): void {
  if (t.first == 0) memory.fill(laneArray(p, SUMS), 0, 4 * tileRow());
  const zero = splat(0), one = splat(1), to = tileOf(p, 0) - tileOf(p, 1);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const by = div(one, add(loadV(laneArray(p, REST) + at), one));
    let e = tileOf(p, 1) + at, y = tileOf(p, 2) + at;
    for (let c = 0; c < t.count; ) {
      const end = min(c + TILE_RUN, t.count);
      let sum = zero, pulls = zero;
      for (; c < end; c++, e += tileRow(), y += tileRow()) {
        const q = mul(loadV(e), by), mass = loadV(y), pull = pullOf(q, mass);
        if (t.kept) storeV(e + to, pull); // the logits have served
        sum = add(sum, termOf(q, mass, pull));
        pulls = add(pulls, massTimes(q, pull));
      }
      addWide(laneArray(p, SUMS) + 2 * at, sum);
      addWide(laneArray(p, PULL) + 2 * at, pulls);
    }
  }
}

function gradients(p: Plan, t: Walk): void {
  const one = splat(1), half = splat(0.5), from = tileOf(p, 0) - tileOf(p, 1);
  for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
    const by = div(one, add(loadV(laneArray(p, REST) + at), one));
    const mean = narrow(laneArray(p, PULL) + 2 * at, splat(0));
    let e = tileOf(p, 1) + at, y = tileOf(p, 2) + at;
    for (let c = 0; c < t.count; c++, e += tileRow(), y += tileRow()) {
      const q = mul(loadV(e), by), pull = t.kept ? loadV(e + from) : pullOf(q, loadV(y));
      storeV(e, massTimes(mul(q, half), sub(pull, mean)));
    }
  }
}
