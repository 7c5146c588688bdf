// Heads against the same losses one by one on copies of their columns.

import { describe, expect, it } from 'vitest';
import { dynamicWeightAverage, multiHead, propensityScored } from '../../src/decide/index.ts';
import {
  bceWithLogits,
  componentCrossEntropy,
  createEngine,
  crossEntropy,
  mse,
  ordinalCrossEntropy,
  tensor,
} from '../../src/index.ts';
import { unsafe } from '../errors/case.ts';
import { below, between, chance, fill, normal, pick, type Random } from '../reference/random.ts';
import { often } from './seeded.ts';

const N = 6;
const K = 16;
const components = [
  [0, 0, 1, 1],
  [0, 1, 0, 1],
];

/** Heads that leave columns out and share some. */
const heads = [
  { name: 'tone', columns: [1, 4], loss: crossEntropy, options: { labels: [-1, 0, 1] }, weight: 2 },
  { name: 'tags', columns: [3, 8], loss: bceWithLogits, options: { reduction: 'batchmean', ignoreValue: -1 } },
  {
    name: 'aspects',
    columns: [8, 14],
    outputs: [3, 2],
    loss: ordinalCrossEntropy,
    options: { reduction: 'sum' },
    weight: 0.25,
  },
  { name: 'score', columns: [14, 15], loss: mse, options: { scale: 3 }, weight: -0.5 },
  { name: 'parts', columns: [8, 12], loss: componentCrossEntropy, options: { components, weights: [1, 0.5] } },
] as const;

type Name = (typeof heads)[number]['name'];

function draw(random: Random) {
  const logits = Float32Array.from(fill(N * K, () => normal(random, 2)));
  const targets = {
    tone: Array.from({ length: N }, () => pick(random, [-1, 0, 1, -100])),
    tags: tensor(Float32Array.from(fill(N * 5, () => pick(random, [0, 1, -1]))), [N, 5]),
    aspects: tensor(
      Int32Array.from({ length: N * 2 }, () => below(random, 3)),
      [N, 2],
    ),
    score: tensor(Float32Array.from(fill(N, () => between(random, -1, 1))), [N, 1]),
    parts: Int32Array.from({ length: N }, () => below(random, 4)),
  };
  targets.tone[0] = 1;
  return { logits, targets };
}

type Drawn = ReturnType<typeof draw>;

type Single = (
  input: unknown,
  target: unknown,
  options: object,
) => { loss: number; sum: number; count: number; weightSum: number; grad: { data: Float32Array } };

/** The heads one by one. */
function oneByOne({ logits, targets }: Drawn, weights: Partial<Record<Name, number>> = {}) {
  let loss = 0;
  const grad = new Float64Array(N * K);
  const results: Record<string, { loss: number; sum: number; count: number; weightSum: number }> = {};
  for (const head of heads) {
    const [from, to] = head.columns;
    const width = to - from;
    const own = new Float32Array(N * width);
    for (let i = 0; i < N; i++) for (let k = 0; k < width; k++) own[i * width + k] = logits[i * K + from + k] as number;
    const outputs = 'outputs' in head ? head.outputs : [width];
    const single = head.loss as unknown as Single;
    const {
      grad: slopes,
      loss: value,
      sum,
      count,
      weightSum,
    } = single(tensor(own, [N, ...outputs]), targets[head.name], head.options);
    const weight = weights[head.name] ?? ('weight' in head ? head.weight : 1);
    if (weight !== 0) loss += weight * value;
    for (let i = 0; i < N; i++) {
      for (let k = 0; k < width; k++) {
        const at = i * K + from + k;
        grad[at] = (grad[at] as number) + weight * (slopes.data[i * width + k] as number);
      }
    }
    results[head.name] = { loss: value, sum, count, weightSum };
  }
  return { loss, grad, results };
}

function near(got: ArrayLike<number>, wanted: ArrayLike<number>, factor = 1): void {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const value = (wanted[i] as number) * factor;
    expect(Math.abs((got[i] as number) - value), `[${i}] ${got[i]}, not ${value}`).toBeLessThanOrEqual(
      1e-6 * (1 + Math.abs(value)),
    );
  }
}

