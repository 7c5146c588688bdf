// Passes over the targets that come before the first gradient: a mean needs its denominator first, and what is written over
// an input cannot be taken back. They add to count and weightSum, chunk by chunk as kernels do, and stop at the first target
// out of range (bad).

import { classWeightOf, sampleWeightOf } from './classes/samples';
import { chunkEnd } from './classes/walk';
import { illegal, missing } from './elements/frame';
import { beginRuns, nextRun } from './elements/walk';
import { anyOf, clear, lanes, loadV, splat, tallied, tally } from './lane/lane';
import { sumOf, widenAdd, zeroW } from './lane/wide';
import { INDICES, Plan, WEIGHS } from './plan';

/** The samples of a class loss: their class indices, where they have such, and what they weigh. */
export function scanSamples(p: Plan): void {
  const samples = p.outer * p.inner, indices = (p.flags & INDICES) != 0;
  p.bad = -1;
  for (let start = 0, end = 0; start < samples; start = end) {
    end = chunkEnd(p, start);
    const weighted = p.b != 0 || (p.flags & WEIGHS) != 0;
    if (!weighted && (!indices || countIndices(p, start, end))) continue;
    let kept = 0;
    let total: f64 = 0;
    for (let i = start; i < end; i++) {
      let w = sampleWeightOf(p, i);
      if (indices) {
        const t = load<i32>(p.target + (<usize>i << 2));
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
    p.count += samples;
    p.weightSum += samples;
  }
}

/** Counts the kept samples of a chunk, four at a time; false where one is out of range. */
function countIndices(p: Plan, start: i32, end: i32): bool {
  if (!ASC_FEATURE_SIMD) return false;
  const top = i32x4.splat(p.total), skip = i32x4.splat(p.ignoreIndex);
  let skipped = i32x4.splat(0), wrong = skipped;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const t = v128.load(p.target + (<usize>i << 2));
    const ignore = i32x4.eq(t, skip);
    skipped = i32x4.sub(skipped, ignore);
    wrong = v128.or(wrong, v128.andnot(i32x4.ge_u(t, top), ignore));
  }
  if (v128.any_true(wrong)) return false;
  let kept = i - start - tallied<v128>(skipped);
  for (; i < end; i++) {
    const t = load<i32>(p.target + (<usize>i << 2));
    if (t == p.ignoreIndex) continue;
    if (<u32>t >= <u32>p.total) return false;
    kept++;
  }
  p.count += kept;
  p.weightSum += kept;
  return true;
}

/** The elements of an elementwise loss: targets out of range, missing ones, and the weights that the mean divides by. */
export function scanElements<V, W>(p: Plan): void {
  const run = beginRuns(p);
  let weights = zeroW<W>();
  let tail: f64 = 0;
  p.bad = -1;
  while (nextRun(p, run)) {
    const x = p.input + (<usize>run.at << 2), y = p.target + (<usize>run.at << 2), a = p.a + (<usize>run.at << 2);
    let counted = splat<V>(0);
    let kept = run.n, i = 0;
    for (; i + lanes<V>() <= run.n; i += lanes<V>()) {
      const at = <usize>i << 2;
      const target = loadV<V>(y + at), none = missing<V>(p, target);
      if (anyOf<V>(illegal<V>(p, loadV<V>(x + at), target))) break; // the loop below finds it
      counted = tally<V>(counted, none);
      if (p.flags & WEIGHS) weights = widenAdd<V, W>(weights, clear<V>(loadV<V>(a + at), none));
    }
    kept -= tallied<V>(counted);
    for (; i < run.n; i++) {
      const at = <usize>i << 2;
      const target = load<f32>(y + at), none = missing<f32>(p, target);
      if (anyOf<f32>(illegal<f32>(p, load<f32>(x + at), target))) {
        p.bad = run.at + i;
        return;
      }
      if (anyOf<f32>(none)) kept--;
      else if (p.flags & WEIGHS) tail += load<f32>(a + at);
    }
    p.count += kept;
    if (!(p.flags & WEIGHS)) p.weightSum += kept;
    if (run.left) continue;
    p.weightSum += sumOf<W>(weights) + tail;
    weights = zeroW<W>();
    tail = 0;
  }
}
