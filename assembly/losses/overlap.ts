// Dice (sum form, Sudre 2017) and Tversky loss (Salehi 2017): one minus the overlap of a predicted and a given region, for each
// class of a group of samples. With p the activation of x and sums over the samples of the group that are not ignored:
//
//   hits = Σ p·y, fp = a·Σ p·(1 − y), fn = b·Σ (1 − p)·y, den = h·hits + fp + fn + s
//   l = (fp + fn)/den, so that nearly perfect overlap keeps its digits; 0 where den is 0
//   ∂l/∂p = (1 − y)·a·(1 − l)/den − y·(b + l·(h − b))/den
//
// and then p·(g − Σ_c p_c·g_c) for softmax, g·p·(1 − p) for sigmoid. Tversky has h = 1, dice h = 2 and a = b = 1.
//
// A group is walked twice, for its sums and for its gradients. One that comes in blocks is walked by the caller: a call with no
// phase (sums start from 0), calls for the sums, one to FINISH, calls with SETTLED for the gradients.
//
// Parameters: p0 activation (0 softmax, 1 sigmoid, 2 none), p1 s, p2 h, p3 a, p4 b. members: samples of a group. loss and incoming
// have one value per group and class.

import { tileRow } from '../classes/pack';
import { FREE, IDLE, REST, TARGET } from '../classes/samples';
import { othersOf } from '../classes/target';
import { EXPONENTIALS, nothing, ownOf, tileOf, tiles, VALUES } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { isClass } from '../lane/bits';
import {
  abs_, add, and, clear, div, loadSplat, loadV, lt, madd, massTimes, mul, neg, select_, splat, storeV, sub, VECTOR,
} from '../lane/lane';
import { addWide, narrow, sumOf, widenAdd, zeroW } from '../lane/wide';
import { exp } from '../math/exp';
import { ACCUMULATE, EVERY_PHASE, FINISH, GRADIENT, INDICES, MEASURE, Plan, SECOND, SETTLED } from '../plan';

/** Σ p·g of each sample: float64, two arrays. */
const DOT: usize = FREE;
/** Of each class: hits, Σ p·(1 − y) and Σ (1 − p)·y in float64; then ∂l/∂p where y is 0 and where it is 1 in float32. */
const CLASS_BYTES: usize = 32;
const SLOPES: usize = 24;

const SUMS: u32 = MEASURE | ACCUMULATE | SECOND;

export function overlap(p: Plan): usize {
  if (!p.scratch) return walk(p);
  if (!p.phase) clearSums(p);
  else if (p.phase == FINISH) settle(p, 0);
  else if (p.phase != EVERY_PHASE) walk(p);
  else groups(p);
  return 0;
}

/** Groups that are there as a whole. */
function groups(p: Plan): void {
  const input = p.input, target = p.target, grad = p.grad, indices = p.indices, outer = p.outer, inner = p.inner;
  const size = p.members, samples = outer * inner;
  p.outer = max(1, size / inner);
  p.inner = min(size, inner);
  for (let sample = 0; sample < samples; sample += size) {
    const o = sample / inner, i = sample - o * inner;
    p.input = input + (<usize>(o * p.inputOuter + i) << 2);
    p.target = target + (<usize>(o * p.targetOuter + i) << 2);
    p.indices = indices + (<usize>sample << 2);
    clearSums(p);
    p.phase = SUMS;
    p.grad = 0;
    walk(p);
    settle(p, sample / size);
    if (!grad) continue;
    p.grad = grad + (<usize>(o * p.gradOuter + i) << 2);
    p.phase = SUMS | GRADIENT;
    p.flags |= SETTLED;
    walk(p);
    p.flags &= ~SETTLED;
  }
  p.phase = EVERY_PHASE;
  p.input = input;
  p.target = target;
  p.grad = grad;
  p.indices = indices;
  p.outer = outer;
  p.inner = inner;
}

// @ts-ignore: decorator
@inline function traitsOf(p: Plan): u32 {
  return (p.p0 == 0 ? EXPONENTIALS : 0) | (p.flags & INDICES ? 0 : VALUES);
}

// @ts-ignore: decorator
@inline function classAt(p: Plan, c: i32): usize {
  return ownOf(p, traitsOf(p)) + CLASS_BYTES * <usize>c;
}

function clearSums(p: Plan): void {
  memory.fill(classAt(p, 0), 0, CLASS_BYTES * <usize>p.total);
}

function walk(p: Plan): usize {
  return tiles(
    p, traitsOf(p), CLASS_BYTES * <usize>p.total,
    nothing, nothing, nothing,
    (p: Plan, t: Walk): void => { if (p.flags & SETTLED) dots(p, t); else sums(p, t); },
    nothing,
    (p: Plan, t: Walk): void => gradients(p, t),
    nothing, nothing,
  );
}

