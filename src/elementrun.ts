// Runs over elements: bceWithLogits and mse, sigmoid and logSigmoid.

import { type Block, elementBlocks, elementsOf, type Repeating } from './blocks.ts';
import type { Job } from './check.ts';
import { total } from './classrun.ts';
import { Run, type Slot, type Wanted } from './run.ts';
import { FLAGS, PLAN, type Plan, type Runtime } from './runtime.ts';
import type { NumericArray } from './types.ts';

/** A weight with its slot. */
interface Weight extends Repeating {
  readonly slot: Slot;
  readonly key: 'weight' | 'posWeight';
}

export class ElementRun extends Run {
  readonly #target: Slot | undefined;
  readonly #weights: Weight[] = [];
  readonly #scratch: number;
  /** Targets are checked as a whole before the first gradient. */
  readonly #first: boolean;

  constructor(job: Job, runtime: Runtime, plan: Plan, wanted: Wanted) {
    super(job, runtime, plan, wanted);
    const { options, targets, record } = job;
    if (targets) this.#target = this.slot(targets.source, PLAN.target);
    const elements = elementsOf(job);
    const { weight, posWeight } = elements;
    if (weight) this.#weights.push({ ...weight, key: 'weight', slot: this.slot(weight.source, PLAN.weight) });
    if (posWeight)
      this.#weights.push({ ...posWeight, key: 'posWeight', slot: this.slot(posWeight.source, PLAN.posWeight) });
    this.blocks = elementBlocks(elements, job.inner, this.resident() ? Number.POSITIVE_INFINITY : undefined);
    let largest = 0;
    for (const block of this.blocks) largest = Math.max(largest, block.size);
    this.reserveShared(largest, largest);
    this.reserve(this.#target, largest);
    for (const weight of this.#weights) {
      this.reserve(
        weight.slot,
        this.blocks.reduce((n, block) => Math.max(n, span(weight, block)), 0),
      );
    }
    plan.clear();
    this.#scratch = this.part(runtime.kernels.elementwiseScratch(plan.address));
    // a missing label changes the mean, and a gradient written over an input cannot be taken back
    const inPlace = this.grad !== undefined && this.grad.data.buffer === job.input.data.buffer;
    this.#first = record.target === 'unit' && (options.ignoreValue !== undefined || inPlace);
  }

  override place(base: number): void {
    const { plan, job } = this;
    this.base = base;
    const { ignoreValue, labelSmoothing } = job.options;
    plan.set(PLAN.scratch, base + this.#scratch);
    plan.set(PLAN.flags, (ignoreValue === undefined ? 0 : FLAGS.IGNORE) | (job.record.log ? FLAGS.LOG : 0));
    plan.setDouble(PLAN.smoothing, labelSmoothing);
    plan.setDouble(PLAN.ignoreValue, ignoreValue ?? 0);
    for (const { key, strides } of this.#weights) {
      plan.set(PLAN[`${key}Outer`], strides[0]);
      plan.set(PLAN[`${key}Row`], strides[1]);
      plan.set(PLAN[`${key}Column`], strides[2]);
    }
  }

  override step(): void {
    const { plan, job, blocks, memory } = this;
    this.find();
    for (const { refill } of this.#weights) refill?.(memory);
    if (this.#first) for (const block of blocks) this.#check(block);
    else {
      const weight = job.record.target === 'real' ? job.options.weight : undefined;
      plan.setDouble(PLAN.count, job.inner);
      plan.setDouble(PLAN.weightSum, weight ? total(weight.source.live(memory)) : job.inner);
    }
    const wantsGrad = this.setUpstream();
    const kernel = this.runtime.kernels[job.record.kernel];
    for (const block of blocks) {
      if (!this.#first) this.#check(block);
      else if (blocks.length > 1) this.#bringTargets(block);
      this.bring(this.input, PLAN.inputStride, block);
      for (const weight of this.#weights) {
        const [o, r, i] = block.origin;
        const start = o * weight.strides[0] + r * weight.strides[1] + i * weight.strides[2];
        this.bringPart(weight.slot, start, span(weight, block));
      }
      this.bringPart(this.incoming, block.sample, block.samples);
      if (wantsGrad) this.aim(block);
      kernel(plan.address);
      if (wantsGrad || !this.grad) this.collect(block);
    }
    this.finish(wantsGrad);
  }

  #bringTargets(block: Block): void {
    this.open(block);
    if (this.#target) this.bring(this.#target, PLAN.targetStride, block);
  }

  /** Brings the targets of a block and checks them where they have a range. */
  #check(block: Block): void {
    this.#bringTargets(block);
    if (this.job.record.target !== 'unit') return;
    this.runtime.kernels.scanUnit(this.plan.address);
    const bad = this.plan.get(PLAN.bad);
    if (bad >= 0 && this.#target) throw outsideUnit(this.job, this.#target.source.live(this.memory), block.start + bad);
  }
}

function outsideUnit({ name, options }: Job, values: NumericArray, at: number): RangeError {
  const missing = Number.isNaN(values[at]) ? '; for missing labels ignoreValue: NaN' : undefined;
  const hint =
    options.ignoreValue === undefined
      ? (missing ??
        `; for classes -1, 0, 1 use crossEntropy with labels: [-1, 0, 1], for missing labels ignoreValue: ${values[at]}`)
      : ` (ignoreValue ${options.ignoreValue})`;
  return new RangeError(`${name}: target[${at}] is ${values[at]}, outside [0, 1]${hint}`);
}

/** Elements of a weight from the first to the last that a block touches. */
function span({ strides }: Repeating, { outer, rows, inner }: Block): number {
  return (outer - 1) * strides[0] + (rows - 1) * strides[1] + (inner - 1) * strides[2] + 1;
}
