// Running a checked job: places its operands in scratch block by block, calls the kernels, collects the results.

import { type Block, classBlocks, elementBlocks, elementsOf, type Repeating } from './blocks.ts';
import type { Job } from './check.ts';
import { type Field, FLAGS, type Plan, type Runtime } from './runtime.ts';
import { type IndexReader, indexReader } from './targets.ts';
import { sizeOf } from './tensor.ts';
import type { Tensor } from './types.ts';

/** What to compute beside the loss. */
export interface Wanted {
  readonly grad: boolean;
  /** Incoming gradient of the backward form: one number, or one per loss. */
  readonly incoming?: number | Float32Array;
}

/** Everything a form may return. */
export interface Outcome {
  readonly loss: number | Tensor;
  readonly sum: number;
  readonly zSum: number;
  readonly count: number;
  readonly weightSum: number;
  readonly grad: Tensor | undefined;
  readonly componentLosses: Tensor | undefined;
}

/** Byte offsets of the parts of the scratch, 64-byte aligned. */
class Layout {
  bytes = 0;

  part(bytes: number): number {
    const at = this.bytes;
    this.bytes += Math.ceil(bytes / 64) * 64;
    return at;
  }

  floats(count: number): number {
    return this.part(4 * count);
  }
}

/** A job on its way through the kernels. */
class Run {
  readonly job: Job;
  readonly runtime: Runtime;
  readonly plan: Plan;
  readonly blocks: readonly Block[];
  readonly grad: Float32Array | undefined;
  readonly losses: Float32Array | undefined;
  readonly incoming: Float32Array | undefined;
  base = 0;

  constructor(job: Job, runtime: Runtime, blocks: readonly Block[], wanted: Wanted) {
    this.job = job;
    this.runtime = runtime;
    this.plan = runtime.plan;
    this.blocks = blocks;
    this.grad = wanted.grad ? (job.options.out?.data ?? new Float32Array(job.input.length)) : undefined;
    this.losses = job.options.reduction === 'none' ? new Float32Array(sizeOf(job.lossShape)) : undefined;
    this.incoming = wanted.incoming instanceof Float32Array ? wanted.incoming : undefined;
  }

  get largest(): number {
    return this.blocks.reduce((n, b) => Math.max(n, b.size), 0);
  }

  get samples(): number {
    return this.blocks.reduce((n, b) => Math.max(n, b.samples), 0);
  }

  /** Copies elements of an array shaped like the input into scratch. */
  bring(from: Float32Array, part: number, block: Block): void {
    const { f32 } = this.runtime.memory;
    let at = (this.base + part) / 4;
    if (block.stride === block.inner) {
      f32.set(block.size === from.length ? from : from.subarray(block.start, block.start + block.size), at);
      return;
    }
    for (let c = 0, start = block.start; c < block.rows; c++, start += block.stride, at += block.inner) {
      f32.set(from.subarray(start, start + block.inner), at);
    }
  }

  /** Copies a block of results out of scratch. */
  fetch(part: number, to: Float32Array, block: Block): void {
    const { f32 } = this.runtime.memory;
    let at = (this.base + part) / 4;
    if (block.stride === block.inner) {
      to.set(f32.subarray(at, at + block.size), block.start);
      return;
    }
    for (let c = 0, start = block.start; c < block.rows; c++, start += block.stride, at += block.inner) {
      to.set(f32.subarray(at, at + block.inner), start);
    }
  }

  /** Copies one value per sample into scratch. */
  bringSamples(from: Float32Array, part: number, block: Block): void {
    const at = (this.base + part) / 4;
    this.runtime.memory.f32.set(from.subarray(block.sample, block.sample + block.samples), at);
  }

  /** Copies one value per sample out of scratch. */
  fetchSamples(part: number, to: Float32Array, block: Block, offset = 0): void {
    const at = (this.base + part) / 4;
    to.set(this.runtime.memory.f32.subarray(at, at + block.samples), offset + block.sample);
  }

  /** The geometry of a block. */
  place(block: Block): void {
    const { plan } = this;
    plan.set('outer', block.outer);
    plan.set('classes', block.rows);
    plan.set('inner', block.inner);
    for (const stride of ['inputStride', 'targetStride', 'gradStride'] as const) plan.set(stride, block.inner);
  }

  address(field: Field, part: number | undefined): void {
    this.plan.set(field, part === undefined ? 0 : this.base + part);
  }
}

/** Runs a loss. */
export function runLoss(job: Job, runtime: Runtime, wanted: Wanted): Outcome {
  return job.record.walk === 'class' ? runClasses(job, runtime, wanted) : runElements(job, runtime, wanted);
}

const total = (values: Float32Array): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum;
};

