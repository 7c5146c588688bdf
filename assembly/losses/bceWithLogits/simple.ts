// Simple calls without smoothing, where all masses together are 1, and those with weights that repeat every few vectors. With
// a = 1 − y where x ≥ 0 and −y where x < 0, h·|x| is a·x and the slope is a ∓ e/(1 + e). The logarithms of all elements are one
// of their product (sums.ts); those of elements that weigh alike, where there are weights: each vector of their period is a
// column with sums of its own, which its weights multiply at the end.

import { DECAY, exponentials } from '../../elements/exponentials';
import { PERIOD, weightsOf } from '../../elements/period';
import { beginRuns, nextRun, padOf } from '../../elements/walk';
import {
  add, and, anyOf, clear, div, everyBit, LANES, le, loadV, madd, mul, negatives, or, pmax, signBits, splat, storeV, sub,
  VECTOR, xor,
} from '../../lane/lane';
import { addWide, exceeds, growHigh, growLow, widenAdd, zeroW } from '../../lane/wide';
import { expConstant } from '../../math/exp';
import { log1pDouble } from '../../math/log';
import { Plan } from '../../plan';
import { copyFloats, LARGE, logAll } from '../../sums';

/** Vectors whose factors 1 + e ≤ 2 are multiplied in float32: 2^16 is their product at most. */
const SHORT = 16;

// pads (walk.ts); 0 to 2 are copies of the last vector
const WEIGHTS = 3;
const COLUMNS = 4; // of each column four sums and four products, float64
const E = 5; // exponentials, with the three pads behind it

/** a: what of the target the logit argues against, with its sign. */
// @ts-ignore: decorator
@inline function against(x: v128, y: v128, one: v128): v128 {
  return sub(clear(one, negatives(x)), y);
}

/** f times the slope of an element. */
// @ts-ignore: decorator
@inline function slope(a: v128, x: v128, e: v128, one: v128, sign: v128, f: v128): v128 {
  return mul(sub(a, xor(div(e, add(e, one)), and(x, sign))), f);
}

/**
 * (1 + a)·(1 + b) − 1, rounded where it is small. Small losses beside large ones are joined with each other first: a product
 * beside 1 keeps nothing below 2^-24.
 */
// @ts-ignore: decorator
@inline function join(a: v128, b: v128): v128 {
  return add(a, madd(a, b, b));
}

/** The loop of simple calls (plain.ts): whole turns of four vectors. */
export function stretch(p: Plan, x: usize, y: usize, g: usize, n: i32, sums: usize, f: v128): v128 {
  const one = expConstant(9), sign = signBits(), zero = splat(0), pad = padOf(p, COLUMNS);
  const step: usize = g ? VECTOR : 0;
  let acc = loadV(sums), right = everyBit(), low = zeroW(), high = low;
  if (!g) g = pad;
  for (let left = n; left > 0; left -= SHORT * LANES) {
    const end = x + (<usize>min(left, SHORT * LANES) << 2);
    let e = padOf(p, E), sum = zero, product = zero;
    exponentials(DECAY, x, end, e);
    for (; x < end; x += 4 * VECTOR, y += 4 * VECTOR, e += 4 * VECTOR, g += step << 2) {
      const v0 = loadV(x), v1 = loadV(x + VECTOR), v2 = loadV(x + 2 * VECTOR), v3 = loadV(x + 3 * VECTOR);
      const t0 = loadV(y), t1 = loadV(y + VECTOR), t2 = loadV(y + 2 * VECTOR), t3 = loadV(y + 3 * VECTOR);
      const q0 = loadV(e), q1 = loadV(e + VECTOR), q2 = loadV(e + 2 * VECTOR), q3 = loadV(e + 3 * VECTOR);
      const a0 = against(v0, t0, one), a1 = against(v1, t1, one), a2 = against(v2, t2, one), a3 = against(v3, t3, one);
      right = and(right, and(and(le(zero, t0), le(t0, one)), and(le(zero, t1), le(t1, one))));
      right = and(right, and(and(le(zero, t2), le(t2, one)), and(le(zero, t3), le(t3, one))));
      storeV(g, slope(a0, v0, q0, one, sign, f));
      storeV(g + step, slope(a1, v1, q1, one, sign, f));
      storeV(g + 2 * step, slope(a2, v2, q2, one, sign, f));
      storeV(g + 3 * step, slope(a3, v3, q3, one, sign, f));
      // an infinite logit that agrees with its target costs 0; NaN comes back with e
      const first = add(pmax(zero, mul(a0, v0)), pmax(zero, mul(a1, v1)));
      sum = add(sum, add(first, add(pmax(zero, mul(a2, v2)), pmax(zero, mul(a3, v3)))));
      product = join(product, join(join(q0, q1), join(q2, q3)));
    }
    acc = widenAdd(acc, sum);
    low = growLow(low, product);
    high = growHigh(high, product);
    if (exceeds(low, LARGE) || exceeds(high, LARGE)) {
      p.sum += logAll(low, high);
      low = high = zeroW();
    }
  }
  p.sum += logAll(low, high);
  storeV(sums, acc);
  return clear(everyBit(), right);
}

