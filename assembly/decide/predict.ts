// Labels: 1 where a logit is at its threshold or above, one byte each at p.parts. Rows are middle elements long and have their
// thresholds in operand a; without it p0 is that of all.

import { tallied } from '../lane/bits';
import { and, LANES, le, loadV, splat } from '../lane/lane';
import { loadSome } from '../lane/place';
import { Plan } from '../plan';

/** What the mask of each lane leaves of its four bytes. */
const BYTES: usize = memory.data<i32>([1, 1 << 8, 1 << 16, 1 << 24], 16);

export function predict(p: Plan): usize {
  if (!p.scratch) return 16;
  const bytes = loadV(BYTES), all = splat(<f32>p.p0);
  let x = p.input, to = p.parts;
  for (let row = 0; row < p.outer; row++) {
    for (let i = 0; i < p.middle; i += LANES, x += 16) {
      const n = p.middle - i, bound = p.a ? loadSome(p.a + (<usize>i << 2), n, 0) : all;
      let word = tallied(and(le(bound, loadSome(x, n, 0)), bytes));
      for (let k = 0; k < min(n, LANES); k++, word >>>= 8) store<u8>(to++, <u8>word);
    }
    x -= <usize>(-p.middle & (LANES - 1)) << 2; // the last vector reached past the row
  }
  return 0;
}
