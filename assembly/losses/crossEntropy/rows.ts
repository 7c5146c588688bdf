// Both kinds of target by rows: one sample at a time, vectors along its classes, what belongs to the sample in float64.

import { halfShiftedRow, massRow, scaleMassRow, scaleRow } from '../../classes/row';
import { rows } from '../../classes/rows';
import { classWeightOf, PRODUCT, sampleWeightOf, upstreamOf } from '../../classes/samples';
import { nothing } from '../../classes/tiles';
import { laneArray, Walk } from '../../classes/walk';
import { anyOf, eq, LANES, loadV, splat } from '../../lane/lane';
import { log1pDouble } from '../../math/log';
import { Plan } from '../../plan';
import { addSide, addWeights, weighsAny } from './options';
import { capRow, moveRow, moves } from './softcap';

/** Cross entropy with class indices over a plan, by rows. */
export function indexRows(p: Plan): usize {
  addWeights(p);
  return rows(
    p, moves(p),
    (p: Plan, t: Walk): bool => openIndex(p, t),
    (p: Plan, t: Walk): void => moveRow(p, t),
    (p: Plan, t: Walk): void => ofIndex(p, t),
    (p: Plan, t: Walk): void => finishIndex(p, t),
    (p: Plan, t: Walk): void => indexGradients(p, t),
    (p: Plan, t: Walk): void => flushLogs(p, laneArray(p, PRODUCT)),
  );
}

/** Cross entropy with class probabilities over a plan, by rows. */
export function probabilityRows(p: Plan): usize {
  return rows(
    p, moves(p),
    (p: Plan, t: Walk): bool => openProbabilities(p, t),
    (p: Plan, t: Walk): void => moveRow(p, t),
    (p: Plan, t: Walk): void => {
      massRow(t, t.row, t.y, p.a ? p.a + (<usize>t.first << 2) : 0, t.count, <f32>(1 - p.p0), <f32>(p.p0 / p.total));
    },
    (p: Plan, t: Walk): void => finishProbabilities(p, t),
    (p: Plan, t: Walk): void => probabilityGradients(p, t),
    nothing,
  );
}

/** A sample of which nothing counts has loss 0. */
function idle(p: Plan, t: Walk): bool {
  if (p.loss) store<f32>(p.loss + (<usize>t.sample << 2), 0);
  return false;
}

function openIndex(p: Plan, t: Walk): bool {
  const target = load<i32>(p.indices + (<usize>t.sample << 2));
  if (target == p.ignoreIndex) return idle(p, t);
  const s = sampleWeightOf(p, t.sample);
  const counts = s * classWeightOf(p, target) != 0 || p.p1 != 0 || (p.p0 != 0 && s != 0 && weighsAny(p));
  return counts || idle(p, t);
}

function openProbabilities(p: Plan, t: Walk): bool {
  return sampleWeightOf(p, t.sample) != 0 || p.p1 != 0 || idle(p, t);
}

// state of a row with an index: u = x − m and v = e^(x−m) of its target, w half of Σ w·(x − m)
function ofIndex(p: Plan, t: Walk): void {
  const weights = p.a ? p.a + (<usize>t.first << 2) : 0;
  if (p.p0 != 0) t.w += halfShiftedRow(t.row, weights, t.count, <f32>t.top);
  const c = load<i32>(p.indices + (<usize>t.sample << 2)) - t.first;
  if (<u32>c < <u32>t.count) t.u = <f64>load<f32>(t.row + (<usize>c << 2)) - t.top;
}

function finishIndex(p: Plan, t: Walk): void {
  const c = load<i32>(p.indices + (<usize>t.sample << 2));
  const s = sampleWeightOf(p, t.sample), w = s * classWeightOf(p, c);
  if (w == 1 && p.p0 == 0 && p.p1 == 0 && !p.loss) {
    addLog(p, laneArray(p, PRODUCT), t.q);
    p.sum -= t.u;
    return;
  }
  const log = log1pDouble(t.q), own = w * (1 - p.p0), even = s * p.p0 / p.total;
  let loss = own != 0 ? own * (log - t.u) : 0;
  if (even != 0) loss += even * t.total * log - 2 * even * t.w;
  keepLoss(p, t, loss, log);
}

