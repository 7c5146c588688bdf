// How an elementwise operation goes over its plan: p.total elements, contiguous but for the operands a, b and c, which may
// repeat along any of the axes [outer, middle, inner]; a row is inner elements (the last one what is left). Elements are taken
// in chunks of a fixed number, whose sums start from zero and are added up in order, so that whoever cuts at the ends of
// chunks (blocks of arrays, threads) gets the same bits.

import { lanes, loadSplat, loadV, splat, storeV } from '../lane/lane';
import { product, scaled } from '../lane/wide';
import { Plan } from '../plan';
import { copyFloats } from '../sums';

/** Elements of a chunk: stretches of a row that is longer, whole rows otherwise; src/work/blocks.ts cuts alike. */
const CHUNK: i32 = 32768;
/** Vectors of a strip. */
export const STRIP: i32 = 16;

/** A run of elements that lie in one row and one chunk, and the strip of it that is being computed. */
@unmanaged
export class Run {
  at: i32; // first element
  n: i32;
  row: i32;
  within: i32; // its place in the row
  left: i32; // elements of the chunk behind it
  count: i32; // elements of the strip
  size: i32; // and in whole vectors, the last of which may reach past the end
  now: usize; // bytes from its start to the vector at hand
  x: usize; // addresses of the strip's operands
  y: usize;
  a: usize;
  b: usize;
  c: usize;
  f: usize; // what multiplies slopes: weight · incoming gradient · everything that scales gradients, rounded once
  stepA: usize; // bytes from one vector of them to the next; 0 where one value serves the row
  stepB: usize;
  stepC: usize;
  stepF: usize;
  terms: usize; // and of its results
  slopes: usize;
  sides: usize;
}

const RUN_BYTES = 128;
// pads, each of one strip: copies of the operands of a strip that does not fill its last vector, and results
const X = 0;
const Y = 1;
const A = 2;
const B = 3;
const C = 4;
const INCOMING = 5;
const FACTOR = 6;
const TERMS = 7;
const SLOPES = 8;
const SIDES = 9;
const PADS = 10;

/** Scratch in bytes. */
export function elementBytes<V>(): usize {
  return RUN_BYTES + PADS * STRIP * sizeof<V>();
}

// @ts-ignore: decorator
@inline export function padOf<V>(p: Plan, i: usize): usize {
  return p.scratch + RUN_BYTES + i * STRIP * sizeof<V>();
}

/** Elements of a strip. */
// @ts-ignore: decorator
@inline export function stripLength<V>(): i32 {
  return STRIP * lanes<V>();
}

/** The run before the first. */
export function beginRuns(p: Plan): Run {
  const run = changetype<Run>(p.scratch);
  run.at = run.n = run.left = 0;
  return run;
}

/** Elements of the chunk that starts with a run: a stretch of its row, rows of one step of outer, or whole steps. */
function chunkLength(p: Plan, run: Run): i32 {
  const inner = p.inner, unit = p.middle * inner;
  if (inner >= CHUNK) return min(CHUNK, inner - run.within);
  if (unit <= CHUNK) return CHUNK / unit * unit;
  return min(CHUNK / inner, p.middle - run.row % p.middle) * inner;
}

/** Moves to the next run; false at the end. Where `left` is then 0, the chunk ends with it. */
export function nextRun(p: Plan, run: Run): bool {
  const at = run.at + run.n, inner = p.inner;
  if (at >= p.total) return false;
  run.row = at / inner;
  run.within = at - run.row * inner;
  if (run.left == 0) run.left = chunkLength(p, run);
  run.at = at;
  run.n = min(min(run.left, inner - run.within), p.total - at);
  run.left = at + run.n == p.total ? 0 : run.left - run.n;
  return true;
}

/** Points a strip at the elements from the `from`th of the run on. */
export function openStrip<V>(p: Plan, run: Run, from: i32, gain: f64): void {
  const n = min(stripLength<V>(), run.n - from);
  const whole = (n & (lanes<V>() - 1)) == 0;
  const at = <usize>(run.at + from) << 2;
  run.count = n;
  run.size = (n + lanes<V>() - 1) & -lanes<V>();
  run.x = whole ? p.input + at : fetch<V>(p.input + at, padOf<V>(p, X), n, 0);
  if (!p.target) run.y = run.x; // read by nobody
  else run.y = whole ? p.target + at : fetch<V>(p.target + at, padOf<V>(p, Y), n, 1);
  const i = run.within + from, o = run.row / p.middle, r = run.row - o * p.middle;
  run.stepA = p.a != 0 && p.a2 != 0 ? sizeof<V>() : 0;
  run.a = operand<V>(p.a, o * p.a0 + r * p.a1 + i * p.a2, p.a2, padOf<V>(p, A), n, whole);
  run.stepB = p.b != 0 && p.b2 != 0 ? sizeof<V>() : 0;
  run.b = operand<V>(p.b, o * p.b0 + r * p.b1 + i * p.b2, p.b2, padOf<V>(p, B), n, whole);
  run.stepC = p.c != 0 && p.c2 != 0 ? sizeof<V>() : 0;
  run.c = operand<V>(p.c, o * p.c0 + r * p.c1 + i * p.c2, p.c2, padOf<V>(p, C), n, whole);
  run.f = padOf<V>(p, FACTOR);
  run.stepF = p.incoming || run.stepA ? sizeof<V>() : 0;
  const incoming = operand<V>(p.incoming, run.at + from, 1, padOf<V>(p, INCOMING), n, whole);
  factors<V>(p, run, incoming, gain);
  run.terms = whole && p.loss != 0 ? p.loss + at : padOf<V>(p, TERMS);
  run.slopes = whole ? p.grad + at : padOf<V>(p, SLOPES);
  run.sides = padOf<V>(p, SIDES);
}

function factors<V>(p: Plan, run: Run, incoming: usize, gain: f64): void {
  const upstream = p.upstream * gain;
  const end = run.stepF ? <usize>run.size << 2 : sizeof<V>();
  let a = run.a;
  for (let at: usize = 0; at < end; at += sizeof<V>(), a += run.stepA) {
    const w = loadV<V>(a);
    storeV<V>(run.f + at, p.incoming ? product<V>(w, loadV<V>(incoming + at), upstream) : scaled<V>(w, upstream));
  }
}

/** Puts the results of a strip that does not fill its last vector where they belong. */
export function closeStrip<V>(p: Plan, run: Run, from: i32): void {
  if (run.size == run.count) return;
  const at = <usize>(run.at + from) << 2;
  if (p.loss) copyFloats<V>(run.terms, p.loss + at, run.count);
  if (p.grad) copyFloats<V>(run.slopes, p.grad + at, run.count);
}

/** Where an operand of a strip is read: in its place, or where one value serves the row or a vector is not full in a pad. */
function operand<V>(base: usize, at: i32, column: i32, to: usize, n: i32, whole: bool): usize {
  if (!base) {
    storeV<V>(to, splat<V>(1));
    return to;
  }
  const from = base + (<usize>at << 2);
  if (!column) {
    storeV<V>(to, loadSplat<V>(from));
    return to;
  }
  return whole ? from : fetch<V>(from, to, n, 1);
}

/** Copies n values into a pad whose last vector is filled up. */
function fetch<V>(from: usize, to: usize, n: i32, filler: f32): usize {
  storeV<V>(to + (<usize>(n & -lanes<V>()) << 2), splat<V>(filler));
  copyFloats<V>(from, to, n);
  return to;
}
