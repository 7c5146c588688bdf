// The propensity-scored losses in all forms against the float64 references of the losses that they are made of.

import { describe, expect, it } from 'vitest';
import { propensityScored } from '../../src/decide/index.ts';
import { bceWithLogits, createEngine, crossEntropy, hinge, tensor } from '../../src/index.ts';
import { unsafe } from '../errors/case.ts';
import { float32 } from '../library.ts';
import { reference, type Tensor64 } from '../reference/index.ts';
import { below, between, chance, fill, normal, pick, type Random } from '../reference/random.ts';
import { often } from './seeded.ts';

const bases = { bceWithLogits, hinge };
type Name = keyof typeof bases;

interface Drawn {
  readonly shape: readonly number[];
  readonly input: Tensor64;
  readonly target: Tensor64;
  readonly p: number[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly weight: Float64Array;
  readonly ignored: Uint8Array;
}

function draw(random: Random, name: Name): Drawn {
  const shape = [1 + below(random, 4), 1 + below(random, 6)];
  const [rows, width] = shape as [number, number];
  const size = rows * width;
  const own = pick(random, [[width], [rows, 1], [rows, width], undefined]);
  const weights = own && {
    data: fill(
      own.reduce((a, b) => a * b, 1),
      () => between(random, 0, 3),
    ),
    shape: own,
  };
  const weight = fill(size, (i) => {
    if (!weights) return 1;
    if (weights.data.length === size) return weights.data[i] as number;
    return weights.data[own?.length === 1 ? i % width : Math.floor(i / width)] as number;
  });
  const marks = chance(random, 0.4);
  const target = fill(size, () => (marks && chance(random, 0.2) ? -7 : Number(chance(random))));
  return {
    shape,
    input: { data: fill(size, () => normal(random, 3)), shape },
    target: { data: target, shape },
    p: Array.from({ length: width }, () => between(random, 0.05, 1)),
    options: {
      ...(weights && { weight: float32(weights) }),
      ...(marks && { ignoreValue: -7 }),
      ...(name === 'hinge' && { squared: chance(random), margin: between(random, 0.5, 2) }),
    },
    weight,
    ignored: Uint8Array.from(target, (y) => Number(y === -7)),
  };
}

/** Losses and slopes by the formula: ℓ⁺/p + (1 − 1/p)·ℓ⁻ where y is 1, ℓ⁻ where it is 0. */
function truth(name: Name, { shape, input, target, p, options, weight, ignored }: Drawn) {
  const { squared, margin } = options as { squared?: boolean; margin?: number };
  const side = (y: number) => {
    const wanted = { data: target.data.map(() => y), shape };
    return reference(name, { input, target: wanted }, { reduction: 'none', squared, margin });
  };
  const [positive, negative] = [side(1), side(0)];
  const mix = (key: 'loss' | 'grad') =>
    target.data.map((y, i) => {
      if (ignored[i]) return 0;
      const by = p[i % p.length] as number;
      const [up, down] = [positive[key].data[i] as number, negative[key].data[i] as number];
      return (weight[i] as number) * (y === 1 ? up / by + (1 - 1 / by) * down : down);
    });
  // what the two terms of a loss and of a slope weigh: their rounding errors stay when they cancel
  const sizes = target.data.map((_, i) => {
    const by = p[i % p.length] as number;
    const parts = [positive.loss, negative.loss, positive.grad, negative.grad];
    return ((weight[i] as number) * parts.reduce((size, { data }) => size + Math.abs(data[i] as number), 0)) / by;
  });
  return { losses: mix('loss'), slopes: mix('grad'), sizes };
}

const near = (got: ArrayLike<number>, wanted: ArrayLike<number>, sizes: ArrayLike<number>): void => {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const error = Math.abs((got[i] as number) - (wanted[i] as number));
    expect(error, `[${i}] ${got[i]}, not ${wanted[i]}`).toBeLessThanOrEqual(1e-6 * (sizes[i] as number) + 1e-30);
  }
};