/** Adds a loss, and zLoss where it is asked for, and stores them where losses are kept. */
function keepLoss(p: Plan, t: Walk, loss: f64, log: f64): void {
  p.sum += loss;
  if (p.loss) store<f32>(p.loss + (<usize>t.sample << 2), <f32>loss);
  if (p.p1 == 0) return;
  const lse = t.top + log;
  addSide(p, t.sample, p.p1 * lse * lse);
  const incoming: f64 = p.incoming ? load<f32>(p.incoming + (<usize>t.sample << 2)) : 1;
  t.z = 2 * p.p1 * lse * incoming * p.sideUpstream / (1 + t.q);
}

/** Adds log1p(q) to the sum by way of the product at place (sums.ts). */
function addLog(p: Plan, place: usize, q: f64): void {
  const product = q + load<f64>(place) * (1 + q);
  store<f64>(place, product);
  if (product > 1e290) flushLogs(p, place); // q stays far below 1e18
}

/** Moves the logarithm of the product into the sum. */
function flushLogs(p: Plan, place: usize): void {
  p.sum += log1pDouble(load<f64>(place));
  store<f64>(place, 0);
}

function indexGradients(p: Plan, t: Walk): void {
  const c = load<i32>(p.indices + (<usize>t.sample << 2));
  const s = sampleWeightOf(p, t.sample), upstream = upstreamOf(p, t.sample);
  const own = s * classWeightOf(p, c) * (1 - p.p0) * upstream, even = s * p.p0 / p.total * upstream;
  const total = even != 0 ? t.total : 0;
  const scale = (own + even * total) / (1 + t.q), side = p.p1 != 0 ? t.z : 0;
  const place = <usize>(c - t.first) << 2, here = <u32>(c - t.first) < <u32>t.count;
  let g: f64 = 0;
  if (here) {
    const e = <f64>load<f32>(t.e + place);
    const others = e < 1 ? 1 + (t.q - e) : t.q; // Σ e without the target's own, without cancellation
    g = side * e - scale * others + even * (total - classWeightOf(p, c));
  }
  const to = p.p2 != 0 ? t.e : t.g;
  scaleRow(t.e, to, p.a ? p.a + (<usize>t.first << 2) : 0, t.count, <f32>(scale + side), <f32>even);
  if (here) store<f32>(to + place, <f32>g);
  capRow(p, t, to);
}

// state of a row with probabilities: u = Σ t, v half of Σ t·(x − m)
function finishProbabilities(p: Plan, t: Walk): void {
  const s = sampleWeightOf(p, t.sample), log = log1pDouble(t.q);
  keepLoss(p, t, s != 0 ? s * (t.u * log - 2 * t.v) : 0, log);
}

function probabilityGradients(p: Plan, t: Walk): void {
  const keep = <f32>(1 - p.p0), even = <f32>(p.p0 / p.total);
  const s = sampleWeightOf(p, t.sample), mass = s == 0 ? 0 : s * upstreamOf(p, t.sample), side = p.p1 != 0 ? t.z : 0;
  const weights = p.a ? p.a + (<usize>t.first << 2) : 0;
  const top = t.q < 0.5 ? topOf(t.e, t.count) : -1; // a sure sample: its maximum is cancelled by its target
  let g: f64 = 0;
  if (top >= 0) {
    const y = <f64>load<f32>(t.y + (<usize>top << 2)) * <f64>keep + <f64>even;
    const part = y * classWeightOf(p, t.first + top);
    g = mass * ((t.u - part) - t.u * t.q / (1 + t.q)) + side;
  }
  const to = p.p2 != 0 ? t.e : t.g;
  scaleMassRow(t.e, to, t.y, weights, t.count, <f32>(t.u * mass / (1 + t.q) + side), <f32>mass, keep, even);
  if (top >= 0) store<f32>(to + (<usize>top << 2), <f32>g);
  capRow(p, t, to);
}

/** The first class with e = 1, −1 where there is none. */
function topOf(e: usize, classes: i32): i32 {
  let c = 0;
  while (c + LANES <= classes && !anyOf(eq(loadV(e + (<usize>c << 2)), splat(1)))) c += LANES;
  for (; c < classes; c++) if (load<f32>(e + (<usize>c << 2)) == 1) return c;
  return -1;
}