function runClasses(job: Job, runtime: Runtime, wanted: Wanted): Outcome {
  const { options, targets, classes } = job;
  const run = new Run(job, runtime, classBlocks(job), wanted);
  const { plan } = run;
  const probabilities = targets.kind === 'values';
  const groups = componentsOf(job);
  const count = groups.length;
  plan.clear();
  plan.set('classes', classes);
  plan.set('inner', 2); // the walk that needs more scratch
  plan.set('components', count);
  const layout = new Layout();
  const optional = (given: unknown, floats: number) => (given === undefined ? undefined : layout.floats(floats));
  const parts = {
    input: layout.floats(run.largest),
    target: layout.floats(probabilities ? run.largest : run.samples),
    weight: optional(options.classWeight, classes),
    sampleWeight: optional(options.sampleWeight, run.samples),
    gradOutput: optional(run.incoming, run.samples),
    loss: optional(run.losses, run.samples),
    groups: layout.floats(count * classes),
    componentWeights: layout.floats(count),
    componentSums: layout.part(8 * count),
    componentLosses: run.losses ? layout.floats(count * run.samples) : undefined,
    scratch: layout.part(runtime.kernels.classScratch(plan.address)),
  };
  return runtime.memory.withScratch(layout.bytes, (base) => {
    run.base = base;
    const { memory, kernels } = runtime;
    const reader = probabilities ? undefined : indexReader(job, targets.data);
    for (const [field, part] of Object.entries(parts)) run.address(field as Field, part);
    if (!run.grad) plan.set('grad', 0);
    if (options.classWeight && parts.weight !== undefined)
      memory.f32.set(options.classWeight, (base + parts.weight) / 4);
    groups.forEach(({ map, weight }, m) => {
      memory.i32.set(map, (base + parts.groups) / 4 + m * classes);
      memory.f32[(base + parts.componentWeights) / 4 + m] = weight;
      memory.f64[(base + parts.componentSums) / 8 + m] = 0;
    });
    plan.set('componentStride', run.samples);
    plan.set('ignoreIndex', reader?.ignoreIndex ?? 0);
    plan.set('flags', probabilities ? FLAGS.PROBABILITIES : 0);
    plan.setDouble('smoothing', options.labelSmoothing);
    plan.setDouble('zLoss', options.zLoss);
    plan.setDouble('weightTotal', options.classWeight ? total(options.classWeight) : classes);
    const bringWeights = (block: Block): void => {
      if (options.sampleWeight && parts.sampleWeight !== undefined) {
        run.bringSamples(options.sampleWeight, parts.sampleWeight, block);
      }
    };
    if (reader) scanTargets(run, reader, parts.target, bringWeights);
    else {
      plan.setDouble('count', sizeOf(job.lossShape));
      plan.setDouble('weightSum', options.sampleWeight ? total(options.sampleWeight) : sizeOf(job.lossShape));
    }
    setUpstream(run, wanted);
    const componentLosses =
      options.components.length > 0 && run.losses
        ? new Float32Array(options.components.length * run.losses.length)
        : undefined;
    for (const block of run.blocks) {
      run.place(block);
      run.bring(job.input, parts.input, block);
      if (run.blocks.length > 1 || !reader) {
        if (reader) reader.read(memory.i32, (base + parts.target) / 4, block.sample, block.samples);
        else run.bring((targets as { data: Float32Array }).data, parts.target, block);
        bringWeights(block);
      }
      if (run.incoming && parts.gradOutput !== undefined) run.bringSamples(run.incoming, parts.gradOutput, block);
      if (classes > 0) kernels[job.record.kernel](plan.address);
      collect(run, parts.input, parts.loss, block);
      if (componentLosses && run.losses && parts.componentLosses !== undefined) {
        for (let m = 0; m < options.components.length; m++) {
          const from = parts.componentLosses + 4 * m * run.samples;
          run.fetchSamples(from, componentLosses, block, m * run.losses.length);
        }
      }
    }
    const first = (base + parts.componentSums) / 8;
    const sums = memory.f64.slice(first, first + options.components.length);
    return outcome(run, wanted, sums, componentLosses);
  });
}

/** The components with their weights; a joint weight is one more, whose groups are the classes. */
function componentsOf({ options, classes }: Job): { map: Int32Array; weight: number }[] {
  const groups = options.components.map((map, m) => ({ map, weight: options.componentWeights[m] ?? 1 }));
  if (options.jointWeight === 0) return groups;
  return [...groups, { map: Int32Array.from({ length: classes }, (_, c) => c), weight: options.jointWeight }];
}

