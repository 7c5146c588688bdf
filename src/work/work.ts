// A checked call on its way through a kernel: where its operands and results are, what the plan says, block by block. A work
// is placed once and may step many times: a direct call steps once on shared scratch, a prepared step keeps scratch and plan
// of its own. What it throws, it throws before a gradient is written over an input.

import type { Call } from '../arguments/call.ts';
import { type Domain, domainOf, outsideDomain } from '../arguments/domains.ts';
import { type Kernel, kernelOf } from '../machine/instance.ts';
import { FLAGS, PLAN, type Plan, type Runtime } from '../machine/runtime.ts';
import { overlap, roomFor, sizeOf } from '../values/array.ts';
import type { Tensor } from '../values/types.ts';
import { BLOCK, type Block, type Blocks, ClassBlocks, ElementBlocks, GroupBlocks } from './blocks.ts';
import { describePlan } from './describe.ts';
import { Input } from './input.ts';
import { HeadWork } from './linear/head.ts';
import { Operands } from './operands.ts';
import { Parts, samplesOfParts } from './parts.ts';
import { Scratch } from './place.ts';
import { Sums } from './reduction.ts';
import { Result, SecondGradient, type Sink } from './result.ts';

/** The passes of a class operation over an axis that is cut (assembly/plan.ts). */
const PHASES = [FLAGS.MEASURE, FLAGS.ACCUMULATE, FLAGS.SECOND, FLAGS.FINISH, FLAGS.GRADIENT] as const;
/** Those of the sums of a group. */
const SUMS = FLAGS.MEASURE | FLAGS.ACCUMULATE | FLAGS.SECOND;

/** What to compute beside the loss. */
export interface Wanted {
  readonly grad: boolean;
  /** Steps come later than the operands were checked, maybe often: plain arrays are read again at each. */
  readonly later?: true;
}

export class Work {
  readonly call: Call;
  readonly sums: Sums;
  readonly #runtime: Runtime;
  readonly #plan: Plan;
  readonly #later: boolean;
  readonly #kernel: Kernel;
  readonly #scratch = new Scratch();
  readonly #own: number;
  readonly #operands: Operands;
  readonly #blocks: Blocks;
  readonly #groups: GroupBlocks | undefined;
  readonly #domain: Domain | undefined;
  /** The walk over the values of a class operation as elements, for their range. */
  #stretches: ElementBlocks | undefined;
  /** Targets are scanned as a whole before the first gradient. */
  readonly #scans: boolean;
  readonly #head: HeadWork | undefined;
  readonly #grad: Sink | undefined;
  readonly #gradTensor: Tensor | undefined;
  readonly #second: SecondGradient | undefined;
  readonly #losses: Result | undefined;
  readonly #lossTensor: Tensor | undefined;
  readonly #parts: Parts | undefined;

