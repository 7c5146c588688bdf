// A head on its way through the kernels: the source of the logits that a loss reads, and what its gradient goes into. A block of
// logits is computed in the scratch, the loss writes their gradient over them, and the products of that are added up. The sums
// over rows, and over columns, go on from block to block in the order of the rows and columns, so that blocks change no bit.

import type { Call } from '../../arguments/call.ts';
import { GRADS, type GradName, type Head, shapeOf } from '../../arguments/linear.ts';
import { PLAN, type Plan, type Runtime } from '../../machine/runtime.ts';
import { sizeOf } from '../../values/array.ts';
import type { Tensor } from '../../values/types.ts';
import type { Block } from '../blocks.ts';
import { type Sizes, type Source, stretches } from '../input.ts';
import { Place, type Scratch } from '../place.ts';
import { Result, type Sink } from '../result.ts';
import { rowsOfBlock, windowOf } from './blocks.ts';
import { Matrix } from './matrix.ts';

/** A gradient: where it goes, and the tensor that has it. */
interface Gradient {
  readonly result: Result;
  readonly tensor: Tensor;
  matrix?: Matrix;
}

/** Features, weight and bias, and the gradients of them that are wanted. */
export class HeadWork implements Source, Sink {
  readonly resident = false;
  /** What a later step has to find again. */
  readonly places: readonly Place[];
  readonly #head: Head;
  readonly #runtime: Runtime;
  readonly #scratch: Scratch;
  readonly #matrices: Partial<Record<'features' | 'weight' | 'bias', Matrix>> = {};
  readonly #grads: Partial<Record<GradName, Gradient>> = {};
  /** Offset in the scratch of the logits of a block. */
  part: number | undefined;
  /** Of the kernels' own room, and of the sums of the bias in float64. */
  #room = 0;
  #sums = 0;

  constructor(name: string, head: Head, runtime: Runtime, scratch: Scratch, wanted: boolean) {
    const { features, weight, bias, outs } = head;
    this.#head = head;
    this.#runtime = runtime;
    this.#scratch = scratch;
    this.places = [features, weight, ...(bias ? [bias] : [])].map((each) => new Place(each, Float32Array, runtime));
    if (!wanted) return;
    for (const grad of head.grads) {
      const out = outs[grad];
      const shape = shapeOf(head, grad);
      const tensor = out?.tensor ?? { data: out?.data ?? new Float32Array(sizeOf(shape)), shape };
      const result = new Result(
        `${name}: the gradient of ${grad}`,
        out?.data ?? tensor.data,
        out?.tensor,
        runtime,
        scratch,
      );
      this.#grads[grad] = { result, tensor };
    }
  }

  /** Logits of a block, in whole rows; undefined where one row is too much. */
  get most(): number | undefined {
    const { rows, columns, depth } = this.#head;
    return rowsOfBlock(rows, columns, depth) * columns || undefined;
  }

  /** Reserves room for the logits of a block, and for the windows of what is not in linear memory. */
  reserve({ values }: Sizes): void {
    const { rows, columns, depth } = this.#head;
    const scratch = this.#scratch;
    const runtime = this.#runtime;
    this.part = scratch.part(4 * values);
    // a block that starts within a row reaches into one more at its end
    const across = Math.min(rows, Math.ceil(values / Math.max(1, columns)) + 1);
    for (const place of this.places) place.copied = place.home === undefined;
    const [features, weight, bias] = this.places as [Place, Place, Place?];
    const { weight: byWeight, bias: byBias, input } = this.#grads;
    this.#matrices.features = new Matrix(features, depth, across, runtime, scratch);
    this.#matrices.weight = new Matrix(weight, depth, windowOf(columns, depth), runtime, scratch);
    if (bias) this.#matrices.bias = new Matrix(bias, 1, columns, runtime, scratch);
    const gather = (to: Gradient | undefined, width: number, high: number): void => {
      if (to) to.matrix = new Matrix(to.result, width, high, runtime, scratch, true);
    };
    gather(byWeight, depth, windowOf(columns, depth));
    gather(input, depth, across);
    if (byWeight || input) this.#room = scratch.part(runtime.kernels.linearScratch());
    if (byBias) this.#sums = scratch.part(8 * columns);
  }