/** Takes a plan whose weights repeat every `vectors` vectors through the loss. */
export function periodic(p: Plan, vectors: i32): usize {
  const run = beginRuns(p), weights = weightsOf(p, WEIGHTS);
  let wrong = splat(0), sum = p.sum;
  p.sum = 0;
  memory.fill(padOf(p, COLUMNS), 0, PERIOD * 64);
  while (nextRun(p, run)) {
    const at = <usize>run.at << 2, whole = run.n & -LANES, rest = run.n - whole, from = run.within / LANES;
    wrong = or(wrong, columns(p, p.input + at, p.target + at, p.grad ? p.grad + at : 0, whole, weights, vectors, from));
    if (rest) {
      const x = padOf(p, 0), y = padOf(p, 1), g = padOf(p, 2), end = at + (<usize>whole << 2);
      storeV(x, splat(-Infinity)); // costs nothing beside the target 0
      storeV(y, splat(0));
      copyFloats(p.input + end, x, rest);
      copyFloats(p.target + end, y, rest);
      wrong = or(wrong, columns(p, x, y, p.grad ? g : 0, LANES, weights, vectors, from + whole / LANES));
      if (p.grad) copyFloats(g, p.grad + end, rest);
    }
    if (run.left) continue;
    for (let j = 0; j < vectors; j++) closeColumn(p, padOf(p, COLUMNS) + (<usize>j << 6), weights + <usize>j * VECTOR);
    sum += p.sum;
    p.sum = 0;
  }
  p.sum = sum;
  if (anyOf(wrong)) p.bad = 0;
  return 0;
}

/** The losses of n elements, whole vectors, the first of which is the `from`th of its row. Returns a mask of illegal targets. */
function columns(p: Plan, x: usize, y: usize, g: usize, n: i32, weights: usize, vectors: i32, from: i32): v128 {
  const one = expConstant(9), sign = signBits(), zero = splat(0), step = <usize>vectors * VECTOR, stepG = g ? step : 0;
  const by = splat(<f32>p.upstream), block = vectors * SHORT * LANES;
  let right = everyBit();
  if (!g) g = padOf(p, 2);
  for (let left = n; left > 0; left -= block) {
    const end = x + (<usize>min(left, block) << 2);
    exponentials(DECAY, x, end, padOf(p, E));
    for (let j = 0; j < min(left / LANES, vectors); j++) {
      const column = (from + j) % vectors, skip = <usize>j * VECTOR, place = padOf(p, COLUMNS) + (<usize>column << 6), w = weights + <usize>column * VECTOR;
      const f = mul(loadV(w), by);
      let sum = zero, product = zero, yAt = y + skip, gAt = stepG ? g + skip : g, e = padOf(p, E) + skip;
      for (let xAt = x + skip; xAt < end; xAt += step, yAt += step, gAt += stepG, e += step) {
        const v = loadV(xAt), t = loadV(yAt), q = loadV(e), a = against(v, t, one);
        right = and(right, and(le(zero, t), le(t, one)));
        storeV(gAt, slope(a, v, q, one, sign, f));
        sum = add(sum, pmax(zero, mul(a, v)));
        product = join(product, q);
      }
      addWide(place, sum);
      const low = growLow(loadV(place + 32), product), high = growHigh(loadV(place + 48), product);
      storeV(place + 32, low);
      storeV(place + 48, high);
      if (exceeds(low, LARGE) || exceeds(high, LARGE)) closeColumn(p, place, w);
    }
    y += end - x;
    if (stepG) g += end - x;
    x = end;
  }
  return clear(everyBit(), right);
}

/** Adds the losses of a column, times its weights, to the sum; the column starts anew. */
function closeColumn(p: Plan, place: usize, weights: usize): void {
  for (let i: usize = 0; i < 4; i++) {
    const w: f64 = load<f32>(weights + (i << 2));
    p.sum += w * (load<f64>(place + (i << 3)) + log1pDouble(load<f64>(place + 32 + (i << 3))));
  }
  memory.fill(place, 0, 64);
}
