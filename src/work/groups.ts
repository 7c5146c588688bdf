// Losses over groups of samples: those that are there as a whole, or one in several blocks, which are walked twice.

import type { Kernel } from '../machine/instance.ts';
import { FLAGS, PLAN, type Plan } from '../machine/runtime.ts';
import type { Block, GroupBlocks } from './blocks.ts';

/** The passes of the sums of a group (assembly/plan.ts). */
const SUMS = FLAGS.MEASURE | FLAGS.ACCUMULATE | FLAGS.SECOND;

/** What is done on the way. */
interface Way {
  readonly kernel: Kernel;
  /** Takes a block through the kernel. */
  readonly each: (block: Block, gradients: boolean) => void;
  /** The losses of the groups at hand are there. */
  readonly settled: (block: Block) => void;
}

/** Walks all groups, at each step again, and makes nothing on the way. */
export class GroupRuns {
  readonly #groups: GroupBlocks;
  readonly #plan: Plan;
  readonly #way: Way;

  constructor(groups: GroupBlocks, plan: Plan, way: Way) {
    this.#groups = groups;
    this.#plan = plan;
    this.#way = way;
  }

  run(pulls: boolean): void {
    const groups = this.#groups;
    const plan = this.#plan;
    const { kernel, settled } = this.#way;
    groups.start();
    while (groups.next()) {
      if (groups.split) {
        this.#setPhase(0, 0);
        kernel(plan.address);
        this.#setPhase(SUMS, 0);
        this.#walk(false);
        this.#setPhase(FLAGS.FINISH, 0);
        kernel(plan.address);
        this.#setPhase(SUMS | FLAGS.GRADIENT, FLAGS.SETTLED);
        if (pulls) this.#walk(true);
        this.#setPhase(FLAGS.EVERY_PHASE, 0);
      } else this.#walk(pulls);
      settled(groups.blocks.block);
    }
  }

  #setPhase(phase: number, flag: number): void {
    const plan = this.#plan;
    plan.set(PLAN.phase, phase);
    plan.set(PLAN.flags, (plan.get(PLAN.flags) & ~FLAGS.SETTLED) | flag);
  }

  #walk(gradients: boolean): void {
    const { blocks } = this.#groups;
    blocks.start();
    while (blocks.next()) {
      this.#groups.aim(blocks.block);
      this.#way.each(blocks.block, gradients);
    }
  }
}