  /** What comes before the first block of a step. */
  start(): void {
    for (const matrix of Object.values(this.#matrices)) matrix.start();
    for (const { matrix } of Object.values(this.#grads)) matrix?.start();
    const { bias } = this.#grads;
    if (bias && this.#head.accumulate) this.#biasSums.set(bias.result.data);
  }

  /** Computes the logits of a block. */
  bring(plan: Plan, block: Block): void {
    plan.set(PLAN.input, this.addressOf());
    plan.set(PLAN.inputOuter, block.middle * block.inner);
    plan.set(PLAN.inputStep, block.inner);
    this.compute(block, this.addressOf());
  }

  /** Computes the logits of a block, from an address on. */
  compute(block: Block, to: number): void {
    const { features, weight, bias } = this.#matrices as Record<'features' | 'weight', Matrix> & { bias?: Matrix };
    const { depth } = this.#head;
    const { linearLogits } = this.#runtime.kernels;
    this.#pieces(block, weight, (row, rows, from, count, offset, across) => {
      const x = features.at(row, rows);
      const b = bias ? bias.at(from, count) : 0;
      linearLogits(x, weight.at(from, count), b, to + 4 * offset, rows, count, depth, across);
    });
  }

  addressOf(): number {
    return this.#scratch.base + (this.part ?? 0);
  }

  /** Adds up what the gradient of a block of logits gives. */
  collect(block: Block, times: number): void {
    const at = this.addressOf();
    if (times !== 0) this.#runtime.kernels.amplify(at, block.size, times);
    this.gather(block, at);
  }

  /** Adds up what a gradient of a block of logits gives, which is at an address. */
  gather(block: Block, at: number): void {
    this.#addWeight(block, at);
    this.#addInput(block, at);
  }

  #addWeight(block: Block, at: number): void {
    const { weight, bias } = this.#grads;
    const { kernels } = this.#runtime;
    const { base } = this.#scratch;
    const { depth } = this.#head;
    const features = this.#matrices.features as Matrix;
    if (!weight && !bias) return;
    this.#pieces(block, weight?.matrix, (row, rows, from, count, offset, across) => {
      const first = row === 0 && !this.#head.accumulate ? 1 : 0;
      const g = at + 4 * offset;
      const to = weight?.matrix?.at(from, count);
      const x = features.at(row, rows);
      if (to !== undefined) kernels.linearWeight(g, x, to, rows, count, depth, across, first, base + this.#room);
      if (bias) kernels.linearBias(g, base + this.#sums + 8 * from, rows, count, across, first);
    });
  }

  #addInput(block: Block, at: number): void {
    const to = this.#grads.input?.matrix;
    const weight = this.#matrices.weight as Matrix;
    const { depth } = this.#head;
    const room = this.#scratch.base + this.#room;
    if (!to) return;
    this.#pieces(block, weight, (row, rows, from, count, offset, across) => {
      const first = from === 0 && !this.#head.accumulate ? 1 : 0;
      const w = weight.at(from, count);
      this.#runtime.kernels.linearInput(at + 4 * offset, w, to.at(row, rows), rows, count, depth, across, first, room);
    });
  }

  /**
   * Calls `use` with the rectangles of a block: where each starts in [rows, columns] and how large it is, where it starts in
   * the block, and the distance between its rows there. `by`: what gives so many columns at a time.
   */
  #pieces(
    block: Block,
    by: Matrix | undefined,
    use: (row: number, rows: number, from: number, count: number, offset: number, across: number) => void,
  ): void {
    const { columns } = this.#head;
    const cut = (row: number, rows: number, from: number, end: number, offset: number): void => {
      const across = end - from;
      for (let at = from; at < end; ) {
        const to = by ? by.reach(at, end) : end;
        use(row, rows, at, to - at, offset + at - from, across);
        at = to;
      }
    };
    stretches(block, (start, length, at) => {
      for (let done = 0; done < length; ) {
        const row = Math.floor((start + done) / columns);
        const from = start + done - row * columns;
        const whole = from === 0 ? Math.floor((length - done) / columns) : 0;
        const end = whole > 0 ? columns : Math.min(columns, from + length - done);
        cut(row, Math.max(1, whole), from, end, at + done);
        done += Math.max(1, whole) * (end - from);
      }
    });
  }

  /** Puts the gradients where they belong. */
  finish(): void {
    for (const { matrix } of Object.values(this.#grads)) matrix?.finish();
    const data = this.#grads.bias?.result.data;
    if (!data) return;
    data.set(this.#biasSums);
    if (!this.#runtime.deterministic) return;
    for (let i = 0; i < data.length; i++) if (Number.isNaN(data[i])) data[i] = Number.NaN;
  }

  get #biasSums(): Float64Array {
    const from = (this.#scratch.base + this.#sums) / 8;
    return this.#runtime.memory.f64.subarray(from, from + this.#head.columns);
  }

  /** Gradients of nothing. */
  clear(): void {
    if (this.#head.accumulate) return;
    for (const { result } of Object.values(this.#grads)) result.clear();
  }

  check(): void {
    for (const { result } of Object.values(this.#grads)) result.check();
  }

  /** The gradients by name; views of linear memory are those of the memory as it is now. */
  get gradients(): Readonly<Record<string, Tensor>> {
    const tensors: Record<string, Tensor> = {};
    for (const name of GRADS) {
      const grad = this.#grads[name];
      if (grad) tensors[name] = grad.result.tensorOf(grad.tensor, shapeOf(this.#head, name));
    }
    return tensors;
  }

  /** That of a call, where it has one. */
  static of({ name, head }: Call, runtime: Runtime, scratch: Scratch, wanted: boolean): HeadWork | undefined {
    return head && new HeadWork(name, head, runtime, scratch, wanted);
  }
}
