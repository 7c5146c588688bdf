// How a class loss goes over the samples of its plan: a tile of samples or one row at a time (sweep.ts says which is for what).

import { Plan } from './plan';
import { expTile, tileRow, tileWidth } from './tile';

/** Rows of more classes than this are walked class by class; shorter ones go through tiles (docs/kernels.md). */
const ROW_CLASSES = 96;
/** Bytes in front of the lane arrays of the scratch. */
const CURSOR_BYTES: usize = 64;
/** Arrays of one value per sample of a tile that a kernel may keep. */
const LANE_ARRAYS: usize = 14;
/** Classes further apart than this (bytes) are beyond the hardware's prefetching: half a page. */
const FAR_APART: usize = 2048;

/** Where the walk stands: the samples sample … sample + n − 1 and their addresses. */
@unmanaged
export class Cursor {
  sample: i32;
  n: i32;
  x: usize;
  y: usize;
  g: usize;
  sampleStep: usize;
  classStepX: usize;
  classStepY: usize;
  classStepG: usize;
}

/** Whether a loss that knows both walks takes the samples of a plan as rows: long ones, in one piece wherever they lie. */
export function walksRows<V>(p: Plan): bool {
  if (p.inner != 1 || p.inputStride > 1 || p.gradStride > 1 || p.targetStride > 1) return false;
  return p.classes > ROW_CLASSES || !isVector<V>();
}

/** Scratch that a walk with so many tiles needs. */
export function scratchBytes<V>(p: Plan, tiles: i32): usize {
  return CURSOR_BYTES + (LANE_ARRAYS + <usize>tiles * <usize>p.classes) * tileRow<V>();
}

/** Scratch of a walk by rows. */
export function rowScratchBytes<V>(p: Plan): usize {
  return CURSOR_BYTES + LANE_ARRAYS * tileRow<V>() + (<usize>p.classes << 2);
}

/** Room for one row. */
// @ts-ignore: decorator
@inline export function rowOf<V>(p: Plan): usize {
  return tileOf<V>(p, 0);
}

/** The i-th lane array. */
// @ts-ignore: decorator
@inline export function laneArray<V>(p: Plan, i: usize): usize {
  return p.scratch + CURSOR_BYTES + i * tileRow<V>();
}

/** The i-th tile. */
// @ts-ignore: decorator
@inline export function tileOf<V>(p: Plan, i: i32): usize {
  return p.scratch + CURSOR_BYTES + (LANE_ARRAYS + <usize>i * <usize>p.classes) * tileRow<V>();
}

/** A cursor before the first samples. */
export function begin(p: Plan): Cursor {
  const cursor = changetype<Cursor>(p.scratch);
  cursor.sample = 0;
  cursor.n = 0;
  return cursor;
}

/** Moves to the next samples: at most a tile of them, or one row. False at the end. */
export function advance<V>(p: Plan, cursor: Cursor, rows: bool): bool {
  const sample = cursor.sample + cursor.n;
  if (sample >= p.outer * p.inner) return false;
  const width = rows ? 1 : tileWidth<V>();
  const inner = p.inner;
  let outer = sample, within = 0;
  if (inner == 1) {
    cursor.n = min(width, p.outer - sample);
    cursor.sampleStep = <usize>p.classes << 2;
  } else {
    outer = sample / inner;
    within = sample - outer * inner;
    cursor.n = min(width, inner - within);
    cursor.sampleStep = 4;
  }
  const classes = <usize>outer * p.classes;
  cursor.sample = sample;
  cursor.x = p.input + ((classes * p.inputStride + within) << 2);
  cursor.y = p.target + ((classes * p.targetStride + within) << 2);
  cursor.g = p.grad ? p.grad + ((classes * p.gradStride + within) << 2) : 0;
  cursor.classStepX = <usize>p.inputStride << 2;
  cursor.classStepY = <usize>p.targetStride << 2;
  cursor.classStepG = <usize>p.gradStride << 2;
  return true;
}

/** expTile of the cursor's samples; lines that the next steps need are on their way when it ends. */
export function expSamples<V>(p: Plan, cursor: Cursor, tile: usize, to: usize, maxima: usize, rests: usize, marks: usize = 0): void {
  let x: usize = 0, stepX: usize = 0, g: usize = 0, stepG: usize = 0;
  if (cursor.sampleStep == 4 && cursor.classStepX >= FAR_APART) {
    const width = <usize>cursor.n << 2;
    const more = cursor.sample % p.inner + 2 * cursor.n <= p.inner; // else there is nothing to read at its place
    x = more ? cursor.x + width : cursor.x;
    stepX = cursor.classStepX;
    g = cursor.g ? cursor.g : cursor.x;
    stepG = cursor.g ? cursor.classStepG : cursor.classStepX;
  }
  expTile<V>(tile, to, p.classes, cursor.n, maxima, rests, marks, x, stepX, g, stepG);
}
