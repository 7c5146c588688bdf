// The frame of elementwise losses. A loss is a class without instances (`@unmanaged class Huber extends Plan`) whose methods
// are its mathematics over one vector. Of its arguments x is the input, y the target, w the weight, f what multiplies the
// slope (weight, incoming gradient and everything that scales gradients, rounded once), e the exponential of `exponent`:
//
//   term(x, y[, e])         its value
//   weighted(x, y, w[, e])  w times its value, where the one could overflow although their product fits
//   slope(x, y, f[, e])     f times its derivative with respect to x
//   gain()                  a constant that goes into f (2 for a square)
//   exponent(x, y)          at most 0
//   shared(x, y, e)         what term and slope share; their last argument
//   side(x, y, f[, e])      f times the derivative with respect to operand c
//   ratio(x, y, e)          the term is `rest` plus log1p of this, so that one logarithm serves many elements (sums.ts)
//   rest(x, y, e)
//   plain(x, y, f, e)       the slope in a simple call, where that is less than `slope`
//   idle()                  an x that costs nothing beside the target 0
//   legal(x, y)             mask of the legal targets, for plain.ts
//
// Methods that are missing cost nothing (isDefined folds). Operands b and c are read by the loss itself (currentB, currentC).
//
// Two loops run it. Calls of a loss that is often used and has nothing to weigh go through a loop of its own (plain.ts). All
// others go through strips: a small loop of the loss computes the terms and slopes of some vectors, and everything else,
// weights, missing targets, incoming gradients, sums, stores, is `strips`, compiled once for all losses.

import { and, anyOf, clear, eq, everyBit, le, loadV, mul, ne, nearest_, or, splat, storeV, VECTOR } from '../lane/lane';
import { sumOf, widenAdd, zeroW } from '../lane/wide';
import { expConstant, expWith } from '../math/exp';
import { BOTH, BOUNDED, IGNORE, NONZERO, Plan, WHOLE } from '../plan';
import { beginRuns, closeStrip, elementBytes, nextRun, openRun, openStrip, Run, stripLength } from './walk';

/** The loop of a loss over a strip. */
export type Strip = (p: Plan, run: Run) => void;

/** Takes a plan through strips. */
export function elements<O>(p: Plan): usize {
  const o = changetype<O>(p);
  return strips(p, isDefined(o.gain) ? o.gain() : 1, (p: Plan, run: Run): void => strip<O>(p, run));
}

/** The terms and slopes of a strip. */
function strip<O>(p: Plan, run: Run): void {
  const o = changetype<O>(p);
  const k0 = expConstant(0), k1 = expConstant(1), k2 = expConstant(2), k3 = expConstant(3);
  const k4 = expConstant(4), k5 = expConstant(5), k6 = expConstant(6), k7 = expConstant(7);
  const k8 = expConstant(8), k9 = expConstant(9), k10 = expConstant(10);
  const end = <usize>run.size << 2;
  let a = run.a, f = run.f;
  for (let at: usize = 0; at < end; at += VECTOR, a += run.stepA, f += run.stepF) {
    run.now = at;
    const x = loadV(run.x + at), y = loadV(run.y + at), w = loadV(a), by = loadV(f);
    if (isDefined(o.exponent)) {
      const e = expWith(o.exponent(x, y), k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10);
      if (isDefined(o.shared)) {
        const shared = o.shared(x, y, e);
        storeV(run.terms + at, mul(w, o.term(x, y, e, shared)));
        if (p.grad) storeV(run.slopes + at, o.slope(x, y, by, e, shared));
        continue;
      }
      storeV(run.terms + at, isDefined(o.weighted) ? o.weighted(x, y, w, e) : mul(w, o.term(x, y, e)));
      if (p.grad) storeV(run.slopes + at, o.slope(x, y, by, e));
    } else {
      storeV(run.terms + at, isDefined(o.weighted) ? o.weighted(x, y, w) : mul(w, o.term(x, y)));
      if (p.grad) storeV(run.slopes + at, o.slope(x, y, by));
    }
    if (isDefined(o.side)) {
      if (p.sideGrad) storeV(run.sides + at, o.side(x, y, by));
    }
  }
}

/** Operand b of the vector at hand: 1 where it is absent. */
// @ts-ignore: decorator
@inline export function currentB(p: Plan): v128 {
  const run = changetype<Run>(p.scratch);
  return loadV(run.stepB ? run.b + run.now : run.b);
}

/** Operand c of the vector at hand. */
// @ts-ignore: decorator
@inline export function currentC(p: Plan): v128 {
  const run = changetype<Run>(p.scratch);
  return loadV(run.stepC ? run.c + run.now : run.c);
}

function strips(p: Plan, gain: f64, strip: Strip): usize {
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
      strip(p, run);
      for (let i = run.count; i < run.size; i++) store<f32>(run.terms + (<usize>i << 2), 0);
      const end = <usize>run.size << 2;
      if (masked) clearIdle(p, run);
      for (let at: usize = 0; at < end; at += VECTOR) acc = widenAdd(acc, loadV(run.terms + at));
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
  const low = splat(<f32>p.low), high = splat(<f32>p.high), end = <usize>run.size << 2;
  let wrong = splat(0);
  for (let at: usize = 0; at < end; at += VECTOR) {
    wrong = or(wrong, illegal(p, loadV(run.x + at), loadV(run.y + at), low, high));
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
  const before: f64 = run.within + from == 0 ? 0 : load<f32>(place);
  store<f32>(place, <f32>(before + sum));
}
