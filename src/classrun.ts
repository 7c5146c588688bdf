// Runs over [outer, classes, inner]: cross entropy and component losses, softmax and logSoftmax.

import { type Block, classBlocks } from './blocks.ts';
import type { Job } from './check.ts';
import { Run, type Slot, type Wanted } from './run.ts';
import { FLAGS, PLAN, type Plan, type Runtime } from './runtime.ts';
import { type IndexReader, indexReader } from './targets.ts';
import { sizeOf } from './tensor.ts';
import type { NumericArray, Tensor } from './types.ts';

/** The maps of the components; a joint weight is one more, whose groups are the classes. */
function mapsOf({ options, classes }: Job): readonly Int32Array[] {
  if (options.jointWeight === 0) return options.components;
  return [...options.components, Int32Array.from({ length: classes }, (_, c) => c)];
}

export class ClassRun extends Run {
  readonly #reader: IndexReader | undefined;
  readonly #target: Slot | undefined;
  readonly #weight: Slot | undefined;
  readonly #sampleWeight: Slot | undefined;
  readonly #maps: readonly Int32Array[];
  readonly #parts: Record<'groups' | 'componentWeights' | 'componentSums' | 'componentLosses' | 'scratch', number>;
  /** Each component's loss under the reduction. */
  readonly componentLosses: Tensor | undefined;
  readonly #samples: number;

