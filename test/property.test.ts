/** Every loss with random options, on ordinary inputs and on extreme ones, against the float64 reference. */
import { describe, expect } from 'vitest';
import { activations, callOf, float32, formNames } from './library.ts';
import { asSomeArray, expectNear, expectReference, pick, problemFor, property, tiniest, unit } from './property.ts';
import { tensorOf, withInput } from './reference/draws.ts';
import { isRefused, type Problem, reference, references } from './reference/index.ts';
import { layoutOf, readRow, sampleOf } from './reference/layout.ts';
import type { Random } from './reference/random.ts';

describe('random options against the float64 reference', () => {
  for (const op of formNames) {
    property(op, (random, shape, axis) => {
      const problem = problemFor(random, op, shape, axis);
      expectReference(op, problem, 8, { target: asSomeArray(random, problem) });
    });
  }
});

describe('extreme inputs against the float64 reference', () => {
  for (const op of formNames) {
    const changes = Object.entries(references[op].spice);
    property(op, (random, shape, axis) => {
      const [name, change] = pick(random, changes);
      const problem = change(random, problemFor(random, op, shape, axis));
      if (isRefused(references[op], problem)) {
        const { loss, input, target, options } = callOf(op, problem);
        expect(() => loss(input, target, options), name).toThrow(RangeError);
      } else expectReference(op, problem, 8);
    });
  }
});

/** Inputs of an activation: of any size, and now and then with something in it that is no number. */
function inputOf(random: Random, shape: readonly number[]) {
  const scale = pick(random, [0.01, 1, 4, 30]);
  const plain: Problem = { inputs: { input: tensorOf(random, shape, -scale, scale) }, options: {} };
  const odd = pick(random, [
    undefined,
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    1e30,
  ]);
  const at = Math.floor(random() * plain.inputs.input.data.length);
  return withInput(plain, (x, i) => (odd !== undefined && i === at ? odd : x)).inputs.input;
}

describe('activations against the float64 reference', () => {
  property('softmax and logSoftmax', (random, shape, axis) => {
    const [input, gradOutput] = [inputOf(random, shape), tensorOf(random, shape, -2, 2)];
    const layout = layoutOf(shape, axis);
    for (const op of ['softmax', 'logSoftmax'] as const) {
      const truth = reference(op, { input }, { axis, gradOutput });
      // p loses |log p| units, as x - max is rounded.
      const bound = (v: number): number =>
        op === 'softmax' ? 4 * unit * v * (1 - Math.log(v)) + tiniest : 4 * unit * (1 + Math.abs(v));
      const output = activations[op](float32(input), { axis });
      expectNear(op, output, truth.loss, (i) => bound(truth.loss.data[i]!));
      const grad = activations[op].backward(float32(gradOutput), float32(input), { axis: axis - shape.length });
      const upstream = (flat: number): number =>
        readRow(gradOutput.data, layout, sampleOf(layout, flat)).reduce((sum, g) => sum + Math.abs(g), 0);
      expectNear(`${op} grad`, grad, truth.grad, (i) => 4 * unit * upstream(i));
    }
  });

  property('sigmoid and logSigmoid keep their digits everywhere', (random, shape) => {
    const [input, gradOutput] = [inputOf(random, shape), tensorOf(random, shape, 0.5, 2)];
    for (const op of ['sigmoid', 'logSigmoid'] as const) {
      const truth = reference(op, { input }, { gradOutput });
      const output = activations[op](float32(input));
      expectNear(op, output, truth.loss, (i) => 1e-6 * Math.abs(truth.loss.data[i]!) + tiniest);
      const grad = activations[op].backward(float32(gradOutput), float32(input));
      expectNear(`${op} grad`, grad, truth.grad, (i) => 1e-6 * Math.abs(truth.grad.data[i]!) + 2 * tiniest);
    }
  });
});