describe.each(Object.keys(bases) as Name[])('propensityScored(%s)', (name) => {
  often('is the formula in every form and reduction', (random) => {
    const drawn = draw(random, name);
    const { shape, p, ignored } = drawn;
    const { losses, slopes, sizes } = truth(name, drawn);
    const size = sizes.reduce((a, b) => a + b, 0);
    const [input, target] = [float32(drawn.input), float32(drawn.target)];
    const loss = propensityScored(bases[name], p);
    const count = ignored.filter((mark) => mark === 0).length;
    const sum = losses.reduce((a, b) => a + b, 0);
    const by = { mean: count, sum: 1, batchmean: shape[0] as number };

    for (const reduction of ['mean', 'sum', 'batchmean'] as const) {
      const options = { ...drawn.options, reduction, scale: 0.5, emptyMean: 'zero' } as const;
      const factor = by[reduction] === 0 ? 0 : 1 / by[reduction];
      const fused = loss(input, target, options);
      near([fused.loss, fused.sum], [sum * factor, sum], [size * factor, size]);
      expect([fused.count, fused.weightSum]).toEqual([count, count]);
      near(
        fused.grad.data,
        slopes.map((slope) => 0.5 * slope * factor),
        sizes.map((each) => each * factor),
      );
      const forward = loss.forward(input, target, options);
      expect([forward.loss, forward.sum]).toEqual([fused.loss, fused.sum]);
      const { grad } = loss.backward(-2, input, target, options);
      near(
        grad.data,
        slopes.map((slope) => -slope * factor),
        sizes.map((each) => each * factor),
      );
      const step = loss.prepare(input, target, options);
      expect(step()).toBe(fused.loss);
      expect([step.sum, step.count, step.weightSum]).toEqual([fused.sum, count, count]);
      expect(step.grad.data).toEqual(fused.grad.data);
      step.free();
    }

    const options = { ...drawn.options, reduction: 'none' } as const;
    const none = loss(input, target, options);
    expect(none.loss.shape).toEqual(shape);
    near(none.loss.data, losses, sizes);
    near(none.grad.data, slopes, sizes);
    const incoming = fill(losses.length, () => between(random, -1, 1));
    const { grad } = loss.backward(float32({ data: incoming, shape }), input, target, options);
    near(
      grad.data,
      slopes.map((slope, i) => slope * (incoming[i] as number)),
      sizes,
    );
  });

  it('writes its gradient over the logits where it is told to, also in a step', () => {
    const loss = propensityScored(bases[name], [0.5, 0.1]);
    const target = [
      [1, 0],
      [1, 1],
    ];
    const wanted = loss(
      tensor([
        [1, -2],
        [0.3, 2],
      ]),
      target,
    );
    const logits = tensor([
      [1, -2],
      [0.3, 2],
    ]);
    const { grad } = loss(logits, target, { out: logits });
    expect(grad).toBe(logits);
    expect([...logits.data]).toEqual([...wanted.grad.data]);
    const again = tensor([
      [1, -2],
      [0.3, 2],
    ]);
    const step = loss.prepare(again, target, { out: again });
    expect(step()).toBe(wanted.loss);
    expect([...again.data]).toEqual([...wanted.grad.data]);
  });

  it('serves an engine and its tensors, and reads what a step is given anew', () => {
    using engine = createEngine({ deterministic: true });
    const loss = propensityScored(engine[name], [0.5, 0.1]);
    const logits = engine.from([[1, -2]]);
    const target = new Float32Array([1, 0]);
    const step = loss.prepare(logits, target);
    expect(step()).toBe(loss(logits, target).loss);
    target.set([0, 1]);
    logits.data.set([0.25, 3]);
    const fresh = propensityScored(bases[name], [0.5, 0.1])([[0.25, 3]], [[0, 1]]);
    expect(step()).toBeCloseTo(fresh.loss, 4);
    step.free();
  });
});

