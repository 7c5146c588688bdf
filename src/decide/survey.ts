// A walk over the samples of a tensor with a class axis: a kernel reads the classes of each sample and leaves some numbers for it.
// Samples go through in blocks, which bounds the scratch; a tensor in the engine's memory is read in its place.

import type { Classed } from '../entries/samples.ts';
import { internals as lib } from '../index.ts';
import type { Runtime } from '../machine/runtime.ts';
import { type KernelName, kernelsOf } from './kernels.ts';

/** Values of a block: 128 KiB. */
const BLOCK = 32768;
/** Numbers that a block leaves: 1 MiB. */
const LEAVES = 262144;
/** Samples that kernels take at once (assembly/classes/pack.ts). */
const TILE = 64;

/** What a kernel is to do. */
export interface Survey {
  readonly classed: Classed;
  readonly runtime: Runtime;
  readonly kernel: KernelName;
  /** Numbers that the kernel leaves for each sample. */
  readonly outputs: number;
  /** Parameter p0. */
  readonly p0?: number;
  readonly members?: number;
  /** Of members, where there are any. */
  readonly groups?: number;
  /** Numbers for all samples. */
  readonly a?: Float32Array;
  readonly c?: Int32Array;
  /** The class of each sample, −1 where it is ignored. */
  readonly indices?: Int32Array;
  /** Takes what the kernel left for a block. */
  readonly collect?: (block: Leaves) => void;
  /** A gradient to write instead, of what each sample's numbers are multiplied by: `incoming` writes those of a block. */
  readonly gradient?: { readonly to: Float32Array; readonly incoming: (block: Leaves) => void };
}

/** The sums that a kernel may add to. */
export interface SurveySums {
  readonly sum: number;
  readonly sideSum: number;
  readonly weightSum: number;
}

/** The numbers of the samples of a block: output i of sample `sample + s` is at ints(i)[s] or floats(i)[s]. */
export interface Leaves {
  /** The first sample of the block, and how many there are. */
  readonly sample: number;
  readonly samples: number;
  ints(output: number): Int32Array;
  floats(output: number): Float32Array;
}

/** A part of the samples: `outer` steps from `o` on, `inner` of each from `i` on. */
interface Block {
  readonly o: number;
  readonly outer: number;
  readonly i: number;
  readonly inner: number;
}

function* blocksOf({ outer, classes, inner }: Classed, outputs: number): Generator<Block> {
  const most = Math.max(
    1,
    Math.min(Math.floor(BLOCK / Math.max(1, classes)), Math.floor(LEAVES / Math.max(1, outputs))),
  );
  if (inner <= most) {
    const fits = Math.floor(most / Math.max(1, inner));
    const height = inner === 1 && fits > TILE ? fits - (fits % TILE) : fits;
    for (let o = 0; o < outer; o += height) yield { o, outer: Math.min(height, outer - o), i: 0, inner };
    return;
  }
  const width = Math.max(TILE, most - (most % TILE));
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i += width) yield { o, outer: 1, i, inner: Math.min(width, inner - i) };
  }
}

/** Calls `use` with each stretch of a block that lies together: where it starts, how many values, and where in a copy of the block. */
function stretches(
  { o, outer, i, inner: width }: Block,
  { classes, inner }: Classed,
  use: (start: number, length: number, at: number) => void,
): void {
  const start = o * classes * inner + i;
  if (width === inner) {
    use(start, outer * classes * width, 0);
    return;
  }
  for (let c = 0; c < classes; c++) use(start + c * inner, width, c * width);
}

/** Reserves parts of scratch, 64-byte aligned. */
class Scratch {
  bytes = 0;

  part(values: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil((4 * values + 16) / 64) * 64; // vectors may reach past the end
    return at;
  }
}

