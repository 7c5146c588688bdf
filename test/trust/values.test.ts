/** Values at the edges: what is ignored, masked, infinite, without a class. */
import { describe, expect, it } from 'vitest';
import {
  componentCrossEntropy,
  createEngine,
  crossEntropy,
  gaussianNll,
  logSoftmax,
  sigmoidFocal,
  softmax,
} from '../../src/index.ts';
import type { FormName } from '../library.ts';
import { type Problem, tensor64 } from '../reference/index.ts';
import { columns, expectReference, masked, problem } from './rows.ts';

const INFINITY = Number.POSITIVE_INFINITY;
const NAN = Number.NaN;

describe('samples that do not count have no NaN in their gradients', () => {
  const one = [1, 2];
  const cases: [string, Problem][] = [
    ['ignored and masked, none', problem([one, [masked, masked]], [0, -100], { reduction: 'none' })],
    [
      'ignored, though there is such a class',
      problem([one, [NAN, 3], [masked, 1], [5, 4]], [0, 1, 1, 0], { ignoreIndex: 1 }),
    ],
    ['of weight 0 and NaN', problem([one, [NAN, 0]], [0, 1], { sampleWeight: tensor64([1, 0]) })],
    ['ignored and NaN, weighed', problem([one, [NAN, 0]], [0, -100], { weight: tensor64([1, 2]) })],
    [
      'class weights all 0, smoothing, NaN',
      problem([[NAN, 2], one], [0, 1], { weight: tensor64([0, 0]), labelSmoothing: 0.1, reduction: 'sum' }),
    ],
  ];

  it.each(
    cases.flatMap(
      ([name, each]) =>
        [
          [`${name}, rows`, each],
          [`${name}, columns`, columns(each)],
        ] as const,
    ),
  )('%s', (_, each) => expectReference('crossEntropy', each, 4));

  it('whatever their incoming gradient is', () => {
    const { grad } = crossEntropy.backward([1, INFINITY], [one, [3, 4]], [0, -100], { reduction: 'none' });
    expect([...grad.data.slice(2)]).toEqual([0, 0]);
    expect(grad.data.slice(0, 2).every(Number.isFinite)).toBe(true);
    const shape = [1, 2, 2];
    const gradOutput = { data: Float32Array.of(1, INFINITY), shape: [1, 2] };
    const across = crossEntropy.backward(gradOutput, { data: Float32Array.of(1, 3, 2, 4), shape }, [[0, -100]], {
      reduction: 'none',
    });
    expect([across.grad.data[1], across.grad.data[3]]).toEqual([0, 0]);
  });

  it('nor does a scale beyond float32 make one', () => {
    const { grad } = crossEntropy([one, [3, 4]], [0, -100], { scale: 1e39 });
    expect([...grad.data]).toEqual([masked, INFINITY, 0, 0]);
    const tiles = crossEntropy({ data: Float32Array.of(1, 3, 2, 4), shape: [1, 2, 2] }, [[0, -100]], { scale: 1e39 });
    expect([...tiles.grad.data]).toEqual([masked, 0, INFINITY, 0]);
  });

  it('but zLoss, which nothing weighs, shows a NaN of a sample of weight 0', () => {
    const each = problem(
      [
        [NAN, 2],
        [3, 4],
      ],
      [0, 1],
      { sampleWeight: tensor64([0, 1]), zLoss: 0.1, reduction: 'none' },
    );
    expectReference('crossEntropy', each, 4);
    const { loss, grad } = crossEntropy(
      [
        [NAN, 2],
        [3, 4],
      ],
      [0, 1],
      { sampleWeight: [0, 1], zLoss: 0.1, reduction: 'none' },
    );
    expect(loss.data[0]).toBeNaN();
    expect([...grad.data.slice(0, 2)]).toEqual([NAN, NAN]);
  });
});