describe('propensityScored', () => {
  it('takes sparse positives', () => {
    const loss = propensityScored(bceWithLogits, [0.5, 0.1, 0.9]);
    const logits = [
      [1, -2, 0.5],
      [0.3, 2, -1],
      [0, 0, 0],
    ];
    const sparse = loss(logits, { indices: [2, 0, 1], offsets: [0, 2, 3, 3] });
    const dense = loss(logits, [
      [1, 0, 1],
      [0, 1, 0],
      [0, 0, 0],
    ]);
    expect(sparse.loss).toBe(dense.loss);
    expect(sparse.grad.data).toEqual(dense.grad.data);
  });

  it('is the loss of complete labels on average', () => {
    // labels are there with probability p: the mean over all ways to miss them
    const logits = [[0.7, -1.2]];
    const p = [0.4, 0.7];
    const loss = propensityScored(bceWithLogits, p);
    let mean = 0;
    for (const [a, b] of [
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ] as const) {
      const chance = (a ? 0.4 : 0.6) * (b ? 0.7 : 0.3);
      mean += chance * loss(logits, [[a, b]]).loss;
    }
    expect(mean).toBeCloseTo(bceWithLogits(logits, [[1, 1]]).loss, 6);
  });

  it('has no bound below, and its weights have', () => {
    const loss = propensityScored(bceWithLogits, [0.1]);
    expect(loss([[50]], [[1]]).loss).toBeCloseTo(-450, 3);
    expect(loss([[50]], [[1]]).grad.data[0]).toBeCloseTo(-9, 5);
  });

  const scored = propensityScored(bceWithLogits, [0.5, 0.1]);
  const margin = propensityScored(hinge, [0.5, 0.1]);
  it.each([
    [
      () => propensityScored(unsafe(crossEntropy), [0.5]),
      TypeError,
      'propensityScored: loss is the function crossEntropy, expected bceWithLogits or hinge',
    ],
    [() => propensityScored(unsafe(3), [0.5]), TypeError, 'propensityScored: loss is 3, expected'],
    [() => propensityScored(hinge, [0]), RangeError, 'propensityScored: p[0] is 0, expected a number in (0, 1]'],
    [
      () => scored([[1, 2]], [[1, 0.5]]),
      RangeError,
      'bceWithLogits: target[1] is 0.5, expected 0 or 1 (the loss is propensity-scored)',
    ],
    [() => scored([[1, 2]], [[1, -1]]), RangeError, 'bceWithLogits: target[1] is -1, expected 0 or 1'],
    [() => margin([[1, 2]], [[1, 2]]), RangeError, 'hinge: target[1] is 2, expected 0 or 1'],
    [() => scored([[1, 2, 3]], [[1, 0, 0]]), RangeError, 'bceWithLogits: p has 2 values, expected 3, one per label'],
    [() => scored([[1, 2]], [[1, 0, 1]]), RangeError, 'bceWithLogits: target has shape [1, 3]'],
    [
      () => scored([[1, 2]], [[1, 0]], { weight: [1, 2, 3] }),
      RangeError,
      'bceWithLogits: weight [3] does not broadcast to [1, 2]',
    ],
    [
      () => scored([[1, 2]], [[1, 0]], unsafe({ posWeight: 2 })),
      TypeError,
      'option "posWeight" is given to the propensity-scored loss',
    ],
    [
      () => scored.prepare([[1, 2]], [[1, 0]], unsafe({ labelSmoothing: 0.1 })),
      TypeError,
      'option "labelSmoothing" is given',
    ],
    [() => scored([[1, 2]], [[1, 0]], unsafe({ wait: 2 })), TypeError, 'unknown option "wait"'],
  ])('says what is wrong: %#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });

  it('takes -1 for 0 where hinge does', () => {
    expect(margin([[1, 2]], [[1, -1]]).loss).toBe(margin([[1, 2]], [[1, 0]]).loss);
  });
});

it('has one NaN, whatever its arguments have', () => {
  const engine = createEngine({ deterministic: true });
  const odd = new Float32Array(Uint32Array.of(0xffc12345).buffer);
  const loss = propensityScored(engine.bceWithLogits, [0.5]);
  const bits = ({ data }: { data: Float32Array }): number[] => Array.from(new Uint32Array(data.buffer));
  const { grad } = loss.linear({ data: odd, shape: [1, 1] }, { weight: [[1]] }, [[1]]);
  expect([bits(grad.weight), bits(grad.input)]).toEqual([[0x7fc00000], [0x7fc00000]]);
  expect(bits(loss({ data: odd, shape: [1, 1] }, [[1]]).grad)).toEqual([0x7fc00000]);
});
