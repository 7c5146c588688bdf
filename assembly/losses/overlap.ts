// Dice (sum form, Sudre 2017) and Tversky loss (Salehi 2017): one minus the overlap of a predicted and a given region, for each
// class of a group of samples. With p the activation of x and sums over the samples of the group that are not ignored:
//
//   hits = Σ p·y, fp = a·Σ p·(1 − y), fn = b·Σ (1 − p)·y, den = h·hits + fp + fn + s
//   l = (fp + fn)/den, so that nearly perfect overlap keeps its digits; 0 where den is 0
//   ∂l/∂p = (1 − y)·a·(1 − l)/den − y·(b + l·(h − b))/den
//
// and then p·(g − Σ_c p_c·g_c) for softmax, g·p·(1 − p) for sigmoid. Tversky has h = 1, dice h = 2 and a = b = 1.
//
// A group is walked twice, for its sums and for its gradients; between them what softmax predicts waits where the gradient will
// be, if that is there as a whole. One that comes in blocks is walked by the caller: a call with no
// phase (sums start from 0), calls for the sums, one to FINISH, calls with SETTLED for the gradients.
//
// Parameters: p0 activation (0 softmax, 1 sigmoid, 2 none), p1 s, p2 h, p3 a, p4 b. members: samples of a group. loss and incoming
// have one value per group and class.

import { TILE_RUN } from '../classes/columns';
import { tileRow } from '../classes/pack';
import { FREE, IDLE, OF_TARGET, REST, SCALE, TARGET } from '../classes/samples';
import { othersOf } from '../classes/target';
import { EXPONENTIALS, nothing, ownOf, tileOf, tiles, tilesApart, VALUES } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { isClass } from '../lane/bits';
import {
  abs_, add, and, clear, div, eq, loadSplat, loadV, lt, madd, massTimes, mul, neg, select_, splat, storeV, sub, VECTOR,
} from '../lane/lane';
import { addWide, narrow, sumOf, widenAdd, zeroW } from '../lane/wide';
import { exp } from '../math/exp';
import { ACCUMULATE, EVERY_PHASE, FINISH, GRADIENT, INDICES, MEASURE, Plan, SECOND, SETTLED } from '../plan';

/** Σ p·g of each sample: float64, two arrays. Where one class is right, of the others until the gradients are made. */
const DOT: usize = FREE;
/** Σ p of the wrong classes of each sample: float64, two arrays. */
const WRONG: usize = FREE + 2;
/** Of each class: hits, Σ p·(1 − y) and Σ (1 − p)·y in float64; then ∂l/∂p where y is 0 and where it is 1 in float32. */
const CLASS_BYTES: usize = 32;
const SLOPES: usize = 24;

const SUMS: u32 = MEASURE | ACCUMULATE | SECOND;

export function overlap(p: Plan): usize {
  if (!p.scratch) return walk(p);
  if (!p.phase) clearSums(p);
  else if (p.phase == FINISH) settle(p, 0);
  else if (p.phase != EVERY_PHASE) {
    // what a walk of tiles begins it ends when it FINISHes; here the losses of a group are there already
    const sum = p.sum;
    walk(p);
    p.sum = sum;
  } else groups(p);
  return 0;
}

