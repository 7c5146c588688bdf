// The loop of a loss whose calls are often simple: nothing weighs, no target is missing, nobody asks for the loss of one
// element or has an incoming gradient for it. Four vectors a turn, whose terms are added before they go to float64: two
// roundings, none where all terms are equal.

import { add, anyOf, lanes, loadV, or, splat, storeV } from '../lane/lane';
import { growHigh, growLow, loadW, logOf, storeW, sumOf, widenAdd, zeroW } from '../lane/wide';
import { expConstant, expWith } from '../math/exp';
import { IGNORE, Plan } from '../plan';
import { copyFloats } from '../sums';
import { elements, illegal } from './frame';
import { beginRuns, nextRun, padOf } from './walk';

/** Turns whose factors (1 + ratio) ≤ 2 go into one product: 2^512 is far from overflow. */
const TURNS = 128;

/** Takes a plan through the loop of a loss, or through strips where it is not simple (and in the scalar tier). */
export function plainly<O, V, W>(p: Plan, simple: bool): usize {
  if (!isVector<V>() || !p.scratch || !simple || (p.a | p.b | p.incoming | p.loss) != 0 || (p.flags & IGNORE) != 0) return elements<O>(p);
  const o = changetype<O>(p);
  const run = beginRuns(p);
  let wrong = splat<V>(0);
  while (nextRun(p, run)) {
    const at = <usize>run.at << 2, whole = run.n & -lanes<V>(), rest = run.n - whole;
    const sums = padOf<V>(p, 3);
    storeW<W>(sums, zeroW<W>());
    wrong = or<V>(wrong, stretch<O, V, W>(p, p.input + at, p.target + at, p.grad ? p.grad + at : 0, whole, sums));
    if (rest) {
      // the last vector is computed in pads, filled up with elements that cost nothing
      const x = padOf<V>(p, 0), y = padOf<V>(p, 1), g = padOf<V>(p, 2), end = at + (<usize>whole << 2);
      storeV<V>(x, splat<V>(isDefined(o.idle) ? o.idle() : 0));
      storeV<V>(y, splat<V>(0));
      copyFloats<V>(p.input + end, x, rest);
      copyFloats<V>(p.target + end, y, rest);
      wrong = or<V>(wrong, stretch<O, V, W>(p, x, y, p.grad ? g : 0, lanes<V>(), sums));
      if (p.grad) copyFloats<V>(g, p.grad + end, rest);
    }
    p.sum += sumOf<W>(loadW<W>(sums));
  }
  if (anyOf<V>(wrong)) p.bad = 0;
  return 0;
}

/** Adds the terms of n elements, whole vectors, to the accumulator at sums; returns a mask of illegal ones. */
function stretch<O, V, W>(p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize): V {
  const o = changetype<O>(p);
  const k0 = expConstant<V>(0), k1 = expConstant<V>(1), k2 = expConstant<V>(2), k3 = expConstant<V>(3);
  const k4 = expConstant<V>(4), k5 = expConstant<V>(5), k6 = expConstant<V>(6), k7 = expConstant<V>(7);
  const k8 = expConstant<V>(8), k9 = expConstant<V>(9), k10 = expConstant<V>(10);
  const size = sizeof<V>();
  const f = splat<V>(<f32>(p.upstream * (isDefined(o.gain) ? o.gain() : 1)));
  let acc = loadW<W>(sums), wrong = splat<V>(0);
  let left = n / lanes<V>();
  let logs: f64 = 0;
  while (left > 0) {
    let low = zeroW<W>(), high = zeroW<W>();
    let vectors = min(left, 4 * TURNS);
    left -= vectors;
    while (vectors > 0) {
      let turns = min(vectors, 4);
      vectors -= turns;
      let sum = splat<V>(0);
      for (; turns > 0; turns--, x += size, y += size) {
        const v = loadV<V>(x), t = loadV<V>(y);
        if (isDefined(o.bounded)) wrong = or<V>(wrong, illegal<V>(p, v, t));
        if (isDefined(o.exponent)) {
          const e = expWith<V>(o.exponent<V>(v, t), k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10);
          if (isDefined(o.ratio)) {
            const ratio = o.ratio<V>(v, t, e);
            low = growLow<V, W>(low, ratio);
            high = growHigh<V, W>(high, ratio);
            sum = add<V>(sum, o.rest<V>(v, t, e));
          } else sum = add<V>(sum, o.term<V>(v, t, e));
          if (g) {
            storeV<V>(g, isDefined(o.plain) ? o.plain<V>(v, t, f, e) : o.slope<V>(v, t, f, e));
            g += size;
          }
        } else {
          sum = add<V>(sum, o.term<V>(v, t));
          if (g) {
            storeV<V>(g, o.slope<V>(v, t, f));
            g += size;
          }
        }
      }
      acc = widenAdd<V, W>(acc, sum);
    }
    if (isDefined(o.ratio)) logs += logOf<W>(low) + logOf<W>(high);
  }
  storeW<W>(sums, acc);
  if (isDefined(o.ratio)) p.sum += logs;
  return wrong;
}
