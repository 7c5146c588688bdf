/** Class axes that are cut into parts: more classes than a block has room for, with what decides a sum in any part. */
import { describe, expect, it } from 'vitest';
import { type FormName, formNames } from './library.ts';
import { expectReference } from './property.ts';
import { type Problem, randomProblem, references, type Tensor64 } from './reference/index.ts';
import { below, randomFrom } from './reference/random.ts';

/** Logits with one large value per sample, in any part of the axis. */
function peaked({ data, shape }: Tensor64, classes: number, random: ReturnType<typeof randomFrom>): Tensor64 {
  const peaks = data.slice();
  for (let sample = 0; sample < data.length / classes; sample++) peaks[sample * classes + below(random, classes)] = 60;
  return { data: peaks, shape };
}

const byClass = formNames.filter((name) => references[name].family === 'class' && references[name].others.length === 0);

describe.each([
  ['rows', [3, 200_000]],
  ['tiles', [130, 2500]],
] as const)('%s', (_, shape) => {
  it.each(byClass)('%s', (op: FormName) => {
    const random = randomFrom(4);
    const [, classes] = shape;
    const free = references[op].domain({});
    const problem: Problem = randomProblem(random, references[op], shape, 1, references[op].targets[0]!);
    const { inputs } = problem;
    const input = free[1] === Infinity ? peaked(inputs.input, classes, random) : inputs.input;
    expectReference(op, { ...problem, inputs: { ...inputs, input } }, 16);
  });
});