/** What is predicted of a class, or 1 minus that. */
function share(p: Plan, at: usize, place: usize, opposite: bool): v128 {
  const one = splat(1), to = tileOf(p, 1) - tileOf(p, 0);
  if (p.p0 == 0) {
    const e = loadV(place + to), q = loadV(laneArray(p, REST) + at);
    return div(opposite ? othersOf(e, q) : e, add(q, one));
  }
  const x = loadV(place);
  if (p.p0 == 2) return opposite ? sub(one, x) : x;
  const e = exp(neg(abs_(x))), flips = lt(x, splat(0));
  return div(opposite ? select_(one, e, flips) : select_(e, one, flips), add(one, e));
}

/** What is given of a class. */
// @ts-ignore: decorator
@inline function given(p: Plan, t: Walk, at: usize, place: usize, c: i32): v128 {
  if (p.flags & INDICES) return and(splat(1), isClass(loadV(laneArray(p, TARGET) + at), t.first + c));
  return loadV(place + (tileOf(p, 2) - tileOf(p, 0)));
}

/** Sums of a block of classes over the samples of a tile. */
function sums(p: Plan, t: Walk): void {
  const one = splat(1);
  for (let c = 0, row = tileOf(p, 0); c < t.count; c++, row += tileRow()) {
    let hits = zeroW(), positive = hits, negative = hits;
    for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
      const idle = loadV(laneArray(p, IDLE) + at), y = clear(given(p, t, at, row + at, c), idle);
      const own = share(p, at, row + at, false);
      hits = widenAdd(hits, massTimes(y, own));
      positive = widenAdd(positive, massTimes(clear(sub(one, y), idle), own));
      negative = widenAdd(negative, massTimes(y, share(p, at, row + at, true)));
    }
    const place = classAt(p, t.first + c);
    store<f64>(place, load<f64>(place) + sumOf(hits));
    store<f64>(place, load<f64>(place, 8) + sumOf(positive), 8);
    store<f64>(place, load<f64>(place, 16) + sumOf(negative), 16);
  }
}

/** The losses of a group, and the slopes of its classes. */
function settle(p: Plan, group: i32): void {
  for (let c = 0; c < p.total; c++) {
    const place = classAt(p, c), at = <usize>(group * p.total + c) << 2;
    const missed = p.p3 * load<f64>(place, 8) + p.p4 * load<f64>(place, 16);
    const all = p.p2 * load<f64>(place) + missed + p.p1;
    const loss = all == 0 ? 0 : missed / all;
    p.sum += loss;
    if (p.loss) store<f32>(p.loss + at, <f32>loss);
    const upstream = p.incoming ? p.upstream * load<f32>(p.incoming + at) : p.upstream;
    const by = all == 0 ? 0 : upstream / all;
    store<f32>(place, <f32>(by * p.p3 * (1 - loss)), SLOPES);
    store<f32>(place, <f32>(-by * (p.p4 + loss * (p.p2 - p.p4))), SLOPES + 4);
  }
}

/** ∂l/∂p of a class. */
// @ts-ignore: decorator
@inline function slope(p: Plan, c: i32, y: v128): v128 {
  const place = classAt(p, c);
  return madd(y, loadSplat(place + SLOPES + 4), mul(sub(splat(1), y), loadSplat(place + SLOPES)));
}

/** Σ_c p_c·g_c of each sample. */
function dots(p: Plan, t: Walk): void {
  if (p.p0 != 0) return;
  const to = laneArray(p, DOT);
  if (t.first == 0) memory.fill(to, 0, 2 * tileRow());
  for (let c = 0, row = tileOf(p, 0); c < t.count; c++, row += tileRow()) {
    for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
      const g = slope(p, t.first + c, given(p, t, at, row + at, c));
      addWide(to + 2 * at, massTimes(share(p, at, row + at, false), g));
    }
  }
}

function gradients(p: Plan, t: Walk): void {
  const to = tileOf(p, 1) - tileOf(p, 0);
  for (let c = 0, row = tileOf(p, 0); c < t.count; c++, row += tileRow()) {
    for (let at: usize = 0; at < <usize>t.n << 2; at += VECTOR) {
      let g = slope(p, t.first + c, given(p, t, at, row + at, c));
      if (p.p0 == 0) g = sub(g, narrow(laneArray(p, DOT) + 2 * at, splat(0)));
      if (p.p0 != 2) g = mul(share(p, at, row + at, false), g);
      if (p.p0 == 1) g = mul(share(p, at, row + at, true), g);
      storeV(row + at + to, clear(g, loadV(laneArray(p, IDLE) + at)));
    }
  }
}
