/** Confident rows keep their digits, random inputs are within the golden rule, and long sums lose nothing. */
import { describe, expect, it } from 'vitest';
import { boundsOf, type GoldenCase, type GoldenTensor, mismatch } from './golden.ts';
import { activations, asTensor, callOf, type FormName, float32, formNames, gradientsOf, losses } from './library.ts';
import { problemFor, property, relative, tiniest } from './property.ts';
import { largest } from './reference/bounds.ts';
import { tensorOf, withInput } from './reference/draws.ts';
import {
  activations as activationReferences,
  errorBounds,
  isSparse,
  type Problem,
  reference,
  references,
  type Tensor64,
} from './reference/index.ts';
import { sizeOf } from './reference/layout.ts';
import { chance, fill, type Random, randomFrom } from './reference/random.ts';

const tolerance = 1e-6;
/** A power multiplies what the difference of two logits lost. */
const toleranceOf = (op: FormName): number => ('gamma' in references[op].options ? 2e-5 : tolerance);

function expectRelative(what: string, got: ArrayLike<number>, truth: ArrayLike<number>, allowed = tolerance): void {
  expect(got.length).toBe(truth.length);
  for (let i = 0; i < truth.length; i++) {
    // products that have no place among the normal float32 may be 0
    if (Math.abs(truth[i]!) > 2 ** 10 * tiniest) relative(`${what}[${i}]`, got[i]!, truth[i]!, allowed);
    else expect(Math.abs(got[i]!)).toBeLessThanOrEqual(2 ** 11 * tiniest);
  }
}

/** Losses whose value at a sure and right sample is as small as what is left of the probability. */
const vanishing = formNames.filter((op) => {
  const { spice, draw, targets } = references[op];
  if (!spice.confident) return false;
  const problem = spice.confident(randomFrom(3), draw(randomFrom(3), [6, 5], undefined, targets[0]));
  const { loss } = reference(op, problem.inputs, { ...problem.options, reduction: 'none' });
  return loss.data.every((v) => v >= 0 && v < 1e-3);
});

/**
 * Logits with all the digits of a float32, as those of `confident` have not: their differences are rounded, and where they are
 * large, exponentials lose digits that have to be put back.
 */
const fine = (random: Random, problem: Problem): Problem => withInput(problem, (x) => Math.fround(x - random() / 4));

describe('confident samples', () => {
  it('cost next to nothing in most losses with softmax', () => expect(vanishing.length).toBeGreaterThan(6));

  for (const op of vanishing) {
    for (const reduction of ['none', 'sum', 'mean'] as const) {
      property(
        `${op}, ${reduction}: the loss keeps its digits`,
        (random, shape, axis) => {
          const drawn = references[op].draw(random, shape, axis, references[op].targets[0]);
          const sure = references[op].spice.confident!(random, drawn);
          const { inputs, options } = chance(random) ? fine(random, sure) : sure;
          const problem = { inputs, options: { ...options, reduction } };
          const truth = reference(op, inputs, problem.options);
          const { loss, input, target, options: own } = callOf(op, problem);
          for (const got of [loss(input, target, own), loss.forward(input, target, own)]) {
            expectRelative('loss', asTensor(got.loss).data, truth.loss.data, toleranceOf(op));
            if (truth.componentLosses) {
              expectRelative('componentLosses', got.componentLosses!.data, truth.componentLosses.data);
            }
          }
        },
        0.5,
      );
    }
  }
});