/** Reads and checks all targets before the first gradient is written, and finds the denominator of the mean. */
function scanTargets(run: Run, reader: IndexReader, target: number, bringWeights: (block: Block) => void): void {
  const { plan, runtime, blocks } = run;
  for (const block of blocks) {
    run.place(block);
    reader.read(runtime.memory.i32, (run.base + target) / 4, block.sample, block.samples);
    bringWeights(block);
    runtime.kernels.scanIndices(plan.address);
    const bad = plan.get('bad');
    if (bad >= 0) throw reader.outOfRange(block.sample + bad);
  }
}

function runElements(job: Job, runtime: Runtime, wanted: Wanted): Outcome {
  const { options, targets, record } = job;
  const elements = elementsOf(job);
  const run = new Run(job, runtime, elementBlocks(elements, job.inner), wanted);
  const { plan } = run;
  const values = (targets as { data: Float32Array }).data;
  const repeating = { weight: elements.weight, posWeight: elements.posWeight };
  plan.clear();
  const layout = new Layout();
  const optional = (given: unknown, floats: number) => (given === undefined ? undefined : layout.floats(floats));
  const spanOf = (r: Repeating | undefined) => run.blocks.reduce((n, b) => Math.max(n, r ? span(r, b) : 0), 0);
  const parts = {
    input: layout.floats(run.largest),
    target: layout.floats(run.largest),
    weight: optional(repeating.weight, spanOf(repeating.weight)),
    posWeight: optional(repeating.posWeight, spanOf(repeating.posWeight)),
    gradOutput: optional(run.incoming, run.samples),
    loss: optional(run.losses, run.samples),
    scratch: layout.part(runtime.kernels.elementwiseScratch(plan.address)),
  };
  return runtime.memory.withScratch(layout.bytes, (base) => {
    run.base = base;
    const { kernels } = runtime;
    for (const [field, part] of Object.entries(parts)) run.address(field as Field, part);
    plan.set('flags', options.ignoreValue === undefined ? 0 : FLAGS.IGNORE);
    plan.setDouble('smoothing', options.labelSmoothing);
    plan.setDouble('ignoreValue', options.ignoreValue ?? 0);
    const checked = record.target === 'unit';
    const check = (block: Block): void => {
      run.place(block);
      run.bring(values, parts.target, block);
      if (!checked) return;
      kernels.scanUnit(plan.address);
      const bad = plan.get('bad');
      if (bad >= 0) throw outsideUnit(job, values, block.start + bad);
    };
    // a missing label changes the mean, and a gradient written over an input cannot be taken back: look at all targets first
    const first =
      checked &&
      (options.ignoreValue !== undefined ||
        (run.grad !== undefined && run.grad === options.out?.data && run.grad.buffer === job.input.buffer));
    if (first) for (const block of run.blocks) check(block);
    else {
      plan.setDouble('count', job.inner);
      plan.setDouble('weightSum', record.target === 'real' && options.weight ? total(options.weight.data) : job.inner);
    }
    setUpstream(run, wanted);
    const state = { weightSum: plan.getDouble('weightSum'), count: plan.getDouble('count') };
    for (const block of run.blocks) {
      if (first) {
        run.place(block);
        if (run.blocks.length > 1) run.bring(values, parts.target, block);
      } else check(block);
      run.bring(job.input, parts.input, block);
      for (const key of ['weight', 'posWeight'] as const) {
        const part = parts[key];
        const operand = repeating[key];
        if (part !== undefined && operand) bringSpan(run, operand, part, key, block);
      }
      if (run.incoming && parts.gradOutput !== undefined) run.bringSamples(run.incoming, parts.gradOutput, block);
      kernels[record.kernel](plan.address);
      collect(run, parts.input, parts.loss, block);
    }
    plan.setDouble('weightSum', state.weightSum);
    plan.setDouble('count', state.count);
    return outcome(run, wanted, new Float64Array(0), undefined);
  });
}

function outsideUnit({ name, options }: Job, values: Float32Array, at: number): RangeError {
  const hint =
    options.ignoreValue === undefined
      ? `; for classes -1, 0, 1 use crossEntropy with labels: [-1, 0, 1], for missing labels ignoreValue: ${values[at]}`
      : ` (ignoreValue ${options.ignoreValue})`;
  return new RangeError(`${name}: target[${at}] is ${values[at]}, outside [0, 1]${hint}`);
}

/** Elements of a repeating operand from the first to the last that a block touches. */
function span({ strides }: Repeating, { outer, rows, inner }: Block): number {
  return (outer - 1) * strides[0] + (rows - 1) * strides[1] + (inner - 1) * strides[2] + 1;
}

