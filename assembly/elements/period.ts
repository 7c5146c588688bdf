// Weights that repeat every few vectors (one value, one for each of a few labels): each place of the period is a column whose
// weight multiplies its sum once, at the end.

import { anyOf, LANES, loadSplat, loadV, ne, storeV } from '../lane/lane';
import { Plan } from '../plan';
import { padOf } from './walk';

/** Vectors of a period at most. */
export const PERIOD: i32 = 8;

/** The vectors of one period of operand a; 0 where it has none so short, or a weight that is 0 or infinite. */
export function periodOf(p: Plan): i32 {
  if (!p.a || (p.a0 | p.a1) != 0) return 0;
  if (!p.a2) return isUsual(p.a, 1) ? 1 : 0;
  const n = p.inner, several = p.total > n;
  if (several && n % LANES != 0) return 0;
  for (let vectors = 1; vectors <= min(PERIOD, n / LANES); vectors++) {
    if (several && n / LANES % vectors != 0) continue;
    if (repeats(p.a, n, vectors * LANES)) return isUsual(p.a, vectors * LANES) ? vectors : 0;
  }
  return 0;
}

/** Whether n values repeat every `period`. */
function repeats(at: usize, n: i32, period: i32): bool {
  const back = <usize>period << 2;
  let i = period;
  for (; i + LANES <= n; i += LANES) {
    const place = at + (<usize>i << 2);
    if (anyOf(ne(loadV(place), loadV(place - back)))) return false;
  }
  for (; i < n; i++) {
    const place = at + (<usize>i << 2);
    if (load<f32>(place) != load<f32>(place - back)) return false;
  }
  return true;
}

/** Whether n weights are positive and finite. */
function isUsual(at: usize, n: i32): bool {
  for (let i = 0; i < n; i++) {
    const w = load<f32>(at + (<usize>i << 2));
    if (!(w > 0 && w < Infinity)) return false;
  }
  return true;
}

/** Where the weights of a period are. */
export function weightsOf(p: Plan, pad: i32): usize {
  if (p.a2) return p.a;
  storeV(padOf(p, pad), loadSplat(p.a));
  return padOf(p, pad);
}