describe('the gradient of a sure class', () => {
  const indexed = vanishing.filter((op) => references[op].targets[0] === 'index');

  it('is looked at in most losses of classes', () => expect(indexed.length).toBeGreaterThan(6));

  it.each(indexed)('%s: keeps its digits at the right class and at the others', (op) => {
    const { inputs, options } = references[op].draw(randomFrom(5), [4, 3], undefined, 'index');
    const classes = (inputs.target as Tensor64).data;
    for (const far of [10, 15, 20]) {
      const input = {
        shape: [4, 3],
        data: inputs.input.data.map((_, i) => (i % 3 === classes[Math.floor(i / 3)] ? far : i / 7)),
      };
      const problem = { inputs: { ...inputs, input }, options: { ...options, reduction: 'sum' as const } };
      const rounded = withInput(problem, Math.fround);
      const truth = reference(op, rounded.inputs, problem.options).grad;
      const { loss, input: x, target, options: own } = callOf(op, rounded);
      const { data } = gradientsOf(loss(x, target, own)).grad;
      for (const [i, value] of truth.data.entries()) relative(`${far}, ${i}`, data[i]!, value, 2e-5);
    }
  });

  property('of crossEntropy with any kind of target to 1e-6', (random, shape, axis) => {
    const op = 'crossEntropy';
    const drawn = references[op].draw(random, shape, axis, 'index');
    const { inputs, options } = references[op].spice.confident!(random, drawn);
    const classes = (inputs.target as Tensor64).data;
    const truth = reference(op, inputs, { ...options, reduction: 'none' }).grad;
    const { loss, input, target, options: own } = callOf(op, { inputs, options: { ...options, reduction: 'none' } });
    const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
    const at = (i: number): number => Math.floor(i / inner) * shape[axis]! * inner + classes[i]! * inner + (i % inner);
    const hot = { data: new Float32Array(inputs.input.data.length), shape };
    for (let i = 0; i < classes.length; i++) hot.data[at(i)] = 1;
    for (const of of [target, hot]) {
      const { grad } = gradientsOf(loss(input, of, own));
      for (let i = 0; i < classes.length; i++) relative(`${i}`, grad.data[at(i)]!, truth.data[at(i)]!, tolerance);
    }
  });

  property('of losses of one logit each to 1e-6, and of the sigmoids', (random, shape) => {
    const y = fill(sizeOf(shape), () => Math.floor(random() * 2));
    const input = { data: y.map((v) => Math.fround((v === 1 ? 1 : -1) * (10 + 70 * random()))), shape };
    for (const op of ['bceWithLogits', 'sigmoidFocal', 'softMargin'] as const) {
      const target = { data: op === 'softMargin' ? y.map((v) => 2 * v - 1) : y, shape };
      const problem: Problem = { inputs: { input, target }, options: { reduction: 'none', gamma: 1 } };
      const { options, ...call } = callOf(op, problem);
      const own = op === 'sigmoidFocal' ? options : { reduction: 'none' };
      const truth = reference(op, problem.inputs, problem.options);
      const got = call.loss(call.input, call.target, own);
      expectRelative(`${op} loss`, asTensor(got.loss).data, truth.loss.data);
      expectRelative(`${op} grad`, gradientsOf(got).grad.data, truth.grad.data);
    }
    const ones = { data: new Float32Array(y.length).fill(1), shape };
    for (const op of ['sigmoid', 'logSigmoid'] as const) {
      const truth = reference(op, { input }, {});
      expectRelative(op, activations[op](float32(input)).data, truth.loss.data);
      expectRelative(`${op} grad`, activations[op].backward(ones, float32(input)).data, truth.grad.data);
    }
  });
});

type Inputs = Record<string, GoldenTensor>;

/** A random problem as a golden case whose expected values are those of the float64 reference. */
function goldenOf(op: string, { inputs, options }: Problem): GoldenCase {
  const { input, target, others } = inputs;
  const tensors: Inputs = { logits: input, ...others };
  if (target && isSparse(target)) {
    for (const name of ['indices', 'offsets'] as const) {
      tensors[name] = { data: Float64Array.from(target[name]), shape: [target[name].length] };
    }
  } else if (target) tensors.target = target;
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (typeof value === 'object' && 'data' in value) tensors[name] = value;
    else plain[name] = value;
  }
  const upstream = options.gradOutput;
  if (typeof upstream === 'number') tensors.gradOutput = { data: Float64Array.of(upstream), shape: [] };
  const { gradOutput: _, ...others2 } = plain;
  const { loss, grad, grads, componentLosses } = reference(op as FormName, inputs, options);
  const expected = { loss, grad, ...(grads && { grads }), ...(componentLosses && { componentLosses }) };
  return {
    id: op,
    op,
    tags: [],
    inputs: tensors,
    options: others2,
    expected,
    torchF32: { lossMaxAbsErr: 0, gradMaxAbsErr: 0 },
  };
}

/** The comparison rule of golden/README.md; as much again stands for what it grants for PyTorch's own errors. */
const slack = 2;

/** Logits that are moved and probabilities that are given have errors of their own, which the rule's cases have not. */
const gradBound = (op: FormName, problem: Problem, rule: number): number =>
  slack * Math.max(rule, largest({ data: errorBounds(references[op], problem, 4).grad }));

/** Per element what may be any subgradient, at a kink. */
const kinksOf = (op: FormName, problem: Problem): Float64Array =>
  Float64Array.from(references[op].kinks(problem).grad, (kink) => (kink === 1 ? Number.MAX_VALUE : 0));

