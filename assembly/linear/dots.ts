// x·Wᵀ + b: dot products of rows, four by two at a time, eight sums of vectors. That many, with the six vectors they are made
// of and one product, fit the fifteen registers of V8 on x64, whose scheduler (Node 20) first loads what a block of code needs
// and then computes: five by two rows, or two steps a turn, spill sums in the loop and take half as long again.
//
// The order of a sum follows from d alone: blocks of 512 columns, in them the lanes of a vector, which meet as
// (0 + 2) + (1 + 3). So a dot product has the same bits in every tile and with every neighbour. Its longest chain has
// 130 + d/512 additions: see outer.ts for what that means.

import { add, loadV, madd, splat } from '../lane/lane';
import { loadPart } from '../lane/place';
import { copyFloats } from '../sums';

/** Columns of a block. */
const BLOCK: i32 = 512;
/** Rows of the inner matrix that stay in the cache, 256 KiB of them, while the outer one passes. */
const ROWS: i32 = 128;

/** Lanes 0 + 2 and 1 + 3 of two vectors, in turn. */
// @ts-ignore: decorator
@inline function halves(a: v128, b: v128): v128 {
  return add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
}

/** Adds the lanes of each of four vectors to what stands at four places; of equal places the vectors are equal. */
function settle(a: v128, b: v128, c: v128, d: v128, p: usize, q: usize, r: usize, s: usize): void {
  const ab = halves(a, b), cd = halves(c, d);
  let v = v128.load32_lane(s, v128.load32_lane(r, v128.load32_lane(q, v128.load32_zero(p), 1), 2), 3);
  v = add(v, add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7)));
  v128.store32_lane(p, v, 0);
  v128.store32_lane(q, v, 1);
  v128.store32_lane(r, v, 2);
  v128.store32_lane(s, v, 3);
}

/**
 * Adds to out the products, over d columns, of the rows 0 to last ≤ 3 at p (row 3 is the last one where there are fewer) and
 * the n rows at q; op and oq bytes lead from one row of p, or q, to the next in out.
 */
function strip(p: usize, last: usize, q: usize, row: usize, n: i32, d: i32, out: usize, op: usize, oq: usize): void {
  const s1 = min(last, 1), s2 = min(last, 2);
  for (; n > 0; n -= 2) {
    let p0 = p, p1 = p + s1 * row, p2 = p + s2 * row, p3 = p + last * row, x = q, y = n > 1 ? q + row : q;
    let a0 = splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    let i = d;
    for (; i >= 4; i -= 4) {
      const u = loadV(x), w = loadV(y);
      let v = loadV(p0);
      a0 = madd(v, u, a0), b0 = madd(v, w, b0);
      v = loadV(p1);
      a1 = madd(v, u, a1), b1 = madd(v, w, b1);
      v = loadV(p2);
      a2 = madd(v, u, a2), b2 = madd(v, w, b2);
      v = loadV(p3);
      a3 = madd(v, u, a3), b3 = madd(v, w, b3);
      p0 += 16, p1 += 16, p2 += 16, p3 += 16, x += 16, y += 16;
    }
    if (i) {
      const u = loadPart(x, i, 0), w = loadPart(y, i, 0);
      let v = loadPart(p0, i, 0);
      a0 = madd(v, u, a0), b0 = madd(v, w, b0);
      v = loadPart(p1, i, 0);
      a1 = madd(v, u, a1), b1 = madd(v, w, b1);
      v = loadPart(p2, i, 0);
      a2 = madd(v, u, a2), b2 = madd(v, w, b2);
      v = loadPart(p3, i, 0);
      a3 = madd(v, u, a3), b3 = madd(v, w, b3);
    }
    const o1 = out + s1 * op, o2 = out + s2 * op, o3 = out + last * op;
    settle(a0, a1, a2, a3, out, o1, o2, o3);
    if (n > 1) settle(b0, b1, b2, b3, out + oq, o1 + oq, o2 + oq, o3 + oq);
    out += oq << 1, q += row << 1;
  }
}

/** out[i·op + j·oq] += Σ p[i, k]·q[j, k] for m rows of p and n of q. */
function dots(p: usize, q: usize, out: usize, op: usize, oq: usize, m: i32, n: i32, d: i32): void {
  const row = <usize>d << 2;
  for (let j = 0; j < n; j += ROWS) {
    const rows = min(ROWS, n - j);
    for (let k = 0; k < d; k += BLOCK) {
      const at = <usize>k << 2, columns = min(BLOCK, d - k);
      for (let i = 0; i < m; i += 4) {
        const from = <usize>i * row + p + at, to = <usize>i * op + <usize>j * oq + out;
        strip(from, min(m - i, 4) - 1, <usize>j * row + q + at, row, rows, columns, to, op, oq);
      }
    }
  }
}

/** out[i, j] = b[j] + Σ x[i, k]·w[j, k], rows of out ld bytes apart; b may be 0. */
export function logits(x: usize, w: usize, b: usize, out: usize, n: i32, c: i32, d: i32, ld: usize): void {
  if (!b && n) memory.fill(b = out, 0, <usize>c << 2);
  for (let i = 0, o = out; i < n; i++, o += ld) copyFloats(b, o, c);
  // who goes by fours: the classes where they are many, and pass once while the rows stay; else whose number leaves less over
  if (c > ROWS || up(c, 4) * up(n, 2) < up(n, 4) * up(c, 2)) dots(w, x, out, 4, ld, c, n, d);
  else dots(x, w, out, ld, 4, n, c, d);
}

/** n, rounded up to a multiple of a power of two. */
// @ts-ignore: decorator
@inline function up(n: i32, to: i32): i32 {
  return (n + to - 1) & -to;
}