describe('no class at all', () => {
  const input = { data: [], shape: [3, 0] };
  const ignored = [-100, -100, -100];

  it.each([1, 2])('with none is 0 for each sample, whatever the scratch held: call %i', () => {
    // leaves other numbers in the scratch
    crossEntropy(
      [
        [5, 1, 2],
        [3, 0, 1],
        [7, 8, 9],
      ],
      [0, 1, 2],
      { reduction: 'none' },
    );
    expect([...crossEntropy(input, ignored, { reduction: 'none' }).loss.data]).toEqual([0, 0, 0]);
    componentCrossEntropy(
      [
        [5, 1],
        [3, 0],
        [7, 8],
      ],
      [0, 1, 1],
      { components: [[0, 1]], reduction: 'none' },
    );
    const { loss, componentLosses } = componentCrossEntropy(input, ignored, {
      reduction: 'none',
      components: [[], []],
    });
    expect([...loss.data]).toEqual([0, 0, 0]);
    expect([...componentLosses.data]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it.each([3, 70_000, 100_000, 3_000_000])('takes %i samples, weighed or not, as rows and as columns', (samples) => {
    const engine = createEngine();
    const none = new Int32Array(samples).fill(-100);
    const twos = new Float32Array(samples).fill(2);
    const shapes: readonly (readonly [number[], number[]])[] = [
      [[samples, 0], [samples]],
      [
        [1, 0, samples],
        [1, samples],
      ],
    ];
    for (const [shape, own] of shapes) {
      const arrays = [shape, shape, own, own].map((at, i) => ({ data: [[], [], none, twos][i]!, shape: at }));
      const tensors = [engine.tensor(shape), engine.tensor(shape), engine.from(none, own), engine.from(twos, own)];
      // where all lies in memory and no gradient is asked for, the host cuts nothing
      for (const [input, masses, target, sampleWeight] of [arrays, tensors]) {
        for (const options of [{}, { sampleWeight }, { sampleWeight, reduction: 'sum' }] as const) {
          expect(engine.crossEntropy(input!, target!, options).count).toBe(0);
        }
        const { data } = engine.crossEntropy(input!, target!, { reduction: 'none' }).loss;
        expect(data.length).toBe(samples);
        expect(data.every((loss) => loss === 0)).toBe(true);
        for (const form of [engine.crossEntropy, engine.crossEntropy.forward]) {
          const { count, weightSum } = form(input!, masses!, { sampleWeight });
          expect([count, weightSum]).toEqual([samples, 2 * samples]);
        }
      }
      for (const tensor of tensors) tensor.free();
    }
  });

  it('takes labels of no class', () => {
    expect(crossEntropy(input, ignored, { labels: [] }).count).toBe(0);
    expect(() => crossEntropy(input, [1, 2, 3], { labels: [] })).toThrow(
      /^crossEntropy: target\[0\] is 1, not one of labels/,
    );
  });

  it('with probabilities has a mean of 0 over its samples', () => {
    const { loss, count } = crossEntropy({ data: [], shape: [5, 0] }, { data: new Float32Array(0), shape: [5, 0] });
    expect([loss, count]).toEqual([0, 5]);
  });
});

describe('elements', () => {
  it.each([
    [0, 1],
    [1, 0],
  ])(
    'of sigmoidFocal whose side has the weight 0 cost 0 whatever their logit is: alpha %d, target %d',
    (alpha, target) => {
      for (const gamma of [0, 0.5, 2]) {
        for (const x of [NAN, INFINITY, -INFINITY, 3]) {
          const { loss, grad } = sigmoidFocal([x, 1], [target, 1 - target], { alpha, gamma, reduction: 'none' });
          expect([loss.data[0], Math.abs(grad.data[0]!)], `gamma ${gamma}, logit ${x}`).toEqual([0, 0]);
          expect(loss.data[1]).toBeGreaterThan(0);
        }
      }
    },
  );
});

describe('a variance of several elements', () => {
  it('has no gradient from those whose incoming gradient is 0, NaN or not', () => {
    const variance = { data: Float32Array.of(2), shape: [1, 1] };
    const upstream = { data: Float32Array.of(0, 1), shape: [1, 2] };
    const { gradVariance } = gaussianNll.backward(upstream, [[NAN, 3]], [[0, 0]], { reduction: 'none', variance });
    // ½·(1 − r²/v)/v
    expect([...gradVariance!.data]).toEqual([-0.875]);
  });
});

describe('components', () => {
  const components = [[0, 0, 1, 1]];
  const rows: [string, number[], boolean][] = [
    ['all masked', [masked, masked, masked, masked], true],
    ['NaN inside', [NAN, 1, masked, masked], true],
    ['NaN inside, later', [1, NAN, masked, masked], true],
    ['Infinity inside', [INFINITY, 1, masked, masked], true],
    ['NaN outside', [1, 2, NAN, 0], true],
    ['Infinity outside', [1, 2, INFINITY, 0], true],
    ['nothing outside', [1, 2, masked, masked], false],
    ['ordinary', [1, 2, 3, 4], false],
  ];

  it.each(rows)('show what is no number: %s', (_, row, lost) => {
    for (const each of [problem([row], [0], { components }), columns(problem([row, row], [0, 0], { components }))]) {
      expectReference('componentCrossEntropy', each, 4);
    }
    expect(Number.isNaN(componentCrossEntropy([row], [0], { components }).loss)).toBe(lost);
  });

  it.each(rows)('of weight 0 add nothing, wherever the NaN is: %s', (_, row, lost) => {
    const options = { components, weights: [0] };
    for (const each of [problem([row], [0], options), columns(problem([row, row], [0, 0], options))]) {
      expectReference('componentCrossEntropy', each, 4);
    }
    const { loss, grad, componentLosses } = componentCrossEntropy([row], [0], options);
    expect([loss, ...grad.data]).toEqual([0, 0, 0, 0, 0]);
    expect(Number.isNaN(componentLosses.data[0])).toBe(lost);
  });

  it('cost exactly 0 where nothing lies outside of a group that is finite', () => {
    expect(componentCrossEntropy([[1, 2, masked, masked]], [0], { components }).loss).toBe(0);
  });
});

describe('digits', () => {
  it('of probability targets in tiles are kept at the largest logit', () => {
    const [C, n] = [5000, 4];
    const shape = [1, C, n];
    const input = tensor64(new Float64Array(C * n), shape);
    const target = tensor64(
      Float32Array.from({ length: C * n }, (_, i) => ((i * 7919) % 1000) / 1000),
      shape,
    );
    const { grad } = crossEntropy(
      { data: Float32Array.from(input.data), shape },
      { data: Float32Array.from(target.data), shape },
      { reduction: 'sum' },
    );
    // T·p − y with the float64 sum of each sample's targets
    const sums = new Float64Array(n);
    for (const [i, y] of target.data.entries()) sums[i % n]! += y;
    const worst = grad.data.reduce(
      (most, g, i) => Math.max(most, Math.abs(g - (sums[i % n]! / C - target.data[i]!))),
      0,
    );
    expect(worst).toBeLessThan(2 ** -23);
    expectReference('crossEntropy', { inputs: { input, target }, options: { reduction: 'sum' } }, 4);
  });

  it('of the gradient of a right class without weight on misses are those of what is wrong', () => {
    for (const target of [tensor64([0, 0, 1], [1, 3]), tensor64([1, 0, 1, 0, 0, 1], [1, 3, 2])]) {
      const input = tensor64([9, -9, 7, -2, -1, 0], [1, 3, 2]);
      expectReference('tversky', { inputs: { input, target }, options: { beta: 0, axis: 2, reduction: 'sum' } }, 4);
    }
  });

  it.each(['crossEntropy', 'bceWithLogits', 'mse', 'sigmoidFocal', 'softmaxFocal'] as FormName[])(
    'of a gradient with four factors for each sample are those of one rounding: %s',
    (op) => {
      const rows = 257;
      const pseudo = (i: number): number => ((i * 7919) % 997) / 997;
      const values = (length: number, low: number, high: number): Float64Array =>
        Float64Array.from({ length }, (_, i) => Math.fround(low + (high - low) * pseudo(i)));
      const byClass = op === 'crossEntropy' || op === 'softmaxFocal';
      const shape = [rows, 3];
      const upstream = tensor64(values(byClass ? rows : 3 * rows, 0.1, 3), byClass ? [rows] : shape);
      const weights = tensor64(values(byClass ? 3 : 3 * rows, 0.3, 3), byClass ? [3] : shape);
      expectReference(
        op,
        {
          inputs: {
            input: tensor64(values(3 * rows, -3, 3), shape),
            target: byClass
              ? tensor64(Float64Array.from({ length: rows }, (_, i) => i % 3))
              : tensor64(
                  Float64Array.from({ length: 3 * rows }, (_, i) => i % 2),
                  shape,
                ),
          },
          options: {
            reduction: 'none',
            gradOutput: upstream,
            scale: 1.7,
            weight: weights,
            ...(byClass && { sampleWeight: tensor64(values(rows, 0.2, 2)) }),
          },
        },
        4,
      );
    },
  );
});

describe('a 0-D tensor', () => {
  const one = { data: [3], shape: [] };

  it.each([undefined, 0, -1])('is its own only class: axis %s', (axis) => {
    const options = axis === undefined ? {} : { axis };
    expect([softmax(one, options), softmax(3 as never, options)].map(({ data, shape }) => [data[0], shape])).toEqual([
      [1, []],
      [1, []],
    ]);
    expect(logSoftmax(one, options).data[0]).toBe(0);
    expect(softmax.backward(one, one, options).data[0]).toBe(0);
    expect(logSoftmax.backward(one, one, options).data[0]).toBe(0);
  });

  it('has no other axis', () => {
    expect(() => softmax(one, { axis: 1 })).toThrow(/^softmax: axis is 1/);
  });
});

describe('few classes of which one is', () => {
  const odd: [string, number][] = [
    ['infinite', INFINITY],
    ['masked', masked],
    ['NaN', NAN],
    ['a large negative', -3e38],
  ];
  const counts = [2, 3, 4, 5];
  const cases = odd.flatMap(([name, value]) => counts.map((classes) => [name, classes, value] as const));

  it.each(cases)('%s, %i classes, with and without smoothing', (_, classes, value) => {
    // each class in turn is odd, and each the target; the last row is ordinary
    const rows = Array.from({ length: classes * classes + 1 }, (_row, i) =>
      Array.from({ length: classes }, (_class, c) => (c === Math.floor(i / classes) ? value : c - 1.5)),
    );
    const targets = rows.map((_row, i) => i % classes);
    for (const labelSmoothing of [0, 0.1, 1]) {
      const each = problem(rows, targets, { labelSmoothing, reduction: 'none' });
      expectReference('crossEntropy', each, 4);
      expectReference('crossEntropy', columns(each), 4);
    }
  });
});
