// The loop of a loss whose calls are often simple: nothing weighs, no target is missing, nobody asks for the loss of one
// element or has an incoming gradient for it. Beside the methods of frame.ts a loss may have legal(x, y), the mask of the
// targets in its range, idle(), an x that costs nothing beside the target 0, where that is not 0, and plus(sum, x, y), a sum and
// its term in one operation where there is one. The terms of some vectors are added before they go to float64: few roundings, none
// where all terms are equal.

import { add, and, anyOf, clear, everyBit, LANES, loadV, or, splat, storeV, VECTOR } from '../lane/lane';
import { sumOf, widenAdd, zeroW } from '../lane/wide';
import { IGNORE, Plan } from '../plan';
import { copyFloats } from '../sums';
import { elements, fix } from './frame';
import { beginRuns, nextRun, padOf } from './walk';

/** Elements of a turn of a loop: four vectors. */
const TURN = 4 * LANES;

/** The loop of a loss over n elements, whole turns: adds their terms to the accumulator at sums, returns a mask of illegal ones. */
export type Stretch = (p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize, f: v128) => v128;

/** Whether a call is simple, or but for its weights. */
export function isSimple(p: Plan, weighs: bool = false): bool {
  return p.scratch != 0 && ((weighs ? <usize>0 : p.a) | p.b | p.incoming | p.loss) == 0 && (p.flags & IGNORE) == 0;
}

/** Takes a plan through the loop of a loss, or through strips where it is not simple. */
export function plainly<O>(p: Plan): usize {
  return isSimple(p) ? plain<O>(p) : elements<O>(p);
}

/** Takes a plan through the loop of a loss. */
export function plain<O>(p: Plan): usize {
  const o = changetype<O>(p);
  return stretches(
    p, isDefined(o.gain) ? o.gain() : 1, isDefined(o.idle) ? o.idle() : 0,
    (p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize, f: v128): v128 => differences<O>(p, x, y, g, n, sums, f),
  );
}

/** Runs a loop over the chunks of a plan; idle is an x that costs nothing beside the target 0. */
export function stretches(p: Plan, gain: f64, idle: f32, stretch: Stretch): usize {
  const run = beginRuns(p), f = splat(<f32>(p.upstream * gain));
  let wrong = splat(0), sum = p.sum;
  p.sum = 0;
  while (nextRun(p, run)) {
    const at = <usize>run.at << 2, whole = run.n & -TURN, rest = run.n - whole;
    const sums = padOf(p, 3);
    storeV(sums, zeroW());
    wrong = or(wrong, stretch(p, p.input + at, p.target + at, p.grad ? p.grad + at : 0, whole, sums, f));
    if (rest) {
      // the last turn is computed in pads, filled up with elements that cost nothing
      const x = padOf(p, 0), y = padOf(p, 1), g = padOf(p, 2), end = at + (<usize>whole << 2);
      for (let i: usize = 0; i < <usize>TURN << 2; i += VECTOR) {
        storeV(x + i, splat(idle));
        storeV(y + i, splat(0));
      }
      copyFloats(p.input + end, x, rest);
      copyFloats(p.target + end, y, rest);
      wrong = or(wrong, stretch(p, x, y, p.grad ? g : 0, TURN, sums, f));
      if (p.grad) copyFloats(g, p.grad + end, rest);
    }
    p.sum += sumOf(loadV(sums));
    if (run.left) continue;
    sum += p.sum;
    p.sum = 0;
  }
  p.sum = sum;
  if (anyOf(wrong)) p.bad = 0;
  return 0;
}

// @ts-ignore: decorator
@inline function termOf<O>(o: O, x: v128, y: v128, a: v128, b: v128, c: v128): v128 {
  return isDefined(o.constantA) ? o.term(x, y, a, a, a, b, c) : o.term(x, y);
}

// @ts-ignore: decorator
@inline function plusTerm<O>(o: O, sum: v128, x: v128, y: v128, a: v128, b: v128, c: v128): v128 {
  return isDefined(o.plus) ? o.plus(sum, x, y) : add(sum, termOf(o, x, y, a, b, c));
}

// @ts-ignore: decorator
@inline function slopeOf<O>(o: O, x: v128, y: v128, f: v128, a: v128, b: v128, c: v128): v128 {
  return isDefined(o.constantA) ? o.slope(x, y, f, a, a, a, b, c) : o.slope(x, y, f);
}

/** The loop of a loss that does little for an element. */
function differences<O>(p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize, f: v128): v128 {
  const o = changetype<O>(p), size = VECTOR, zero = splat(0);
  const a = isDefined(o.constantA) ? fix(p, 0, o.constantA()) : zero;
  const b = isDefined(o.constantB) ? fix(p, 1, o.constantB()) : zero;
  const c = isDefined(o.constantC) ? fix(p, 2, o.constantC()) : zero;
  const stores = g != 0;
  let right = everyBit(), acc = loadV(sums);
  if (isDefined(o.plus)) {
    // there is so little to do that widening and counting show: two turns for each
    for (; n >= 2 * TURN; n -= 2 * TURN, x += 8 * size, y += 8 * size, g += 8 * size) {
      const first = turn(o, x, y, g, stores, f, a, b, c);
      acc = widenAdd(acc, add(first, turn(o, x + 4 * size, y + 4 * size, g + 4 * size, stores, f, a, b, c)));
    }
  }
  for (; n > 0; n -= TURN, x += 4 * size, y += 4 * size, g += 4 * size) {
    if (isDefined(o.legal)) {
      const low = and(o.legal(loadV(x), loadV(y)), o.legal(loadV(x + size), loadV(y + size)));
      const high = and(o.legal(loadV(x + 2 * size), loadV(y + 2 * size)), o.legal(loadV(x + 3 * size), loadV(y + 3 * size)));
      right = and(right, and(low, high));
    }
    acc = widenAdd(acc, turn(o, x, y, g, stores, f, a, b, c));
  }
  storeV(sums, acc);
  return clear(everyBit(), right);
}

/** The sum of the terms of a turn, whose slopes it stores. */
// @ts-ignore: decorator
@inline function turn<O>(o: O, x: usize, y: usize, g: usize, stores: bool, f: v128, a: v128, b: v128, c: v128): v128 {
  const size = VECTOR;
  const x0 = loadV(x), x1 = loadV(x + size), x2 = loadV(x + 2 * size), x3 = loadV(x + 3 * size);
  const y0 = loadV(y), y1 = loadV(y + size), y2 = loadV(y + 2 * size), y3 = loadV(y + 3 * size);
  const low = plusTerm(o, termOf(o, x0, y0, a, b, c), x1, y1, a, b, c);
  const high = plusTerm(o, termOf(o, x2, y2, a, b, c), x3, y3, a, b, c);
  if (stores) {
    storeV(g, slopeOf(o, x0, y0, f, a, b, c));
    storeV(g + size, slopeOf(o, x1, y1, f, a, b, c));
    storeV(g + 2 * size, slopeOf(o, x2, y2, f, a, b, c));
    storeV(g + 3 * size, slopeOf(o, x3, y3, f, a, b, c));
  }
  return add(low, high);
}