  constructor(call: Call, runtime: Runtime, plan: Plan, wanted: Wanted) {
    const { record, out, shape, input, maps, byClass } = call;
    const scratch = this.#scratch;
    this.call = call;
    this.sums = new Sums(call);
    this.#runtime = runtime;
    this.#plan = plan;
    this.#later = wanted.later ?? false;
    this.#kernel = kernelOf(runtime.kernels, record.kernel ?? record.name);
    runtime.memory.renew();
    const head = HeadWork.of(call, runtime, scratch, wanted.grad);
    this.#head = head;
    const operands = new Operands(call, runtime, scratch, this.#later, head);
    this.#operands = operands;
    if (wanted.grad && head) this.#grad = head;
    else if (wanted.grad) {
      this.#gradTensor = out?.tensor ?? { data: out?.data ?? new Float32Array(input.length), shape };
      const { data } = out ?? this.#gradTensor;
      this.#grad = new Result(`${call.name}: the gradient`, data, out?.tensor, runtime, scratch);
    }
    if (wanted.grad) this.#second = SecondGradient.of(call, operands.rows, runtime, scratch);
    if (call.reduction === 'none' && record.target !== 'none') {
      const data = roomFor(sizeOf(call.lossShape), `${call.name}: the loss`, Float32Array);
      this.#lossTensor = { data, shape: call.lossShape };
      this.#losses = new Result(`${call.name}: the loss`, data, undefined, runtime, scratch);
    }
    const whole = !this.#losses && !this.#second && this.#grad?.resident !== false && operands.resident;
    if (record.walk === 'group') {
      this.#groups = new GroupBlocks(call.outer, call.middle, call.inner, call.group, whole);
      this.#blocks = this.#groups.blocks;
    } else if (byClass) {
      const most = this.#losses && maps.length > 0 ? samplesOfParts(maps.length + 1) : undefined;
      const high = head?.most && head.most / (call.middle * call.inner);
      this.#blocks = new ClassBlocks(call.outer, call.middle, call.inner, { whole, rows: record.rows, most, high });
    } else {
      const { middle = 1, inner = 0 } = operands.rows ?? {};
      this.#blocks = new ElementBlocks(middle, inner, input.length, whole, head?.most);
    }
    const { values, samples } = this.#blocks;
    const losses = this.#groups?.losses ?? this.#blocks.losses;
    operands.reserve({ values, samples, losses });
    // a gradient that is copied out overwrites the copy of the input, which nothing reads again
    if (this.#grad instanceof Result) this.#grad.reserve(values, operands.input.part);
    this.#second?.reserve(this.#blocks);
    this.#losses?.reserve(losses);
    if (maps.length > 0) this.#parts = new Parts(call, runtime, scratch, samples);

    this.#domain = operands.target instanceof Input ? domainOf(call) : undefined;
    const weighs = record.mean === 'weights' && call.use('a') !== undefined;
    const early = call.head?.accumulate === true; // what is added to is not to be left half done
    const inPlace = early || (out !== undefined && input.typed !== undefined && overlap(input.typed, out.data));
    this.#scans = byClass
      ? operands.indices !== undefined || (operands.weighted && record.walk === 'class' && !operands.setless)
      : weighs || call.marker !== undefined || (this.#domain !== undefined && inPlace);
    plan.clear();
    describePlan(plan, call, {
      rows: operands.rows,
      indices: operands.indices !== undefined,
      ignoreIndex: operands.indices?.ignoreIndex ?? 0,
      weighs,
      domain: this.#domain,
      cut: this.#blocks.part > 0,
      members: this.#parts?.members ?? 0,
    });
    this.#own = scratch.part(this.#kernel(plan.address) >>> 0);
  }

  /** Scratch that `place` needs. */
  get bytes(): number {
    return this.#scratch.bytes;
  }

  /** Puts everything that does not change between steps into the plan and the scratch. */
  place(base: number): void {
    const plan = this.#plan;
    this.#scratch.base = base;
    plan.set(PLAN.scratch, base + this.#own);
    this.#parts?.place(plan, this.call.middle);
    plan.set(PLAN.loss, this.#losses?.addressOf(0) ?? 0);
  }

  /** Computes. */
  step(): void {
    const { call, sums } = this;
    const plan = this.#plan;
    const operands = this.#operands;
    if (this.#later) this.#findAgain();
    this.#runtime.memory.renew();
    operands.start();
    if (this.#domain && call.byClass) this.#checkDomain(this.#domain);
    for (const field of ['sum', 'sideSum', 'weightSum', 'count'] as const) plan.setDouble(PLAN[field], 0);
    plan.set(PLAN.bad, -1);
    operands.bringFixed(plan, this.#blocks.block);
    this.#parts?.start();
    if (this.#scans) this.#scan();
    const counts = this.#scans && !this.#groups;
    const losses = operands.setless ? 0 : sizeOf(call.lossShape);
    sums.count = counts ? plan.getDouble(PLAN.count) : losses;
    sums.weightSum = counts ? plan.getDouble(PLAN.weightSum) : losses;
    const pulls = this.#grad !== undefined && sums.setUpstream(plan);
    this.#second?.aim(plan, pulls);
    // without a class there is nothing to compute, and the losses are those of nothing
    if (call.input.length > 0) {
      if (this.#groups) this.#runGroups(this.#groups, pulls);
      else this.#runBlocks(pulls);
    }
    if (pulls && call.input.length > 0) this.#head?.finish();
    else {
      this.#grad?.clear();
      this.#second?.clear();
    }
    sums.read(plan);
    this.#parts?.finish(sums);
  }

  #findAgain(): void {
    this.#operands.findAgain();
    this.#parts?.refind();
    this.#grad?.check();
    this.#second?.check();
    this.#losses?.check();
  }

  /** Checks the range of the values that a class operation is compared with. */
  #checkDomain(domain: Domain): void {
    const { call } = this;
    const plan = this.#plan;
    const { input, target } = this.#operands;
    const { length } = call.input;
    this.#stretches ??= new ElementBlocks(1, length, length, false, Math.min(BLOCK, this.#blocks.values));
    const blocks = this.#stretches;
    blocks.start();
    while (blocks.next()) {
      const { block } = blocks;
      plan.set(PLAN.outer, 1);
      plan.set(PLAN.middle, 1);
      plan.set(PLAN.inner, block.size);
      plan.set(PLAN.total, block.size);
      plan.set(PLAN.bad, -1);
      target?.bring(plan, block);
      if (this.#operands.reads) input.bring(plan, block);
      this.#runtime.kernels.scanElements(plan.address);
      if (plan.get(PLAN.bad) >= 0) throw this.#outside(domain, block.start + plan.get(PLAN.bad));
    }
    plan.set(PLAN.total, call.middle);
  }

  #outside(domain: Domain, at: number): RangeError {
    const { target } = this.#operands;
    const values = target instanceof Input ? target.place.values : [];
    return outsideDomain(this.call, domain, values as Float32Array, at);
  }

  /** Checks the targets and adds up what the mean divides by. */
  #scan(): void {
    const { kernels } = this.#runtime;
    const plan = this.#plan;
    const blocks = this.#blocks;
    const groups = this.#groups;
    const scan = this.call.byClass ? kernels.scanSamples : kernels.scanElements;
    groups?.start();
    blocks.start();
    while (groups === undefined || groups.next()) {
      while (blocks.next()) {
        const { block } = blocks;
        this.#open(block);
        this.#operands.bringScanned(plan, block);
        scan(plan.address);
        if (plan.get(PLAN.bad) >= 0) throw this.#fault(block);
      }
      if (!groups) break;
    }
  }

  /** The error for the target that a scan found. */
  #fault(block: Block): RangeError {
    const bad = this.#plan.get(PLAN.bad);
    const { indices } = this.#operands;
    return indices ? indices.fault(block.sample + bad) : this.#outside(this.#domain as Domain, block.start + bad);
  }

  /** The geometry of a block, and its targets. */
  #open(block: Block): void {
    const plan = this.#plan;
    plan.set(PLAN.outer, block.outer);
    plan.set(PLAN.middle, block.middle);
    plan.set(PLAN.inner, block.inner);
    if (!this.call.byClass) plan.set(PLAN.total, block.size);
    this.#operands.bringTargets(plan, block, this.#blocks.part > 0);
  }

  #runBlocks(pulls: boolean): void {
    const blocks = this.#blocks;
    // what the scan of a single block brought is still there
    const brought = this.#scans && blocks.single && !this.#head;
    blocks.start();
    while (blocks.next()) {
      const { block } = blocks;
      this.#run(block, pulls, brought);
      this.#losses?.fetch(0, block.loss, block.losses);
      this.#parts?.collect(block);
    }
  }

  /** Groups of samples: those that are there as a whole, or one in several blocks, which are walked twice. */
  #runGroups(groups: GroupBlocks, pulls: boolean): void {
    const plan = this.#plan;
    const { blocks, split } = groups;
    const { block } = blocks;
    groups.start();
    while (groups.next()) {
      if (split) {
        this.#setPhase(0);
        this.#kernel(plan.address);
        this.#setPhase(SUMS);
        this.#walkGroups(groups, false);
        this.#setPhase(FLAGS.FINISH);
        this.#kernel(plan.address);
        this.#setPhase(SUMS | FLAGS.GRADIENT, FLAGS.SETTLED);
        if (pulls) this.#walkGroups(groups, true);
        this.#setPhase(FLAGS.EVERY_PHASE);
      } else this.#walkGroups(groups, pulls);
      this.#losses?.fetch(0, block.loss, block.losses);
    }
  }

  /** Chooses the passes of the next calls of the kernel. */
  #setPhase(phase: number, settled = 0): void {
    const plan = this.#plan;
    plan.set(PLAN.phase, phase);
    plan.set(PLAN.flags, (plan.get(PLAN.flags) & ~FLAGS.SETTLED) | settled);
  }

  /** Walks the blocks of the groups at hand. */
  #walkGroups(groups: GroupBlocks, gradients: boolean): void {
    const { blocks } = groups;
    blocks.start();
    while (blocks.next()) {
      groups.aim(blocks.block);
      this.#run(blocks.block, gradients, false);
    }
  }

  /** Takes a block through the kernel; `brought`: what a scan reads is in its place. */
  #run(block: Block, pulls: boolean, brought: boolean): void {
    const plan = this.#plan;
    const operands = this.#operands;
    if (!brought) this.#open(block);
    // those of elements a scan reads too
    if (!brought || this.call.byClass) operands.bringMoving(plan, block);
    if (this.#blocks.part > 0) this.#runCut(this.#blocks as ClassBlocks, pulls);
    else {
      this.#aim(block, pulls);
      if (!brought || this.call.byClass) operands.input.bring(plan, block);
      this.#kernel(plan.address);
      if (plan.get(PLAN.bad) >= 0) throw this.#locate(block);
      if (pulls) this.#grad?.collect(block, this.sums.times);
    }
    if (pulls) this.#second?.collect(block, this.sums.times);
  }

  /** A block whose class axis is cut: each pass goes over all its parts. */
  #runCut(blocks: ClassBlocks, pulls: boolean): void {
    const plan = this.#plan;
    const { block } = blocks;
    const all = plan.get(PLAN.phase);
    for (const phase of PHASES) {
      if (!(all & phase) || (phase === FLAGS.GRADIENT && !pulls)) continue;
      plan.set(PLAN.phase, phase);
      for (let first = 0; blocks.cut(first); first += blocks.part) {
        plan.set(PLAN.first, first);
        plan.set(PLAN.middle, block.middle);
        this.#aim(block, pulls);
        if (phase !== FLAGS.FINISH) {
          this.#operands.input.bring(plan, block);
          this.#operands.target?.bring(plan, block);
        }
        this.#kernel(plan.address);
        if (phase === FLAGS.FINISH) break;
        if (phase === FLAGS.GRADIENT) this.#grad?.collect(block, this.sums.times);
      }
    }
    plan.set(PLAN.phase, all);
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
    this.#operands.bringScanned(this.#plan, block);
    this.#runtime.kernels.scanElements(this.#plan.address);
    return this.#fault(block);
  }

  /** The loss of the last step. */
  get loss(): number | Tensor {
    return this.#lossTensor ?? this.sums.loss;
  }

  /** The gradient's tensor; where it was given as a bare view of linear memory, one of the memory as it is now. */
  get grad(): Tensor | undefined {
    const tensor = this.#gradTensor;
    return tensor && this.#grad instanceof Result ? this.#grad.tensorOf(tensor) : tensor;
  }

  /** The gradients of a head, by name. */
  get gradients(): Readonly<Record<string, Tensor>> | undefined {
    return this.#head?.gradients;
  }

  /** The gradient of the second operand, where it has one. */
  get second(): Tensor | undefined {
    return this.#second?.tensor;
  }

  /** Whether there is a term with a denominator of its own. */
  get sides(): boolean {
    const { record, numbers } = this.call;
    return record.side !== undefined && numbers[record.side] !== 0;
  }

  /** The losses of the parts, where there are any. */
  get parts(): Tensor | undefined {
    return this.#parts?.losses;
  }
}
