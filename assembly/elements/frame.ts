// The frame of elementwise losses. A loss is a class without instances (`@unmanaged class Huber extends Plan`) whose methods
// are its mathematics over one vector. Of its arguments x is the input, y the target, w the weight, f what multiplies the
// slope (weight, incoming gradient and everything that scales gradients, rounded once), e what `exponential` asks for:
//
//   term(x, y[, e])         its value
//   weighted(x, y, w[, e])  w times its value, where the one could overflow although their product fits
//   slope(x, y, f[, e])     f times its derivative with respect to x; asked for right after the term of the same vector
//   gain()                  a constant that goes into f (2 for a square)
//   exponential()           which one: DECAY or GROWTH (exponentials.ts)
//
// Methods that are missing cost nothing (isDefined folds). A loss with one of the following has the methods above with all that
// follows w or f: (…, e, z, a, b, c).
//
//   operand(run), step(run)       where operand b or c is, and how it moves: z
//   shared(x, y, e, z, a, b, c)   z in place of it: what is to be computed once
//   constantA(), …B(), …C()       a, b, c: constants, which would be computed anew each time where they are used
//   side(x, y, f, e, z, a, b, c)  f times the derivative with respect to operand c
//
// Two loops run it. Calls of a loss that is often used and has nothing to weigh go through a loop of its own (plain.ts). All
// others go through strips: a small loop of the loss computes the terms and slopes of some vectors, and everything else,
// weights, missing targets, incoming gradients, sums, stores, is `strips`, compiled once for all losses.

import {
  add, and, anyOf, clear, eq, everyBit, le, loadV, mul, ne, nearest_, or, splat, storeV, VECTOR,
} from '../lane/lane';
import { sumOf, widenAdd, zeroW } from '../lane/wide';
import { BOTH, BOUNDED, IGNORE, NONZERO, Plan, WHOLE } from '../plan';
import { exponentials } from './exponentials';
import { beginRuns, closeStrip, constantPad, elementBytes, nextRun, openRun, openStrip, Run, stripLength } from './walk';

/** The loop of a loss over a strip. */
export type Strip = (p: Plan, run: Run) => void;

/** Takes a plan through strips. */
export function elements<O>(p: Plan): usize {
  const o = changetype<O>(p);
  return strips(
    p, isDefined(o.gain) ? o.gain() : 1, isDefined(o.exponential) ? o.exponential() : 0,
    (p: Plan, run: Run): void => strip<O>(p, run),
  );
}

/** The terms and slopes of a strip. */
function strip<O>(p: Plan, run: Run): void {
  const o = changetype<O>(p), zero = splat(0);
  const full = isDefined(o.shared) || isDefined(o.operand) || isDefined(o.constantA);
  const a = isDefined(o.constantA) ? fix(p, 0, o.constantA()) : zero;
  const b = isDefined(o.constantB) ? fix(p, 1, o.constantB()) : zero;
  const c = isDefined(o.constantC) ? fix(p, 2, o.constantC()) : zero;
  const end = <usize>run.size << 2, inputs = run.x, targets = run.y, terms = run.terms, slopes = run.slopes;
  const exponential = run.e;
  const stepA = run.stepA, stepF = run.stepF, grad = p.grad != 0;
  const stepZ: usize = isDefined(o.operand) ? o.step(run) : 0;
  let weights = run.a, factors = run.f, operand: usize = isDefined(o.operand) ? o.operand(run) : 0;
  for (let at: usize = 0; at < end; at += VECTOR, weights += stepA, factors += stepF, operand += stepZ) {
    const x = loadV(inputs + at), y = loadV(targets + at), w = loadV(weights), f = loadV(factors);
    const e = isDefined(o.exponential) ? loadV(exponential + at) : zero;
    if (full) {
      let z = isDefined(o.operand) ? loadV(operand) : zero;
      if (isDefined(o.shared)) z = o.shared(x, y, e, z, a, b, c);
      storeV(terms + at, isDefined(o.weighted) ? o.weighted(x, y, w, e, z, a, b, c) : mul(w, o.term(x, y, e, z, a, b, c)));
      if (grad) storeV(slopes + at, o.slope(x, y, f, e, z, a, b, c));
      if (isDefined(o.side)) {
        if (p.sideGrad) storeV(run.sides + at, o.side(x, y, f, e, z, a, b, c));
      }
    } else if (isDefined(o.exponential)) {
      storeV(terms + at, isDefined(o.weighted) ? o.weighted(x, y, w, e) : mul(w, o.term(x, y, e)));
      if (grad) storeV(slopes + at, o.slope(x, y, f, e));
    } else {
      storeV(terms + at, isDefined(o.weighted) ? o.weighted(x, y, w) : mul(w, o.term(x, y)));
      if (grad) storeV(slopes + at, o.slope(x, y, f));
    }
  }
}

/** A constant of a loop, by way of memory: V8 moves what makes it into the loop, but not a load. */
// @ts-ignore: decorator
@inline export function fix(p: Plan, i: usize, v: v128): v128 {
  const place = constantPad(p) + i * VECTOR;
  storeV(place, v);
  return loadV(place);
}

