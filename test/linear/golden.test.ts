/** Every golden case of a linear form, by the rule of golden/README.md, in every form and from arrays and tensors. */
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../src/index.ts';
import { boundsOf, type GoldenCase, loadGolden, mismatch, linearOf as operandsOf, problemOf } from '../golden.ts';
import { asTensor, type FormName, float32, libraryGradOutput, libraryOptions, libraryTarget } from '../library.ts';
import { linear } from '../reference/index.ts';
import { type LinearResult, layerOf, linearOf, place, placeLayer } from './library.ts';

function expectGolden(what: string, golden: GoldenCase, got: Partial<LinearResult>): void {
  const { expected } = golden;
  const bounds = boundsOf(golden);
  const wrong: (string | undefined)[] = [];
  if (got.loss !== undefined) {
    wrong.push(mismatch(`${what} loss`, asTensor(got.loss), expected.loss, bounds.loss));
    if (expected.componentLosses) {
      wrong.push(mismatch(what, got.componentLosses!, expected.componentLosses, bounds.componentLosses));
    }
  }
  if (got.grad !== undefined) {
    const truths = { input: expected.grad, ...expected.grads };
    expect(Object.keys(got.grad).sort(), what).toEqual(Object.keys(truths).sort());
    for (const [name, truth] of Object.entries(truths)) {
      const bound = name === 'input' ? bounds.grad : bounds.grads[name]!;
      wrong.push(mismatch(`${what} grad of ${name}`, got.grad[name]!, truth, bound));
    }
  }
  const messages = wrong.filter((message) => message !== undefined);
  if (messages.length > 0) expect.fail(messages.join('\n'));
}

const engine = createEngine();

describe('golden linear', () => {
  const cases = loadGolden('linear');
  it('has cases', () => expect(cases.length).toBeGreaterThan(40));
  it.each(cases.map((golden) => [golden.id, golden] as const))('%s', (_, golden) => {
    const op = golden.op as FormName;
    const operands = operandsOf(golden);
    const problem = problemOf(golden);
    const target = libraryTarget(op, { ...problem.inputs, input: linear(operands) });
    const { outputs } = operands;
    const options = { ...libraryOptions(problem.options), ...(outputs && { outputs }) };
    const given = libraryGradOutput(problem.options);
    for (const placed of [false, true]) {
      const features = placed ? place(engine, float32(operands.features)) : float32(operands.features);
      const layer = placed ? placeLayer(engine, layerOf(operands)) : layerOf(operands);
      const form = linearOf(op, placed ? engine : undefined);
      const what = placed ? 'tensors' : 'arrays';
      expectGolden(`${what} backward`, golden, form.backward(given, features, layer, target, options));
      expectGolden(`${what} forward`, golden, form.forward(features, layer, target, options));
      if (given !== 1) continue;
      expectGolden(what, golden, form(features, layer, target, options));
      const step = form.prepare(features, layer, target, options);
      expectGolden(`${what} step`, golden, { loss: step(), grad: step.grad });
      step.free();
    }
  });
});