describe('multiHead', () => {
  const whole = multiHead(heads);

  often('is its heads one by one, in every form', (random) => {
    const drawn = draw(random);
    const logits = tensor(drawn.logits.slice(), [N, K]);
    const { loss, grad, results } = oneByOne(drawn);
    const fused = whole(logits, drawn.targets);
    expect(fused.loss).toBeCloseTo(loss, 9);
    near(fused.grad.data, grad);
    expect(fused.grad.shape).toEqual([N, K]);
    for (const { name } of heads) expect(fused.heads[name]).toMatchObject(results[name] as object);
    const forward = whole.forward(logits, drawn.targets);
    expect(forward.loss).toBeCloseTo(loss, 9);
    expect(forward.heads).toEqual(fused.heads);
    const scale = pick(random, [1, 0.5]);
    near(whole.backward(-2, logits, drawn.targets, { scale }).grad.data, grad, -2 * scale);
    near(whole(logits, drawn.targets, { scale }).grad.data, grad, scale);
    const step = whole.prepare(logits, drawn.targets, { scale });
    expect(step()).toBe(fused.loss);
    near(step.grad.data, grad, scale);
    for (const { name } of heads) expect({ ...step.heads[name] }).toEqual(fused.heads[name]);
    // the next batch in the same tensors
    const next = draw(random);
    logits.data.set(next.logits);
    drawn.targets.parts.set(next.targets.parts);
    drawn.targets.score.data.set(next.targets.score.data);
    const then = oneByOne({ logits: next.logits, targets: { ...drawn.targets } });
    expect(step()).toBeCloseTo(then.loss, 9);
    near(step.grad.data, then.grad, scale);
    step.free();
    expect(() => step()).toThrow('multiHead.prepare: this step was freed');
  });

  often('writes its gradient over the logits, or into memory of an engine', (random) => {
    const drawn = draw(random);
    const { grad } = oneByOne(drawn);
    const logits = tensor(drawn.logits.slice(), [N, K]);
    const { grad: own } = whole(logits, drawn.targets, { out: logits });
    expect(own).toBe(logits);
    near(logits.data, grad);
    const again = tensor(drawn.logits.slice(), [N, K]);
    const step = whole.prepare(again, drawn.targets, { out: again.data });
    step();
    near(again.data, grad);
    using engine = createEngine();
    const [resident, out] = [engine.from(tensor(drawn.logits, [N, K])), engine.tensor([N, K])];
    const heads_ = multiHead([
      { name: 'parts', columns: [8, 12], loss: engine.componentCrossEntropy, options: { components } },
    ]);
    expect(heads_(resident, { parts: drawn.targets.parts }, { out }).grad).toBe(out);
    const single = multiHead([
      { name: 'parts', columns: [8, 12], loss: componentCrossEntropy, options: { components } },
    ]);
    near(out.data, single(tensor(drawn.logits, [N, K]), { parts: drawn.targets.parts }).grad.data);
    const later = heads_.prepare(resident, { parts: drawn.targets.parts }, { out });
    const before = later();
    engine.tensor([1 << 20]); // memory grows under it
    expect(later()).toBe(before);
  });

  often('takes weights that change', (random) => {
    const drawn = draw(random);
    const logits = tensor(drawn.logits, [N, K]);
    const weights: Partial<Record<Name, number>> = chance(random) ? { tags: 3, score: 0 } : { tone: 0.5 };
    const { loss, grad } = oneByOne(drawn, weights);
    const result = whole(logits, drawn.targets, { weights });
    expect(result.loss).toBeCloseTo(loss, 9);
    near(result.grad.data, grad);
    const step = whole.prepare(logits, drawn.targets, { weights });
    expect(step()).toBe(result.loss);
    weights.tone = 7;
    expect(step()).toBeCloseTo(oneByOne(drawn, weights).loss, 9);
  });

  it('gives components their losses, and follows how heads fall', () => {
    const drawn = draw(() => 0.3);
    const { heads: results } = whole(tensor(drawn.logits, [N, K]), drawn.targets);
    expect(results.parts.componentLosses?.shape).toEqual([2]);
    const average = dynamicWeightAverage({ tasks: 2 });
    average.update([results.tone.loss, results.tags.loss]);
    const [tone, tags] = average.update([results.tone.loss / 2, results.tags.loss]);
    const { loss } = whole.forward(tensor(drawn.logits, [N, K]), drawn.targets, { weights: { tone, tags } });
    expect(loss).toBeCloseTo(oneByOne(drawn, { tone, tags } as Record<'tone' | 'tags', number>).loss, 9);
  });

  it('leaves out a head that weighs nothing, whatever it says', () => {
    const two = multiHead([
      { name: 'a', columns: [0, 2], loss: crossEntropy },
      { name: 'b', columns: [2, 4], loss: crossEntropy, weight: 0 },
      { name: 'c', columns: [2, 4], loss: crossEntropy, options: { emptyMean: 'zero' } },
    ]);
    const { loss, grad, heads: results } = two([[1, 2, 1 / 0, 3]], { a: [0], b: [-100], c: [-100] });
    expect(results.b.loss).toBeNaN();
    expect(results.c.loss).toBe(0);
    expect(loss).toBe(crossEntropy([[1, 2]], [0]).loss);
    expect([...grad.data.subarray(2)]).toEqual([0, 0]);
  });

  it('takes nested arrays, empty batches, propensity-scored losses and sparse positives', () => {
    const scored = propensityScored(bceWithLogits, [0.5, 0.1, 0.9]);
    const both = multiHead([
      { name: 'p', columns: [0, 3], loss: scored },
      { name: 's', columns: [0, 3], loss: bceWithLogits },
    ]);
    const logits = [[0.3, -1, 2]];
    const sparse = { indices: [0, 2], offsets: [0, 2] };
    const { loss } = both(logits, { p: sparse, s: sparse });
    expect(loss).toBeCloseTo(scored(logits, sparse).loss + bceWithLogits(logits, sparse).loss, 6);
    const none = multiHead([{ name: 'a', columns: [0, 2], loss: crossEntropy, options: { emptyMean: 'zero' } }]);
    expect(none(tensor(new Float32Array(0), [0, 5]), { a: [] })).toMatchObject({ loss: 0, grad: { shape: [0, 5] } });
  });

  const ok = { name: 'a', columns: [0, 2], loss: crossEntropy } as const;
  const one = multiHead([ok]);
  it.each([
    [() => multiHead([]), RangeError, 'multiHead: heads is empty'],
    [() => multiHead(unsafe(ok)), TypeError, 'multiHead: heads is an object (Object), expected an array of heads'],
    [() => multiHead([unsafe(3)]), TypeError, 'multiHead: heads[0] is 3, expected an object'],
    [() => multiHead([ok, ok]), RangeError, 'multiHead: heads has the name "a" twice'],
    [() => multiHead([unsafe({ ...ok, column: 1 })]), TypeError, 'multiHead: heads[0]: unknown option "column"'],
    [() => multiHead([{ ...ok, name: unsafe(3) }]), TypeError, 'multiHead: heads[0].name is 3, expected a string'],
    [
      () => multiHead([{ ...ok, columns: [2, 2] }]),
      RangeError,
      'multiHead: heads[0].columns is [2, 2], expected at least one column',
    ],
    [() => multiHead([{ ...ok, columns: [-1, 2] }]), RangeError, 'multiHead: heads[0].columns[0] is -1'],
    [
      () => multiHead([{ ...ok, columns: unsafe(2) }]),
      TypeError,
      'multiHead: heads[0].columns is 2, expected [from, to]',
    ],
    [
      () => multiHead([{ ...ok, outputs: [3] }]),
      RangeError,
      'multiHead: heads[0].outputs is [3], expected a shape of 2 columns',
    ],
    [
      () => multiHead([{ ...ok, loss: unsafe('ce') }]),
      TypeError,
      'multiHead: heads[0].loss is "ce", expected a loss such as crossEntropy',
    ],
    [
      () => multiHead([{ ...ok, options: { reduction: 'none' } }]),
      RangeError,
      "multiHead: heads[0].options.reduction is 'none'",
    ],
    [() => multiHead([{ ...ok, options: { out: [] } }]), TypeError, 'multiHead: heads[0].options has out'],
    [
      () => multiHead([{ ...ok, weight: Number.NaN }]),
      RangeError,
      'multiHead: heads[0].weight is NaN, expected a finite number',
    ],
    [() => one([1, 2], { a: [0] }), RangeError, 'multiHead: logits has shape [2], expected [N, K]'],
    [() => one([[1]], { a: [0] }), RangeError, 'multiHead: logits has 1 columns, but head "a" ends at 2'],
    [() => one([[1, 2]], unsafe({})), TypeError, 'multiHead: targets.a is missing'],
    [() => one([[1, 2]], unsafe({ a: [0], b: [0] })), TypeError, 'multiHead: targets has "b", expected one of a'],
    [
      () => one([[1, 2]], unsafe([0])),
      TypeError,
      'multiHead: targets is an array, expected an object with a target for each head',
    ],
    [() => one([[1, 2]], { a: [2] }), RangeError, 'crossEntropy: target[0] is 2, outside [0, 2)'],
    [
      () => one([[1, 2]], { a: [0] }, { out: new Float32Array(3) }),
      RangeError,
      'multiHead: out has 3 values, expected 2',
    ],
    [
      () => one([[1, 2]], { a: [0] }, { weights: unsafe({ b: 1 }) }),
      TypeError,
      'multiHead: weights has "b", which is no head',
    ],
    [() => one([[1, 2]], { a: [0] }, { scale: unsafe('x') }), TypeError, 'multiHead: scale is "x", expected a number'],
    [() => one.backward(unsafe('x'), [[1, 2]], { a: [0] }), TypeError, 'multiHead.backward: gradOutput is "x"'],
  ])('says what is wrong: %#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});
