// How a class operation goes over its plan. Samples are taken in chunks of a fixed number, whose sums start from zero and are
// added up in order: whoever cuts a batch at the ends of chunks (blocks of arrays, threads, a linear head) gets the same bits.
// Within a chunk they go by tiles (many samples, one in each lane) or by rows (one sample, vectors along its classes).

import { COLUMNS, CUT, MEASURE, Plan } from '../plan';
import { tileRow, tileWidth } from './pack';

/** Values of the input in a chunk, where its samples are that small; src/work/blocks.ts cuts alike. */
const CHUNK: i32 = 32768;
/** Samples that a chunk has at least where classes are so many that it holds more than CHUNK values (inner > 1). */
const NARROWEST: i32 = 64;
/** Rows of more classes than this are walked class by class; shorter ones go through tiles (docs/kernels.md). */
const ROW_CLASSES: i32 = 160;
/** Bytes in front of the lane arrays of the scratch. */
const WALK_BYTES: usize = 256;

/** Where the walk stands: samples `sample` … `sample` + n − 1, classes `first` … `first` + count − 1 of each. */
@unmanaged
export class Walk {
  // sums of the chunks before, while those of this one are formed in the plan
  sum: f64;
  sideSum: f64;
  // rows: the state of the sample (row.ts)
  top: f64; // m, the largest logit
  rest: f64; // Σ e^(x−m) but for the classes whose logit is m
  ties: f64; // classes whose logit is m
  q: f64; // Σ e^(x−m) − 1
  u: f64; // the loss's own
  v: f64;
  w: f64;
  z: f64;
  total: f64; // of the class weights (crossEntropy)
  sample: i32;
  n: i32;
  line: i32; // how many of them lie one step apart: all, or those of a line of inner
  end: i32; // the first sample of the next chunk
  first: i32;
  count: i32;
  kind: i32; // which of a family of losses
  far: bool; // the loss's own
  farther: bool;
  kept: bool; // e stays in the scratch from the sums to the gradient; else it is computed again
  marked: bool; // some sample is idle
  x: usize; // addresses of the first class of the first sample
  y: usize;
  g: usize;
  sampleX: usize; // steps in bytes from one sample to the next
  sampleY: usize;
  sampleG: usize;
  classX: usize; // and from one class to the next
  classY: usize;
  classG: usize;
  lineX: usize; // and from one line to the next
  lineY: usize;
  lineG: usize;
  own: usize; // arrays of one value per sample (samples.ts)
  mass: usize;
  weight: usize;
  weightMass: usize;
  aheadX: usize; // lines of the next tile, and of this one's gradient, that a loop may touch as it goes (tiles.ts)
  aheadG: usize;
  touchX: usize; // steps in bytes from class to class; 0 where there is nothing to touch
  touchG: usize;
  beside: usize; // and from one pair of columns to the next
  scales: usize; // what multiplies the tile of gradients on its way out
  tile: usize; // bytes of a tile
  row: usize; // rows: the (transformed) logits of the block
  e: usize; // rows: their exponentials
}

/** Whether an operation that knows both walks takes the samples of a plan as rows: long ones that lie in one piece. */
export function walksRows(p: Plan): bool {
  if (p.total <= ROW_CLASSES || p.inner != 1 || (p.flags & COLUMNS) != 0) return false;
  return p.inputStep <= 1 && p.gradStep <= 1 && p.targetStep <= 1;
}

/** The i-th array of one value per sample. */
// @ts-ignore: decorator
@inline export function laneArray(p: Plan, i: usize): usize {
  return p.scratch + WALK_BYTES + i * tileRow();
}

/** Bytes of the walk and so many lane arrays. */
export function stateBytes(arrays: usize): usize {
  return WALK_BYTES + arrays * tileRow();
}

