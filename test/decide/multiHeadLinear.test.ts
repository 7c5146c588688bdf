// The linear forms of heads against heads over the logits of the layer, and the layer's own gradients.

import { describe, expect, it } from 'vitest';
import { multiHead } from '../../src/decide/index.ts';
import {
  bceWithLogits,
  createEngine,
  crossEntropy,
  factorizedMultiLabel,
  linear,
  mse,
  ordinalCrossEntropy,
  type Tensor,
  tensor,
} from '../../src/index.ts';
import { unsafe } from '../errors/case.ts';
import { below, between, fill, pick, type Random } from '../reference/random.ts';
import { normals, often } from './seeded.ts';

const [N, D, K] = [5, 7, 13];

const heads = [
  { name: 'tone', columns: [1, 4], loss: crossEntropy, options: { labels: [-1, 0, 1] }, weight: 2 },
  { name: 'tags', columns: [3, 7], loss: bceWithLogits, options: { reduction: 'batchmean', ignoreValue: -1 } },
  { name: 'aspects', columns: [6, 12], outputs: [3, 2], loss: ordinalCrossEntropy, options: { reduction: 'sum' } },
  { name: 'score', columns: [12, 13], loss: mse, options: { scale: 3 }, weight: -0.5 },
] as const;
const whole = multiHead(heads);

function draw(random: Random) {
  const floats = (shape: readonly number[]): Tensor => normals(random, shape);
  const targets = {
    tone: Int32Array.from({ length: N }, () => pick(random, [-1, 0, 1, -100])),
    tags: tensor(Float32Array.from(fill(N * 4, () => pick(random, [0, 1, -1]))), [N, 4]),
    aspects: tensor(
      Int32Array.from({ length: 2 * N }, () => below(random, 3)),
      [N, 2],
    ),
    score: tensor(Float32Array.from(fill(N, () => between(random, -1, 1))), [N, 1]),
  };
  targets.tone[0] = 1;
  return { features: floats([N, D]), weight: floats([K, D]), bias: floats([K]), targets };
}

type Drawn = ReturnType<typeof draw>;
type Weights = Parameters<typeof whole>[2];

/** The loss over the logits, and what it gives the layer. */
function byLogits({ features, weight, bias, targets }: Drawn, options?: Weights) {
  const logits = linear(features, { weight, bias });
  const { loss, grad, heads: results } = whole(logits, targets, options);
  return { loss, results, grad: linear.backward(grad, features, { weight, bias }) };
}

function near(got: ArrayLike<number>, wanted: ArrayLike<number>, factor = 1): void {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const value = (wanted[i] as number) * factor;
    expect(Math.abs((got[i] as number) - value), `[${i}] ${got[i]}, not ${value}`).toBeLessThanOrEqual(
      1e-5 * (1 + Math.abs(value)),
    );
  }
}

const NAMES = ['weight', 'bias', 'input'] as const;

