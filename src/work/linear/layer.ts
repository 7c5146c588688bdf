// The linear layer without a loss: logits, or the gradients of a given gradient of them.

import type { Output } from '../../arguments/call.ts';
import type { Head } from '../../arguments/linear.ts';
import type { Operand } from '../../arguments/operand.ts';
import type { Runtime } from '../../machine/runtime.ts';
import { sizeOf } from '../../values/array.ts';
import type { Tensor } from '../../values/types.ts';
import { BLOCK, type Block, ElementBlocks } from '../blocks.ts';
import { Place, Scratch } from '../place.ts';
import { Result } from '../result.ts';
import { HeadWork } from './head.ts';
import { Matrix } from './matrix.ts';

/** Walks the blocks of a head's logits, with the scratch in its place. */
function walk(head: Head, work: HeadWork, runtime: Runtime, scratch: Scratch, more: Reserving): void {
  const total = sizeOf(head.shape);
  const blocks = new ElementBlocks(1, total, total, false, work.most ?? BLOCK);
  work.reserve(blocks);
  const use = more(blocks.values);
  runtime.memory.withScratch(scratch.bytes, (base) => {
    scratch.base = base;
    work.start();
    blocks.start();
    while (blocks.next()) use(blocks.block);
  });
}

/** Reserves scratch for blocks of so many values, and says what to do with each. */
type Reserving = (values: number) => (block: Block) => void;

/** Features·weightᵀ + bias. */
export function computeLogits(name: string, head: Head, out: Output | undefined, runtime: Runtime): Tensor {
  const scratch = new Scratch();
  runtime.memory.renew();
  const work = new HeadWork(name, head, runtime, scratch, false);
  const tensor = out?.tensor ?? { data: out?.data ?? new Float32Array(sizeOf(head.shape)), shape: head.shape };
  const result = new Result(`${name}: the logits`, out?.data ?? tensor.data, out?.tensor, runtime, scratch);
  walk(head, work, runtime, scratch, (values) => {
    result.reserve(values, work.part);
    return (block) => {
      work.compute(block, result.addressOf(block.start));
      result.collect(block, 0);
    };
  });
  return result.tensorOf(tensor, head.shape);
}

/** The gradients of a head for one of its logits. */
export function computeGradients(
  name: string,
  head: Head,
  gradOutput: Operand,
  runtime: Runtime,
): Readonly<Record<string, Tensor>> {
  const scratch = new Scratch();
  runtime.memory.renew();
  const work = new HeadWork(name, head, runtime, scratch, true);
  const place = new Place(gradOutput, Float32Array, runtime);
  if (gradOutput.length === 0) work.clear();
  walk(head, work, runtime, scratch, (values) => {
    const matrix = new Matrix(place, 1, values, runtime, scratch);
    return (block) => work.gather(block, matrix.at(block.start, block.size));
  });
  if (gradOutput.length > 0) work.finish();
  return work.gradients;
}
