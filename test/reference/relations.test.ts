/** Relations between inputs of the same loss, for every loss of the table. */
import { describe, expect, it } from 'vitest';
import { denseOf, sparseOf, tensorOf, withInput } from './draws.ts';
import {
  isSparse,
  lossEntries,
  type Problem,
  type ReferenceInputs,
  type ReferenceLoss,
  type ReferenceOptions,
  type ReferenceResult,
  type Target,
  type TargetKind,
  type Tensor64,
} from './index.ts';
import { layoutOf, readRow, sizeOf } from './layout.ts';
import { sumOf } from './numeric.ts';
import { below, between, type Random, randomFrom } from './random.ts';

const close = (what: string, got: ArrayLike<number>, wanted: ArrayLike<number>, bound = 1e-12): void => {
  expect(got.length, what).toBe(wanted.length);
  const size = Math.max(1, ...Array.from(wanted, Math.abs));
  for (let i = 0; i < wanted.length; i++) {
    const same = Object.is(got[i], wanted[i]) || Math.abs(got[i]! - wanted[i]!) <= bound * size;
    if (!same) expect.fail(`${what}[${i}] is ${got[i]}, not ${wanted[i]}`);
  }
};

function expectSame(what: string, got: ReferenceResult, wanted: ReferenceResult, bound?: number): void {
  close(`${what} loss`, got.loss.data, wanted.loss.data, bound);
  close(`${what} grad`, got.grad.data, wanted.grad.data, bound);
  for (const [name, { data }] of Object.entries(wanted.grads ?? {})) {
    close(`${what} ${name}`, got.grads![name]!.data, data, bound);
  }
}

const kindsOf = ({ targets }: ReferenceLoss): readonly (TargetKind | undefined)[] =>
  targets.length === 0 ? [undefined] : targets;

const shape = [4, 5];

/** Runs over the table with several problems of each kind of target. */
function eachLoss(
  name: string,
  check: (op: string, loss: ReferenceLoss, problem: Problem, random: Random) => void,
  applies: (loss: ReferenceLoss, op: string) => boolean = () => true,
): void {
  describe(name, () => {
    const chosen = lossEntries.filter(([op, loss]) => applies(loss, op));
    it.each(chosen)('%s', (op, loss) => {
      const random = randomFrom(101);
      for (const kind of kindsOf(loss)) {
        for (let turn = 0; turn < 8; turn++) check(op, loss, loss.draw(random, shape, undefined, kind), random);
      }
    });
  });
}

const run = ({ compute }: ReferenceLoss, { inputs, options }: Problem, added: ReferenceOptions = {}): ReferenceResult =>
  compute(inputs, { ...options, ...added });

const reduces = ({ family }: ReferenceLoss): boolean => family !== 'scalar';
/** Losses of softmax(x) alone, which a shift of the logits leaves as they are. */
const isSoftmaxLoss = ({ family, measure }: ReferenceLoss): boolean => family === 'class' && measure === 'masses';

eachLoss(
  'a shift of all logits of a row changes nothing',
  (op, loss, problem) => {
    const moved = withInput(problem, (x) => Math.round(x * 256) / 256 + 4096);
    const still = withInput(moved, (x) => x - 4096);
    expectSame(op, run(loss, moved), run(loss, still));
  },
  isSoftmaxLoss,
);

eachLoss(
  'the gradient of a row adds up to 0',
  (op, loss, problem) => {
    const { grad } = run(loss, problem, { reduction: 'sum' });
    const layout = layoutOf(grad.shape);
    const sums = Array.from({ length: layout.samples }, (_, i) => sumOf(readRow(grad.data, layout, i)));
    close(
      op,
      sums,
      sums.map(() => 0),
    );
  },
  isSoftmaxLoss,
);

