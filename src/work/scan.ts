// Before a block is computed: its geometry and targets in the plan, whether the targets are legal, and what the mean divides by.

import type { Call } from '../arguments/call.ts';
import { type Domain, outsideDomain } from '../arguments/domains.ts';
import type { Kernel } from '../machine/instance.ts';
import { PLAN, type Plan, type Runtime, type Team } from '../machine/runtime.ts';
import { sizeOf } from '../values/array.ts';
import { BLOCK, type Block, type Blocks, ElementBlocks, type GroupBlocks } from './blocks.ts';
import { Input } from './input.ts';
import type { Operands } from './operands.ts';

export class Scan {
  readonly #call: Call;
  readonly #runtime: Runtime;
  readonly #plan: Plan;
  readonly #operands: Operands;
  readonly #blocks: Blocks;
  readonly #groups: GroupBlocks | undefined;
  readonly #domain: Domain | undefined;
  /** The kernel that scans a block. */
  #kernel: (plan: number) => unknown;
  /** The walk over the values of a class operation as elements, for their range. */
  #stretches: ElementBlocks | undefined;

  constructor(
    call: Call,
    runtime: Runtime,
    plan: Plan,
    walk: { operands: Operands; blocks: Blocks; groups: GroupBlocks | undefined; domain: Domain | undefined },
  ) {
    this.#call = call;
    this.#runtime = runtime;
    this.#plan = plan;
    this.#operands = walk.operands;
    this.#blocks = walk.blocks;
    this.#groups = walk.groups;
    this.#domain = walk.domain;
    const { scanSamples, scanElements } = runtime.kernels;
    this.#kernel = call.byClass ? scanSamples : scanElements;
  }

  /** All threads take part. */
  spread(team: Team, room: number): void {
    const { byClass, input, lossShape } = this.#call;
    const values = byClass ? sizeOf(lossShape) : input.length;
    const name = byClass ? 'scanSamples' : 'scanElements';
    this.#kernel = team.spread(name, this.#kernel as Kernel, { byClass, values, room, writes: false });
  }

  /** Whether it checks values by a walk of their own. */
  get checks(): boolean {
    return this.#domain !== undefined && this.#call.byClass;
  }

  /** Checks the range of the values that a class operation is compared with. */
  checkDomain(): void {
    const domain = this.#domain;
    const { input: values, byClass, middle } = this.#call;
    if (!domain || !byClass) return;
    const plan = this.#plan;
    const { input, target } = this.#operands;
    const { length } = values;
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
    plan.set(PLAN.total, middle);
  }

  #outside(domain: Domain, at: number): RangeError {
    const { target } = this.#operands;
    const values = target instanceof Input ? target.place.values : [];
    return outsideDomain(this.#call, domain, values as Float32Array, at);
  }

  /** Checks the targets of all blocks and adds up what the mean divides by. */
  run(): void {
    const plan = this.#plan;
    const blocks = this.#blocks;
    const groups = this.#groups;
    groups?.start();
    blocks.start();
    while (groups === undefined || groups.next()) {
      while (blocks.next()) {
        const { block } = blocks;
        this.open(block);
        this.#operands.bringScanned(plan, block);
        if (!this.again()) throw this.#fault(block);
      }
      if (!groups) break;
    }
  }

  /** Scans the block that the plan describes; false where a target is not legal. */
  again(): boolean {
    this.#kernel(this.#plan.address);
    return this.#plan.get(PLAN.bad) < 0;
  }

  /** The geometry of a block, and its targets. */
  open(block: Block): void {
    const plan = this.#plan;
    plan.set(PLAN.outer, block.outer);
    plan.set(PLAN.middle, block.middle);
    plan.set(PLAN.inner, block.inner);
    if (!this.#call.byClass) plan.set(PLAN.total, block.size);
    this.#operands.bringTargets(plan, block, this.#blocks.part > 0);
  }

  /** The error for the target that a scan found. */
  #fault(block: Block): RangeError {
    const bad = this.#plan.get(PLAN.bad);
    const { indices } = this.#operands;
    return indices ? indices.fault(block.sample + bad) : this.#outside(this.#domain as Domain, block.start + bad);
  }

  /** The error for a target that a kernel found out of range as it went. */
  locate(block: Block): RangeError {
    this.#operands.bringScanned(this.#plan, block);
    this.#runtime.kernels.scanElements(this.#plan.address);
    return this.#fault(block);
  }
}