/** Samples from the first of a chunk to the first of the next; where a row of inner is cut, at most that many. */
function chunkSamples(p: Plan): i32 {
  const classes = max(1, p.total), unit = classes * p.inner;
  if (p.inner == 1) {
    const rows = max(1, CHUNK / classes);
    if (p.flags & COLUMNS) return max(NARROWEST, rows & -NARROWEST);
    return rows >= NARROWEST ? rows & -NARROWEST : rows;
  }
  if (unit <= CHUNK) return CHUNK / max(1, unit) * p.inner;
  return max(NARROWEST, CHUNK / classes & -NARROWEST);
}

/** Whether a call starts with new samples: where the class axis is cut, the first part of its first pass alone does. */
// @ts-ignore: decorator
@inline export function startsAnew(p: Plan): bool {
  return !(p.flags & CUT) || ((p.phase & MEASURE) != 0 && p.first == 0);
}

/** The first sample behind those that a plan takes. */
// @ts-ignore: decorator
@inline export function lastOf(p: Plan): i32 {
  return p.end ? p.end : p.outer * p.inner;
}

/** A walk before the first samples. */
export function begin(p: Plan): Walk {
  const t = changetype<Walk>(p.scratch);
  t.n = t.end = 0;
  t.sample = p.begin;
  t.sum = p.sum;
  t.sideSum = p.sideSum;
  return t;
}

/**
 * Moves to the next samples: one row, or at most a tile of them, of one line of inner; where `joins`, of as many lines as fit.
 * False at the end, or where the chunk ends.
 */
export function advance(p: Plan, t: Walk, rows: bool, joins: bool): bool {
  const sample = t.sample + t.n;
  if (sample >= lastOf(p) || sample == t.end) return false;
  const width = rows ? 1 : tileWidth();
  const inner = p.inner;
  let within = 0;
  t.n = t.line = min(width, t.end - sample);
  if (inner > 1) {
    within = sample % inner;
    t.line = min(t.n, inner - within);
    t.n = joins && t.line == inner ? t.n - t.n % inner : t.line;
  }
  t.sample = sample;
  locate(p, t, within);
  return true;
}

/** The first sample behind the chunk that starts with one. */
export function chunkEnd(p: Plan, sample: i32): i32 {
  const samples = lastOf(p);
  if (p.flags & CUT) return samples;
  const size = chunkSamples(p);
  if (p.inner == 1 || size >= p.inner) return min(sample + size, samples);
  const within = sample % p.inner;
  return sample - within + min(within + size, p.inner);
}

/** Opens the next chunk; false where there is none. */
export function openChunk(p: Plan, t: Walk): bool {
  const sample = t.sample + t.n;
  if (sample >= lastOf(p)) return false;
  t.end = chunkEnd(p, sample);
  t.sum = p.sum;
  t.sideSum = p.sideSum;
  p.sum = p.sideSum = 0;
  return true;
}

/** Adds the sums of the chunk to those of the chunks before. */
export function closeChunk(p: Plan, t: Walk): void {
  p.sum = t.sum + p.sum;
  p.sideSum = t.sideSum + p.sideSum;
}

/** Addresses and steps for the samples of the walk, `within` being the place of the first one along inner. */
export function locate(p: Plan, t: Walk, within: i32): void {
  const outer = p.inner == 1 ? t.sample : t.sample / p.inner;
  const single = p.inner == 1;
  t.x = p.input + (<usize>(outer * p.inputOuter + within) << 2);
  t.y = p.target + (<usize>(outer * p.targetOuter + within) << 2);
  t.g = p.grad ? p.grad + (<usize>(outer * p.gradOuter + within) << 2) : 0;
  t.sampleX = single ? <usize>p.inputOuter << 2 : 4;
  t.sampleY = single ? <usize>p.targetOuter << 2 : 4;
  t.sampleG = single ? <usize>p.gradOuter << 2 : 4;
  t.classX = <usize>p.inputStep << 2;
  t.classY = <usize>p.targetStep << 2;
  t.classG = <usize>p.gradStep << 2;
  t.lineX = <usize>p.inputOuter << 2;
  t.lineY = <usize>p.targetOuter << 2;
  t.lineG = <usize>p.gradOuter << 2;
}
