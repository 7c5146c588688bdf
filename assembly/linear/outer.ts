import { add, and, loadSplat, loadV, madd, splat, storeV } from '../lane/lane';

const WIDTH: i32 = 512;
const CHUNK: i32 = 128;
const ROWS: i32 = 64;
const PANEL: usize = (<usize>CHUNK << 6) + 64;
const TEMP: usize = PANEL * (WIDTH >> 4);
export const OUTER_SCRATCH: usize = TEMP + 64;

// @ts-ignore: decorator
@inline function put(p: usize, a: v128, b: v128, c: v128, d: v128, keep: v128): void {
  storeV(p, add(and(loadV(p), keep), a));
  storeV(p + 16, add(and(loadV(p + 16), keep), b));
  storeV(p + 32, add(and(loadV(p + 32), keep), c));
  storeV(p + 48, add(and(loadV(p + 48), keep), d));
}

/** out, of two rows by sixteen columns, (+)= Σ of k products of the factors at p and q, step apart, and the vectors at b. */
function tile(p: usize, q: usize, step: usize, b: usize, k: i32, out: usize, ld: usize, fresh: bool): void {
  let a0 = splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
  for (let i = k; i; i--) {
    const x = loadSplat(p), y = loadSplat(q);
    let v = loadV(b);
    a0 = madd(v, x, a0), b0 = madd(v, y, b0);
    v = loadV(b + 16);
    a1 = madd(v, x, a1), b1 = madd(v, y, b1);
    v = loadV(b + 32);
    a2 = madd(v, x, a2), b2 = madd(v, y, b2);
    v = loadV(b + 48);
    a3 = madd(v, x, a3), b3 = madd(v, y, b3);
    p += step, q += step, b += 64;
  }
  const keep = i32x4.splat(<i32>fresh - 1);
  put(out, a0, a1, a2, a3, keep);
  if (ld) put(out + ld, b0, b1, b2, b3, keep);
}

/** Packs k rows of width columns into panels of sixteen columns. */
function packPanels(b: usize, ld: usize, k: i32, width: i32, to: usize): void {
  for (let i = 0; i < k; i++, b += ld, to += 64) {
    let p = b, q = to, j = width;
    for (; j >= 16; j -= 16, p += 64, q += PANEL) {
      storeV(q, loadV(p));
      storeV(q + 16, loadV(p + 16));
      storeV(q + 32, loadV(p + 32));
      storeV(q + 48, loadV(p + 48));
    }
    if (j) {
      memory.fill(q, 0, 64);
      memory.copy(q, p, <usize>j << 2);
    }
  }
}

/** out[i, j] (+)= Σ a[i·row + k·step]·b[k, j]. */
export function outer(
  a: usize, row: usize, step: usize, b: usize, out: usize,
  m: i32, k: i32, width: i32, first: bool, scratch: usize,
): void {
  const ld = <usize>width << 2;
  for (let j = 0; j < width; j += WIDTH) {
    const columns = min(WIDTH, width - j);
    for (let c = 0; c < k; c += CHUNK) {
      const depth = min(CHUNK, k - c), fresh = first && !c;
      packPanels(b + <usize>c * ld + (<usize>j << 2), ld, depth, columns, scratch);
      for (let from = 0; from < m; from += ROWS) {
        const to = min(m, from + ROWS);
        let panel = scratch;
        for (let s = 0; s < columns; s += 16, panel += PANEL) {
          const rest = min(columns - s, 16);
          let o = out + (<usize>from * width + j + s << 2), p = a + <usize>c * step + <usize>from * row;
          if (rest == 16) {
            for (let i = from; i < to; i += 2) {
              const two = i + 1 < to;
              tile(p, two ? p + row : p, step, panel, depth, o, two ? ld : 0, fresh);
              o += ld << 1, p += row << 1;
            }
          } else {
            for (let i = from; i < to; i++) {
              tile(p, p, step, panel, depth, scratch + TEMP, 0, true);
              for (let r: usize = 0; r < <usize>rest << 2; r += 4) {
                const t = load<f32>(scratch + TEMP + r);
                store<f32>(o + r, fresh ? t : load<f32>(o + r) + t);
              }
              o += ld, p += row;
            }
          }
        }
      }
    }
  }
}

/** The sums of c columns over n rows: float64 at sums, set or added to. */
export function columnSums(g: usize, sums: usize, n: i32, c: i32, ld: usize, first: bool): void {
  if (first) memory.fill(sums, 0, <usize>c << 3);
  for (let i = 0; i < n; i++, g += ld) {
    for (let j = 0; j < c; j++) {
      const s = sums + (<usize>j << 3);
      store<f64>(s, load<f64>(s) + <f64>load<f32>(g + (<usize>j << 2)));
    }
  }
}
