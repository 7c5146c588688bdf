/** Every reference gradient against differences of the reference loss. */
import { describe, expect, it } from 'vitest';
import { sampled } from '../sample.ts';
import { tensorOf } from './draws.ts';
import {
  activations,
  lossEntries,
  type Problem,
  type ReferenceFunction,
  type ReferenceLoss,
  type ReferenceOptions,
  reference,
  type TargetKind,
  type Tensor64,
  tensor64,
} from './index.ts';
import { sumOf } from './numeric.ts';
import { type Random, randomFrom } from './random.ts';

/** Detached weights are no part of the gradient, which is tested on its own, below; and a difference needs numbers. */
const whole: ReferenceOptions = { detachWeights: false, emptyMean: 'zero' };

/** Σ gradOutput · scale · loss: the scalar whose derivative the gradients claim to be. */
function contracted(compute: ReferenceFunction, { inputs, options }: Problem): number {
  const { gradOutput = 1, scale = 1 } = options;
  const { data } = compute(inputs, options).loss;
  return scale * sumOf(data.map((v, i) => v * (typeof gradOutput === 'number' ? gradOutput : gradOutput.data[i]!)));
}

const widest = 2 ** -6;

/**
 * Fourth-order central differences (f(-2h) - 8f(-h) + 8f(h) - f(2h)) / 12h with smaller and smaller steps, of which two
 * that follow each other differ least where neither truncation nor rounding is large.
 */
function slopeOf(f: (x: number) => number, x: number, step: number): number {
  const estimates = [1, 2 ** -2, 2 ** -4, 2 ** -6].map((part) => {
    const h = step * part;
    return (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h);
  });
  const gaps = estimates.slice(1).map((slope, i) => Math.abs(slope - estimates[i]!));
  return estimates[1 + gaps.indexOf(Math.min(...gaps))]!;
}

/** One of the tensors that a loss is differentiated by: where it stands in a problem, and its gradient. */
interface Variable {
  readonly name: string;
  readonly tensor: Tensor64;
  readonly grad: Tensor64;
  readonly kinks: Uint8Array;
  readonly replace: (tensor: Tensor64) => Problem;
}

function variablesOf(loss: ReferenceLoss, { inputs, options }: Problem): Variable[] {
  const { grad, grads = {} } = loss.compute(inputs, options);
  const kinks = loss.kinks({ inputs, options }, 2 * widest);
  const { others = {}, input } = inputs;
  const further = Object.entries(grads).map(([name, own]): Variable => {
    const option = typeof options.variance === 'object' && name === 'variance' ? options.variance : undefined;
    const tensor = others[name] ?? option;
    if (tensor === undefined) throw new Error(`a gradient of ${name}, which is nowhere`);
    return {
      name,
      tensor,
      grad: own,
      kinks: kinks.grads?.[name] ?? new Uint8Array(tensor.data.length),
      replace: (changed) =>
        name in others
          ? { inputs: { ...inputs, others: { ...others, [name]: changed } }, options }
          : { inputs, options: { ...options, [name]: changed } },
    };
  });
  const main = { name: 'input', tensor: input, grad, kinks: kinks.grad };
  return [{ ...main, replace: (changed) => ({ inputs: { ...inputs, input: changed }, options }) }, ...further];
}

/** Compares all gradients of a problem; returns how many elements were away from kinks. */
function checkGradients(what: string, loss: ReferenceLoss, problem: Problem): number {
  const [low, high] = loss.domain(problem.options);
  let compared = 0;
  for (const { name, tensor, grad, kinks, replace } of variablesOf(loss, problem)) {
    expect(grad.shape, `${what} ${name}`).toEqual(tensor.shape);
    const bound = 1e-8 * Math.max(1, ...grad.data.map(Math.abs));
    for (const [i, x] of tensor.data.entries()) {
      const room = name === 'input' ? Math.min(x - low, high - x) / 4 : widest;
      if (kinks[i] === 1 || room === 0) continue;
      const at = (value: number): number => {
        const data = tensor.data.slice();
        data[i] = value;
        return contracted(loss.compute, replace({ data, shape: tensor.shape }));
      };
      const slope = slopeOf(at, x, Math.min(widest, room));
      const error = Math.abs(slope - grad.data[i]!);
      if (!(error <= bound)) expect.fail(`${what} ${name}[${i}] ${x}: ${grad.data[i]}, difference ${slope}`);
      compared++;
    }
  }
  return compared;
}

