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

/** Walks all groups. */
export function runGroups(groups: GroupBlocks, plan: Plan, pulls: boolean, { kernel, each, settled }: Way): void {
  const { blocks, split } = groups;
  const setPhase = (phase: number, flag = 0): void => {
    plan.set(PLAN.phase, phase);
    plan.set(PLAN.flags, (plan.get(PLAN.flags) & ~FLAGS.SETTLED) | flag);
  };
  const walk = (gradients: boolean): void => {
    blocks.start();
    while (blocks.next()) {
      groups.aim(blocks.block);
      each(blocks.block, gradients);
    }
  };
  groups.start();
  while (groups.next()) {
    if (split) {
      setPhase(0);
      kernel(plan.address);
      setPhase(SUMS);
      walk(false);
      setPhase(FLAGS.FINISH);
      kernel(plan.address);
      setPhase(SUMS | FLAGS.GRADIENT, FLAGS.SETTLED);
      if (pulls) walk(true);
      setPhase(FLAGS.EVERY_PHASE);
    } else walk(pulls);
    settled(blocks.block);
  }
}
