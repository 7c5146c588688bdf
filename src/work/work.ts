// A checked call on its way through a kernel: where its operands and results are, what the plan says, block by block. A work
// is placed once and may step many times: a direct call steps once on shared scratch, a prepared step keeps scratch and plan
// of its own. What it throws, it throws before a gradient is written over an input.

import type { Call } from '../arguments/call.ts';
import { DOMAINS, type Domain, outsideDomain } from '../arguments/domains.ts';
import type { Operand } from '../arguments/operand.ts';
import type { OperandField } from '../losses/record.ts';
import { type Kernel, kernelOf } from '../machine/instance.ts';
import { type Field, FLAGS, PLAN, type Plan, type Runtime } from '../machine/runtime.ts';
import { sizeOf } from '../values/array.ts';
import type { Tensor } from '../values/types.ts';
import { type Block, type Blocks, ClassBlocks, ElementBlocks } from './blocks.ts';
import { IndexTarget } from './indices.ts';
import { Parts, samplesOfParts } from './parts.ts';
import { Input, type Kind, OPERANDS, Place, Result, Scratch } from './place.ts';
import { type Rows, rowsOf } from './rows.ts';

/** The passes of a class operation over an axis that is cut (assembly/plan.ts). */
const PHASES = [FLAGS.MEASURE, FLAGS.ACCUMULATE, FLAGS.SECOND, FLAGS.FINISH, FLAGS.GRADIENT] as const;

/** Gradients are multiplied by this afterwards where what multiplies them is more (Kernels.amplify). */
const STEEP = 2 ** 100;

/** What to compute beside the loss. */
export interface Wanted {
  readonly grad: boolean;
  /** Steps come later than the operands were checked, maybe often: plain arrays are read again at each. */
  readonly later?: true;
}

const INPUT = { at: PLAN.input, outer: PLAN.inputOuter, step: PLAN.inputStep };
const TARGET = { at: PLAN.target, outer: PLAN.targetOuter, step: PLAN.targetStep };
const INCOMING = { at: PLAN.incoming };

export class Work {
  readonly call: Call;
  readonly #runtime: Runtime;
  readonly #plan: Plan;
  readonly #later: boolean;
  readonly #kernel: Kernel;
  readonly #scratch = new Scratch();
  readonly #own: number;
  readonly #blocks: Blocks;
  readonly #rows: Rows | undefined;
  readonly #byClass: boolean;
  /** Everything that a later step has to find again. */
  readonly #places: Place[] = [];
  // operands: shaped like the input, one value per sample or element, and those that do not move along with the blocks
  readonly #input: Input;
  readonly #target: Input | undefined;
  readonly #indices: IndexTarget | undefined;
  readonly #moving: Input[] = [];
  readonly #fixed: Input[] = [];
  /** Weights of samples, which the scan of the targets reads too. */
  readonly #samples: Input[] = [];
  readonly #refills: (() => void)[] = [];
  readonly #domain: Domain | undefined;
  /** Targets are scanned as a whole before the first gradient. */
  readonly #scans: boolean;
  readonly #grad: Result | undefined;
  readonly #gradTensor: Tensor | undefined;
  readonly #losses: Result | undefined;
  readonly #lossTensor: Tensor | undefined;
  readonly #parts: Parts | undefined;
  /** How often gradients are still to be multiplied by STEEP. */
  #times = 0;
  // results of the last step
  sum = 0;
  sideSum = 0;
  count = 0;
  weightSum = 0;