/** Groups that are there as a whole. */
function groups(p: Plan): void {
  const input = p.input, target = p.target, grad = p.grad, indices = p.indices, outer = p.outer, inner = p.inner;
  const inputOuter = p.inputOuter, inputStep = p.inputStep;
  const size = p.members, samples = outer * inner;
  p.outer = max(1, size / inner);
  p.inner = min(size, inner);
  for (let sample = 0; sample < samples; sample += size) {
    const o = sample / inner, i = sample - o * inner;
    p.input = input + (<usize>(o * p.inputOuter + i) << 2);
    p.target = target + (<usize>(o * p.targetOuter + i) << 2);
    p.indices = indices + (<usize>sample << 2);
    clearSums(p);
    p.grad = grad ? grad + (<usize>(o * p.gradOuter + i) << 2) : 0;
    const keeps = grad != 0 && p.p0 == 0;
    walkOnce(p, keeps ? SUMS | GRADIENT : SUMS);
    settle(p, sample / size);
    if (!grad) continue;
    p.flags |= SETTLED;
    if (keeps) {
      p.input = p.grad;
      p.inputOuter = p.gradOuter;
      p.inputStep = p.gradStep;
    }
    walkOnce(p, keeps ? SECOND | GRADIENT : SUMS | GRADIENT);
    p.flags &= ~SETTLED;
    p.inputOuter = inputOuter;
    p.inputStep = inputStep;
  }
  p.phase = EVERY_PHASE;
  p.input = input;
  p.target = target;
  p.grad = grad;
  p.indices = indices;
  p.outer = outer;
  p.inner = inner;
}

/** Whether the input is what was predicted. */
// @ts-ignore: decorator
@inline function waits(p: Plan): bool {
  return p.phase == (SECOND | GRADIENT);
}

/** Whether a sample is a softmax with one right class: what belongs to that stays out of the loops over classes. */
// @ts-ignore: decorator
@inline function picks(p: Plan): bool {
  return p.p0 == 0 && (p.flags & INDICES) != 0;
}

// @ts-ignore: decorator
@inline function traitsOf(p: Plan): u32 {
  return (p.p0 == 0 && !waits(p) ? EXPONENTIALS : 0) | (p.flags & INDICES ? 0 : VALUES);
}

function classAt(p: Plan, c: i32): usize {
  return ownOf(p, traitsOf(p)) + CLASS_BYTES * <usize>c;
}

function clearSums(p: Plan): void {
  memory.fill(classAt(p, 0), 0, CLASS_BYTES * <usize>p.total);
}

function walkOnce(p: Plan, phase: u32): void {
  p.phase = phase;
  walk(p);
}

function walk(p: Plan): usize {
  const incoming = p.incoming;
  p.incoming = 0; // it belongs to groups, and not to the samples that a walk opens
  const bytes = tiles(
    p, traitsOf(p), CLASS_BYTES * <usize>p.total,
    nothing, nothing, nothing,
    (p: Plan, t: Walk): void => second(p, t),
    nothing,
    (p: Plan, t: Walk): void => last(p, t),
    nothing, nothing,
  );
  p.incoming = incoming;
  return bytes;
}

function second(p: Plan, t: Walk): void {
  const scales = laneArray(p, SCALE);
  for (let at: usize = 0; p.p0 == 0 && at < <usize>t.n << 2; at += VECTOR) {
    const idle = loadV(laneArray(p, IDLE) + at), one = splat(1);
    const by = waits(p) ? one : div(one, add(loadV(laneArray(p, REST) + at), one));
    storeV(scales + at, clear(by, idle));
  }
  if (p.flags & SETTLED) {
    if (picks(p)) pickedDots(p, t);
    else dots(p, t);
  } else if (picks(p)) pickedSums(p, t);
  else sums(p, t);
}

function last(p: Plan, t: Walk): void {
  if (!(p.flags & SETTLED)) t.scales = laneArray(p, SCALE);
  else if (picks(p)) pickedGradients(p, t);
  else gradients(p, t);
}

/** What is predicted of a class, or 1 minus that. */
function share(p: Plan, at: usize, place: usize, opposite: bool): v128 {
  const one = splat(1);
  if (p.p0 == 0) {
    const e = loadV(waits(p) ? place : place + tilesApart(p, 1)), q = loadV(laneArray(p, REST) + at);
    return mul(opposite ? othersOf(e, q) : e, loadV(laneArray(p, SCALE) + at));
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
  return loadV(place + tilesApart(p, 2));
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
    const all = certain(p.p2 * load<f64>(place) + missed + p.p1);
    const loss = all == 0 ? 0 : certain(missed / all);
    p.sum += loss;
    if (p.loss) store<f32>(p.loss + at, <f32>loss);
    const upstream = p.incoming ? p.upstream * load<f32>(p.incoming + at) : p.upstream;
    const by = all == 0 ? 0 : upstream / all;
    store<f32>(place, narrowed(by * p.p3 * (1 - loss)), SLOPES);
    store<f32>(place, narrowed(-by * (p.p4 + loss * (p.p2 - p.p4))), SLOPES + 4);
  }
}

