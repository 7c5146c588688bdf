/** Relations between the forms of a loss, its reductions and its layouts, for every loss. */
import { describe, expect } from 'vitest';
import {
  activationNames,
  activations,
  asTensor,
  callOf,
  type FormName,
  float32,
  formNames,
  gradientsOf,
  type Input,
  libraryInput,
  moveAxis,
  type Tensor32,
} from './library.ts';
import {
  between,
  chance,
  expectNear,
  identical,
  pick,
  problemFor,
  property,
  relative,
  unit,
  withOptions,
} from './property.ts';
import { tensorOf } from './reference/draws.ts';
import {
  errorBounds,
  isSparse,
  type Problem,
  type Reduction,
  type ReferenceOptions,
  references,
  type Tensor64,
} from './reference/index.ts';
import { layoutOf } from './reference/layout.ts';
import { sumOf } from './reference/numeric.ts';
import { isDivisible, shardOf } from './shards.ts';

/** Of the problems that the others try: forms are relations, which a few show. */
const SHARE = 0.5;

/** A problem that says nothing of how its losses are put together. */
const unreduced = (problem: Problem, added: ReferenceOptions = {}): Problem =>
  withOptions(problem, {
    reduction: undefined,
    gradOutput: undefined,
    scale: undefined,
    emptyMean: undefined,
    ...added,
  });

const run = (op: FormName, problem: Problem) => {
  const { loss, input, target, options } = callOf(op, problem);
  return loss(input, target, options);
};

const reductionsOf = ({ options: { per } }: Problem): readonly Reduction[] =>
  per === 'batch' ? ['mean', 'sum', 'none'] : ['mean', 'sum', 'none', 'batchmean'];

/** Size of the first axis that is not the class axis. */
function batchOf(op: FormName, { inputs: { input }, options: { axis } }: Problem): number {
  const { family } = references[op];
  return family === 'element' ? input.shape[0]! : layoutOf(input.shape, family === 'row' ? -1 : axis).batch;
}

describe('mean times its denominator is sum, and none adds up to it', () => {
  for (const op of formNames) {
    const check = (problem: Problem): void => {
      const at = (reduction: Reduction) => {
        const { loss, input, target, options } = callOf(op, unreduced(problem, { reduction }));
        return loss.forward(input, target, options);
      };
      const { loss, sum, count, weightSum, zSum = 0 } = at('mean');
      if (weightSum === 0 || count === 0) expect(loss).toBeNaN();
      else relative('mean', Number(loss), (sum - zSum) / weightSum + zSum / count, 1e-12);
      relative('sum', Number(at('sum').loss), sum, 1e-12);
      if (problem.options.per !== 'batch')
        relative('batchmean', Number(at('batchmean').loss) * batchOf(op, problem), sum, 1e-12);
      const none = Float64Array.from(asTensor(at('none').loss).data);
      const size = sumOf(none.map(Math.abs));
      expect(Math.abs(sumOf(none) - sum), `none adds up to ${sumOf(none)}, not ${sum}`).toBeLessThanOrEqual(
        1e-6 * size,
      );
    };
    property(op, (random, shape, axis) => check(problemFor(random, op, shape, axis)), SHARE);
  }
});

describe('sum, count and weightSum of shards add up, and their gradients are parts of the whole one', () => {
  for (const op of formNames) {
    property(
      op,
      (random, shape, axis) => {
        const problem = unreduced(problemFor(random, op, shape, axis), { reduction: 'sum' });
        if (problem.options.per === 'batch' || !isDivisible(op, shape, problem.options.axis ?? axis)) return;
        const size = shape[0]!;
        const cut = Math.floor(random() * (size + 1));
        const whole = run(op, problem);
        const parts = [run(op, shardOf(op, problem, 0, cut)), run(op, shardOf(op, problem, cut, size))] as const;
        const total = (key: 'sum' | 'count' | 'weightSum'): number => parts[0][key] + parts[1][key];
        const bounds = errorBounds(references[op], problem, 8);
        expect(total('count')).toBe(whole.count);
        relative('weightSum', total('weightSum'), whole.weightSum, 1e-12);
        expectNear('sum', asTensor(total('sum')), asTensor(whole.sum), () => bounds.sum);
        const own = gradientsOf(whole);
        const [first, second] = parts.map(gradientsOf) as [typeof own, typeof own];
        const joined = (a: Tensor32, b: Tensor32, to: Tensor32) => ({ data: [...a.data, ...b.data], shape: to.shape });
        expectNear('grad', joined(first.grad, second.grad, own.grad), own.grad, (i) => bounds.grad[i]!);
        for (const [name, tensor] of Object.entries(own.grads)) {
          // one that all rows share has the sum of both
          if (tensor.shape.length === 0) continue;
          const both = joined(first.grads[name]!, second.grads[name]!, tensor);
          expectNear(name, both, tensor, (i) => bounds.grads[name]![i]!);
        }
      },
      SHARE,
    );
  }
});