/** The problem with other options, and with a gradOutput of the shape that its loss has then. */
function withOptions(
  random: Random,
  loss: ReferenceLoss,
  { inputs, options }: Problem,
  added: ReferenceOptions,
): Problem {
  const all = { ...options, ...added, ...whole };
  const { shape } = loss.compute(inputs, all).loss;
  return { inputs, options: { ...all, gradOutput: all.gradOutput ?? tensorOf(random, shape, -1, 1) } };
}

const reductions = sampled<ReferenceOptions>(
  [
    { gradOutput: 1 },
    { reduction: 'none', scale: 0.5 },
    { reduction: 'sum', gradOutput: -1.5 },
    { reduction: 'batchmean', scale: 3 },
    { reduction: 'mean', gradOutput: tensor64([0.25], []), scale: 2 },
  ],
  0.6,
);

/** What a loss is drawn with, one case each: every reduction, every option, and all options together. */
function* casesOf(random: Random, loss: ReferenceLoss, plain: Problem): Generator<readonly [string, Problem]> {
  const { options, targetOptions } = loss;
  for (const added of loss.family === 'scalar' ? [{}] : reductions) {
    yield [added.reduction ?? 'defaults', withOptions(random, loss, plain, added)];
  }
  const drawn = Object.entries(options).map(([name, draw]) => [name, draw(random, plain)] as const);
  for (const [name, value] of drawn) yield [name, withOptions(random, loss, plain, { [name]: value })];
  if (drawn.length > 1) yield ['everything', withOptions(random, loss, plain, Object.fromEntries(drawn))];
  for (const [name, change] of Object.entries(targetOptions)) {
    yield [name, withOptions(random, loss, change(random, plain), {})];
  }
}

const shapes: readonly (readonly number[])[] = [[4], [3, 4], [2, 3, 2]];
const kindsOf = ({ targets }: ReferenceLoss): readonly (TargetKind | undefined)[] =>
  targets.length === 0 ? [undefined] : targets;

describe('the reference gradient is the derivative of the reference loss', () => {
  for (const [op, loss] of lossEntries) {
    for (const kind of kindsOf(loss)) {
      it(`${op} ${kind ?? ''}`, () => {
        const random = randomFrom(17);
        let compared = 0;
        for (const shape of shapes) {
          const axes = loss.family === 'class' || loss.family === 'overlap' ? shape.keys() : [undefined];
          for (const axis of axes) {
            const plain = loss.draw(random, shape, axis, kind);
            for (const [name, problem] of casesOf(random, loss, plain)) {
              compared += checkGradients(`${op} ${name} [${shape}] axis ${axis}`, loss, problem);
            }
          }
        }
        expect(compared).toBeGreaterThan(50);
      });
    }
  }

  for (const [op, compute] of Object.entries(activations)) {
    it(op, () => {
      const random = randomFrom(43);
      for (const shape of [[], ...shapes]) {
        for (const axis of shape.length === 0 ? [0, -1] : shape.keys()) {
          const [input, gradOutput] = [tensorOf(random, shape, -4, 4), tensorOf(random, shape, -1, 1)];
          const { grad } = compute({ input }, { axis, gradOutput });
          for (const [i, x] of input.data.entries()) {
            const at = (value: number): number => {
              const data = input.data.slice();
              data[i] = value;
              return contracted(compute, { inputs: { input: { data, shape } }, options: { axis, gradOutput } });
            };
            expect(Math.abs(slopeOf(at, x, widest) - grad.data[i]!)).toBeLessThan(1e-9);
          }
        }
      }
    });
  }
});

describe('detached weights', () => {
  it('asymmetric: the gradient is the weight times that of the logarithms', () => {
    const random = randomFrom(5);
    const { inputs } = lossEntries.find(([name]) => name === 'asymmetric')![1].draw(random, [40]);
    const run = (options: ReferenceOptions) => reference('asymmetric', inputs, { reduction: 'none', ...options });
    const detached = run({});
    const logarithms = run({ gammaPos: 0, gammaNeg: 0, detachWeights: false });
    for (const [i, value] of logarithms.loss.data.entries()) {
      if (value === 0) continue;
      const weight = detached.loss.data[i]! / value;
      expect(detached.grad.data[i]).toBeCloseTo(weight * logarithms.grad.data[i]!, 12);
    }
  });
});