/** Walks the samples. */
export function survey(job: Survey): SurveySums {
  const { classed, runtime, outputs, gradient, indices, a, c } = job;
  const { operand, classes, inner } = classed;
  const { PLAN, FLAGS } = lib;
  const { memory, plan } = runtime;
  const values = operand.data as Float32Array; // of arrays, which may hold anything, before the machine is touched
  const kernel = kernelsOf(runtime)[job.kernel];
  const place = new lib.Place(operand, Float32Array, runtime);
  const blocks = [...blocksOf(classed, outputs)];
  const samples = blocks.reduce((most, block) => Math.max(most, block.outer * block.inner), 0);
  const step = Math.ceil(samples / 4) * 4;
  const room = new Scratch();
  const input = place.home === undefined ? room.part(samples * classes) : 0;
  const grad = gradient ? room.part(samples * classes) : 0;
  const parts = { a: room.part(a?.length ?? 0), c: room.part(c?.length ?? 0), indices: room.part(samples) };
  const left = room.part(outputs * step);

  const fields = (base: number): void => {
    plan.clear();
    plan.set(PLAN.middle, classes);
    plan.set(PLAN.total, classes);
    plan.set(PLAN.inner, inner);
    plan.set(PLAN.phase, gradient ? FLAGS.EVERY_PHASE : FLAGS.EVERY_PHASE & ~FLAGS.GRADIENT);
    plan.set(PLAN.members, job.members ?? 0);
    plan.set(PLAN.a0, job.groups ?? 0);
    plan.set(PLAN.ignoreIndex, -1);
    plan.set(PLAN.flags, (indices ? FLAGS.INDICES : 0) | (inner > 1 ? FLAGS.COLUMNS : 0));
    plan.set(PLAN.partStep, step);
    plan.setDouble(PLAN.p0, job.p0 ?? 0);
    if (a) plan.set(PLAN.a, base + parts.a);
    if (c) plan.set(PLAN.c, base + parts.c);
    if (indices) plan.set(PLAN.indices, base + parts.indices);
    plan.set(gradient ? PLAN.d : PLAN.parts, base + left);
  };
  memory.renew();
  fields(0);
  const own = room.part(kernel(plan.address) / 4);
  return memory.withScratch(room.bytes, (base) => {
    memory.renew();
    fields(base);
    plan.set(PLAN.scratch, base + own);
    if (a) memory.f32.set(a, (base + parts.a) / 4);
    if (c) memory.i32.set(c, (base + parts.c) / 4);
    for (const block of blocks) {
      const { o, outer, i, inner: width } = block;
      const first = o * inner + i;
      const size = outer * width;
      const start = o * classes * inner + i;
      const home = place.home;
      plan.set(PLAN.outer, outer);
      plan.set(PLAN.inner, width);
      plan.set(PLAN.input, home === undefined ? base + input : home + 4 * start);
      plan.set(PLAN.inputStep, home === undefined ? width : inner);
      plan.set(PLAN.inputOuter, classes * (home === undefined ? width : inner));
      if (home === undefined) {
        const to = (base + input) / 4;
        stretches(block, classed, (from, length, at) => memory.f32.set(values.subarray(from, from + length), to + at));
      }
      if (indices) memory.i32.set(indices.subarray(first, first + size), (base + parts.indices) / 4);
      const leaves: Leaves = {
        sample: first,
        samples: size,
        ints: (output) => {
          const at = (base + left) / 4 + output * step;
          return memory.i32.subarray(at, at + size);
        },
        floats: (output) => {
          const at = (base + left) / 4 + output * step;
          if (runtime.deterministic && !gradient) runtime.kernels.canonicalize(4 * at, size);
          return memory.f32.subarray(at, at + size);
        },
      };
      if (gradient) {
        gradient.incoming(leaves);
        plan.set(PLAN.grad, base + grad);
        plan.set(PLAN.gradOuter, classes * width);
        plan.set(PLAN.gradStep, width);
      }
      kernel(plan.address);
      if (gradient) {
        if (runtime.deterministic) runtime.kernels.canonicalize(base + grad, size * classes);
        const from = (base + grad) / 4;
        stretches(block, classed, (to, length, at) => {
          gradient.to.set(memory.f32.subarray(from + at, from + at + length), to);
        });
      }
      job.collect?.(leaves);
    }
    const of = (field: typeof PLAN.sum | typeof PLAN.sideSum | typeof PLAN.weightSum) => plan.getDouble(field);
    return { sum: of(PLAN.sum), sideSum: of(PLAN.sideSum), weightSum: of(PLAN.weightSum) };
  });
}