/** As float32, the largest in place of what is beyond: a class that is not predicted at all has the gradient 0, whatever its slope. */
function narrowed(v: f64): f32 {
  return <f32>(isFinite(v) ? max(min(v, <f64>f32.MAX_VALUE), -<f64>f32.MAX_VALUE) : v);
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

// ---- softmax and class indices -----------------------------------------------------------------------------------------

/** Sums of a block of classes over the samples of a tile: those of the targets one by one, then rows without them. */
function pickedSums(p: Plan, t: Walk): void {
  const tile = tileOf(p, 1), scales = laneArray(p, SCALE), own = laneArray(p, OF_TARGET), first = classAt(p, t.first);
  for (let i = 0; i < t.n; i++) {
    const place = targetOf(p, t, i);
    if (place < 0) continue;
    const at = <usize>i << 2, e = load<f32>(tile + place), q = load<f32>(laneArray(p, REST) + at), by = load<f32>(scales + at);
    const to = first + CLASS_BYTES * <usize>(place / <i32>tileRow());
    store<f64>(to, certain(load<f64>(to) + e * by));
    store<f64>(to, certain(load<f64>(to, 16) + (e < 1 ? q - e + 1 : q) * by), 16);
    store<f32>(own + at, e);
    store<f32>(tile + place, 0);
  }
  const end = <usize>t.n << 2;
  for (let c = 0, row = tile, to = first; c < t.count; c++, row += tileRow(), to += CLASS_BYTES) {
    let even = splat(0), odd = even, at: usize = 0;
    for (; at + VECTOR < end; at += 2 * VECTOR) {
      even = madd(loadV(row + at), loadV(scales + at), even);
      odd = madd(loadV(row + at + VECTOR), loadV(scales + at + VECTOR), odd);
    }
    if (at < end) even = madd(loadV(row + at), loadV(scales + at), even);
    store<f64>(to, certain(load<f64>(to, 8) + sumOf(widenAdd(widenAdd(zeroW(), even), odd))), 8);
  }
  for (let i = 0; p.grad != 0 && i < t.n; i++) {
    const place = targetOf(p, t, i);
    if (place >= 0) store<f32>(tile + place, load<f32>(own + (<usize>i << 2)));
  }
}

/** One NaN for all: which of two a scalar sum or product passes on changes when V8 compiles a kernel for the second time. */
// @ts-ignore: decorator
@inline function certain(v: f64): f64 {
  return v == v ? v : NaN;
}

/** Where the target of a sample is in a tile, −1 where it is not or does not count. */
function targetOf(p: Plan, t: Walk, i: i32): i32 {
  const at = <usize>i << 2, c = load<i32>(laneArray(p, TARGET) + at) - t.first;
  return <u32>c < <u32>t.count && load<i32>(laneArray(p, IDLE) + at) == 0 ? c * <i32>tileRow() + <i32>at : -1;
}

/**
 * Σ p_c·g_c and Σ p_c over the wrong classes of each sample, and p of its target. That one is taken out of the tile first: its slope
 * may be next to nothing where that of the same class elsewhere is not, so that a correction of the sum would leave no digits (no
 * weight on misses: 0).
 */
function pickedDots(p: Plan, t: Walk): void {
  const tile = tileOf(p, waits(p) ? 0 : 1), scales = laneArray(p, SCALE), to = laneArray(p, DOT), first = classAt(p, t.first);
  if (t.first == 0) memory.fill(to, 0, 4 * tileRow()); // and WRONG
  for (let i = 0; i < t.n; i++) {
    const place = targetOf(p, t, i);
    if (place < 0) continue;
    const at = <usize>i << 2;
    store<f32>(laneArray(p, OF_TARGET) + at, load<f32>(tile + place) * load<f32>(scales + at));
    store<f32>(tile + place, 0);
  }
  for (let at: usize = 0; at < <usize>t.n << 2; at += 2 * VECTOR) {
    const by0 = loadV(scales + at), by1 = loadV(scales + at + VECTOR);
    let e = tile + at, place = first + SLOPES;
    for (let c = 0; c < t.count; ) {
      const end = min(c + TILE_RUN, t.count);
      let sum0 = splat(0), sum1 = sum0, wrong0 = sum0, wrong1 = sum0;
      for (; c < end; c++, e += tileRow(), place += CLASS_BYTES) {
        const g = loadSplat(place), own0 = mul(loadV(e), by0), own1 = mul(loadV(e + VECTOR), by1);
        sum0 = madd(own0, g, sum0);
        sum1 = madd(own1, g, sum1);
        wrong0 = add(wrong0, own0);
        wrong1 = add(wrong1, own1);
      }
      addWide(to + 2 * at, sum0);
      addWide(to + 2 * at + 2 * VECTOR, sum1);
      addWide(laneArray(p, WRONG) + 2 * at, wrong0);
      addWide(laneArray(p, WRONG) + 2 * at + 2 * VECTOR, wrong1);
    }
  }
}

/**
 * The gradients at the targets, in place of their p: p_t·(g_t − Σ p·g) is p_t·(g_t·Σ p − Σ p·g) over the wrong classes, which keeps
 * the digits of samples that are sure. And Σ p·g over all classes.
 */
function settleTargets(p: Plan, t: Walk): void {
  for (let i = 0; i < t.n; i++) {
    const at = <usize>i << 2, dot = laneArray(p, DOT) + 2 * at, own = laneArray(p, OF_TARGET) + at;
    if (load<i32>(laneArray(p, IDLE) + at) != 0) continue;
    const g: f64 = load<f32>(classAt(p, load<i32>(laneArray(p, TARGET) + at)) + SLOPES, 4);
    const share: f64 = load<f32>(own), others = load<f64>(dot);
    store<f32>(own, <f32>certain(share * (g * load<f64>(laneArray(p, WRONG) + 2 * at) - others)));
    store<f64>(dot, certain(others + share * g));
  }
}

function pickedGradients(p: Plan, t: Walk): void {
  const tile = tileOf(p, waits(p) ? 0 : 1), grads = tileOf(p, 1), scales = laneArray(p, SCALE), dot = laneArray(p, DOT);
  const first = classAt(p, t.first), zero = splat(0);
  if (t.first == 0) settleTargets(p, t);
  for (let at: usize = 0; at < <usize>t.n << 2; at += 2 * VECTOR) {
    const by0 = loadV(scales + at), by1 = loadV(scales + at + VECTOR);
    const idle0 = eq(by0, zero), idle1 = eq(by1, zero);
    const mean0 = narrow(dot + 2 * at, zero), mean1 = narrow(dot + 2 * at + 2 * VECTOR, zero);
    let e = tile + at, to = grads + at, place = first + SLOPES;
    for (let c = 0; c < t.count; c++, e += tileRow(), to += tileRow(), place += CLASS_BYTES) {
      const g = loadSplat(place);
      storeV(to, clear(mul(mul(loadV(e), by0), sub(g, mean0)), idle0));
      storeV(to + VECTOR, clear(mul(mul(loadV(e + VECTOR), by1), sub(g, mean1)), idle1));
    }
  }
  for (let i = 0; i < t.n; i++) {
    const place = targetOf(p, t, i);
    if (place >= 0) store<f32>(grads + place, load<f32>(laneArray(p, OF_TARGET) + (<usize>i << 2)));
  }
}
