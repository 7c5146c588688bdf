// A chunk on its way through a kernel, in whatever thread. Chunks are those of the kernels (assembly/classes/walk.ts,
// assembly/elements/walk.ts), whose sums start from zero and are added up in order, so that threads change no bit.

import { PLAN } from '../generated/plan.ts';
import * as at from './control.ts';

/** What a thread needs of the module. */
export interface Machine {
  readonly memory: WebAssembly.Memory;
  /** The kernels, in the order that all threads know. */
  readonly kernels: readonly ((...args: readonly number[]) => unknown)[];
  canonicalize(address: number, count: number): void;
}

/** Views of the memory as it is. */
export class Views {
  i32: Int32Array = new Int32Array(0);
  f64: Float64Array = new Float64Array(0);

  constructor(readonly memory: WebAssembly.Memory) {}

  /** Sees all of the memory; false where this thread does not know yet that it has grown. */
  renew(pages: number): boolean {
    if (this.i32.length < pages * 16384) {
      const { buffer } = this.memory;
      this.i32 = new Int32Array(buffer);
      this.f64 = new Float64Array(buffer);
    }
    return this.i32.length >= pages * 16384;
  }
}

/** Where the chunks of a plan end. */
export interface Cut {
  readonly size: number;
  /** 0 where chunks go on across rows. */
  readonly period: number;
  readonly total: number;
}

/** How many chunks there are. */
export function chunksOf({ size, period, total }: Cut): number {
  if (period === 0) return Math.ceil(total / size);
  const whole = Math.floor(total / period);
  return whole * Math.ceil(period / size) + Math.ceil((total - whole * period) / size);
}

/** Takes the i-th chunk of a round through a kernel, by a plan, or with scratch, that is this thread's own. */
export function runChunk(
  control: at.Control,
  i: number,
  machine: Machine,
  views: Views,
  plan: number,
  scratch: number,
): void {
  if (control.words[at.PLAN_AT] === 0) runCall(control.words, i, machine, scratch);
  else runPlan(control, i, machine, views, plan);
}

/** Takes a chunk of what a function's arguments describe. */
function runCall(words: Int32Array, i: number, machine: Machine, scratch: number): void {
  const word = (place: number): number => words[place] as number;
  const args: number[] = [];
  for (let k = 0; k < word(at.ARITY); k++) args.push(word(at.ARGS + k) + i * word(at.STEPS + k));
  args[word(at.COUNTS)] = Math.min(word(at.SIZE), word(at.TOTAL) - i * word(at.SIZE));
  if (word(at.SCRATCH) >= 0) args[word(at.SCRATCH)] = scratch;
  machine.kernels[word(at.KERNEL)]?.(...args);
}

function runPlan(control: at.Control, i: number, machine: Machine, views: Views, plan: number): void {
  const { words, sums, bad } = control;
  const { i32, f64 } = views;
  const word = (place: number): number => words[place] as number;
  const field = plan / 4;
  const double = plan / 8;
  const chunk = word(at.FIRST) + i;
  const size = word(at.SIZE);
  const period = word(at.PERIOD);
  const total = word(at.TOTAL);
  let begin = chunk * size;
  let end = Math.min(begin + size, total);
  if (period > 0) {
    const each = Math.ceil(period / size);
    const row = Math.floor(chunk / each);
    begin = row * period + (chunk - row * each) * size;
    end = Math.min(begin + size, (row + 1) * period, total);
  }
  i32[field + PLAN.begin] = begin;
  i32[field + PLAN.end] = end;
  i32[field + PLAN.bad] = -1;
  f64[double + PLAN.sum] = f64[double + PLAN.sideSum] = 0;
  f64[double + PLAN.count] = f64[double + PLAN.weightSum] = 0;
  const parts = word(at.PARTS);
  if (parts > 0) {
    const sums = (word(at.PARTS_AT) >>> 0) + 8 * parts * i;
    i32[field + PLAN.partSums] = sums;
    f64.fill(0, sums / 8, sums / 8 + parts);
  }
  machine.kernels[word(at.KERNEL)]?.(plan);
  if (word(at.CANONICAL) > 0) canonicalize(word(at.CANONICAL) === 2, machine, i32, field, begin, end);
  sums[at.SUMS * i] = f64[double + PLAN.sum] as number;
  sums[at.SUMS * i + 1] = f64[double + PLAN.sideSum] as number;
  sums[at.SUMS * i + 2] = f64[double + PLAN.count] as number;
  sums[at.SUMS * i + 3] = f64[double + PLAN.weightSum] as number;
  bad[i] = i32[field + PLAN.bad] as number;
}

/** Gives the NaN of a chunk's gradient the same bits. */
function canonicalize(byClass: boolean, machine: Machine, i32: Int32Array, field: number, begin: number, end: number) {
  const of = (name: keyof typeof PLAN): number => i32[field + PLAN[name]] as number;
  const grad = of('grad') >>> 0;
  if (grad === 0) return;
  const inner = byClass ? of('inner') : 1;
  const classes = byClass ? of('middle') : 1;
  if (begin % inner === 0 && end % inner === 0) {
    machine.canonicalize(grad + 4 * begin * classes, (end - begin) * classes);
    return;
  }
  const first = Math.floor(begin / inner) * (classes - 1) * inner + begin;
  for (let c = 0; c < classes; c++) machine.canonicalize(grad + 4 * (first + c * inner), end - begin);
}
