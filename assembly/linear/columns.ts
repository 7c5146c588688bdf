// Sums of columns, in float64: each is one sum in the order of the rows, which goes on from what stands there, so that no cut
// between rows changes a bit of it. There is one for each class, not for each weight, so that float64 costs nothing.

import { loadV } from '../lane/lane';
import { addW, high, low } from '../lane/wide';

/** c float64 at sums: the sums of as many float32 over n rows, ld bytes apart; first: set, not added to. */
export function columnSums(g: usize, sums: usize, n: i32, c: i32, ld: usize, first: bool): void {
  if (first) memory.fill(sums, 0, <usize>c << 3);
  for (; c >= 4; c -= 4, g += 16, sums += 32) {
    let a = v128.load(sums), b = v128.load(sums, 16);
    for (let i = 0, p = g; i < n; i++, p += ld) {
      const v = loadV(p);
      a = addW(a, low(v));
      b = addW(b, high(v));
    }
    v128.store(sums, a);
    v128.store(sums, b, 16);
  }
  for (; c > 0; c--, g += 4, sums += 8) {
    let sum = load<f64>(sums);
    for (let i = 0, p = g; i < n; i++, p += ld) sum += load<f32>(p);
    store<f64>(sums, sum);
  }
}