  constructor(call: Call, runtime: Runtime, plan: Plan, wanted: Wanted) {
    const { record, uses, out, shape, input, maps } = call;
    this.call = call;
    this.#runtime = runtime;
    this.#plan = plan;
    this.#later = wanted.later ?? false;
    this.#kernel = kernelOf(runtime.kernels, record.kernel);
    this.#byClass = record.walk === 'class';
    runtime.memory.renew();

    this.#input = this.#operand(input, 'values', INPUT);
    const { target, incoming } = call;
    if (target?.kind === 'values') this.#target = this.#operand(target.operand, 'values', TARGET);
    else if (target) {
      const place = this.#find(target.operand, Int32Array);
      this.#indices = new IndexTarget(call, place, runtime, this.#scratch);
    }
    if (typeof incoming !== 'number') this.#moving.push(this.#operand(incoming, 'samples', INCOMING));
    for (const { field, role, operand } of uses) {
      if (role === 'repeating' || (maps.length > 0 && field === 'd')) continue;
      const list = { whole: this.#fixed, samples: this.#samples, values: this.#moving }[role];
      list.push(this.#operand(operand, role, OPERANDS[field]));
    }
    if (!this.#byClass) this.#rows = this.#rowsOf();

    if (wanted.grad) {
      this.#gradTensor = out?.tensor ?? { data: out?.data ?? new Float32Array(input.length), shape };
      const { data } = out ?? this.#gradTensor;
      this.#grad = new Result(`${call.name}: the gradient`, data, out?.tensor, runtime, this.#scratch);
    }
    if (call.reduction === 'none' && record.target !== 'none') {
      const data = new Float32Array(sizeOf(call.lossShape));
      this.#lossTensor = { data, shape: call.lossShape };
      this.#losses = new Result(`${call.name}: the loss`, data, undefined, runtime, this.#scratch);
    }
    this.#blocks = this.#cut();
    if (maps.length > 0) this.#parts = new Parts(call, runtime, this.#scratch, this.#blocks.samples);

    this.#domain = DOMAINS[record.target];
    const weighs = record.mean === 'weights' && call.use('a') !== undefined;
    const inPlace = out !== undefined && input.typed?.buffer === out.data.buffer;
    this.#scans = this.#byClass
      ? this.#indices !== undefined || this.#samples.length > 0
      : weighs || call.marker !== undefined || (this.#domain !== undefined && inPlace);
    plan.clear();
    this.#describe(weighs);
    this.#own = this.#scratch.part(this.#kernel(plan.address) >>> 0);
  }

  /** Scratch that `place` needs. */
  get bytes(): number {
    return this.#scratch.bytes;
  }

  #find(operand: Operand, kind: Kind = Float32Array): Place {
    const place = new Place(operand, kind, this.#runtime);
    this.#places.push(place);
    return place;
  }

  #operand(operand: Operand, role: Input['role'], fields: Input['fields']): Input {
    return new Input(this.#find(operand), role, fields, this.#runtime, this.#scratch);
  }

  /** Elementwise calls: rows in which the operands that broadcast repeat. */
  #rowsOf(): Rows {
    const { uses, shape, input } = this.call;
    const repeating = uses.filter(({ role }) => role === 'repeating');
    const rows = rowsOf(shape, input.length, repeating);
    for (const { use, operand, strides, refill } of rows.operands) {
      const place = this.#find(use.operand);
      if (refill) {
        place.copied = true;
        this.#refills.push(() => refill(place.values));
      }
      const own = refill ? new Place(operand, Float32Array, this.#runtime) : place;
      this.#moving.push(new Input(own, 'repeating', OPERANDS[use.field], this.#runtime, this.#scratch, strides));
    }
    return rows;
  }

  /** The blocks, and room for those of what is not in linear memory. */
  #cut(): Blocks {
    const { outer, middle, inner, input, maps } = this.call;
    const moving = [this.#input, ...this.#moving, ...this.#samples, ...(this.#target ? [this.#target] : [])];
    const resident =
      !this.#losses &&
      this.#grad?.resident !== false &&
      this.#indices?.resident !== false &&
      moving.every(({ place }) => place.home !== undefined);
    const most = this.#losses && maps.length > 0 ? samplesOfParts(maps.length + 1) : undefined;
    const blocks = this.#byClass
      ? new ClassBlocks(outer, middle, inner, resident, most)
      : new ElementBlocks(this.#rows?.middle ?? 1, this.#rows?.inner ?? 0, input.length, resident);
    for (const operand of [...moving, ...this.#fixed]) operand.reserve(blocks);
    this.#indices?.reserve(blocks.samples);
    // a gradient that is copied out overwrites the copy of the input, which nothing reads again
    this.#grad?.reserve(blocks.values, this.#input.part);
    this.#losses?.reserve(blocks.samples);
    return blocks;
  }

  /** What the plan says in every block, but for addresses. */
  #describe(weighs: boolean): void {
    const { call } = this;
    const plan = this.#plan;
    const { record, numbers, marker } = call;
    const domain = this.#domain;
    plan.set(PLAN.total, this.#byClass ? call.middle : call.input.length);
    plan.set(PLAN.middle, this.#byClass ? call.middle : (this.#rows?.middle ?? 1));
    plan.set(PLAN.inner, this.#byClass ? call.inner : (this.#rows?.inner ?? 1));
    plan.set(PLAN.phase, this.#blocks.part > 0 ? 0 : FLAGS.EVERY_PHASE);
    plan.set(PLAN.members, this.#parts?.members ?? 0);
    plan.set(PLAN.ignoreIndex, this.#indices?.ignoreIndex ?? 0);
    // which operands there will be
    for (const { field } of call.uses) plan.set(OPERANDS[field].at, 1);
    plan.set(PLAN.target, call.target ? 1 : 0);
    for (const { to, default: standard } of Object.values(record.options)) {
      if (standard !== undefined) plan.setDouble(PLAN[to as 'p0'], standard);
    }
    for (const [field, value] of numbers) plan.setDouble(PLAN[field], value);
    plan.setDouble(PLAN.marker, marker ?? 0);
    plan.setDouble(PLAN.low, domain?.low ?? 0);
    plan.setDouble(PLAN.high, domain?.high ?? 0);
    plan.set(
      PLAN.flags,
      (this.#indices ? FLAGS.INDICES : 0) |
        (weighs ? FLAGS.WEIGHS : 0) |
        (marker === undefined ? 0 : FLAGS.IGNORE) |
        (record.log ? FLAGS.LOG : 0) |
        (domain ? FLAGS.BOUNDED : 0) |
        (this.#byClass && call.inner > 1 ? FLAGS.COLUMNS : 0),
    );
  }

  /** Puts everything that does not change between steps into the plan and the scratch. */
  place(base: number): void {
    const plan = this.#plan;
    this.#scratch.base = base;
    plan.set(PLAN.scratch, base + this.#own);
    this.#parts?.place(plan, this.call.middle);
    if (this.#rows) this.#stride(this.#rows);
    plan.set(PLAN.loss, this.#losses?.addressOf(0) ?? 0);
  }

  /** The strides of elementwise operands. */
  #stride({ middle, inner, operands }: Rows): void {
    const set = (field: OperandField, strides: readonly number[]): void => {
      for (let axis = 0; axis < 3; axis++) this.#plan.set(OPERANDS[field].strides[axis] as Field, strides[axis] as number);
    };
    for (const { use, strides } of operands) set(use.field, strides);
    for (const { field, role } of this.call.uses) if (role === 'values') set(field, [middle * inner, inner, 1]);
  }

  /** Computes. */
  step(): void {
    const { call } = this;
    const plan = this.#plan;
    const blocks = this.#blocks;
    if (this.#later) this.#findAgain();
    this.#runtime.memory.renew();
    plan.setDouble(PLAN.sum, 0);
    plan.setDouble(PLAN.sideSum, 0);
    plan.setDouble(PLAN.weightSum, 0);
    plan.setDouble(PLAN.count, 0);
    plan.set(PLAN.bad, -1);
    for (const refill of this.#refills) refill();
    for (const operand of this.#fixed) operand.bring(plan, blocks.block);
    this.#parts?.start();
    if (this.#scans) this.#scan();
    const samples = sizeOf(call.lossShape);
    this.count = this.#scans ? plan.getDouble(PLAN.count) : samples;
    this.weightSum = this.#scans ? plan.getDouble(PLAN.weightSum) : samples;
    const pulls = this.#grad !== undefined && this.#setUpstream();
    // what the scan of a single block brought is still there
    const brought = this.#scans && blocks.single;
    blocks.start();
    // without a class there is nothing to compute, and the losses are those of nothing
    while (call.input.length > 0 && blocks.next()) this.#run(blocks.block, pulls, brought);
    if (this.#grad && !pulls) this.#grad.data.fill(0);
    this.sum = real(plan.getDouble(PLAN.sum));
    this.sideSum = real(plan.getDouble(PLAN.sideSum));
    this.#parts?.finish((sum) => this.#reduce(sum, this.denominator));
  }

  /** Tensors may have been freed, arrays rewritten or transferred, memory may have grown. */
  #findAgain(): void {
    for (const place of this.#places) place.refind();
    for (const place of this.#places) place.find(); // reading one may have done anything to the others
    this.#parts?.refind();
    this.#grad?.check();
    this.#losses?.check();
  }

  /** Checks the targets and adds up what the mean divides by. */
  #scan(): void {
    const { kernels } = this.#runtime;
    const plan = this.#plan;
    const blocks = this.#blocks;
    const scan = this.#byClass ? kernels.scanSamples : kernels.scanElements;
    blocks.start();
    while (blocks.next()) {
      const { block } = blocks;
      this.#open(block);
      if (this.#byClass) this.#bring(this.#samples, block);
      else {
        this.#input.bring(plan, block);
        this.#bring(this.#moving, block);
      }
      scan(plan.address);
      if (plan.get(PLAN.bad) >= 0) throw this.#fault(block);
    }
  }

  /** The error for the target that a scan found. */
  #fault(block: Block): RangeError {
    const { call } = this;
    const bad = this.#plan.get(PLAN.bad);
    if (this.#indices) return this.#indices.fault(block.sample + bad);
    const values = this.#target?.place.values ?? [];
    return outsideDomain(call, this.#domain as Domain, values as Float32Array, block.start + bad);
  }

  /** The geometry of a block, and its targets. */
  #open(block: Block): void {
    const plan = this.#plan;
    plan.set(PLAN.outer, block.outer);
    plan.set(PLAN.middle, block.middle);
    plan.set(PLAN.inner, block.inner);
    if (!this.#byClass) plan.set(PLAN.total, block.size);
    this.#indices?.bring(plan, block);
    if (this.#blocks.part === 0) this.#target?.bring(plan, block);
  }

  #bring(operands: readonly Input[], block: Block): void {
    for (const operand of operands) operand.bring(this.#plan, block);
  }

  /** Takes a block through the kernel; `brought`: what a scan reads is in its place. */
  #run(block: Block, pulls: boolean, brought: boolean): void {
    const plan = this.#plan;
    if (!brought) {
      this.#open(block);
      this.#bring(this.#samples, block);
    }
    if (!brought || this.#byClass) this.#bring(this.#moving, block);
    if (this.#blocks.part > 0) this.#runCut(this.#blocks as ClassBlocks, pulls);
    else {
      this.#aim(block, pulls);
      if (!brought || this.#byClass) this.#input.bring(plan, block);
      this.#kernel(plan.address);
      if (plan.get(PLAN.bad) >= 0) throw this.#locate(block);
      if (pulls) this.#grad?.collect(block, this.#times);
    }
    this.#losses?.fetch(0, block.sample, block.samples);
    this.#parts?.collect(block);
  }

  /** A block whose class axis is cut: each pass goes over all its parts. */
  #runCut(blocks: ClassBlocks, pulls: boolean): void {
    const plan = this.#plan;
    const { block } = blocks;
    for (const phase of PHASES) {
      if (phase === FLAGS.GRADIENT && !pulls) continue;
      plan.set(PLAN.phase, phase);
      for (let first = 0; blocks.cut(first); first += blocks.part) {
        plan.set(PLAN.first, first);
        plan.set(PLAN.middle, block.middle);
        this.#aim(block, pulls);
        if (phase !== FLAGS.FINISH) {
          this.#input.bring(plan, block);
          this.#target?.bring(plan, block);
        }
        this.#kernel(plan.address);
        if (phase === FLAGS.FINISH) break;
        if (phase === FLAGS.GRADIENT) this.#grad?.collect(block, this.#times);
      }
    }
  }

  /** Points the plan at the gradient of a block. */
  #aim(block: Block, pulls: boolean): void {
    const plan = this.#plan;
    const grad = this.#grad;
    plan.set(PLAN.grad, pulls && grad ? grad.addressOf(block.start) : 0);
    if (!pulls || !grad) return;
    plan.set(PLAN.gradOuter, grad.resident ? block.outerStride : block.middle * block.inner);
    plan.set(PLAN.gradStep, grad.resident ? block.stride : block.inner);
  }

  /** The error for a target that a kernel found out of range as it went. */
  #locate(block: Block): RangeError {
    this.#runtime.kernels.scanElements(this.#plan.address);
    return this.#fault(block);
  }

  /** What the loss is divided by. */
  get denominator(): number {
    const { reduction, batch } = this.call;
    if (reduction === 'mean') return this.weightSum;
    return reduction === 'batchmean' ? batch : 1;
  }

  /** Sets what multiplies gradients; false where they are all 0, the mean being over nothing. */
  #setUpstream(): boolean {
    const plan = this.#plan;
    const { scale, reduction, incoming } = this.call;
    const by = this.denominator;
    const sideBy = reduction === 'mean' ? this.count : by;
    const all = scale * (typeof incoming === 'number' ? incoming : 1);
    let upstream = by === 0 ? 0 : all / by;
    let side = sideBy === 0 ? 0 : all / sideBy;
    // beyond float32 a factor would be infinite, and infinite times 0 is no gradient
    this.#times = 0;
    for (let most = Math.max(Math.abs(upstream), Math.abs(side)); most > STEEP && most < 1 / 0; most /= STEEP) {
      this.#times += 1;
      upstream /= STEEP;
      side /= STEEP;
    }
    plan.setDouble(PLAN.upstream, upstream);
    plan.setDouble(PLAN.sideUpstream, side);
    return upstream !== 0 || side !== 0 || by !== 0;
  }

  /** A sum over its denominator; the mean over nothing is what `emptyMean` says. */
  #reduce(sum: number, by: number): number {
    if (by !== 0) return sum / by;
    return this.call.emptyMean === 'zero' ? 0 : Number.NaN;
  }

  /** The loss of the last step. */
  get loss(): number | Tensor {
    if (this.#lossTensor) return this.#lossTensor;
    const by = this.denominator;
    const loss = this.#reduce(this.sum, by);
    if (this.sideSum === 0) return loss;
    return loss + this.#reduce(this.sideSum, this.call.reduction === 'mean' ? this.count : by);
  }

  /** The gradient's tensor; where it was given as a bare view of linear memory, one of the memory as it is now. */
  get grad(): Tensor | undefined {
    const tensor = this.#gradTensor;
    if (!tensor || !this.#grad || this.call.out?.tensor) return tensor;
    const { data } = this.#grad;
    return data === tensor.data ? tensor : { data, shape: tensor.shape };
  }

  /** Whether there is a term with a denominator of its own. */
  get sides(): boolean {
    const { record, numbers } = this.call;
    return numbers.some(([field, value]) => field === record.side && value !== 0);
  }

  /** The losses of the parts, where there are any. */
  get parts(): Tensor | undefined {
    return this.#parts?.losses;
  }
}

/** One NaN, whatever bits the machine made. */
const real = (value: number): number => (Number.isNaN(value) ? Number.NaN : value);