/** Copies what a block needs of a repeating operand, and sets its steps. */
function bringSpan(run: Run, operand: Repeating, part: number, key: 'weight' | 'posWeight', block: Block): void {
  const { strides, data } = operand;
  const start = block.origin[0] * strides[0] + block.origin[1] * strides[1] + block.origin[2] * strides[2];
  run.runtime.memory.f32.set(data.subarray(start, start + span(operand, block)), (run.base + part) / 4);
  run.plan.set(`${key}Outer`, strides[0]);
  run.plan.set(`${key}Row`, strides[1]);
  run.plan.set(`${key}Column`, strides[2]);
}

/** What the loss is divided by. */
function denominator(run: Run): number {
  const { job, plan } = run;
  const { reduction } = job.options;
  if (reduction === 'mean') return plan.getDouble('weightSum');
  return reduction === 'batchmean' ? job.batch : 1;
}

/** Sets what multiplies gradients; a mean over nothing has gradient 0. Gradients replace the input in scratch. */
function setUpstream(run: Run, wanted: Wanted): void {
  const { plan, job } = run;
  const { scale, zLoss, reduction } = job.options;
  const by = denominator(run);
  const incoming = scale * (typeof wanted.incoming === 'number' ? wanted.incoming : 1);
  const count = plan.getDouble('count');
  const zBy = reduction === 'mean' ? count : by;
  const none = by === 0 && zLoss === 0;
  plan.setDouble('upstream', by === 0 ? 0 : incoming / by);
  plan.setDouble('zUpstream', zBy === 0 ? 0 : incoming / zBy);
  plan.set('grad', run.grad && !none ? plan.get('input') : 0);
  if (none) run.grad?.fill(0);
}

/** Copies the results of a block out. */
function collect(run: Run, grad: number, loss: number | undefined, block: Block): void {
  if (run.grad && run.plan.get('grad') !== 0) run.fetch(grad, run.grad, block);
  if (run.losses && loss !== undefined) run.fetchSamples(loss, run.losses, block);
}

function outcome(run: Run, wanted: Wanted, sums: Float64Array, componentLosses: Float32Array | undefined): Outcome {
  const { plan, job } = run;
  const { reduction, emptyMean, zLoss, components } = job.options;
  const by = denominator(run);
  const empty = emptyMean === 'zero' ? 0 : Number.NaN;
  const reduce = (sum: number, d: number): number => (d === 0 ? empty : sum / d);
  const sum = plan.getDouble('sum');
  const zSum = plan.getDouble('zSum');
  const count = plan.getDouble('count');
  const z = zLoss === 0 ? 0 : reduce(zSum, reduction === 'mean' ? count : by);
  const m = components.length;
  const parts = componentLosses
    ? { data: componentLosses, shape: [m, ...job.lossShape] }
    : { data: Float32Array.from(sums, (s) => reduce(s, by)), shape: [m] };
  return {
    loss: run.losses ? { data: run.losses, shape: job.lossShape } : reduce(sum, by) + z,
    sum: sum + zSum,
    zSum,
    count,
    weightSum: plan.getDouble('weightSum'),
    grad: run.grad && wanted.grad ? { data: run.grad, shape: job.shape } : undefined,
    componentLosses: m > 0 ? parts : undefined,
  };
}

/** Runs an activation, or its vector-Jacobian product where the job has an incoming gradient. */
export function runActivation(job: Job, runtime: Runtime, backward: boolean): Tensor {
  const { record, targets } = job;
  const classes = record.walk === 'class';
  const blocks = classes
    ? classBlocks(job)
    : elementBlocks({ outer: 1, rows: 1, inner: job.inner, weight: undefined, posWeight: undefined }, job.inner);
  const run = new Run(job, runtime, blocks, { grad: true });
  const { plan } = run;
  const values = (targets as { data: Float32Array }).data;
  plan.clear();
  plan.set('classes', job.classes);
  plan.set('inner', 2);
  const layout = new Layout();
  const input = layout.floats(run.largest);
  const target = backward ? layout.floats(run.largest) : undefined;
  const { classScratch, elementwiseScratch } = runtime.kernels;
  const scratch = layout.part((classes ? classScratch : elementwiseScratch)(plan.address));
  const result = run.grad ?? new Float32Array(0);
  runtime.memory.withScratch(layout.bytes, (base) => {
    run.base = base;
    run.address('input', input);
    run.address('target', target);
    run.address('grad', input);
    run.address('scratch', scratch);
    plan.set('flags', record.log ? FLAGS.LOG : 0);
    for (const block of blocks) {
      run.place(block);
      run.bring(job.input, input, block);
      if (target !== undefined) run.bring(values, target, block);
      runtime.kernels[record.kernel](plan.address);
      run.fetch(input, result, block);
    }
  });
  return { data: result, shape: job.shape };
}