eachLoss('upstream gradient and scale multiply the gradient', (op, loss, problem, random) => {
  const [up, scale] = [between(random, -3, 3), between(random, -3, 3)];
  const plain = run(loss, problem);
  const scaled = run(loss, problem, { gradOutput: up, scale });
  const times = (tensor: Tensor64): Tensor64 => ({ ...tensor, data: tensor.data.map((g) => g * up * scale) });
  const grads = Object.fromEntries(Object.entries(plain.grads ?? {}).map(([name, grad]) => [name, times(grad)]));
  expectSame(op, scaled, { ...plain, grad: times(plain.grad), grads });
});

eachLoss(
  'mean times weightSum is sum, none adds up to it',
  (op, loss, problem) => {
    const { sum, weightSum, loss: mean } = run(loss, problem);
    close(`${op} mean`, [mean.data[0]! * weightSum], [sum]);
    close(`${op} sum`, run(loss, problem, { reduction: 'sum' }).loss.data, [sum]);
    close(`${op} none`, [sumOf(run(loss, problem, { reduction: 'none' }).loss.data)], [sum]);
    close(`${op} batchmean`, [run(loss, problem, { reduction: 'batchmean' }).loss.data[0]! * 4], [sum]);
  },
  reduces,
);

/** Options that hold weights, all of them 1. */
const ones = (tensor: Tensor64): Tensor64 => ({ data: tensor.data.map(() => 1), shape: tensor.shape });

eachLoss(
  'weights of 1 are none',
  (op, loss, problem, random) => {
    for (const name of ['weight', 'posWeight', 'sampleWeight'] as const) {
      const drawn = loss.options[name]?.(random, problem);
      if (drawn === undefined) continue;
      const value = typeof drawn === 'number' ? 1 : ones(drawn);
      expectSame(`${op} ${name}`, run(loss, problem, { [name]: value }), run(loss, problem));
    }
  },
  ({ options }) => 'weight' in options || 'sampleWeight' in options,
);

/** Rows of the first axis, in that order. */
function takeRows(tensor: Tensor64, order: readonly number[]): Tensor64 {
  const inner = sizeOf(tensor.shape.slice(1));
  const rows = order.map((i) => tensor.data.subarray(i * inner, (i + 1) * inner));
  return { data: Float64Array.from(rows.flatMap((row) => [...row])), shape: [order.length, ...tensor.shape.slice(1)] };
}

function takeTarget(random: Random, target: Target, order: readonly number[]): Target {
  if (!isSparse(target)) return takeRows(target, order);
  return sparseOf(random, takeRows(denseOf(target, shape, -1), order), -1);
}

/** The problem of those samples alone, with whatever option has one value per sample. */
function takeSamples(random: Random, { inputs, options }: Problem, order: readonly number[]): Problem {
  const take = (tensor: Tensor64): Tensor64 => takeRows(tensor, order);
  const { input, target, others } = inputs;
  const { sampleWeight, variance } = options;
  const chosen: ReferenceInputs = {
    input: take(input),
    target: target && takeTarget(random, target, order),
    ...(others && { others: Object.fromEntries(Object.entries(others).map(([name, tensor]) => [name, take(tensor)])) }),
  };
  return {
    inputs: chosen,
    options: {
      ...options,
      ...(sampleWeight && { sampleWeight: take(sampleWeight) }),
      ...(typeof variance === 'object' && { variance: take(variance) }),
    },
  };
}

function weighted(random: Random, loss: ReferenceLoss, { inputs, options }: Problem): Problem {
  const sampleWeight = loss.options.sampleWeight?.(random, { inputs, options });
  return { inputs, options: { ...options, ...(sampleWeight && { sampleWeight }) } };
}

eachLoss(
  'samples can change places',
  (op, loss, problem, random) => {
    const order = [2, 0, 3, 1];
    const given = weighted(random, loss, problem);
    const plain = run(loss, given, { reduction: 'none' });
    const moved = run(loss, takeSamples(random, given, order), { reduction: 'none' });
    const grads = Object.fromEntries(
      Object.entries(plain.grads ?? {}).map(([name, grad]) => [name, takeRows(grad, order)]),
    );
    expectSame(op, moved, { ...plain, loss: takeRows(plain.loss, order), grad: takeRows(plain.grad, order), grads });
  },
  reduces,
);

