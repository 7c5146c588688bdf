// Operands on their way to a kernel: each brings itself, block by block. What its fields of the Plan are called is all that it
// knows of the operation.

import type { Role } from '../arguments/call.ts';
import type { OperandField } from '../losses/record.ts';
import { type Field, PLAN, type Plan, type Runtime } from '../machine/runtime.ts';
import type { Block, Blocks } from './blocks.ts';
import type { Place, Scratch } from './place.ts';

/** Values, samples and losses of the largest block. */
export type Sizes = Pick<Blocks, 'values' | 'samples' | 'losses'>;

/** What a kernel reads. */
export interface Source {
  /** Whether kernels read it in its place. */
  readonly resident: boolean;
  /** Reserves room for the copy of a block, where one is needed. */
  reserve(sizes: Sizes): void;
  /** Points the plan at the part of a block, copied if need be. */
  bring(plan: Plan, block: Block): void;
}

/** Fields of an operand: its address, and its strides along outer and middle. */
export interface Fields {
  readonly at: Field;
  readonly outer?: Field;
  readonly step?: Field;
}

/** The fields of the operands that options go to. */
export const OPERANDS: Readonly<Record<OperandField, { readonly at: Field; readonly strides: readonly Field[] }>> = {
  a: { at: PLAN.a, strides: [PLAN.a0, PLAN.a1, PLAN.a2] },
  b: { at: PLAN.b, strides: [PLAN.b0, PLAN.b1, PLAN.b2] },
  c: { at: PLAN.c, strides: [PLAN.c0, PLAN.c1, PLAN.c2] },
  d: { at: PLAN.d, strides: [] },
};

/** Strides along [outer, middle, inner] of an operand that repeats. */
export type Strides = readonly [number, number, number];

/** Where the part of a block starts in an operand. */
export function startOf(role: Role, strides: Strides, { start, sample, loss, o, m, i }: Block): number {
  if (role === 'values') return start;
  if (role === 'samples') return sample;
  if (role === 'losses') return loss;
  return role === 'whole' ? 0 : o * strides[0] + m * strides[1] + i * strides[2];
}

/** How many values of an operand a block has, from the first to the last; `length` is that of all. */
export function extentOf(role: Role, strides: Strides, block: Block, length: number): number {
  if (role === 'values') return block.size;
  if (role === 'samples') return block.samples;
  if (role === 'losses') return block.losses;
  if (role === 'whole') return length;
  const [a, b, c] = strides;
  return (block.outer - 1) * a + (block.middle - 1) * b + (block.inner - 1) * c + 1;
}

/** Calls `use` with each stretch of a block's values that lies together: where, how many, and where in a copy of the block. */
export function stretches(block: Block, use: (start: number, length: number, at: number) => void): void {
  const { start, size, outer, middle, inner, stride, outerStride } = block;
  if (block.contiguous) {
    use(start, size, 0);
    return;
  }
  const joined = stride === inner;
  const length = joined ? middle * inner : inner;
  const lines = joined ? 1 : middle;
  for (let o = 0, at = 0; o < outer; o++) {
    for (let m = 0; m < lines; m++, at += length) use(start + o * outerStride + m * stride, length, at);
  }
}

const STILL: Strides = [0, 0, 0];

/** An operand out of an array. */
export class Input implements Source {
  readonly place: Place;
  readonly #role: Role;
  readonly #fields: Fields;
  readonly #runtime: Runtime;
  readonly #scratch: Scratch;
  readonly #strides: Strides;
  /** Offset in the scratch of a block's copy; undefined where none is needed. */
  part: number | undefined;

  constructor(place: Place, role: Role, fields: Fields, runtime: Runtime, scratch: Scratch, strides: Strides = STILL) {
    this.place = place;
    this.#role = role;
    this.#fields = fields;
    this.#runtime = runtime;
    this.#scratch = scratch;
    this.#strides = strides;
  }

  get resident(): boolean {
    return this.place.home !== undefined || this.#role === 'whole';
  }

  reserve({ values, samples, losses }: Sizes): void {
    if (this.place.home !== undefined) return;
    this.place.copied = true;
    const { length } = this.place.operand;
    const most = { values, samples, losses, whole: length, repeating: Math.min(length, values) }[this.#role];
    this.part = this.#scratch.part(4 * most);
  }

  bring(plan: Plan, block: Block): void {
    const { home } = this.place;
    const { at, outer, step } = this.#fields;
    const role = this.#role;
    if (home === undefined) {
      plan.set(at, this.#scratch.base + (this.part ?? 0));
      this.#copy(block);
    } else plan.set(at, home + 4 * startOf(role, this.#strides, block));
    if (outer === undefined || step === undefined) return;
    plan.set(outer, home === undefined ? block.middle * block.inner : block.outerStride);
    plan.set(step, home === undefined ? block.inner : block.stride);
  }

  #copy(block: Block): void {
    const to = this.#runtime.memory.f32;
    const from = this.place.values as Float32Array;
    const at = (this.#scratch.base + (this.part ?? 0)) / 4;
    if (this.#role === 'values' && !block.contiguous) {
      stretches(block, (start, length, offset) => to.set(from.subarray(start, start + length), at + offset));
      return;
    }
    const start = startOf(this.#role, this.#strides, block);
    const size = extentOf(this.#role, this.#strides, block, from.length);
    if (size === 0) return; // the array may be detached, which shows by its length where it had one
    to.set(size === from.length ? from : from.subarray(start, start + size), at);
  }
}
