// How an elementwise operation goes over its plan: p.total elements, contiguous but for the operands a, b and c, which may
// repeat along any of the axes [outer, middle, inner]; a row is inner elements (the last one what is left). Elements are taken
// in chunks of a fixed number, whose sums start from zero and are added up in order, so that whoever cuts at the ends of
// chunks (blocks of arrays, threads) gets the same bits.

import { LANES, loadSplat, loadV, mul, splat, storeV, VECTOR } from '../lane/lane';
import { product } from '../lane/wide';
import { Plan } from '../plan';
import { copyFloats } from '../sums';

/** Elements of a chunk: stretches of a row that is longer, whole rows otherwise; src/work/blocks.ts cuts alike. */
const CHUNK: i32 = 32768;
/** Vectors of a strip. */
export const STRIP: i32 = 32;

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
  x: usize; // addresses of the strip's operands
  y: usize;
  a: usize;
  b: usize;
  c: usize;
  rowA: usize; // where those start in the run
  rowB: usize;
  rowC: usize;
  f: usize; // what multiplies slopes: weight · incoming gradient · everything that scales gradients, rounded once
  stepA: usize; // bytes from one vector of them to the next; 0 where one value serves the row
  stepB: usize;
  stepC: usize;
  stepF: usize;
  terms: usize; // and of its results
  slopes: usize;
  sides: usize;
  e: usize; // exponentials
  side: f64; // what a row has given so far to the gradient of an operand that serves all of it
}

const RUN_BYTES: usize = 192;
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
const E = 10;
const CONSTANTS = 11;
const PADS: usize = 12;

/** Scratch in bytes. */
export function elementBytes(): usize {
  return RUN_BYTES + PADS * <usize>STRIP * VECTOR;
}

// @ts-ignore: decorator
@inline export function padOf(p: Plan, i: usize): usize {
  return p.scratch + RUN_BYTES + i * <usize>STRIP * VECTOR;
}

/** Room for the constants of a loop. */
// @ts-ignore: decorator
@inline export function constantPad(p: Plan): usize {
  return padOf(p, CONSTANTS);
}

/** Elements of a strip. */
// @ts-ignore: decorator
@inline export function stripLength(): i32 {
  return STRIP * LANES;
}

/** The run before the first. */
export function beginRuns(p: Plan): Run {
  const run = changetype<Run>(p.scratch);
  run.n = run.left = 0;
  run.at = p.begin;
  return run;
}

/** The first element behind those that a plan takes. */
// @ts-ignore: decorator
@inline function lastOf(p: Plan): i32 {
  return p.end ? p.end : p.total;
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
  if (at >= lastOf(p)) return false;
  run.row = at / inner;
  run.within = at - run.row * inner;
  if (run.left == 0) run.left = chunkLength(p, run);
  run.at = at;
  run.n = min(min(run.left, inner - run.within), lastOf(p) - at);
  run.left = at + run.n == lastOf(p) ? 0 : run.left - run.n;
  return true;
}

/** Finds the operands of a run that may repeat. */
export function openRun(p: Plan, run: Run): void {
  const o = run.row / p.middle, r = run.row - o * p.middle;
  run.stepA = p.a != 0 && p.a2 != 0 ? VECTOR : 0;
  run.stepB = p.b != 0 && p.b2 != 0 ? VECTOR : 0;
  run.stepC = p.c != 0 && p.c2 != 0 ? VECTOR : 0;
  run.stepF = p.incoming || run.stepA ? VECTOR : 0;
  run.rowA = rowOf(p.a, o * p.a0 + r * p.a1 + run.within * p.a2, run.stepA, padOf(p, A));
  run.rowB = rowOf(p.b, o * p.b0 + r * p.b1 + run.within * p.b2, run.stepB, padOf(p, B));
  run.rowC = rowOf(p.c, o * p.c0 + r * p.c1 + run.within * p.c2, run.stepC, padOf(p, C));
  run.f = padOf(p, FACTOR);
  run.sides = padOf(p, SIDES);
  run.e = padOf(p, E);
}

/** Where an operand of a run starts; one that is absent (all 1) or serves the whole row is spread over a pad. */
function rowOf(base: usize, at: i32, step: usize, to: usize): usize {
  const from = base + (<usize>at << 2);
  if (step) return from;
  storeV(to, base ? loadSplat(from) : splat(1));
  return to;
}

/** Points a strip at the elements from the `from`th of the run on. */
export function openStrip(p: Plan, run: Run, from: i32, gain: f64): void {
  const n = min(stripLength(), run.n - from);
  const whole = (n & (LANES - 1)) == 0;
  const offset = <usize>from << 2, at = (<usize>run.at << 2) + offset;
  run.count = n;
  run.size = (n + LANES - 1) & -LANES;
  run.x = p.input + at;
  run.y = p.target ? p.target + at : run.x; // else read by nobody
  run.a = run.stepA ? run.rowA + offset : run.rowA;
  run.b = run.stepB ? run.rowB + offset : run.rowB;
  run.c = run.stepC ? run.rowC + offset : run.rowC;
  let incoming = p.incoming + at;
  run.terms = whole && p.loss != 0 ? p.loss + at : padOf(p, TERMS);
  run.slopes = whole ? p.grad + at : padOf(p, SLOPES);
  if (!whole) {
    // a vector that is not full is computed on copies
    run.x = fetch(run.x, padOf(p, X), n, 0);
    run.y = fetch(run.y, padOf(p, Y), n, 1);
    if (run.stepA) run.a = fetch(run.a, padOf(p, A), n, 1);
    if (run.stepB) run.b = fetch(run.b, padOf(p, B), n, 1);
    if (run.stepC) run.c = fetch(run.c, padOf(p, C), n, 1);
    if (p.incoming) incoming = fetch(incoming, padOf(p, INCOMING), n, 1);
  }
  factors(p, run, incoming, p.upstream * gain);
}

/** What multiplies slopes. */
function factors(p: Plan, run: Run, incoming: usize, upstream: f64): void {
  const by = splat(<f32>upstream), end = <usize>run.size << 2;
  if (!run.stepF) {
    storeV(run.f, mul(loadV(run.a), by));
    return;
  }
  const to = run.f, step = run.stepA, given = p.incoming != 0;
  let a = run.a;
  for (let at: usize = 0; at < end; at += VECTOR, a += step) {
    const w = loadV(a);
    storeV(to + at, given ? product(w, loadV(incoming + at), upstream) : mul(w, by));
  }
}

/** Puts the results of a strip that does not fill its last vector where they belong. */
export function closeStrip(p: Plan, run: Run, from: i32): void {
  if (run.size == run.count) return;
  const at = <usize>(run.at + from) << 2;
  if (p.loss) copyFloats(run.terms, p.loss + at, run.count);
  if (p.grad) copyFloats(run.slopes, p.grad + at, run.count);
}

/** Copies n values into a pad whose last vector is filled up. */
function fetch(from: usize, to: usize, n: i32, filler: f32): usize {
  storeV(to + (<usize>(n & -LANES) << 2), splat(filler));
  copyFloats(from, to, n);
  return to;
}