eachLoss(
  'shards add up',
  (op, loss, problem, random) => {
    const given = weighted(random, loss, problem);
    const cut = below(random, 5);
    const parts = [[0, 1, 2, 3].slice(0, cut), [0, 1, 2, 3].slice(cut)].map((rows) => takeSamples(random, given, rows));
    const whole = run(loss, given, { reduction: 'sum' });
    const [first, second] = parts.map((part) => run(loss, part, { reduction: 'sum' })) as [
      ReferenceResult,
      ReferenceResult,
    ];
    for (const total of ['sum', 'count', 'weightSum'] as const) {
      close(`${op} ${total}`, [first[total] + second[total]], [whole[total]]);
    }
    close(`${op} grad`, [...first.grad.data, ...second.grad.data], whole.grad.data);
  },
  reduces,
);

/** Another name for each class: the new class k is the old class order[k], in everything that speaks of classes. */
function renameClasses(random: Random, { inputs, options }: Problem, order: readonly number[]): Problem {
  const { target } = inputs;
  const along = ({ data, shape: own }: Tensor64): Tensor64 => ({
    data: data.map((_, i) => data[i - (i % order.length) + order[i % order.length]!]!),
    shape: own,
  });
  const moved = (given: Target): Target => {
    if (isSparse(given)) return sparseOf(random, along(denseOf(given, shape, -1)), -1);
    if (given.shape.length === shape.length) return along(given);
    return { data: given.data.map((t) => order.indexOf(t)), shape: given.shape };
  };
  const { weight, components, values, logitShift } = options;
  return {
    inputs: { ...inputs, input: along(inputs.input), target: target && moved(target) },
    options: {
      ...options,
      ...(typeof weight === 'object' && { weight: along(weight) }),
      ...(logitShift && { logitShift: along(logitShift) }),
      ...(components && { components: components.map((map) => order.map((k) => map[k]!)) }),
      ...(values && { values: order.map((k) => values[k]!) }),
    },
  };
}

eachLoss(
  'classes can be renamed',
  (op, loss, problem, random) => {
    const order = [3, 0, 4, 2, 1];
    const drawn = ['weight', 'values', 'logitShift'] as const;
    const added = drawn.flatMap((name) => {
      const value = loss.options[name]?.(random, problem);
      return value === undefined ? [] : [[name, value]];
    });
    const given: Problem = { inputs: problem.inputs, options: { ...problem.options, ...Object.fromEntries(added) } };
    const plain = run(loss, given);
    const renamed = run(loss, renameClasses(random, given, order));
    close(`${op} loss`, renamed.loss.data, plain.loss.data);
    const grad = plain.grad.data.map((_, i) => plain.grad.data[i - (i % 5) + order[i % 5]!]!);
    close(`${op} grad`, renamed.grad.data, grad);
    // the order of the classes is what emd is about
  },
  ({ family }, op) => family === 'class' && op !== 'emd',
);

describe('any axis is the transposed input', () => {
  const classLosses = lossEntries.filter(([, { family }]) => family === 'class');
  it.each(classLosses)('%s', (op, loss) => {
    const random = randomFrom(7);
    for (const kind of loss.targets) {
      if (kind === 'sparse') continue;
      const { inputs, options } = loss.draw(random, [3, 4], 1, kind);
      const swapped = ({ data }: Tensor64): Tensor64 => ({
        data: data.map((_, i) => data[(i % 3) * 4 + Math.floor(i / 3)]!),
        shape: [4, 3],
      });
      const target = inputs.target as Tensor64;
      const other = { input: swapped(inputs.input), target: kind === 'index' ? target : swapped(target) };
      const weight = tensorOf(random, [3], 0.5, 2);
      const own = { ...options, ...('sampleWeight' in loss.options && { sampleWeight: weight }) };
      const here = run(loss, { inputs, options: own });
      const there = run(loss, { inputs: other, options: { ...own, axis: 0 } });
      expectSame(op, { ...there, grad: there.grad }, { ...here, grad: swapped(here.grad) });
    }
  });
});