  constructor(job: Job, runtime: Runtime, plan: Plan, wanted: Wanted) {
    super(job, runtime, plan, wanted);
    const { options, targets, classes } = job;
    const indices = targets?.kind === 'indices' ? targets.source : undefined;
    if (indices) this.#reader = indexReader(job, indices.data);
    if (targets) this.#target = this.slot(targets.source, PLAN.target, indices ? Int32Array : Float32Array);
    if (this.#target && this.#reader?.direct === false) this.#target.home = undefined;
    this.#weight = options.classWeight && this.slot(options.classWeight, PLAN.weight);
    this.#sampleWeight = options.sampleWeight && this.slot(options.sampleWeight, PLAN.sampleWeight);
    const limit = this.resident(this.#weight) && options.components.length === 0;
    this.blocks = limit ? classBlocks(job, Number.POSITIVE_INFINITY) : classBlocks(job);
    let elements = 0;
    let samples = 0;
    for (const block of this.blocks) {
      elements = Math.max(elements, block.size);
      samples = Math.max(samples, block.samples);
    }
    this.#samples = samples;
    this.reserveShared(elements, samples);
    this.reserve(this.#target, indices ? samples : elements);
    this.reserve(this.#weight, classes);
    this.reserve(this.#sampleWeight, samples);
    this.#maps = mapsOf(job);
    const count = this.#maps.length;
    const m = options.components.length;
    if (m > 0) {
      const shape = this.losses ? [m, ...job.lossShape] : [m];
      this.componentLosses = { data: new Float32Array(sizeOf(shape)), shape };
    }
    plan.clear();
    plan.set(PLAN.classes, classes);
    plan.set(PLAN.inner, job.inner);
    plan.set(PLAN.components, count);
    const probabilities = targets?.kind === 'values' && job.record.target !== 'none';
    const kind = indices ? FLAGS.INDICES : probabilities ? FLAGS.PROBABILITIES : 0;
    plan.set(PLAN.flags, kind | (job.record.log ? FLAGS.LOG : 0));
    this.#parts = {
      groups: this.part(4 * count * classes),
      componentWeights: this.part(4 * count),
      componentSums: this.part(8 * count),
      componentLosses: this.part(this.losses ? 4 * count * samples : 0),
      scratch: this.part(runtime.kernels.classScratch(plan.address)),
    };
  }

  override place(base: number): void {
    const { plan, memory, job } = this;
    this.base = base;
    const { options, classes } = job;
    plan.set(PLAN.scratch, base + this.#parts.scratch);
    plan.set(PLAN.ignoreIndex, this.#reader?.ignoreIndex ?? 0);
    plan.setDouble(PLAN.smoothing, options.labelSmoothing);
    plan.setDouble(PLAN.zLoss, options.zLoss);
    if (this.#maps.length === 0) return;
    plan.set(PLAN.groups, base + this.#parts.groups);
    plan.set(PLAN.componentWeights, base + this.#parts.componentWeights);
    plan.set(PLAN.componentSums, base + this.#parts.componentSums);
    plan.set(PLAN.componentLosses, this.losses ? base + this.#parts.componentLosses : 0);
    plan.set(PLAN.componentStride, this.#samples);
    this.#maps.forEach((map, m) => {
      memory.i32.set(map, (base + this.#parts.groups) / 4 + m * classes);
    });
  }

  /** Writes the weights of the components as they are now. */
  #bringComponentWeights(): void {
    const { memory, job } = this;
    const { componentWeights: source, components, jointWeight } = job.options;
    if (this.wanted.later) source?.refresh();
    const weights = source?.live(memory);
    const at = (this.base + this.#parts.componentWeights) / 4;
    for (let m = 0; m < components.length; m++) memory.f32[at + m] = weights ? Number(weights[m]) : 1;
    if (jointWeight !== 0) memory.f32[at + components.length] = jointWeight;
  }

  override step(): void {
    const { plan, job, memory, blocks } = this;
    this.find();
    const target = this.#target;
    const values = target?.source.live(memory);
    this.bringPart(this.#weight, 0, job.classes);
    plan.setDouble(PLAN.weightTotal, this.#weight ? total(this.#weight.source.live(memory)) : job.classes);
    const sums = (this.base + this.#parts.componentSums) / 8;
    if (this.#maps.length > 0) {
      memory.f64.fill(0, sums, sums + this.#maps.length);
      this.#bringComponentWeights();
    }
    if (this.#reader && values) for (const block of blocks) this.#scan(this.#reader, values, block);
    else {
      const samples = sizeOf(job.lossShape);
      const weights = this.#sampleWeight;
      plan.setDouble(PLAN.count, samples);
      plan.setDouble(PLAN.weightSum, weights ? total(weights.source.live(memory)) : samples);
    }
    const wantsGrad = this.setUpstream();
    const kernel = this.runtime.kernels[job.record.kernel];
    for (const block of blocks) {
      if (blocks.length > 1 || !this.#reader) this.#bringTargets(values, block);
      this.bring(this.input, PLAN.inputStride, block);
      this.bringPart(this.incoming, block.sample, block.samples);
      if (wantsGrad) this.aim(block);
      if (job.classes > 0) kernel(plan.address);
      if (wantsGrad || !this.grad) this.#collect(block);
    }
    this.finish(wantsGrad);
    if (this.componentLosses && !this.losses) {
      const by = this.denominator;
      const { data } = this.componentLosses;
      for (let m = 0; m < data.length; m++) {
        const sum = memory.f64[sums + m] as number;
        data[m] = Number.isNaN(sum) ? Number.NaN : this.reduce(sum, by);
      }
    }
  }

  /** Checks the targets of a block and adds to the denominator of the mean. */
  #scan(reader: IndexReader, values: NumericArray, block: Block): void {
    this.#bringTargets(values, block);
    this.runtime.kernels.scanIndices(this.plan.address);
    const bad = this.plan.get(PLAN.bad);
    if (bad >= 0) throw reader.outOfRange(values, block.sample + bad);
  }

  #bringTargets(values: NumericArray | undefined, block: Block): void {
    const { plan, memory } = this;
    const slot = this.#target;
    this.open(block);
    this.bringPart(this.#sampleWeight, block.sample, block.samples);
    if (!slot || !values) return;
    if (!this.#reader) this.bring(slot, PLAN.targetStride, block);
    else if (slot.home !== undefined && this.#reader.direct) plan.set(PLAN.target, slot.home + 4 * block.sample);
    else {
      plan.set(PLAN.target, this.base + slot.part);
      this.#reader.read(values, memory.i32, (this.base + slot.part) / 4, block.sample, block.samples);
    }
  }

  #collect(block: Block): void {
    this.collect(block);
    if (!this.losses || !this.componentLosses) return;
    const { data, shape } = this.componentLosses;
    for (let m = 0; m < (shape[0] ?? 0); m++) {
      const part = this.#parts.componentLosses + 4 * m * this.#samples;
      if (this.runtime.deterministic) this.runtime.kernels.canonicalize(this.base + part, block.samples);
      this.fetch(part, data, m * this.losses.data.length + block.sample, block.samples);
    }
  }
}

/** The sum of numbers, in float64. */
export function total(values: NumericArray): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum;
}