describe('upstream, scale and the fused form agree', () => {
  for (const op of formNames) {
    property(
      op,
      (random, shape, axis) => {
        const up = between(random, -3, 3);
        const drawn = problemFor(random, op, shape, axis);
        const reduction = pick(
          random,
          reductionsOf(drawn).filter((name) => name !== 'none'),
        );
        const problem = unreduced(drawn, { reduction });
        const { loss, input, target, options } = callOf(op, problem);
        const plain = loss(input, target, options);
        const scaled = loss(input, target, { ...options, scale: up });
        expect([scaled.loss, scaled.sum], 'scale leaves the loss alone').toEqual([plain.loss, plain.sum]);
        const bounds = errorBounds(references[op], withOptions(problem, { scale: up }), 8);
        const own = gradientsOf(plain);
        const times = ({ data, shape: of }: Tensor32) => ({ data: Float64Array.from(data, (g) => up * g), shape: of });
        for (const result of [scaled, loss.backward(up, input, target, options)]) {
          const { grad, grads } = gradientsOf(result);
          expectNear('grad', grad, times(own.grad), (i) => bounds.grad[i]!);
          for (const [name, tensor] of Object.entries(grads)) {
            expectNear(name, tensor, times(own.grads[name]!), (i) => bounds.grads[name]![i]!);
          }
        }
      },
      SHARE,
    );
  }
});

/** The problem with its class axis at the end. */
function transposed({ inputs, options }: Problem, axis: number): Problem {
  const { input, target } = inputs;
  const like = (tensor: Tensor64): Tensor64 =>
    tensor.shape.length === input.shape.length ? moveAxis(tensor, axis) : tensor;
  return {
    inputs: { ...inputs, input: like(input), target: target && (isSparse(target) ? target : like(target)) },
    options: { ...options, axis: -1 },
  };
}

describe('any axis is the transposed input', () => {
  const withAxis = formNames.filter((op) => ['class', 'overlap'].includes(references[op].family));
  for (const op of withAxis) {
    property(
      op,
      (random, shape, axis) => {
        const problem = unreduced(problemFor(random, op, shape, axis), { reduction: 'none' });
        const [here, there] = [run(op, problem), run(op, transposed(problem, axis))];
        const bounds = errorBounds(references[op], problem, 8);
        expectNear('loss', asTensor(there.loss), asTensor(here.loss), (i) => bounds.loss[i]!);
        const back = moveAxis(gradientsOf(there).grad, axis, 'back');
        expectNear('grad', back, gradientsOf(here).grad, (i) => bounds.grad[i]!);
      },
      SHARE,
    );
  }

  property('softmax and logSoftmax', (random, shape, axis) => {
    for (const op of ['softmax', 'logSoftmax'] as const) {
      const input = float32(tensorOf(random, shape, -4, 4));
      const here = activations[op](input, { axis });
      const there = moveAxis(activations[op](moveAxis(input, axis), { axis: -1 }), axis, 'back');
      expectNear(op, there, here, (i) => 4 * unit * (1 + Math.abs(here.data[i]!)));
    }
  });
});

/** Copies of the inputs that a gradient can be written over: the tensors, or their bare arrays. */
function placesFor(op: FormName, { inputs }: Problem, bare: boolean) {
  const own = libraryInput(op, inputs);
  const tensors: Record<string, Tensor32> = isTensor(own) ? { grad: own } : own;
  if (!bare) return { own, out: own, tensors };
  const arrays = Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));
  return { own, out: isTensor(own) ? own.data : arrays, tensors };
}

const isTensor = (input: Input): input is Tensor32 => 'data' in input;

describe('in place is out of place, bit for bit', () => {
  for (const op of formNames) {
    property(
      op,
      (random, shape, axis) => {
        const problem = problemFor(random, op, shape, axis);
        const { loss, input, target, options, gradOutput } = callOf(op, problem);
        const apart = [loss(input, target, options), loss.backward(gradOutput, input, target, options)] as const;
        const bare = chance(random);
        const inside = [placesFor(op, problem, bare), placesFor(op, problem, bare)] as const;
        const together = [
          loss(inside[0].own, target, { ...options, out: inside[0].out }),
          loss.backward(gradOutput, inside[1].own, target, { ...options, out: inside[1].out }),
        ] as const;
        for (const [i, result] of together.entries()) {
          const [got, wanted] = [gradientsOf(result), gradientsOf(apart[i]!)];
          identical('grad', got.grad, wanted.grad);
          for (const [name, tensor] of Object.entries(wanted.grads)) identical(name, got.grads[name]!, tensor);
          const { tensors } = inside[i]!;
          for (const [name, { data, shape: own }] of Object.entries(tensors)) {
            const gradient = wanted.grads[name] ?? wanted.grad;
            identical(`${name}, written over`, { data, shape: own }, gradient);
          }
        }
        expect(asTensor(together[0].loss)).toEqual(asTensor(apart[0].loss));
        const fresh = libraryInput(op, problem.inputs);
        if (isTensor(input) && isTensor(fresh)) identical('input', input, fresh);
        else expect(input).toEqual(fresh);
      },
      SHARE,
    );
  }

  property('activations', (random, shape) => {
    for (const activation of activationNames.map((name) => activations[name])) {
      const [input, upstream] = [tensorOf(random, shape, -4, 4), float32(tensorOf(random, shape, -1, 1))];
      const [first, second] = [float32(input), float32(input)];
      activation(first, { out: first });
      identical('activation', first, activation(float32(input)));
      activation.backward(upstream, second, { out: second });
      identical('activation backward', second, activation.backward(upstream, float32(input)));
    }
  });
});
