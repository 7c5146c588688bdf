/** The mean over nothing: no samples, none that is not ignored, weights whose sum is 0. For every loss that can have it. */
import { describe, expect, it } from 'vitest';
import {
  asTensor,
  type BackwardResult,
  callOf,
  type FormName,
  type ForwardResult,
  formNames,
  gradientsOf,
  losses,
  type Options,
} from './library.ts';
import { withOptions } from './property.ts';
import { isSparse, type Problem, type ReferenceLoss, reference, references, tensor64 } from './reference/index.ts';
import { randomFrom } from './reference/random.ts';

const shape = [4, 3];

/** Problems over nothing, by what makes them so. Undefined where a loss cannot have that. */
const ways: Record<string, (loss: ReferenceLoss, kind: ReferenceLoss['targets'][number]) => Problem | undefined> = {
  'no samples': (loss, kind) => loss.draw(randomFrom(1), [0, 3], undefined, kind),
  'no positions': (loss, kind) =>
    loss.family === 'overlap'
      ? undefined
      : loss.draw(randomFrom(2), [2, 3, 0], loss.family === 'class' ? 1 : undefined, kind),
  'all ignored': (loss, kind) => {
    const marker = 'ignoreIndex' in loss.targetOptions ? 'ignoreIndex' : 'ignoreValue';
    if (!(marker in loss.targetOptions) || kind === 'sparse' || loss.family === 'overlap') return undefined;
    const { inputs, options } = loss.draw(randomFrom(3), shape, undefined, kind);
    const { target } = inputs;
    if (target === undefined || isSparse(target)) return undefined;
    // class probabilities have no value that marks an ignored one
    if (marker === 'ignoreIndex' && target.shape.length === shape.length) return undefined;
    const missing = { data: target.data.map(() => -1), shape: target.shape };
    return { inputs: { ...inputs, target: missing }, options: { ...options, [marker]: -1 } };
  },
  'empty sets': (loss, kind) => {
    if (loss !== references.partialLabel) return undefined;
    const { inputs, options } = loss.draw(randomFrom(4), shape, undefined, kind);
    const none = { indices: new Int32Array(), offsets: new Int32Array(5) };
    return { inputs: { ...inputs, target: kind === 'sparse' ? none : tensor64(new Float64Array(12), shape) }, options };
  },
  'sample weights that cancel': (loss, kind) => {
    if (!('sampleWeight' in loss.options)) return undefined;
    const problem = loss.draw(randomFrom(5), shape, undefined, kind);
    return withOptions(problem, { sampleWeight: tensor64([1, -1, 2, -2]) });
  },
  'class weights that cancel': (loss, kind) => {
    if (loss.family !== 'class' || !('weight' in loss.options) || kind !== 'index') return undefined;
    const { inputs, options } = loss.draw(randomFrom(6), shape, undefined, kind);
    const problem = { inputs: { ...inputs, target: tensor64([0, 1, 1, 0]) }, options };
    return withOptions(problem, { weight: tensor64([1, -1, 3]) });
  },
  'element weights that cancel': (loss, kind) => {
    if (loss.family !== 'element' || !('weight' in loss.options)) return undefined;
    const problem = loss.draw(randomFrom(7), shape, undefined, kind);
    return withOptions(problem, { weight: tensor64([1, -1, 2, -2, 3, -3, 0, 0, 4, 1, -2, -3], shape) });
  },
};

/** Means that divide by the number of what there is have something to divide by, whatever it weighs. */
const isOverNothing = (op: FormName, { inputs, options }: Problem): boolean =>
  reference(op, inputs, options).weightSum === 0;

const cases = formNames.flatMap((op) =>
  references[op].targets.flatMap((kind) =>
    Object.entries(ways).flatMap(([way, make]) => {
      const problem = make(references[op], kind);
      return problem && isOverNothing(op, problem) ? [{ op, kind, way, problem }] : [];
    }),
  ),
);

