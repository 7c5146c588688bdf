// A checked call on its way through a kernel: where its operands and results are, what the plan says, block by block. A work
// is placed once and may step many times: a direct call steps once on shared scratch, a prepared step keeps scratch and plan
// of its own. What it throws, it throws before a gradient is written over an input.

import type { Call, Output } from '../arguments/call.ts';
import { domainOf } from '../arguments/domains.ts';
import type { Operand } from '../arguments/operand.ts';
import { type Kernel, kernelOf } from '../machine/instance.ts';
import { FLAGS, PLAN, type Plan, type Runtime } from '../machine/runtime.ts';
import { overlap, sizeOf } from '../values/array.ts';
import type { Tensor } from '../values/types.ts';
import type { Block, Blocks, ClassBlocks } from './blocks.ts';
import { describePlan } from './describe.ts';
import { GroupRuns } from './groups.ts';
import { Input } from './input.ts';
import { HeadWork } from './linear/head.ts';
import { Operands } from './operands.ts';
import { Outputs } from './outputs.ts';
import { Parts } from './parts.ts';
import { Scratch } from './place.ts';
import { Sums } from './reduction.ts';
import { Scan } from './scan.ts';
import { walkOf } from './walk.ts';

/** The passes of a class operation over an axis that is cut (assembly/plan.ts). */
const PHASES = [FLAGS.MEASURE, FLAGS.ACCUMULATE, FLAGS.SECOND, FLAGS.FINISH, FLAGS.GRADIENT] as const;
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
  #kernel: Kernel;
  readonly #scratch = new Scratch();
  readonly #own: number;
  readonly #operands: Operands;
  readonly #blocks: Blocks;
  readonly #groups: GroupRuns | undefined;
  readonly #scan: Scan;
  /** Targets are scanned as a whole before the first gradient. */
  readonly #scans: boolean;
  readonly #head: HeadWork | undefined;
  readonly #outputs: Outputs;
  readonly #parts: Parts | undefined;
  /** Whether a step finds everything where the last one did, as long as no tensor is freed; and whether gradients were pulled. */
  readonly #still: boolean;
  /** Whether a step beside the first needs no more than its operands brought and its kernels called. */
  readonly #short: boolean;
  /** The gradient is written over the input. */
  readonly #inPlace: boolean;
  /** Where the gradient goes in the call at hand, if that is an array of the caller's. */
  #out: Output | undefined;
  #frees = -1;
  #pulled = false;
  /** The plan after a step, and the scratch that it points at. */
  #image: Uint32Array | undefined;

  constructor(call: Call, runtime: Runtime, plan: Plan, wanted: Wanted) {
    const { record, out, input, maps, byClass } = call;
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
    const outputs = new Outputs(call, runtime, scratch, wanted.grad, head, operands.rows);
    this.#outputs = outputs;
    const whole = outputs.resident && operands.resident;
    const { team } = runtime;
    // threads share chunks; but heads share products, sums of a second gradient go block by block, and elements of arrays are
    // mostly copying
    const shares = !head && !outputs.second && (byClass || operands.resident);
    const sources = [operands.input, operands.target, outputs.grad];
    const light = byClass && sources.every((each) => each?.resident !== false);
    const { blocks, groups } = walkOf(call, operands.rows, {
      whole,
      keeps: outputs.losses !== undefined,
      head: head?.most,
      times: shares ? (team?.times(input.length, light) ?? 1) : 1,
    });
    this.#blocks = blocks;
    const each = (block: Block, gradients: boolean): void => this.#run(block, gradients, false);
    const settled = ({ loss, losses }: Block): void => outputs.losses?.fetch(0, loss, losses);
    this.#groups = groups && new GroupRuns(groups, plan, { kernel: this.#kernel, each, settled });
    const { values, samples } = this.#blocks;
    const losses = groups?.losses ?? this.#blocks.losses;
    operands.reserve({ values, samples, losses });
    outputs.reserve(this.#blocks, losses, operands.input.part);
    if (maps.length > 0) this.#parts = new Parts(call, runtime, scratch, samples);

    const domain = operands.target instanceof Input ? domainOf(call) : undefined;
    this.#scan = new Scan(call, runtime, plan, { operands, blocks: this.#blocks, groups, domain });
    const weighs = record.mean === 'weights' && call.use('a') !== undefined;
    const early = call.head?.accumulate === true; // what is added to is not to be left half done
    this.#inPlace = out !== undefined && input.typed !== undefined && overlap(input.typed, out.data);
    const inPlace = early || this.#inPlace;
    this.#scans = byClass
      ? operands.indices !== undefined || (operands.weighted && record.walk === 'class' && !operands.setless)
      : weighs || call.marker !== undefined || (domain !== undefined && inPlace);
    plan.clear();
    describePlan(plan, call, {
      rows: operands.rows,
      indices: operands.indices !== undefined,
      ignoreIndex: operands.indices?.ignoreIndex ?? 0,
      weighs,
      domain,
      cut: this.#blocks.part > 0,
      members: this.#parts?.members ?? 0,
    });
    const room = this.#kernel(plan.address) >>> 0;
    this.#own = scratch.part(room);
    const brief = this.#parts?.brief !== false;
    const simple = !head && brief && !outputs.losses && !outputs.second && !this.#groups && input.length > 0;
    if (team && shares && !this.#groups && this.#blocks.part === 0 && input.length > 0) {
      const shared = { byClass, values: input.length, room, writes: wanted.grad };
      this.#kernel = team.spread(record.kernel ?? record.name, this.#kernel, shared);
      this.#scan.spread(team, room);
    }
    const once = this.#blocks.single && this.#blocks.part === 0;
    this.#short = simple && operands.plain && once && !this.#scan.checks;
    this.#still = this.#short && outputs.tensorial && operands.still && this.#parts?.still !== false;
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
    plan.set(PLAN.loss, this.#outputs.losses?.addressOf(0) ?? 0);
  }

  /** Computes. */
  step(): void {
    const { frees, memory } = this.#runtime;
    memory.renew();
    if (this.#frees === frees && this.#repeat()) return;
    this.#frees = -1;
    if (this.#later) this.#findAgain();
    this.#compute();
    if (this.#still) this.#frees = frees;
  }

  /** Whether the gradient goes to an array of the caller's, in whose place there may be another. */
  get aimed(): boolean {
    return this.#outputs.aimed;
  }

  /** Whether another call may take this one's place: everything else it has is small, or in tensors of the engine. */
  get replaceable(): boolean {
    const plain = !this.#head && !this.#groups && !this.#inPlace && this.#outputs.replaceable;
    return plain && this.#parts?.settled !== false && this.call.replaceable && this.#operands.settled(this.call);
  }

  /** Keeps the plan as it is after a step, for `again`. */
  keep(): void {
    this.#image = this.#plan.copy();
  }

  /** Lets go of the arrays of the last call; not of tensors, whose memory is the engine's. */
  drop(): void {
    if (this.#still) return;
    const { input, target } = this.call;
    input.drop();
    if (target && target.kind !== 'sparse') target.operand.drop();
    this.#outputs.drop();
    this.#out = undefined;
  }

  /** Takes an option of another call in place of the last one's, which was `before`; false where it is not like that. */
  takeOption(name: string, value: unknown, before: unknown): boolean {
    const held = this.call.held.get(name);
    if (held?.listed) return held.reread(value);
    return value === before || (name === 'out' && this.aimed);
  }

  /** Takes the arguments of another call in place of those of the last one; false where they are not like them. */
  take(input: unknown, target: unknown, gradOutput: readonly [unknown] | undefined, out: unknown): boolean {
    const { call } = this;
    const own = call.target as { readonly operand: Operand } | undefined;
    if (gradOutput) {
      const [incoming] = gradOutput;
      if (typeof incoming !== 'number') return false;
      call.incoming = incoming;
    }
    if (!this.#still) {
      if (!call.input.take(input) || (own && !own.operand.take(target))) return false;
      this.#out = this.#outputs.read(out); // which may be a getter that calls the library
      return true;
    }
    const same = call.input.owner === input && (!own || own.operand.owner === target);
    return same && this.#frees === this.#runtime.frees;
  }

  /** Steps with the arguments that were taken; false where they lie elsewhere than those before. */
  again(base: number): boolean {
    const image = this.#image;
    if (base !== this.#scratch.base || !image) return false;
    this.#runtime.memory.renew();
    const outputs = this.#outputs;
    if (!this.#still && !(this.#operands.retake() && outputs.retake(this.#out))) return false;
    const plan = this.#plan;
    plan.restore(image);
    if (this.#parts) {
      if (!this.#parts.renew()) return false;
      this.#parts.place(plan, this.call.middle); // others may have used the scratch
    }
    if (this.#short && !this.#still) {
      const { block } = this.#blocks;
      this.#operands.bringAll(plan, block);
      outputs.aim(plan, block, this.#pulled);
    }
    if (!this.#short || !this.#repeat()) this.#compute();
    return true;
  }

  /** Steps once more with everything in its place; false where something is amiss, which #compute says. */
  #repeat(): boolean {
    const plan = this.#plan;
    const { sums } = this;
    this.#reset();
    this.#parts?.start();
    if (this.#scans && !this.#scan.again()) return false;
    this.#count();
    const pulls = this.#outputs.grad !== undefined && sums.setUpstream(plan);
    if (pulls !== this.#pulled) return false;
    const clean = this.#kernel(plan.address) > 0;
    if (plan.get(PLAN.bad) >= 0) return false;
    if (pulls) this.#outputs.grad?.collect(this.#blocks.block, sums.times, clean);
    else this.#outputs.clear();
    sums.read(plan);
    this.#parts?.finish(sums);
    return true;
  }

  /** Sums start at 0. */
  #reset(): void {
    const plan = this.#plan;
    plan.setDouble(PLAN.sum, 0);
    plan.setDouble(PLAN.sideSum, 0);
    plan.setDouble(PLAN.weightSum, 0);
    plan.setDouble(PLAN.count, 0);
    plan.set(PLAN.bad, -1);
  }

  /** What the scan counted; without one every loss counts 1. */
  #count(): void {
    const { call, sums } = this;
    const plan = this.#plan;
    const counts = this.#scans && !this.#groups;
    const losses = counts || this.#operands.setless ? 0 : sizeOf(call.lossShape);
    sums.count = counts ? plan.getDouble(PLAN.count) : losses;
    sums.weightSum = counts ? plan.getDouble(PLAN.weightSum) : losses;
  }

  #compute(): void {
    const { call, sums } = this;
    const plan = this.#plan;
    const operands = this.#operands;
    this.#runtime.memory.renew();
    operands.start();
    this.#scan.checkDomain();
    this.#reset();
    operands.bringFixed(plan, this.#blocks.block);
    this.#parts?.start();
    if (this.#scans) this.#scan.run();
    this.#count();
    const pulls = this.#outputs.grad !== undefined && sums.setUpstream(plan);
    this.#pulled = pulls;
    this.#outputs.second?.aim(plan, pulls);
    // without a class there is nothing to compute, and the losses are those of nothing
    if (call.input.length > 0) {
      if (this.#groups) this.#groups.run(pulls);
      else this.#runBlocks(pulls);
    }
    if (pulls && call.input.length > 0) this.#head?.finish();
    else this.#outputs.clear();
    sums.read(plan);
    this.#parts?.finish(sums);
  }

  #findAgain(): void {
    this.#operands.findAgain();
    this.#parts?.refind();
    this.#outputs.check();
  }

  #runBlocks(pulls: boolean): void {
    const blocks = this.#blocks;
    // what the scan of a single block brought is still there
    const brought = this.#scans && blocks.single && !this.#head;
    blocks.start();
    while (blocks.next()) {
      const { block } = blocks;
      this.#run(block, pulls, brought);
      this.#outputs.losses?.fetch(0, block.loss, block.losses);
      this.#parts?.collect(block);
    }
  }

  /** Takes a block through the kernel; `brought`: what a scan reads is in its place. */
  #run(block: Block, pulls: boolean, brought: boolean): void {
    const plan = this.#plan;
    const outputs = this.#outputs;
    const operands = this.#operands;
    if (!brought) this.#scan.open(block);
    // those of elements a scan reads too
    if (!brought || this.call.byClass) operands.bringMoving(plan, block);
    if (this.#blocks.part > 0) this.#runCut(this.#blocks as ClassBlocks, pulls);
    else {
      outputs.aim(plan, block, pulls);
      if (!brought || this.call.byClass) operands.input.bring(plan, block);
      const clean = this.#kernel(plan.address) > 0;
      if (plan.get(PLAN.bad) >= 0) throw this.#scan.locate(block);
      if (pulls) outputs.grad?.collect(block, this.sums.times, clean);
    }
    if (pulls) outputs.second?.collect(block, this.sums.times);
  }

  /** A block whose class axis is cut: each pass goes over all its parts. */
  #runCut(blocks: ClassBlocks, pulls: boolean): void {
    const plan = this.#plan;
    const outputs = this.#outputs;
    const { block } = blocks;
    const all = plan.get(PLAN.phase);
    for (const phase of PHASES) {
      if (!(all & phase) || (phase === FLAGS.GRADIENT && !pulls)) continue;
      plan.set(PLAN.phase, phase);
      for (let first = 0; blocks.cut(first); first += blocks.part) {
        plan.set(PLAN.first, first);
        plan.set(PLAN.middle, block.middle);
        outputs.aim(plan, block, pulls);
        if (phase !== FLAGS.FINISH) {
          this.#operands.input.bring(plan, block);
          this.#operands.target?.bring(plan, block);
        }
        this.#kernel(plan.address);
        if (phase === FLAGS.FINISH) break;
        if (phase === FLAGS.GRADIENT) outputs.grad?.collect(block, this.sums.times);
      }
    }
    plan.set(PLAN.phase, all);
  }

  /** The loss of the last step. */
  get loss(): number | Tensor {
    return this.#outputs.loss ?? this.sums.loss;
  }

  /** The gradient's tensor; where its array was given as a view of linear memory, one of the memory as it is now. */
  get grad(): Tensor | undefined {
    return this.#outputs.gradient;
  }

  /** The gradients of a head, by name. */
  get gradients(): Readonly<Record<string, Tensor>> | undefined {
    return this.#head?.gradients;
  }

  /** The gradient of the second operand, where it has one. */
  get second(): Tensor | undefined {
    return this.#outputs.second?.tensor;
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
