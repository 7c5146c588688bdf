// The loop of a loss whose calls are often simple: nothing weighs, no target is missing, nobody asks for the loss of one
// element or has an incoming gradient for it. The terms of some vectors are added before they go to float64: few roundings, none
// where all terms are equal.

import { add, and, anyOf, clear, everyBit, LANES, loadV, or, splat, storeV, VECTOR } from '../lane/lane';
import { growHigh, growLow, sumOf, widenAdd, zeroW } from '../lane/wide';
import { expConstant, expWith } from '../math/exp';
import { IGNORE, Plan } from '../plan';
import { copyFloats, logBoth } from '../sums';
import { elements } from './frame';
import { beginRuns, nextRun, padOf } from './walk';

/** Factors 1 + ratio ≤ 2 of one product: 2^512 is far from overflow. */
const FACTORS = 512;
/** Vectors whose terms are summed in float32. */
const SHORT = 16;

/** The loop of a loss over n elements, whole vectors: adds their terms to the accumulator at sums, returns a mask of illegal ones. */
type Stretch = (p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize, f: v128) => v128;

/** Takes a plan through the loop of a loss, or through strips where it is not simple. */
export function plainly<O>(p: Plan, simple: bool): usize {
  if (!p.scratch || !simple || (p.a | p.b | p.incoming | p.loss) != 0 || (p.flags & IGNORE) != 0) return elements<O>(p);
  const o = changetype<O>(p);
  const gain: f64 = isDefined(o.gain) ? o.gain() : 1, idle: f32 = isDefined(o.idle) ? o.idle() : 0;
  return stretches(p, gain, idle, (p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize, f: v128): v128 => {
    const o = changetype<O>(p);
    return isDefined(o.exponent) ? exponentials<O>(p, x, y, g, n, sums, f) : differences<O>(p, x, y, g, n, sums, f);
  });
}

/** Runs a loop over the chunks of a plan. */
function stretches(p: Plan, gain: f64, idle: f32, stretch: Stretch): usize {
  const run = beginRuns(p), f = splat(<f32>(p.upstream * gain));
  let wrong = splat(0);
  while (nextRun(p, run)) {
    const at = <usize>run.at << 2, whole = run.n & -LANES, rest = run.n - whole;
    const sums = padOf(p, 3);
    storeV(sums, zeroW());
    wrong = or(wrong, stretch(p, p.input + at, p.target + at, p.grad ? p.grad + at : 0, whole, sums, f));
    if (rest) {
      // the last vector is computed in pads, filled up with elements that cost nothing
      const x = padOf(p, 0), y = padOf(p, 1), g = padOf(p, 2), end = at + (<usize>whole << 2);
      storeV(x, splat(idle));
      storeV(y, splat(0));
      copyFloats(p.input + end, x, rest);
      copyFloats(p.target + end, y, rest);
      wrong = or(wrong, stretch(p, x, y, p.grad ? g : 0, LANES, sums, f));
      if (p.grad) copyFloats(g, p.grad + end, rest);
    }
    p.sum += sumOf(loadV(sums));
  }
  if (anyOf(wrong)) p.bad = 0;
  return 0;
}

/** The loop of a loss without exponentials, which does little for an element: four vectors a turn. */
function differences<O>(p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize, f: v128): v128 {
  const o = changetype<O>(p), size = VECTOR, step = LANES;
  let acc = loadV(sums);
  for (; n >= 4 * step; n -= 4 * step, x += 4 * size, y += 4 * size) {
    const x0 = loadV(x), x1 = loadV(x + size), x2 = loadV(x + 2 * size), x3 = loadV(x + 3 * size);
    const y0 = loadV(y), y1 = loadV(y + size), y2 = loadV(y + 2 * size), y3 = loadV(y + 3 * size);
    const low = add(o.term(x0, y0), o.term(x1, y1)), high = add(o.term(x2, y2), o.term(x3, y3));
    acc = widenAdd(acc, add(low, high));
    if (!g) continue;
    storeV(g, o.slope(x0, y0, f));
    storeV(g + size, o.slope(x1, y1, f));
    storeV(g + 2 * size, o.slope(x2, y2, f));
    storeV(g + 3 * size, o.slope(x3, y3, f));
    g += 4 * size;
  }
  for (; n > 0; n -= step, x += size, y += size) {
    const v = loadV(x), t = loadV(y);
    acc = widenAdd(acc, o.term(v, t));
    if (!g) continue;
    storeV(g, o.slope(v, t, f));
    g += size;
  }
  storeV(sums, acc);
  return splat(0);
}

/** The loop of a loss with an exponential for each element, one logarithm serving many, and a range of targets. */
function exponentials<O>(p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize, f: v128): v128 {
  const o = changetype<O>(p), size = VECTOR;
  const k0 = expConstant(0), k1 = expConstant(1), k2 = expConstant(2), k3 = expConstant(3);
  const k4 = expConstant(4), k5 = expConstant(5), k6 = expConstant(6), k7 = expConstant(7);
  const k8 = expConstant(8), k9 = expConstant(9), k10 = expConstant(10);
  let acc = loadV(sums), right = everyBit();
  for (let left = n / LANES; left > 0; ) {
    let low = zeroW(), high = zeroW();
    let factors = min(left, FACTORS);
    left -= factors;
    while (factors > 0) {
      let turns = min(factors, SHORT);
      factors -= turns;
      let sum = splat(0);
      for (; turns > 0; turns--, x += size, y += size) {
        const v = loadV(x), t = loadV(y);
        right = and(right, o.legal(v, t));
        const e = expWith(o.exponent(v, t), k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10);
        const ratio = o.ratio(v, t, e);
        low = growLow(low, ratio);
        high = growHigh(high, ratio);
        sum = add(sum, o.rest(v, t, e));
        if (!g) continue;
        storeV(g, o.plain(v, t, f, e));
        g += size;
      }
      acc = widenAdd(acc, sum);
    }
    p.sum += logBoth(low) + logBoth(high);
  }
  storeV(sums, acc);
  return clear(everyBit(), right);
}