describe('the golden rule on random inputs', () => {
  for (const op of formNames) {
    property(
      op,
      (random, shape, axis) => {
        const problem = problemFor(random, op, shape, axis);
        const golden = goldenOf(op, problem);
        const { expected } = golden;
        const bounds = boundsOf(golden);
        const { loss, input, target, options, gradOutput } = callOf(op, problem);
        const forward = loss.forward(input, target, options);
        const { grad, grads } = gradientsOf(loss.backward(gradOutput, input, target, options));
        const wrong = [
          mismatch('loss', asTensor(forward.loss), expected.loss, slack * bounds.loss),
          mismatch('grad', grad, expected.grad, gradBound(op, problem, bounds.grad), kinksOf(op, problem)),
          expected.componentLosses &&
            mismatch('parts', forward.componentLosses!, expected.componentLosses, slack * bounds.componentLosses),
          // a number has no gradient
          ...Object.entries(expected.grads ?? {}).map(
            ([name, truth]) => grads[name] && mismatch(name, grads[name], truth, slack * bounds.grads[name]!),
          ),
        ];
        const messages = wrong.filter((message) => message !== undefined);
        if (messages.length > 0) expect.fail(messages.join('\n'));
      },
      0.5,
    );
  }

  property('activations', (random, shape, axis) => {
    const [input, gradOutput] = [tensorOf(random, shape, -20, 20), tensorOf(random, shape, -2, 2)];
    for (const op of Object.keys(activationReferences) as (keyof typeof activationReferences)[]) {
      const options = op.endsWith('oftmax') ? { axis } : {};
      const { loss, grad } = reference(op, { input }, { ...options, gradOutput });
      const golden: GoldenCase = {
        ...goldenOf('mse', { inputs: { input, target: input }, options: {} }),
        op,
        inputs: { input, gradOutput },
        options: op.endsWith('oftmax') ? { dim: axis } : {},
        expected: { loss, grad },
      };
      const bounds = boundsOf(golden);
      const output = activations[op](float32(input), options);
      const pulled = activations[op].backward(float32(gradOutput), float32(input), options);
      expect(mismatch(op, output, loss, slack * bounds.loss) ?? '').toBe('');
      expect(mismatch(`${op} grad`, pulled, grad, slack * bounds.grad) ?? '').toBe('');
    }
  });
});

describe('sums over 1e7 elements are within 1e-7 of the float64 sum', () => {
  const n = 1e7;
  const random = randomFrom(5);
  const data = Float32Array.from({ length: n }, () => random() * 4 - 1);
  const labels = new Float32Array(n).map((_, i) => Number(data[(i * 7) % n]! > 1));
  const { crossEntropy, bceWithLogits, mse } = losses;

  function total(term: (i: number) => number): number {
    let sum = 0;
    let correction = 0;
    for (let i = 0; i < n; i++) {
      const value = term(i) - correction;
      const next = sum + value;
      correction = next - sum - value;
      sum = next;
    }
    return sum;
  }

  it('mse', () => {
    const truth = total((i) => (data[i]! - labels[i]!) ** 2);
    const [input, target] = [
      { data, shape: [n] },
      { data: labels, shape: [n] },
    ];
    relative('sum', Number(mse.forward(input, target, { reduction: 'sum' }).loss), truth, 1e-7);
    relative('mean', Number(mse(input, target, { out: new Float32Array(n) }).loss), truth / n, 1e-7);
  });

  it('bceWithLogits', () => {
    const truth = total((i) => {
      const x = data[i]!;
      return Math.max(x, 0) - x * labels[i]! + Math.log1p(Math.exp(-Math.abs(x)));
    });
    const [input, target] = [
      { data, shape: [1000, n / 1000] },
      { data: labels, shape: [1000, n / 1000] },
    ];
    relative('sum', Number(bceWithLogits.forward(input, target, { reduction: 'sum' }).loss), truth, 1e-7);
    relative('mean', Number(bceWithLogits.forward(input, target).loss), truth / n, 1e-7);
  });

  it.each([
    [1e6, 10, 1],
    [1e4, 1000, 1],
    [10, 10, 1e5],
  ])('crossEntropy [%d, %d, %d]', (outer, classes, inner) => {
    const target = Int32Array.from({ length: outer * inner }, (_, i) => i % classes);
    let truth = 0;
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        const start = o * classes * inner + i;
        let sum = 0;
        for (let k = 0; k < classes; k++) sum += Math.exp(data[start + k * inner]!);
        truth += Math.log(sum) - data[start + target[o * inner + i]! * inner]!;
      }
    }
    const input = { data, shape: [outer, classes, inner] };
    const got = crossEntropy.forward(input, { data: target, shape: [outer, inner] });
    relative('mean', Number(got.loss), truth / (outer * inner), 1e-7);
    relative('sum', got.sum, truth, 1e-7);
  });
});