function expectNoGradient(what: string, result: BackwardResult, { inputs }: Problem): void {
  const { grad, grads } = gradientsOf(result);
  expect(grad.shape, what).toEqual(inputs.input.shape);
  expect(grad.data.length, what).toBe(inputs.input.data.length);
  for (const { data } of [grad, ...Object.values(grads)])
    expect(
      data.every((g) => g === 0),
      what,
    ).toBe(true);
}

describe('a mean over nothing is emptyMean, and its gradient 0', () => {
  it.each(cases)('$op ($kind): $way', ({ op, problem }) => {
    const { input, target, options: plain } = callOf(op, problem);
    for (const [emptyMean, wanted] of [
      [undefined, Number.NaN],
      ['nan', Number.NaN],
      ['zero', 0],
    ] as const) {
      const options: Options = { ...plain, emptyMean };
      const step = losses[op].prepare(input, target, options);
      const fused = losses[op](input, target, options);
      const results: [string, ForwardResult][] = [
        ['fused', fused],
        ['forward', losses[op].forward(input, target, options)],
      ];
      for (const [form, { loss, weightSum, componentLosses }] of results) {
        expect([loss, weightSum], form).toEqual([wanted, 0]);
        expect(
          [...(componentLosses?.data ?? [])].every((part) => Object.is(part, wanted)),
          form,
        ).toBe(true);
      }
      expect([step(), step.weightSum]).toEqual([wanted, 0]);
      expectNoGradient('fused', fused, problem);
      expectNoGradient('backward', losses[op].backward(3, input, target, options), problem);
      expectNoGradient('step', step, problem);
      step.free();
    }
  });

  it.each(cases)('$op ($kind): $way, whose sum is no mean', ({ op, problem }) => {
    const { input, target, options } = callOf(op, problem);
    const truth = reference(op, problem.inputs, { ...problem.options, reduction: 'sum' });
    const got = losses[op](input, target, { ...options, reduction: 'sum' });
    expect(Number.isFinite(got.loss)).toBe(true);
    expect(Math.abs(Number(got.loss) - truth.loss.data[0]!)).toBeLessThanOrEqual(1e-4);
    const none = asTensor(losses[op](input, target, { ...options, reduction: 'none' }).loss);
    expect(none.shape).toEqual(reference(op, problem.inputs, { ...problem.options, reduction: 'none' }).loss.shape);
  });

  it('has cases of every loss, and of every way', () => {
    expect(formNames.filter((op) => !cases.some((each) => each.op === op))).toEqual([]);
    expect(Object.keys(ways).filter((way) => !cases.some((each) => each.way === way))).toEqual([]);
    const ignoring = formNames.filter((op) =>
      Object.keys(references[op].targetOptions).some((name) => name !== 'labels'),
    );
    const overlap = (op: FormName): boolean => references[op].family === 'overlap';
    const unseen = ignoring.filter(
      (op) => !overlap(op) && !cases.some((each) => each.op === op && each.way === 'all ignored'),
    );
    expect(unseen).toEqual([]);
  });
});

describe('zLoss over nothing', () => {
  it('has a mean of its own: over the kept samples, whatever they weigh', () => {
    const input = tensor64([1, 2, 3, 5], [2, 2]);
    const problem: Problem = { inputs: { input, target: tensor64([0, 1]) }, options: { zLoss: 0.1 } };
    const weighed = withOptions(problem, { sampleWeight: tensor64([1, -1]), emptyMean: 'zero' });
    const { loss, input: x, target, options } = callOf('crossEntropy', weighed);
    const truth = reference('crossEntropy', weighed.inputs, weighed.options);
    const got = loss(x, target, options);
    expect(truth.loss.data[0]).toBeGreaterThan(0);
    expect(got.loss).toBeCloseTo(truth.loss.data[0]!, 6);
    for (const [i, g] of truth.grad.data.entries()) expect(gradientsOf(got).grad.data[i]).toBeCloseTo(g, 6);
    expect(loss(x, target, { ...options, emptyMean: 'nan' }).loss).toBeNaN();
    expect(loss(x, [-100, -100], options).loss).toBe(0);
    expect(loss(x, [-100, -100], { ...options, emptyMean: 'nan' }).loss).toBeNaN();
  });
});
