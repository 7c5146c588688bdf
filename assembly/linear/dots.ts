// Dot products of the rows of two matrices: a tile of four rows by two at a time.

import { add, loadV, madd, splat } from '../lane/lane';
import { loadPart } from '../lane/place';

const BLOCK: i32 = 512;
const ROWS: i32 = 128;

// @ts-ignore: decorator
@inline function halves(a: v128, b: v128): v128 {
  return add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
}

/** Adds the sum of the lanes of each of four vectors to what stands at four places. */
function settle(a: v128, b: v128, c: v128, d: v128, p: usize, q: usize, r: usize, s: usize): void {
  const ab = halves(a, b), cd = halves(c, d);
  let v = v128.load32_lane(s, v128.load32_lane(r, v128.load32_lane(q, v128.load32_zero(p), 1), 2), 3);
  v = add(v, add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7)));
  v128.store32_lane(p, v, 0);
  v128.store32_lane(q, v, 1);
  v128.store32_lane(r, v, 2);
  v128.store32_lane(s, v, 3);
}

/** Adds to out the products of rows of p, and the two rows at q and r, over d columns. */
function tile(p: usize, row: usize, last: usize, q: usize, r: usize, d: i32, out: usize, op: usize, oq: usize): void {
  const s1 = min(last, 1), s2 = min(last, 2), s3 = min(last, 3);
  let p1 = p + s1 * row, p2 = p + s2 * row, p3 = p + s3 * row;
  let a0 = splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  let i = d;
  for (; i >= 4; i -= 4) {
    const x = loadV(q), y = loadV(r);
    let v = loadV(p);
    a0 = madd(v, x, a0), b0 = madd(v, y, b0);
    v = loadV(p1);
    a1 = madd(v, x, a1), b1 = madd(v, y, b1);
    v = loadV(p2);
    a2 = madd(v, x, a2), b2 = madd(v, y, b2);
    v = loadV(p3);
    a3 = madd(v, x, a3), b3 = madd(v, y, b3);
    p += 16, p1 += 16, p2 += 16, p3 += 16, q += 16, r += 16;
  }
  if (i) {
    const x = loadPart(q, i, 0), y = loadPart(r, i, 0);
    let v = loadPart(p, i, 0);
    a0 = madd(v, x, a0), b0 = madd(v, y, b0);
    v = loadPart(p1, i, 0);
    a1 = madd(v, x, a1), b1 = madd(v, y, b1);
    v = loadPart(p2, i, 0);
    a2 = madd(v, x, a2), b2 = madd(v, y, b2);
    v = loadPart(p3, i, 0);
    a3 = madd(v, x, a3), b3 = madd(v, y, b3);
  }
  const o1 = out + s1 * op, o2 = out + s2 * op, o3 = out + s3 * op;
  settle(a0, a1, a2, a3, out, o1, o2, o3);
  if (oq) settle(b0, b1, b2, b3, out + oq, o1 + oq, o2 + oq, o3 + oq);
}

/** out[i·op + j·oq] += Σ p[i, k]·q[j, k] for m rows of p and n of q. */
export function dots(p: usize, q: usize, out: usize, op: usize, oq: usize, m: i32, n: i32, d: i32): void {
  const row = <usize>d << 2;
  for (let from = 0; from < n; from += ROWS) {
    const to = min(n, from + ROWS);
    for (let k = 0; k < d; k += BLOCK) {
      const part = min(BLOCK, d - k), at = <usize>k << 2;
      for (let i = 0; i < m; i += 4) {
        for (let j = from; j < to; j += 2) {
          const y = <usize>j * row + q + at, second = j + 1 < to;
          tile(
            p + at + <usize>i * row, row, min(4, m - i) - 1, y, second ? y + row : y, part,
            out + <usize>i * op + <usize>j * oq, op, second ? oq : 0,
          );
        }
      }
    }
  }
}

/** out[i, j] = b[j] + Σ x[i, k]·w[j, k], rows of out step bytes apart. */
export function logits(x: usize, w: usize, b: usize, out: usize, n: i32, c: i32, d: i32, step: usize): void {
  const row = <usize>c << 2;
  for (let i = 0, o = out; i < n; i++, o += step) {
    if (b) memory.copy(o, b, row);
    else memory.fill(o, 0, row);
  }
  const byClass = c > 128 || up(c, 4) * up(n, 2) < up(n, 4) * up(c, 2);
  if (byClass) dots(w, x, out, 4, step, c, n, d);
  else dots(x, w, out, step, 4, n, c, d);
}

function up(n: i32, by: i32): i32 {
  return (n + by - 1) & -by;
}
