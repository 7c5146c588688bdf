// Cutting a job into blocks that fit the scratch: whole samples where they fit, else stretches of the innermost axis. The
// arrays of a call are copied in block by block, which bounds the scratch and keeps each block in the cache between the copy
// and the kernel.

import type { Job } from './check.ts';
import type { LinearMemory } from './memory.ts';
import type { Broadcast } from './options.ts';
import { collapse, expand } from './shape.ts';
import { Source } from './source.ts';

/** Floats of one block: 128 KiB, half of a small second-level cache. */
const BLOCK = 32768;
/** Rows shorter than this are not walked one by one; their repeating weights are written out instead. */
const SHORT_ROW = 64;

/** A part of a job. */
export interface Block {
  /** Offset of its first element in the input. */
  readonly start: number;
  /** Elements of the input. */
  readonly size: number;
  readonly outer: number;
  /** Classes, or rows of an elementwise job. */
  readonly rows: number;
  readonly inner: number;
  /** Distance in the input between the stretches of two classes; `inner` where the block is contiguous. */
  readonly stride: number;
  /** Offset and number of its losses. */
  readonly sample: number;
  readonly samples: number;
  /** Where it starts along [outer, rows, inner] (elementwise jobs). */
  readonly origin: readonly [number, number, number];
}

/** The blocks of a class loss; one where every operand is in linear memory already (`limit` Infinity). */
export function classBlocks({ outer, classes, inner }: Job, limit = BLOCK): Block[] {
  const blocks: Block[] = [];
  const unit = classes * inner;
  if (outer === 0 || inner === 0) return blocks;
  const whole = unit <= limit || inner === 1;
  const width = whole ? inner : Math.max(64, Math.floor(limit / classes / 64) * 64);
  const height = whole ? Math.min(outer, Math.max(1, Math.floor(limit / Math.max(1, unit)))) : 1;
  for (let o = 0; o < outer; o += height) {
    for (let i = 0; i < inner; i += width) {
      const n = Math.min(height, outer - o);
      const w = Math.min(width, inner - i);
      blocks.push({
        start: o * unit + i,
        size: n * classes * w,
        outer: n,
        rows: classes,
        inner: w,
        stride: inner,
        sample: o * inner + i,
        samples: n * w,
        origin: [o, 0, i],
      });
    }
  }
  return blocks;
}

/** How an elementwise job is walked. */
export interface Elements {
  readonly outer: number;
  readonly rows: number;
  readonly inner: number;
  readonly weight: Repeating | undefined;
  readonly posWeight: Repeating | undefined;
}

/** A weight and its strides along [outer, rows, inner]. */
export interface Repeating {
  readonly source: Source;
  readonly strides: readonly [number, number, number];
  /** Where the weight was written out: writes its current values out again. */
  readonly refill?: (memory: LinearMemory) => void;
}

/** Joins the axes of an elementwise job as far as its weights allow. */
export function elementsOf(job: Job): Elements {
  const { weight, posWeight } = job.options;
  if (!weight && !posWeight) return { outer: 1, rows: 1, inner: job.inner, weight, posWeight };
  const given = [weight, posWeight].filter((w): w is Broadcast => w !== undefined);
  const joined = collapse(
    job.shape,
    given.map((w) => w.strides),
  );
  const short = joined !== undefined && joined.inner < SHORT_ROW && joined.rows * joined.outer > 1;
  if (joined && !short) return named(joined, given, weight, joined.strides);
  // weights that jump about or repeat within short rows are written out: by whole periods where they have one
  const [row, period] = periodOf(job.shape, given);
  const size = job.inner;
  const times = Math.min(Math.ceil(1024 / period) * 4, Math.ceil(size / period));
  const inner = times * period;
  const long = given.map((w) => written(w, row, inner));
  return {
    outer: 1,
    rows: Math.ceil(size / inner),
    inner,
    weight: weight && long[0],
    posWeight: weight ? long[1] : long[0],
  };
}

/** A weight written out over `row`, repeated to the length of `inner`. */
function written({ source, strides }: Broadcast, row: readonly number[], inner: number): Repeating {
  const full = new Float32Array(inner);
  const own = strides.slice(strides.length - row.length);
  return {
    source: new Source({ data: full, shape: [inner], nested: false }),
    strides: [0, 0, 1],
    refill: (memory) => {
      const period = expand(source.live(memory), own, row, full);
      for (let have = period; have < inner; have *= 2) full.copyWithin(have, 0, Math.min(have, inner - have));
    },
  };
}

/** The trailing axes along which some weight moves, and their size: no weight moves along the axes before. */
function periodOf(shape: readonly number[], given: readonly Broadcast[]): [readonly number[], number] {
  let axis = 0;
  while (axis < shape.length && given.every((w) => w.strides[axis] === 0)) axis++;
  const row = shape.slice(axis);
  return [row, row.reduce((n, d) => n * d, 1)];
}

function named(
  size: { readonly outer: number; readonly rows: number; readonly inner: number },
  given: readonly Broadcast[],
  weight: Broadcast | undefined,
  strides: readonly (readonly [number, number, number])[],
): Elements {
  const all = given.map(({ source }, i) => ({ source, strides: strides[i] ?? ([0, 0, 0] as const) }));
  const { outer, rows, inner } = size;
  return { outer, rows, inner, weight: weight && all[0], posWeight: weight ? all[1] : all[0] };
}

const START = [0, 0, 0] as const;

/** The blocks of an elementwise job; as few as there can be where every operand is in linear memory already. */
export function elementBlocks(elements: Elements, total: number, limit = BLOCK): Block[] {
  const { outer, rows, inner } = elements;
  if (total === 0) return [];
  if (outer * rows * inner === total && total <= limit) {
    return [{ start: 0, size: total, outer, rows, inner, stride: inner, sample: 0, samples: total, origin: START }];
  }
  const blocks: Block[] = [];
  const width = Math.min(inner, limit);
  const height = width < inner ? 1 : Math.min(rows, Math.max(1, Math.floor(limit / inner)));
  const depth = height < rows ? 1 : Math.min(outer, Math.max(1, Math.floor(limit / (rows * inner))));
  for (let o = 0; o < outer; o += depth) {
    for (let r = 0; r < rows; r += height) {
      for (let i = 0; i < inner; i += width) {
        const start = (o * rows + r) * inner + i;
        const w = Math.min(width, inner - i);
        const h = Math.min(height, rows - r);
        const d = Math.min(depth, outer - o);
        for (const part of cut(start, d, h, w, total)) blocks.push({ ...part, origin: [o, r + part.skip, i] });
      }
    }
  }
  return blocks;
}

/** A block, or where the last row ends before its full length (repeated), its whole rows and the rest. */
function cut(start: number, outer: number, rows: number, inner: number, total: number) {
  const block = (from: number, d: number, h: number, w: number, skip: number) => ({
    start: from,
    size: d * h * w,
    outer: d,
    rows: h,
    inner: w,
    stride: w,
    sample: from,
    samples: d * h * w,
    skip,
  });
  if (start + outer * rows * inner <= total) return [block(start, outer, rows, inner, 0)];
  const left = Math.max(0, total - start);
  const full = Math.floor(left / inner);
  const parts = full > 0 ? [block(start, 1, full, inner, 0)] : [];
  const rest = left - full * inner;
  return rest > 0 ? [...parts, block(start + full * inner, 1, 1, rest, full)] : parts;
}
