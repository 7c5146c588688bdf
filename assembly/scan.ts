// Passes over the targets that come before the first gradient: a mean needs its denominator first, and what is written over
// an input cannot be taken back. They add to count and weightSum, chunk by chunk as kernels do, and stop at the first target
// out of range (bad).

import { classWeightOf, sampleWeightOf } from './classes/samples';
import { chunkEnd, lastOf } from './classes/walk';
import { illegal, missing } from './elements/frame';
import { beginRuns, nextRun } from './elements/walk';
import { firstOf, outside, tallied, tally } from './lane/bits';
import { anyOf, clear, isInt, LANES, or, splat } from './lane/lane';
import { loadSome } from './lane/place';
import { sumOf, widenAdd, zeroW } from './lane/wide';
import { IGNORE, INDICES, Plan, WEIGHS } from './plan';

/** The samples of a class loss: their class indices, where they have such, and what they weigh. */
export function scanSamples(p: Plan): void {
  const samples = lastOf(p), indices = (p.flags & INDICES) != 0;
  p.bad = -1;
  for (let start = p.begin, end = 0; start < samples; start = end) {
    end = chunkEnd(p, start);
    const weighted = p.b != 0 || (p.flags & WEIGHS) != 0;
    if (!weighted && (!indices || countIndices(p, start, end))) continue;
    let kept = 0;
    let total: f64 = 0;
    for (let i = start; i < end; i++) {
      let w = sampleWeightOf(p, i);
      if (indices) {
        const t = load<i32>(p.indices + (<usize>i << 2));
        if (t == p.ignoreIndex) continue;
        if (<u32>t >= <u32>p.total) {
          p.bad = i;
          return;
        }
        if (p.flags & WEIGHS) w *= classWeightOf(p, t);
      }
      kept++;
      total += w;
    }
    p.count += kept;
    p.weightSum += total;
  }
  if (!indices && !p.b) {
    p.count += samples - p.begin;
    p.weightSum += samples - p.begin;
  }
}

/** Counts the kept samples of a chunk, four at a time; false where one is out of range. */
function countIndices(p: Plan, start: i32, end: i32): bool {
  let skipped = splat(0), wrong = skipped;
  let i = start;
  for (; i + LANES <= end; i += LANES) {
    const at = p.indices + (<usize>i << 2), skip = isInt(at, p.ignoreIndex);
    skipped = tally(skipped, skip);
    wrong = or(wrong, outside(at, p.total, skip));
  }
  if (anyOf(wrong)) return false;
  let kept = i - start - tallied(skipped);
  for (; i < end; i++) {
    const t = load<i32>(p.indices + (<usize>i << 2));
    if (t == p.ignoreIndex) continue;
    if (<u32>t >= <u32>p.total) return false;
    kept++;
  }
  p.count += kept;
  p.weightSum += kept;
  return true;
}

/** The elements of an elementwise loss: targets out of range, missing ones, and the weights that the mean divides by. */
export function scanElements(p: Plan): void {
  const run = beginRuns(p);
  const low = splat(<f32>p.low), high = splat(<f32>p.high), weighs = (p.flags & WEIGHS) != 0;
  let weights = zeroW();
  p.bad = -1;
  while (nextRun(p, run)) {
    const x = p.input + (<usize>run.at << 2), y = p.target + (<usize>run.at << 2), a = p.a + (<usize>run.at << 2);
    let counted = splat(0);
    for (let i = 0; i < run.n; i += LANES) {
      const at = <usize>i << 2, n = run.n - i;
      const target = loadSome(y + at, n, <f32>p.high), none = missing(p, target);
      const wrong = illegal(p, loadSome(x + at, n, <f32>p.high), target, low, high);
      if (anyOf(wrong)) {
        p.bad = run.at + i + firstOf(wrong);
        return;
      }
      counted = tally(counted, none);
      if (weighs) weights = widenAdd(weights, clear(loadSome(a + at, n, 0), none));
    }
    // lanes past the end hold the upper bound, which may be the marker
    const past = -run.n & (LANES - 1), marks = (p.flags & IGNORE) != 0 && p.marker == <f64><f32>p.high;
    const kept = run.n - tallied(counted) + (marks ? past : 0);
    p.count += kept;
    if (!weighs) p.weightSum += kept;
    if (run.left) continue;
    p.weightSum += sumOf(weights);
    weights = zeroW();
  }
}