function strips(p: Plan, gain: f64, kind: i32, strip: Strip): usize {
  if (!p.scratch) return elementBytes();
  const run = beginRuns(p);
  const masked = p.a != 0 || (p.flags & IGNORE) != 0, bounded = (p.flags & (BOUNDED | BOTH)) != 0;
  let acc = zeroW(), wrong = splat(0);
  while (nextRun(p, run)) {
    openRun(p, run);
    for (let from = 0; from < run.n; from += stripLength()) {
      openStrip(p, run, from, gain);
      // before slopes are written over the input
      if (bounded) wrong = or(wrong, faults(p, run));
      if (kind) exponentials(kind, run.x, run.x + (<usize>run.size << 2), run.e);
      strip(p, run);
      for (let i = run.count; i < run.size; i++) store<f32>(run.terms + (<usize>i << 2), 0);
      const end = <usize>run.size << 2;
      if (masked) clearIdle(p, run);
      acc = sumTerms(run.terms, run.terms + end, acc);
      closeStrip(p, run, from);
      if (p.sideGrad) keepSides(p, run, from);
    }
    if (run.left) continue;
    p.sum += sumOf(acc);
    acc = zeroW();
  }
  if (anyOf(wrong)) p.bad = 0;
  return 0;
}

/** Adds the terms of a strip, two vectors at a time. */
// @ts-ignore: decorator
@inline function sumTerms(from: usize, end: usize, acc: v128): v128 {
  for (; from + VECTOR < end; from += 2 * VECTOR) acc = widenAdd(acc, add(loadV(from), loadV(from + VECTOR)));
  return from < end ? widenAdd(acc, loadV(from)) : acc;
}

/** Mask of the missing targets. */
// @ts-ignore: decorator
@inline export function missing(p: Plan, y: v128): v128 {
  if (!(p.flags & IGNORE)) return splat(0);
  return p.marker != p.marker ? ne(y, y) : eq(y, splat(<f32>p.marker));
}

/** Elements that weigh nothing or whose target is missing have value and slope 0, whatever they hold. */
function clearIdle(p: Plan, run: Run): void {
  const zero = splat(0), end = <usize>run.size << 2;
  const ignores = (p.flags & IGNORE) != 0;
  let a = run.a;
  for (let at: usize = 0; at < end; at += VECTOR, a += run.stepA) {
    let idle = eq(loadV(a), zero);
    if (ignores) idle = or(idle, missing(p, loadV(run.y + at)));
    if (!anyOf(idle)) continue;
    storeV(run.terms + at, clear(loadV(run.terms + at), idle));
    if (p.grad) storeV(run.slopes + at, clear(loadV(run.slopes + at), idle));
    if (p.sideGrad) storeV(run.sides + at, clear(loadV(run.sides + at), idle));
  }
}

/** Mask of lanes that are no legal target, or input where that has the same range. */
// @ts-ignore: decorator
@inline export function illegal(p: Plan, x: v128, y: v128, low: v128, high: v128): v128 {
  let right = everyBit();
  if (p.flags & BOUNDED) right = and(le(low, y), le(y, high));
  if (p.flags & WHOLE) right = and(right, eq(y, nearest_(y)));
  if (p.flags & NONZERO) right = and(right, ne(y, splat(0)));
  if (p.flags & BOTH) right = and(right, and(le(low, x), le(x, high)));
  return clear(everyBit(), or(right, missing(p, y)));
}

function faults(p: Plan, run: Run): v128 {
  const low = splat(<f32>p.low), high = splat(<f32>p.high), x = run.x, y = run.y, end = <usize>run.size << 2;
  let wrong = splat(0);
  if ((p.flags & (BOUNDED | WHOLE | NONZERO | BOTH | IGNORE)) == BOUNDED) {
    // the most frequent case
    let right = everyBit();
    for (let at: usize = 0; at < end; at += VECTOR) {
      const t = loadV(y + at);
      right = and(right, and(le(low, t), le(t, high)));
    }
    return clear(everyBit(), right);
  }
  for (let at: usize = 0; at < end; at += VECTOR) {
    wrong = or(wrong, illegal(p, loadV(x + at), loadV(y + at), low, high));
  }
  return wrong;
}

/** The gradient of operand c: one value for each of its own, so that those of a row are added up where one serves it. */
function keepSides(p: Plan, run: Run, from: i32): void {
  const o = run.row / p.middle, r = run.row - o * p.middle;
  let place = p.sideGrad + (<usize>(o * p.c0 + r * p.c1) << 2);
  if (run.stepC) {
    place += <usize>(run.within + from) << 2;
    for (let i = 0; i < run.count; i++) store<f32>(place + (<usize>i << 2), load<f32>(run.sides + (<usize>i << 2)));
    return;
  }
  let sum: f64 = 0;
  for (let i = 0; i < run.count; i++) sum += load<f32>(run.sides + (<usize>i << 2));
  run.side = run.within + from == 0 ? sum : run.side + sum;
  store<f32>(place, <f32>run.side);
}
