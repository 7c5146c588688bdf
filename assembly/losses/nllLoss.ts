// l = −w_t·s·x_t of log-probabilities x, ∂l/∂x_t = −w_t·s and 0 elsewhere. No other value is read. Source: PyTorch,
// torch.nn.functional.nll_loss.
//
// There is next to nothing to compute: what counts is how the gradient is cleared, as few long pieces, and that targets are
// gathered four at a time. Calls with weights or losses of samples go through the frame of tiles.
//
// Operands: a weight [C], b sampleWeight.

import { tileRow, tileWidth } from '../classes/pack';
import { IDLE, LOSS, TARGET } from '../classes/samples';
import { DIRECT, nothing, tiles, WEIGHS } from '../classes/tiles';
import { begin, closeChunk, laneArray, locate, openChunk, Walk } from '../classes/walk';
import { clear, isInt, LANES, loadV, neg, splat, storeV } from '../lane/lane';
import { gather, offsets, scatter } from '../lane/place';
import { sumOf, widenAdd, zeroW } from '../lane/wide';
import { CUT, Plan } from '../plan';
import { addLosses } from '../sums';

export function nllLoss(p: Plan): usize {
  if (p.scratch != 0 && (p.a | p.b | p.incoming | p.loss) == 0 && (p.flags & CUT) == 0) return plain(p);
  return tiles(
    p, DIRECT | WEIGHS, 0,
    nothing, nothing,
    (p: Plan, t: Walk): void => read(p, t),
    nothing,
    (p: Plan, t: Walk): void => addLosses(p, laneArray(p, LOSS), t.sample, t.n),
    (p: Plan, t: Walk): void => write(p, t),
    nothing, nothing,
  );
}

/** Chunks in runs along which samples are evenly spaced. Reads all of a run before it writes: the gradient may be the input. */
function plain(p: Plan): usize {
  const t = begin(p), inner = p.inner;
  t.first = 0;
  t.count = p.middle;
  while (openChunk(p, t)) {
    for (let start = t.sample + t.n; start < t.end; start = t.sample + t.n) {
      const within = inner == 1 ? 0 : start % inner;
      t.sample = start;
      t.n = inner == 1 ? t.end - start : min(t.end - start, inner - within);
      locate(p, t, within);
      for (let i = 0; i < t.n; i += tileWidth()) p.sum += sumRun(p, t, i, min(t.n, i + tileWidth()));
      if (p.grad) pullRun(p, t);
    }
    closeChunk(p, t);
  }
  return 0;
}

/** The losses of samples i … end − 1 of a run. */
function sumRun(p: Plan, t: Walk, i: i32, end: i32): f64 {
  const targets = p.indices + (<usize>t.sample << 2), places = laneArray(p, TARGET), x = t.x;
  const skip = p.ignoreIndex, step = <i32>t.sampleX, row = <i32>t.classX;
  let acc = zeroW();
  for (; i + LANES <= end; i += LANES) {
    const at = targets + (<usize>i << 2);
    storeV(places, offsets(at, skip, row, i * step, step));
    acc = widenAdd(acc, neg(clear(gather(x, places), isInt(at, skip))));
  }
  if (i == end) return sumOf(acc);
  storeV(places, splat(0));
  for (let lane = places; i < end; i++, lane += 4) {
    const c = load<i32>(targets + (<usize>i << 2));
    if (c != skip) store<f32>(lane, -load<f32>(x + <usize>(i * step) + <usize>c * t.classX));
  }
  return sumOf(widenAdd(acc, loadV(places)));
}

/** The gradient of a run; an ignored sample gets its 0 twice. */
function pullRun(p: Plan, t: Walk): void {
  const targets = p.indices + (<usize>t.sample << 2), places = laneArray(p, TARGET), g = t.g, n = t.n;
  const skip = p.ignoreIndex, step = <i32>t.sampleG, row = <i32>t.classG, pull = -<f32>p.upstream, pulls = splat(pull);
  clearLines(t);
  let i = 0;
  for (; i + LANES <= n; i += LANES) {
    const at = targets + (<usize>i << 2);
    storeV(places, offsets(at, skip, row, i * step, step));
    scatter(g, places, clear(pulls, isInt(at, skip)));
  }
  for (; i < n; i++) {
    const c = load<i32>(targets + (<usize>i << 2));
    if (c != skip) store<f32>(g + <usize>(i * step) + <usize>c * t.classG, pull);
  }
}

/**
 * Clears the gradients of the walk's samples and classes in pieces as long as possible, whichever way they lie; one by one where
 * a host has them apart both ways.
 */
function clearLines(t: Walk): void {
  const across = t.classG != 4, n = <usize>t.n, count = <usize>t.count;
  const apart = across && t.sampleG != 4, own: usize = across ? n : count;
  const step = across ? t.classG : t.sampleG;
  let lines = across ? count : n, length = own << 2;
  if (step == length && !apart) {
    length *= lines;
    lines = 1;
  }
  for (let line = t.g; lines > 0; lines--, line += step) {
    if (!apart) memory.fill(line, 0, length);
    else for (let i: usize = 0; i < own; i++) store<f32>(line + i * t.sampleG, 0);
  }
}

/** The class of sample i in the block at hand, −1 where there is none. */
// @ts-ignore: decorator
@inline function classOf(p: Plan, t: Walk, i: i32): i32 {
  const at = <usize>i << 2, c = load<i32>(laneArray(p, TARGET) + at) - t.first;
  return load<i32>(laneArray(p, IDLE) + at) == 0 && <u32>c < <u32>t.count ? c : -1;
}

function read(p: Plan, t: Walk): void {
  if (t.first == 0) memory.fill(laneArray(p, LOSS), 0, tileRow());
  for (let i = 0; i < t.n; i++) {
    const c = classOf(p, t, i);
    if (c < 0) continue;
    const x = load<f32>(t.x + <usize>i * t.sampleX + <usize>c * t.classX);
    store<f32>(laneArray(p, LOSS) + (<usize>i << 2), -load<f32>(t.own + (<usize>i << 2)) * x);
  }
}

function write(p: Plan, t: Walk): void {
  clearLines(t);
  for (let i = 0; i < t.n; i++) {
    const c = classOf(p, t, i);
    if (c < 0) continue;
    store<f32>(t.g + <usize>i * t.sampleG + <usize>c * t.classG, -load<f32>(t.mass + (<usize>i << 2)));
  }
}
