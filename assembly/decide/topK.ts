// The k largest logits of each sample in descending order, of equal ones the first: class indices (int32, −1 where a logit is NaN)
// and, with p0, their log-probabilities (x − m) − log1p(q).
//
// The k best so far are a heap whose root is the worst of them; a vector is looked at lane by lane only where one of its lanes
// beats the root, which in a random order becomes rare soon.

import { expRowBlock } from '../classes/row';
import { stateBytes, Walk } from '../classes/walk';
import { anyOf, LANES, loadV, lt, ne, or, splat, VECTOR } from '../lane/lane';
import { log1pDouble } from '../math/log';
import { Plan } from '../plan';
import { outputOf } from './output';

/** Members: the number k. Parameter p0: log-probabilities are wanted. */
export function topK(p: Plan): usize {
  const k = p.members, size = stateBytes(0) + ((<usize>k << 3) + 15 & ~15);
  if (!p.scratch) return size + (p.inner > 1 ? (<usize>p.total << 2) + VECTOR : 0);
  const heap = p.scratch + stateBytes(0), t = changetype<Walk>(p.scratch);
  for (let sample = 0; sample < p.outer * p.inner; sample++) {
    const x = rowOf(p, sample, p.scratch + size), known = select(x, p.total, heap, k);
    if (known) sortHeap(heap, k);
    let q: f64 = NaN;
    const m = load<f32>(heap);
    if (known && p.p0 != 0) {
      t.top = m;
      t.rest = t.ties = 0;
      expRowBlock(t, x, 0, p.total);
      q = t.rest + (t.ties - 1);
    }
    const log = log1pDouble(q);
    for (let i = 0; i < k; i++) {
      const at = heap + (<usize>i << 3);
      store<i32>(outputOf(p, i, sample), known ? load<i32>(at, 4) : -1);
      if (p.p0 != 0) store<f32>(outputOf(p, k + i, sample), <f32>((<f64>load<f32>(at) - m) - log));
    }
  }
  return 0;
}

/** The logits of a sample side by side. */
function rowOf(p: Plan, sample: i32, to: usize): usize {
  const outer = sample / p.inner;
  const x = p.input + (<usize>(outer * p.inputOuter + sample - outer * p.inner) << 2);
  if (p.inner == 1) return x;
  for (let c = 0; c < p.total; c++) store<f32>(to + (<usize>c << 2), load<f32>(x + (<usize>(c * p.inputStep) << 2)));
  return to;
}

/** Puts the k best of a row on the heap; false where one is NaN. */
function select(x: usize, n: i32, heap: usize, k: i32): bool {
  let i = 0;
  let odd = splat(0);
  for (; i < k; i++) {
    const v = load<f32>(x + (<usize>i << 2));
    if (v != v) return false;
    put(heap, i, v, i);
  }
  for (let at = k / 2 - 1; at >= 0; at--) sink(heap, k, at);
  for (; i < n && (i & (LANES - 1)) != 0; i++) if (!offer(x, i, heap, k)) return false;
  let root = splat(load<f32>(heap));
  for (; i + LANES <= n; i += LANES) {
    const v = loadV(x + (<usize>i << 2));
    odd = or(odd, ne(v, v));
    if (!anyOf(lt(root, v))) continue;
    for (let lane = i; lane < i + LANES; lane++) offer(x, lane, heap, k);
    root = splat(load<f32>(heap));
  }
  for (; i < n; i++) if (!offer(x, i, heap, k)) return false;
  return !anyOf(odd);
}

// @ts-ignore: decorator
@inline function put(heap: usize, at: i32, value: f32, place: i32): void {
  store<f32>(heap + (<usize>at << 3), value);
  store<i32>(heap + (<usize>at << 3), place, 4);
}

/** Takes a logit that beats the root; places come in order, so an equal one does not. False for NaN. */
function offer(x: usize, i: i32, heap: usize, k: i32): bool {
  const v = load<f32>(x + (<usize>i << 2));
  if (v > load<f32>(heap)) {
    put(heap, 0, v, i);
    sink(heap, k, 0);
  }
  return v == v;
}

/** Whether the one at a is worse than the one at b. */
// @ts-ignore: decorator
@inline function worse(heap: usize, a: i32, b: i32): bool {
  const v = load<f32>(heap + (<usize>a << 3)), w = load<f32>(heap + (<usize>b << 3));
  return v < w || (v == w && load<i32>(heap + (<usize>a << 3), 4) > load<i32>(heap + (<usize>b << 3), 4));
}

/** Moves what is at a place below everything that is worse. */
function sink(heap: usize, size: i32, at: i32): void {
  for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
    if (child + 1 < size && worse(heap, child + 1, child)) child++;
    if (!worse(heap, child, at)) return;
    swap(heap, child, at);
    at = child;
  }
}

function swap(heap: usize, a: i32, b: i32): void {
  const v = load<u64>(heap + (<usize>a << 3));
  store<u64>(heap + (<usize>a << 3), load<u64>(heap + (<usize>b << 3)));
  store<u64>(heap + (<usize>b << 3), v);
}

/** Puts the best first. */
function sortHeap(heap: usize, size: i32): void {
  for (let last = size - 1; last > 0; last--) {
    swap(heap, 0, last);
    sink(heap, last, 0);
  }
}
