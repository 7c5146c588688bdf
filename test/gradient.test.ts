/** Every gradient of the library against differences of its own float64 sum: a mistake shared with a formula would show. */
import { describe, expect, it } from 'vitest';
import { callOf, type FormName, formNames, gradientsOf, type Tensor32 } from './library.ts';
import { withOptions } from './property.ts';
import {
  errorBounds,
  type Problem,
  type ReferenceLoss,
  type ReferenceOptions,
  references,
  type TargetKind,
  type Tensor64,
  unit,
} from './reference/index.ts';
import { sumOf } from './reference/numeric.ts';
import { type Random, randomFrom } from './reference/random.ts';

/** Steps are powers of two on a grid of them, so that x ± 2h is exact in float32. */
const widest = 2 ** -5;
const grid = 2 ** -12;

/** The sum, whose gradient has no denominator; of weights that may be detached the whole gradient. */
const wholeOf = (op: FormName): ReferenceOptions => ({
  reduction: 'sum',
  ...(op === 'asymmetric' && { detachWeights: false }),
});

/** One of the tensors that a loss is differentiated by. */
interface Variable {
  readonly name: string;
  readonly tensor: Tensor64;
  readonly grad: Tensor32;
  readonly kinks: Uint8Array;
  readonly bound: Float64Array;
  readonly room: (x: number) => number;
  readonly replace: (tensor: Tensor64) => Problem;
}

const onGrid = ({ data, shape }: Tensor64): Tensor64 => ({ data: data.map((x) => Math.round(x / grid) * grid), shape });

/** The problem with all that is differentiated on the grid. */
function gridded({ inputs, options }: Problem): Problem {
  const { input, others, target } = inputs;
  const { variance } = options;
  const moved = Object.entries(others ?? {}).map(([name, tensor]) => [name, onGrid(tensor)] as const);
  return {
    inputs: { input: onGrid(input), target, ...(others && { others: Object.fromEntries(moved) }) },
    options: { ...options, ...(typeof variance === 'object' && { variance: onGrid(variance) }) },
  };
}

function variablesOf(op: FormName, problem: Problem): Variable[] {
  const { inputs, options } = problem;
  const { input, others = {} } = inputs;
  const loss = references[op];
  const call = callOf(op, problem);
  const { grad, grads } = gradientsOf(call.loss(call.input, call.target, call.options));
  const kinks = loss.kinks(problem, 4 * widest);
  const bounds = errorBounds(loss, problem, 8);
  const [low, high] = loss.domain(options);
  const none = (tensor: Tensor64) => new Uint8Array(tensor.data.length);
  const further = Object.entries(grads).map(([name, own]): Variable => {
    const tensor = (others[name] ?? options.variance) as Tensor64;
    return {
      name,
      tensor,
      grad: own,
      kinks: kinks.grads?.[name] ?? none(tensor),
      bound: bounds.grads[name]!,
      room: (x) => (name === 'variance' ? x : widest),
      replace: (changed) =>
        name in others
          ? { inputs: { ...inputs, others: { ...others, [name]: changed } }, options }
          : { inputs, options: { ...options, [name]: changed } },
    };
  });
  const room = (x: number): number => Math.min(x - low, high - x);
  const replace = (changed: Tensor64): Problem => ({ inputs: { ...inputs, input: changed }, options });
  return [{ name: 'input', tensor: input, grad, kinks: kinks.grad, bound: bounds.grad, room, replace }, ...further];
}

/** Compares the gradients of a problem; returns how many elements were away from kinks and from ends of the domain. */
function compare(what: string, op: FormName, problem: Problem): number {
  let compared = 0;
  const sumAt = (changed: Problem): number => {
    const { loss, input, target, options } = callOf(op, changed);
    return loss.forward(input, target, options).sum;
  };
  // each loss is rounded to float32 before it is added up
  const noise = 2 * unit * sumOf(references[op].scales(problem).loss);
  for (const { name, tensor, grad, kinks, bound, room, replace } of variablesOf(op, problem)) {
    const steepest = Math.max(1, ...grad.data.map(Math.abs));
    for (const [i, x] of tensor.data.entries()) {
      const h = Math.min(widest, 2 ** Math.floor(Math.log2(room(x) / 16)));
      if (kinks[i] === 1 || !(h >= grid)) continue;
      const at = (value: number): number => {
        const data = tensor.data.slice();
        data[i] = value;
        return sumAt(replace({ data, shape: tensor.shape }));
      };
      const slope = (at(x - 2 * h) - 8 * at(x - h) + 8 * at(x + h) - at(x + 2 * h)) / (12 * h);
      const error = Math.abs(slope - grad.data[i]!);
      const allowed = bound[i]! + (3 * noise) / h + TRUNCATION * steepest;
      if (!(error <= allowed)) {
        expect.fail(`${what} ${name}[${i}] ${x}: ${grad.data[i]}, difference ${slope} (h ${h}), allowed ${allowed}`);
      }
      compared++;
    }
  }
  return compared;
}

/** Of the fourth order in a step of 1/32, or less where the domain ends. */
const TRUNCATION = 1e-4;

/** What a loss is drawn with, one case each: nothing, every option, and all options together. */
function* casesOf(random: Random, loss: ReferenceLoss, plain: Problem): Generator<readonly [string, Problem]> {
  yield ['defaults', plain];
  const drawn = Object.entries(loss.options).map(([name, draw]) => [name, draw(random, plain)] as const);
  for (const [name, value] of drawn) yield [name, withOptions(plain, { [name]: value })];
  if (drawn.length > 1) yield ['everything', withOptions(plain, Object.fromEntries(drawn))];
  for (const [name, change] of Object.entries(loss.targetOptions)) yield [name, change(random, plain)];
}

const shapes: readonly (readonly number[])[] = [[4], [3, 4], [2, 3, 2]];

const cases = formNames.flatMap((op) => references[op].targets.map((kind): [FormName, TargetKind] => [op, kind]));

describe('the gradient is the derivative of the sum', () => {
  it.each(cases)('%s (%s)', (op, kind) => {
    const random = randomFrom(23);
    const loss = references[op];
    let compared = 0;
    for (const shape of shapes) {
      const axes = loss.family === 'class' || loss.family === 'overlap' ? shape.keys() : [undefined];
      for (const axis of axes) {
        const plain = loss.draw(random, shape, axis, kind);
        for (const [name, problem] of casesOf(random, loss, plain)) {
          const what = `${op} ${name} [${shape}] axis ${axis}`;
          compared += compare(what, op, gridded(withOptions(problem, wholeOf(op))));
        }
      }
    }
    expect(compared).toBeGreaterThan(20);
  });
});
