// l = −w_t·s·x_t of log-probabilities x, ∂l/∂x_t = −w_t·s and 0 elsewhere. No other value is read. Source: PyTorch,
// torch.nn.functional.nll_loss.
//
// Operands: a weight [C], b sampleWeight.

import { tileRow } from '../classes/pack';
import { IDLE, LOSS, TARGET } from '../classes/samples';
import { DIRECT, nothing, tiles, WEIGHS } from '../classes/tiles';
import { laneArray, Walk } from '../classes/walk';
import { Plan } from '../plan';
import { addLosses } from '../sums';

export function nllLoss(p: Plan): usize {
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
  // whole lines at a time, whichever way they lie
  const across = t.sampleG == 4, lines = across ? t.count : t.n;
  const step = across ? t.classG : t.sampleG, size = <usize>(across ? t.n : t.count) << 2;
  for (let i = 0; i < lines; i++) memory.fill(t.g + <usize>i * step, 0, size);
  for (let i = 0; i < t.n; i++) {
    const c = classOf(p, t, i);
    if (c < 0) continue;
    store<f32>(t.g + <usize>i * t.sampleG + <usize>c * t.classG, -load<f32>(t.mass + (<usize>i << 2)));
  }
}
