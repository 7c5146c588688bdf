/** Class axes that do not fit a tile of the kernels, which then walk them in blocks: every loss with classes against its reference. */
import { describe, expect, it } from 'vitest';
import { softmax } from '../src/index.ts';
import { callOf, type FormName, formNames } from './library.ts';
import { expectReference } from './property.ts';
import { randomProblem, references } from './reference/index.ts';
import { randomFrom } from './reference/random.ts';
import { sampled } from './sample.ts';

/** Kernels take up to 2048 classes at once (assembly/classes/tiles.ts). */
const CLASSES = 2048 + 5;

const tensor = (data: Float32Array) => ({ data, shape: [1, CLASSES, 2] });

const classLosses = formNames.filter((op) => references[op].family === 'class');

describe.each(classLosses)('%s of many classes', (op: FormName) => {
  for (const target of references[op].targets) {
    it.each(
      sampled(
        [
          { shape: [1, CLASSES], axis: 1 },
          { shape: [1, CLASSES, 2], axis: 1 },
        ],
        0.5,
      ),
    )(`with targets of kind ${target}, $shape`, ({ shape, axis }) => {
      expectReference(op, randomProblem(randomFrom(7), references[op], shape, axis, target), 8);
    });
  }
});

/** What a call leaves in the scratch is no part of another one: an ignored sample has no class whose values would take its place. */
it.each(classLosses.filter((op) => references[op].targets.includes('index')))(
  '%s of many classes, one sample ignored, after a call on NaN',
  (op: FormName) => {
    for (const seed of [1, 2, 3, 4]) {
      const { inputs, options } = randomProblem(randomFrom(seed), references[op], [1, CLASSES, 2], 1, 'index');
      const { input, target } = inputs;
      if (target === undefined || !('data' in target)) throw new Error(`${op} has no class indices`);
      const call = callOf(op, { inputs, options });
      const nan = new Float32Array(input.data.length).fill(Number.NaN);
      call.loss({ data: nan, shape: input.shape }, call.target, call.options);
      const data = target.data.map((index, i) => (i === 0 ? (options.ignoreIndex ?? -100) : index));
      expectReference(op, { inputs: { ...inputs, target: { ...target, data } }, options }, 8);
    }
  },
);

// the upstream gradients are packed as the logits are, and far above them: no maximum of theirs is one of the logits
it('softmax.backward of many classes', () => {
  const random = randomFrom(7);
  const logits = Float32Array.from({ length: 2 * CLASSES }, () => -900 - 2 * random());
  const gradOutput = Float32Array.from(logits, () => random());
  const { data } = softmax.backward(tensor(gradOutput), tensor(logits), { axis: 1 });
  for (const column of [0, 1]) {
    const at = Array.from({ length: CLASSES }, (_, c) => 2 * c + column);
    const e = at.map((i) => Math.exp(logits[i]! + 900));
    const sum = e.reduce((a, b) => a + b);
    const mean = at.reduce((total, i, c) => total + (e[c]! / sum) * gradOutput[i]!, 0);
    const wanted = at.map((i, c) => (e[c]! / sum) * (gradOutput[i]! - mean));
    const scale = Math.max(...wanted.map(Math.abs));
    const errors = at.map((i, c) => Math.abs(data[i]! - wanted[c]!) / scale);
    expect(errors.every((error) => error < 1e-5)).toBe(true);
  }
});

/** Blocks of arrays have up to so many values (src/work/blocks.ts): beyond, the class axis of a sample is cut. */
const VALUES = 131072;

const overlaps = formNames.filter((op) => references[op].family === 'overlap');

describe.each(overlaps)('%s of a class axis that is cut', (op: FormName) => {
  it.each(sampled(references[op].targets, 0.5))('with targets of kind %s', (target) => {
    const shape = [1, VALUES / 2 + 1, 2];
    expectReference(op, randomProblem(randomFrom(7), references[op], shape, 1, target), 8);
  });
});
