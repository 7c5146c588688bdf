// Aᵀ-like products for the gradients of input (g·W) and weight (gᵀ·x): rows of B, multiplied by numbers of A, are added up, two
// rows of the result by four vectors at a time. That is what V8 on x64 has registers for, see dots.ts; five rows by two
// vectors, or one row by eight, spill.
//
// A sum over K rows (or classes) goes on from what stands in `out`, in steps of CHUNK terms, each of which is summed up from
// zero in their order and then added. So the bits depend on nothing but the steps: not on tiles, neighbours or who computes
// which rows of the result, and not on cuts of K at multiples of CHUNK.
//
// Error: roundings of random sign grow like √K. Those of equal terms do not (a head that starts at zero has equal gradients):
// as long as a sum is in one octave they all go the same way. In the worst case the last octave contributes ¼ of a unit of
// 2^-24 of the sum for each addition, the one before 1/16, together ⅓. One running sum would pass 4·√K units at K = 144.
// In steps it is (128 + K/128)/3 units, below 4·√K up to K = 2 million.

import { add, loadSplat, loadV, madd, splat, storeV } from '../lane/lane';

/** Terms that are summed up before they are added to the result. */
const CHUNK: i32 = 128;
/** Numbers of B that are packed at a time, 24 KiB: they stay in the first cache for all rows of A. */
const BLOCK: i32 = 6144;
/** Columns of B that are packed at a time where K is small. */
const WIDEST: i32 = 512;
/** Rows of A, up to which B is read where it is: packing pays for more, since rows of B may lie on top of each other in the cache. */
const FEW: i32 = 4;
/** Behind the panels, one of which may be filled up with columns that do not count: two rows of results from there. */
const TEMP: usize = (<usize>BLOCK + CHUNK * 16) << 2;
export const OUTER_SCRATCH: usize = TEMP + 128;

/** Stores four vectors, or adds them to what stands there. */
// @ts-ignore: decorator
@inline function put(p: usize, a: v128, b: v128, c: v128, d: v128, fresh: bool): void {
  if (!fresh) {
    a = add(loadV(p), a);
    b = add(loadV(p + 16), b);
    c = add(loadV(p + 32), c);
    d = add(loadV(p + 48), d);
  }
  storeV(p, a);
  storeV(p + 16, b);
  storeV(p + 32, c);
  storeV(p + 48, d);
}

/**
 * Two rows of `count` panels of sixteen columns: sums over depth rows of B, pitch bytes apart, from b on, each panel hop bytes
 * further. The factors of the first row start at f and are step bytes apart, those of the second `row` bytes behind; ld leads
 * to the second row of the result, 0: there is none.
 */
function strip(
  f: usize, row: usize, step: usize, b: usize, hop: usize, pitch: usize, depth: i32, out: usize, ld: usize, fresh: bool, count: i32,
): void {
  for (; count > 0; count--) {
    let p = f, q = f + row, u = b;
    let a0 = splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
    for (let n = depth; n; n--) {
      const x = loadSplat(p), y = loadSplat(q);
      let v = loadV(u);
      a0 = madd(v, x, a0), b0 = madd(v, y, b0);
      v = loadV(u + 16);
      a1 = madd(v, x, a1), b1 = madd(v, y, b1);
      v = loadV(u + 32);
      a2 = madd(v, x, a2), b2 = madd(v, y, b2);
      v = loadV(u + 48);
      a3 = madd(v, x, a3), b3 = madd(v, y, b3);
      p += step, q += step, u += pitch;
    }
    put(out, a0, a1, a2, a3, fresh);
    if (ld) put(out + ld, b0, b1, b2, b3, fresh);
    out += 64, b += hop;
  }
}

/** Packs depth rows of B into panels of sixteen columns, hop bytes each; zeros behind the last column. */
function pack(b: usize, ld: usize, depth: i32, columns: i32, to: usize, hop: usize): void {
  const zero = splat(0);
  for (let i = 0; i < depth; i++, b += ld, to += 64) {
    let p = b, q = to, j = columns;
    for (; j >= 16; j -= 16, p += 64, q += hop) {
      put(q, loadV(p), loadV(p + 16), loadV(p + 32), loadV(p + 48), true);
    }
    if (j) put(q, zero, zero, zero, zero, true);
    for (; j; j--, p += 4, q += 4) store<f32>(q, load<f32>(p));
  }
}

/**
 * out[i, j] (+)= Σ a[i, k]·b[k, j] for m rows of width columns, over K terms; `row` and `step` bytes lead to the next i, and k,
 * in a. `first`: out is set, not added to.
 */
export function outer(
  a: usize, row: usize, step: usize, b: usize, out: usize, m: i32, K: i32, width: i32, first: bool, scratch: usize,
): void {
  const ld = <usize>width << 2, temp = scratch + TEMP, packs = m > FEW;
  if (first && !K) memory.fill(out, 0, ld * m);
  for (let k = 0; k < K; k += CHUNK) {
    const depth = min(CHUNK, K - k), fresh = first && !k, widest = min(WIDEST, BLOCK / depth & -16);
    const hop = <usize>depth << 6;
    for (let j = 0; j < width; j += widest) {
      const columns = min(widest, width - j), full = columns >> 4, rest = columns & 15;
      const source = b + <usize>k * ld + (<usize>j << 2), last = scratch + hop * full;
      if (packs) pack(source, ld, depth, columns, scratch, hop);
      else if (rest) pack(source + (<usize>full << 6), ld, depth, rest, last, hop);
      let o = out + (<usize>j << 2), f = a + <usize>k * step;
      for (let i = 0; i < m; i += 2, f += row << 1, o += ld << 1) {
        const two = i + 1 < m, second = two ? row : 0, next = two ? ld : 0;
        if (packs) strip(f, second, step, scratch, hop, 64, depth, o, next, fresh, full);
        else strip(f, second, step, source, 64, ld, depth, o, next, fresh, full);
        if (!rest) continue;
        strip(f, second, step, last, 0, 64, depth, temp, 64, true, 1);
        let to = o + (<usize>full << 6);
        for (let l: usize = 0; l <= <usize>two; l++, to += ld) {
          for (let r: usize = 0; r < <usize>rest << 2; r += 4) {
            const sum = load<f32>(temp + (l << 6) + r);
            store<f32>(to + r, fresh ? sum : load<f32>(to + r) + sum);
          }
        }
      }
    }
  }
}
