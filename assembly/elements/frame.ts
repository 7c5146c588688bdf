// The frame of elementwise losses. A loss is a class without instances (`@unmanaged class Huber extends Plan`) whose methods
// are its mathematics over one vector. Of its arguments x is the input, y the target, w the weight, f what multiplies the
// slope (weight, incoming gradient and everything that scales gradients, rounded once), e the exponential of `exponent`:
//
//   term(x, y[, e])         its value
//   weighted(x, y, w[, e])  w times its value, where the one could overflow although their product fits
//   slope(x, y, f[, e])     f times its derivative with respect to x
//   gain()                  a constant that goes into f (2 for a square)
//   exponent(x, y)          at most 0
//   side(x, y, f[, e])      f times the derivative with respect to operand c
//   ratio(x, y, e)          the term is `rest` plus log1p of this, so that one logarithm serves many elements (sums.ts)
//   rest(x, y, e)
//   plain(x, y, f, e)       the slope in a simple call, where that is less than `slope`
//   idle()                  an x that costs nothing beside the target 0
//   bounded()               whether the targets have a range
//
// Methods that are missing cost nothing (isDefined folds). Operands b and c are read by the loss itself (currentB, currentC).
//
// Two loops run it. Calls of a loss that is often used and has nothing to weigh go through a loop of its own (plain.ts). All
// others go through strips: a small loop of the loss computes the terms and slopes of some vectors, and everything else,
// weights, missing targets, incoming gradients, sums, stores, is `strips`, compiled once for all losses.

import { and, anyOf, clear, eq, everyBit, le, loadV, mul, ne, nearest_, or, splat, storeV } from '../lane/lane';
import { sumOf, widenAdd, zeroW } from '../lane/wide';
import { expConstant, expWith } from '../math/exp';
import { BOTH, BOUNDED, IGNORE, NONZERO, Plan, WHOLE } from '../plan';
import { beginRuns, closeStrip, elementBytes, nextRun, openStrip, Run, stripLength } from './walk';

/** The loop of a loss over a strip. */
export type Strip = (p: Plan, run: Run) => void;

/** Takes a plan through strips. */
export function elements<O>(p: Plan): usize {
  const o = changetype<O>(p);
  return strips(p, isDefined(o.gain) ? o.gain() : 1, (p: Plan, run: Run): void => {
    if (ASC_FEATURE_SIMD) strip<O, v128>(p, run);
    else strip<O, f32>(p, run);
  });
}

/** The terms and slopes of a strip. */
function strip<O, V>(p: Plan, run: Run): void {
  const o = changetype<O>(p);
  const k0 = expConstant<V>(0), k1 = expConstant<V>(1), k2 = expConstant<V>(2), k3 = expConstant<V>(3);
  const k4 = expConstant<V>(4), k5 = expConstant<V>(5), k6 = expConstant<V>(6), k7 = expConstant<V>(7);
  const k8 = expConstant<V>(8), k9 = expConstant<V>(9), k10 = expConstant<V>(10);
  const end = <usize>run.size << 2;
  let a = run.a, f = run.f;
  for (let at: usize = 0; at < end; at += sizeof<V>(), a += run.stepA, f += run.stepF) {
    run.now = at;
    const x = loadV<V>(run.x + at), y = loadV<V>(run.y + at), w = loadV<V>(a), by = loadV<V>(f);
    if (isDefined(o.exponent)) {
      const e = expWith<V>(o.exponent<V>(x, y), k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10);
      storeV<V>(run.terms + at, isDefined(o.weighted) ? o.weighted<V>(x, y, w, e) : mul<V>(w, o.term<V>(x, y, e)));
      if (p.grad) storeV<V>(run.slopes + at, o.slope<V>(x, y, by, e));
    } else {
      storeV<V>(run.terms + at, isDefined(o.weighted) ? o.weighted<V>(x, y, w) : mul<V>(w, o.term<V>(x, y)));
      if (p.grad) storeV<V>(run.slopes + at, o.slope<V>(x, y, by));
    }
    if (isDefined(o.side)) {
      if (p.sideGrad) storeV<V>(run.sides + at, o.side<V>(x, y, by));
    }
  }
}