describe('multiHead.linear', () => {
  often('is the heads over the logits of the layer, in every form', (random) => {
    const drawn = draw(random);
    const { features, weight, bias, targets } = drawn;
    const layer = { weight, bias };
    const weights = pick(random, [undefined, { tone: 0.5, score: 0 }]);
    const scale = pick(random, [1, -2]);
    const wanted = byLogits(drawn, { weights });
    const fused = whole.linear(features, layer, targets, { weights, scale });
    expect(fused.loss).toBeCloseTo(wanted.loss, 5);
    for (const name of NAMES) {
      near(fused.grad[name].data, wanted.grad[name].data, scale);
      expect(fused.grad[name].shape).toEqual(wanted.grad[name].shape);
    }
    for (const { name } of heads) {
      expect(fused.heads[name].count).toBe(wanted.results[name].count);
      expect(fused.heads[name].loss).toBeCloseTo(wanted.results[name].loss, 5);
    }
    const forward = whole.linear.forward(features, layer, targets, { weights });
    expect(forward.loss).toBeCloseTo(wanted.loss, 5);
    expect(forward.heads).toEqual(fused.heads);
    const back = whole.linear.backward(3, features, layer, targets, { weights, scale, grads: ['weight', 'input'] });
    expect(Object.keys(back.grad)).toEqual(['weight', 'input']);
    for (const name of ['weight', 'input'] as const) near(back.grad[name].data, wanted.grad[name].data, 3 * scale);
    const step = whole.linear.prepare(features, layer, targets, { weights, scale });
    expect(step()).toBeCloseTo(wanted.loss, 5);
    for (const name of NAMES) near(step.grad[name].data, wanted.grad[name].data, scale);
    // the next batch, and a layer that moved
    const next = draw(random);
    for (const name of ['features', 'weight', 'bias'] as const) drawn[name].data.set(next[name].data);
    const then = byLogits(drawn, { weights });
    expect(step()).toBeCloseTo(then.loss, 5);
    for (const name of NAMES) near(step.grad[name].data, then.grad[name].data, scale);
    step.free();
    expect(() => step()).toThrow('multiHead.linear.prepare: this step was freed');
  });

  often('adds to what is there, in arrays and in memory of an engine', (random) => {
    const { features, weight, bias, targets } = draw(random);
    const once = whole.linear(features, { weight, bias }, targets).grad;
    const fill = 0.25;
    const filled = ({ shape, data }: Tensor): Tensor => ({ shape, data: new Float32Array(data.length).fill(fill) });
    const out = { weight: filled(weight), bias: filled(bias), input: filled(features) };
    const { grad } = whole.linear(features, { weight, bias }, targets, { out, accumulate: true });
    const step = whole.linear.prepare(features, { weight, bias }, targets, { out, accumulate: true });
    step();
    for (const name of NAMES) {
      expect(grad[name]).toBe(out[name]);
      near(
        out[name].data,
        Array.from(once[name].data, (value) => fill + 2 * value),
      );
    }
    using engine = createEngine({ deterministic: true });
    const own = multiHead([{ name: 'tone', columns: [1, 4], loss: engine.crossEntropy }]);
    const target = [0, 1, 2, 0, 1];
    const resident = { weight: engine.from(weight), bias: engine.from(bias) };
    const into = { weight: engine.tensor([K, D]) };
    const result = own.linear(engine.from(features), resident, { tone: target }, { out: into, grads: ['weight'] });
    expect(result.grad.weight).toBe(into.weight);
    const plain = own.linear(features, { weight, bias }, { tone: target });
    expect([...into.weight.data]).toEqual([...plain.grad.weight.data]);
    const later = own.linear.prepare(
      engine.from(features),
      resident,
      { tone: target },
      { out: into, grads: ['weight'] },
    );
    engine.tensor([1 << 20]); // memory grows under it
    expect(later()).toBe(plain.loss);
    expect([...into.weight.data]).toEqual([...plain.grad.weight.data]);
  });

  it('takes nested arrays, which steps read again, and layers without bias', () => {
    const one = multiHead([{ name: 'a', columns: [0, 2], loss: crossEntropy }]);
    const weight = [
      [1, 2],
      [3, 4],
      [5, 6],
    ];
    const step = one.linear.prepare([[1, -1]], { weight }, { a: [0] });
    expect(step()).toBeCloseTo(Math.log(2), 6);
    expect(step.grad.bias).toBeUndefined();
    expect(step.grad.weight.shape).toEqual([3, 2]);
    expect([...step.grad.weight.data.subarray(4)]).toEqual([0, 0]);
    weight[0] = [1, 1];
    expect(step()).toBeCloseTo(Math.log(1 + Math.exp(-1)), 6);
  });

  const ok = multiHead([{ name: 'a', columns: [0, 2], loss: crossEntropy }]).linear;
  const weight = [
    [1, 2],
    [3, 4],
  ];
  const t = { a: [0] };
  const shared = tensor([1, 2, 3, 4], [2, 2]);
  it.each([
    [() => ok([1, 2], { weight }, t), RangeError, 'multiHead.linear: features has shape [2], expected [N, D]'],
    [
      () => ok([[1, 2]], unsafe(3), t),
      TypeError,
      'multiHead.linear: parameters is 3, expected an object { weight, bias }',
    ],
    [() => ok([[1]], { weight }, t), RangeError, 'weight [2, 2] and features [1, 1]: expected weight [K, 1]'],
    [() => ok([[1, 2]], { weight: [[1, 2]] }, t), RangeError, 'weight has 1 rows, but head "a" ends at 2'],
    [() => ok([[1, 2]], { weight, bias: [1] }, t), RangeError, 'multiHead.linear: bias has shape [1], expected [2]'],
    [() => ok([[1, 2]], { weight }, unsafe({})), TypeError, 'multiHead.linear: targets.a is missing'],
    [
      () => ok([[1, 2]], { weight }, t, { grads: [] }),
      RangeError,
      'grads is empty, expected some of weight, bias, input',
    ],
    [() => ok([[1, 2]], { weight }, t, { grads: ['bias'] }), RangeError, "grads holds 'bias', but there is no bias"],
    [() => ok([[1, 2]], { weight }, t, { grads: unsafe(['w']) }), RangeError, 'grads holds "w", expected some of'],
    [() => ok([[1, 2]], { weight }, t, { grads: unsafe('w') }), TypeError, 'grads is "w", expected an array'],
    [() => ok([[1, 2]], { weight }, t, { accumulate: true }), RangeError, 'accumulate needs out.weight'],
    [() => ok([[1, 2]], { weight }, t, { accumulate: unsafe(1) }), TypeError, 'accumulate is 1, expected a boolean'],
    [() => ok([[1, 2]], { weight }, t, { out: unsafe([1]) }), TypeError, 'out is an array, expected an object'],
    [
      () => ok([[1, 2]], { weight }, t, { out: unsafe({ w: 1 }) }),
      RangeError,
      'out has "w", but the gradients are weight, input',
    ],
    [
      () => ok([[1, 2]], { weight: shared }, t, { out: { weight: shared } }),
      RangeError,
      'out.weight overlaps another argument',
    ],
    [
      () => ok([[1, 2]], { weight }, t, unsafe({ reduction: 'sum' })),
      TypeError,
      'multiHead.linear: unknown option "reduction"',
    ],
    [
      () => ok.backward(unsafe('x'), [[1, 2]], { weight }, t),
      TypeError,
      'multiHead.linear.backward: gradOutput is "x"',
    ],
    [
      () =>
        multiHead([{ name: 'f', columns: [0, 2], loss: factorizedMultiLabel }]).linear(
          [[1, 2]],
          { weight },
          { f: [0] },
        ),
      TypeError,
      'multiHead.linear: factorizedMultiLabel of head "f" has no form linear',
    ],
  ])('says what is wrong: %#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});

it('prepared with accumulate and no out, a step adds to its own gradients', () => {
  const loss = multiHead([
    { name: 'a', columns: [0, 2], loss: crossEntropy },
    { name: 'b', columns: [1, 3], loss: bceWithLogits },
  ]);
  const parameters = {
    weight: [
      [1, 2],
      [0, -1],
      [0.5, 1],
    ],
    bias: [0, 1, 2],
  };
  const targets = { a: [1], b: [[0, 1]] };
  const once = loss.linear([[1, 2]], parameters, targets).grad;
  const step = loss.linear.prepare([[1, 2]], parameters, targets, { accumulate: true });
  for (let times = 1; times < 4; times++) {
    step();
    for (const name of ['weight', 'bias', 'input'] as const) {
      const { data } = step.grad[name];
      for (const [i, each] of data.entries()) expect(each).toBeCloseTo(times * once[name].data[i]!, 5);
    }
  }
  step.free();
});
