// How an elementwise loss goes over its plan: rows of `inner` elements, outer × rows of them, contiguous but for the
// weights, which may repeat along any of the three axes. Absent operands read a vector of ones, repeated operands a vector
// of their value, each with step 0, so that a kernel has one loop for every combination. The last, incomplete vector of a
// row is computed in scratch by the same loop.

import { lanes, loadSplat, splat, storeV } from './lane';
import { Plan } from './plan';
import { copyFloats } from './reduce';

/** One run of elements: how many, where, and the steps (bytes per vector) of those operands that may repeat. */
@unmanaged
export class Run {
  n: i32;
  row: i32; // rows opened so far
  rest: i32; // elements of the row in its last, incomplete vector; −1 while they are being computed
  idle: f32; // an x that costs nothing beside the target 0
  x: usize;
  y: usize;
  grad: usize; // 0: forward only
  loss: usize; // 0: sum only
  weight: usize;
  weightStep: usize;
  posWeight: usize;
  posWeightStep: usize;
  incoming: usize;
  incomingStep: usize;
}

const RUN_BYTES = 64;
/** One vector for each operand: x, y, grad, loss, weight, posWeight, incoming. */
const PADS = 7;

/** Scratch in bytes. */
export function elementScratch(): usize {
  return RUN_BYTES + PADS * 16;
}

// @ts-ignore: decorator
@inline function padOf(p: Plan, i: i32): usize {
  return p.scratch + RUN_BYTES + (<usize>i << 4);
}

/** The state before the first run. */
export function beginRuns(p: Plan, idle: f32): Run {
  const run = changetype<Run>(p.scratch);
  run.row = 0;
  run.rest = 0;
  run.idle = idle;
  return run;
}

/** Moves to the next run, a multiple of the vector length; false at the end. */
export function nextRun<V>(p: Plan, run: Run): bool {
  const whole = p.inner & ~(lanes<V>() - 1);
  if (run.rest < 0) closeTail<V>(p, run, p.inner - whole);
  else if (run.rest > 0) return openTail<V>(p, run, whole);
  const row = run.row;
  if (row >= p.outer * p.classes) return false;
  run.row = row + 1;
  run.rest = p.inner - whole;
  openRow<V>(p, run, row);
  run.n = whole;
  return whole > 0 || openTail<V>(p, run, 0);
}

function openRow<V>(p: Plan, run: Run, row: i32): void {
  const at = (<usize>row * p.inner) << 2;
  const o = row / p.classes, r = row - o * p.classes;
  const w = o * p.weightOuter + r * p.weightRow, v = o * p.posWeightOuter + r * p.posWeightRow;
  run.x = p.input + at;
  run.y = p.target ? p.target + at : 0;
  run.grad = p.grad ? p.grad + at : 0;
  run.loss = p.loss ? p.loss + at : 0;
  run.weightStep = stepOf<V>(p.weight, w, p.weightColumn, padOf(p, 4));
  run.weight = run.weightStep ? p.weight + (<usize>w << 2) : padOf(p, 4);
  run.posWeightStep = stepOf<V>(p.posWeight, v, p.posWeightColumn, padOf(p, 5));
  run.posWeight = run.posWeightStep ? p.posWeight + (<usize>v << 2) : padOf(p, 5);
  run.incomingStep = stepOf<V>(p.gradOutput, 0, 1, padOf(p, 6));
  run.incoming = run.incomingStep ? p.gradOutput + at : padOf(p, 6);
}

/** The step of an operand; one that is absent or repeats is spread over the pad. */
function stepOf<V>(base: usize, at: i32, column: i32, pad: usize): usize {
  if (base && column) return <usize>lanes<V>() << 2;
  storeV<V>(pad, base ? loadSplat<V>(base + (<usize>at << 2)) : splat<V>(1));
  return 0;
}

/** Points the run at copies of the last elements of its row. */
function openTail<V>(p: Plan, run: Run, whole: i32): bool {
  const at = <usize>whole << 2;
  const n = run.rest;
  run.x = fetch<V>(run.x + at, padOf(p, 0), n, run.idle);
  if (run.y) run.y = fetch<V>(run.y + at, padOf(p, 1), n, 0);
  // the lanes past the end weigh 0, whatever the targets are smoothed to
  if (run.weightStep) run.weight = fetch<V>(run.weight + at, padOf(p, 4), n, 0);
  else for (let i = n; i < lanes<V>(); i++) store<f32>(padOf(p, 4) + (<usize>i << 2), 0);
  if (run.posWeightStep) run.posWeight = fetch<V>(run.posWeight + at, padOf(p, 5), n, 0);
  if (run.incomingStep) run.incoming = fetch<V>(run.incoming + at, padOf(p, 6), n, 0);
  if (run.grad) run.grad = padOf(p, 2);
  if (run.loss) run.loss = padOf(p, 3);
  run.n = lanes<V>();
  run.rest = -1;
  return true;
}

/** Puts the n results of a tail where they belong. */
function closeTail<V>(p: Plan, run: Run, n: i32): void {
  const at = (<usize>run.row * p.inner - n) << 2;
  if (run.grad) copyFloats<V>(padOf(p, 2), p.grad + at, n);
  if (run.loss) copyFloats<V>(padOf(p, 3), p.loss + at, n);
  run.rest = 0;
}

function fetch<V>(from: usize, pad: usize, n: i32, filler: f32): usize {
  storeV<V>(pad, splat<V>(filler));
  copyFloats<V>(from, pad, n);
  return pad;
}