/** Operand b of the vector at hand: 1 where it is absent. */
// @ts-ignore: decorator
@inline export function currentB<V>(p: Plan): V {
  const run = changetype<Run>(p.scratch);
  return loadV<V>(run.stepB ? run.b + run.now : run.b);
}

/** Operand c of the vector at hand. */
// @ts-ignore: decorator
@inline export function currentC<V>(p: Plan): V {
  const run = changetype<Run>(p.scratch);
  return loadV<V>(run.stepC ? run.c + run.now : run.c);
}

function strips(p: Plan, gain: f64, strip: Strip): usize {
  if (ASC_FEATURE_SIMD) return stripsOf<v128, v128>(p, gain, strip);
  return stripsOf<f32, f64>(p, gain, strip);
}

function stripsOf<V, W>(p: Plan, gain: f64, strip: Strip): usize {
  if (!p.scratch) return elementBytes<V>();
  const run = beginRuns(p);
  let acc = zeroW<W>(), wrong = splat<V>(0);
  while (nextRun(p, run)) {
    for (let from = 0; from < run.n; from += stripLength<V>()) {
      openStrip<V>(p, run, from, gain);
      strip(p, run);
      for (let i = run.count; i < run.size; i++) store<f32>(run.terms + (<usize>i << 2), 0);
      if (p.a != 0 || (p.flags & IGNORE) != 0) clearIdle<V>(p, run);
      if (p.flags & (BOUNDED | BOTH)) wrong = or<V>(wrong, faults<V>(p, run));
      for (let at: usize = 0; at < <usize>run.size << 2; at += sizeof<V>()) acc = widenAdd<V, W>(acc, loadV<V>(run.terms + at));
      closeStrip<V>(p, run, from);
      if (p.sideGrad) keepSides<V, W>(p, run, from);
    }
    if (run.left) continue;
    p.sum += sumOf<W>(acc);
    acc = zeroW<W>();
  }
  if (anyOf<V>(wrong)) p.bad = 0;
  return 0;
}

/** Mask of the missing targets. */
// @ts-ignore: decorator
@inline export function missing<V>(p: Plan, y: V): V {
  if (!(p.flags & IGNORE)) return splat<V>(0);
  return p.marker != p.marker ? ne<V>(y, y) : eq<V>(y, splat<V>(<f32>p.marker));
}

/** Elements that weigh nothing or whose target is missing have value and slope 0, whatever they hold. */
function clearIdle<V>(p: Plan, run: Run): void {
  let a = run.a;
  for (let at: usize = 0; at < <usize>run.size << 2; at += sizeof<V>(), a += run.stepA) {
    const idle = or<V>(missing<V>(p, loadV<V>(run.y + at)), eq<V>(loadV<V>(a), splat<V>(0)));
    storeV<V>(run.terms + at, clear<V>(loadV<V>(run.terms + at), idle));
    if (p.grad) storeV<V>(run.slopes + at, clear<V>(loadV<V>(run.slopes + at), idle));
    if (p.sideGrad) storeV<V>(run.sides + at, clear<V>(loadV<V>(run.sides + at), idle));
  }
}

/** Mask of lanes that are no legal target, or input where that has the same range. */
export function illegal<V>(p: Plan, x: V, y: V): V {
  const low = splat<V>(<f32>p.low), high = splat<V>(<f32>p.high);
  let right = everyBit<V>();
  if (p.flags & BOUNDED) right = and<V>(le<V>(low, y), le<V>(y, high));
  if (p.flags & WHOLE) right = and<V>(right, eq<V>(y, nearest_<V>(y)));
  if (p.flags & NONZERO) right = and<V>(right, ne<V>(y, splat<V>(0)));
  if (p.flags & BOTH) right = and<V>(right, and<V>(le<V>(low, x), le<V>(x, high)));
  return clear<V>(everyBit<V>(), or<V>(right, missing<V>(p, y)));
}

function faults<V>(p: Plan, run: Run): V {
  let wrong = splat<V>(0);
  for (let at: usize = 0; at < <usize>run.size << 2; at += sizeof<V>()) {
    wrong = or<V>(wrong, illegal<V>(p, loadV<V>(run.x + at), loadV<V>(run.y + at)));
  }
  return wrong;
}

/** The gradient of operand c: one value for each of its own, so that those of a row are added up where one serves it. */
function keepSides<V, W>(p: Plan, run: Run, from: i32): void {
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
