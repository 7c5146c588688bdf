/** What PyTorch does not decide, or decides otherwise: ignoring, zero weights, masks, means over nothing, digits. */
import { describe, expect, it } from 'vitest';
import { sparseOf, withInput } from './draws.ts';
import {
  activations,
  type LossName,
  lossEntries,
  type Problem,
  type ReferenceLoss,
  type ReferenceOptions,
  type ReferenceResult,
  reference,
  references,
  type Tensor64,
  tensor64,
} from './index.ts';
import { layoutOf, sampleOf } from './layout.ts';
import { randomFrom } from './random.ts';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

const run = (loss: ReferenceLoss, { inputs, options }: Problem, added: ReferenceOptions = {}): ReferenceResult =>
  loss.compute(inputs, { ...options, ...added });

/** One row of classes, or elements of a 1-D tensor, with reduction sum. */
function one(op: LossName, x: number[], target: number | number[], options: ReferenceOptions = {}): ReferenceResult {
  const shape = references[op].family === 'element' ? [x.length] : [1, x.length];
  const wanted = typeof target === 'number' ? tensor64([target]) : tensor64(target, shape);
  return reference(op, { input: tensor64(x, shape), target: wanted }, { reduction: 'sum', ...options });
}

const numbers = ({ loss, grad }: ReferenceResult): number[] => [...loss.data, ...grad.data];

describe('what is ignored costs 0 and has gradient 0, whatever stands there', () => {
  const ignoring = lossEntries.flatMap(([name, loss]) =>
    Object.entries(loss.targetOptions)
      .filter(([option]) => option !== 'labels')
      .map(([option, change]) => [name, option, loss, change] as const),
  );

  it.each(ignoring)('%s with %s', (_, option, loss, change) => {
    const random = randomFrom(13);
    let ignored = 0;
    for (let turn = 0; turn < 20; turn++) {
      const { inputs, options } = change(random, loss.draw(random, [4, 3], undefined, loss.targets[0]));
      const target = inputs.target as Tensor64;
      const marker = options[option as 'ignoreIndex' | 'ignoreValue']!;
      const layout = layoutOf([4, 3]);
      const isIgnored = (flat: number): boolean => {
        const y = target.data[option === 'ignoreIndex' ? sampleOf(layout, flat) : flat]!;
        return y === marker || (Number.isNaN(y) && Number.isNaN(marker));
      };
      const broken = withInput({ inputs, options }, (x, flat) => (isIgnored(flat) ? nan : x));
      const reduction = loss.family === 'overlap' ? 'mean' : 'none';
      const [plain, other] = [run(loss, { inputs, options }, { reduction }), run(loss, broken, { reduction })];
      expect(other).toEqual(plain);
      for (const [flat, g] of other.grad.data.entries()) {
        if (!isIgnored(flat)) continue;
        ignored++;
        expect(Object.is(g, -0) ? 0 : g).toBe(0);
      }
    }
    expect(ignored).toBeGreaterThan(5);
  });

  it('partialLabel with empty sets', () => {
    const input = tensor64([nan, 1, 2, 0.5], [2, 2]);
    const sparse = { indices: Int32Array.of(0), offsets: Int32Array.of(0, 0, 1) };
    for (const target of [sparse, tensor64([0, 0, 1, 0], [2, 2])]) {
      const { loss, grad, count, weightSum } = reference('partialLabel', { input, target }, { reduction: 'none' });
      expect([loss.data[0], grad.data[0], grad.data[1], count, weightSum]).toEqual([0, 0, 0, 1, 1]);
      expect(loss.data[1]).toBeCloseTo(Math.log1p(Math.exp(-1.5)), 14);
    }
  });
});

describe('a weight of 0 drops its term, NaN and all', () => {
  const weighted = lossEntries.flatMap(([name, loss]) =>
    (['sampleWeight', 'weight'] as const)
      .filter((option) => option in loss.options)
      .map((option) => [name, option, loss] as const),
  );

  it.each(weighted)('%s with %s', (_, option, loss) => {
    const random = randomFrom(19);
    const problem = loss.draw(random, [4, 3], undefined, loss.targets.at(-1));
    const target = problem.inputs.target as Tensor64;
    const layout = layoutOf([4, 3]);
    const column = tensor64([2, 0, 1]);
    const full = tensor64([...column.data, ...column.data, ...column.data, ...column.data], [4, 3]);
    const byClass = loss.family === 'class' && option === 'weight';
    const byIndex = byClass && target.shape.length === 1;
    const dropped = (flat: number): boolean => {
      if (option === 'sampleWeight') return sampleOf(layout, flat) === 1;
      return byIndex ? target.data[sampleOf(layout, flat)] === 1 : flat % 3 === 1;
    };
    // probabilities of the other classes remain, and a NaN beside them is theirs
    const broken = byClass && !byIndex ? -infinity : nan;
    const given = withInput(problem, (x, flat) => (dropped(flat) ? broken : x));
    const weight = loss.family === 'element' ? full : column;
    const value = option === 'sampleWeight' ? tensor64([1, 0, 2, 3]) : weight;
    const got = run(loss, given, { [option]: value, reduction: 'none' });
    expect(got.loss.data.every((v) => Number.isFinite(v))).toBe(true);
    expect(given.inputs.input.data.some((x) => !Number.isFinite(x))).toBe(true);
    for (const [flat, g] of got.grad.data.entries()) if (dropped(flat)) expect(Math.abs(g)).toBe(0);
  });

  it('zLoss is not weighted: kept samples of weight 0 have it', () => {
    const options = { zLoss: 0.1, sampleWeight: tensor64([0, 2]), reduction: 'none' } as const;
    const input = tensor64([1, 2, 3, 5], [2, 2]);
    const { loss, grad, zSum } = reference('crossEntropy', { input, target: tensor64([0, 1]) }, options);
    const lse = [Math.log(Math.exp(1) + Math.exp(2)), Math.log(Math.exp(3) + Math.exp(5))];
    expect(loss.data[0]).toBeCloseTo(0.1 * lse[0]! ** 2, 13);
    expect(grad.data[0]! + grad.data[1]!).toBeCloseTo(0.2 * lse[0]!, 13);
    expect(zSum).toBeCloseTo(0.1 * (lse[0]! ** 2 + lse[1]! ** 2), 13);
    const ignored = reference(
      'crossEntropy',
      { input, target: tensor64([-100, 1]) },
      { ...options, reduction: 'mean' },
    );
    expect(ignored.zSum).toBeCloseTo(0.1 * lse[1]! ** 2, 13);
  });
});

describe('a mean over nothing', () => {
  const reduced = lossEntries.filter(([, { family }]) => family !== 'scalar');

  it.each(reduced)('%s without samples', (_, loss) => {
    for (const kind of loss.targets) {
      const problem = loss.draw(randomFrom(1), [0, 3], undefined, kind);
      const mean = run(loss, problem);
      expect([mean.sum, mean.count, mean.weightSum]).toEqual([0, 0, 0]);
      expect(mean.loss.data[0]).toBeNaN();
      expect(run(loss, problem, { emptyMean: 'zero' }).loss.data[0]).toBe(0);
      expect(run(loss, problem, { reduction: 'sum' }).loss.data[0]).toBe(0);
      expect(run(loss, problem, { reduction: 'none' }).loss.data.length).toBe(0);
    }
  });

  const cancelling = reduced.filter(([, { options, family }]) => 'sampleWeight' in options && family === 'class');

  it.each(cancelling)('%s with sample weights that cancel', (_, loss) => {
    const problem = loss.draw(randomFrom(2), [2, 3], undefined, loss.targets.at(-1));
    const own = { sampleWeight: tensor64([1, -1]) };
    const { loss: mean, grad, count, weightSum } = run(loss, problem, own);
    expect([mean.data[0], count, weightSum]).toEqual([nan, 2, 0]);
    expect(grad.data.every((g) => g === 0)).toBe(true);
    expect(run(loss, problem, { ...own, emptyMean: 'zero' }).loss.data[0]).toBe(0);
    expect(run(loss, problem, { ...own, reduction: 'sum' }).grad.data.some((g) => g !== 0)).toBe(true);
  });

  it('class weights that are 0 for every target; zLoss has a mean of its own', () => {
    const options = { weight: tensor64([0, 1]), reduction: 'mean' } as const;
    const got = one('crossEntropy', [1, 2], 0, options);
    expect([got.loss.data[0], got.weightSum, got.count, ...got.grad.data]).toEqual([nan, 0, 1, 0, 0]);
    expect(one('crossEntropy', [1, 2], 0, { ...options, emptyMean: 'zero' }).loss.data[0]).toBe(0);
    const z = one('crossEntropy', [1, 2], 0, { ...options, emptyMean: 'zero', zLoss: 0.1 });
    const lse = 2 + Math.log1p(Math.exp(-1));
    expect(z.loss.data[0]).toBeCloseTo(0.1 * lse * lse, 13);
    expect(z.grad.data[0]! + z.grad.data[1]!).toBeCloseTo(0.2 * lse, 13);
    expect(one('crossEntropy', [1, 2], 0, { ...options, zLoss: 0.1 }).loss.data[0]).toBeNaN();
  });
});

describe('masks and infinities', () => {
  const rows = lossEntries.filter(([, { family, measure }]) => family === 'class' && measure === 'masses');

  it.each(rows)(
    '%s: a masked class that has no mass costs nothing; rows without softmax are NaN, alone',
    (name, loss) => {
      const random = randomFrom(29);
      for (const kind of loss.targets) {
        const { inputs, options } = loss.draw(random, [3, 4], undefined, kind);
        const index = tensor64([0, 2, 1]);
        const sets = tensor64([1, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0], [3, 4]);
        const target = { index, dense: sets, sparse: sparseOf(random, sets, 1) }[kind];
        const given: Problem = { inputs: { ...inputs, target }, options };
        const masked = withInput(given, (x, i) => (i === 1 ? -infinity : x));
        const got = run(loss, masked, { reduction: 'none' });
        expect(numbers(got).every(Number.isFinite), name).toBe(true);
        expect(Math.abs(got.grad.data[1]!)).toBe(0);
        for (const change of [(i: number) => i === 5, (i: number) => i >= 4 && i < 8]) {
          for (const value of [nan, infinity, -infinity]) {
            if (value === -infinity && change(4) === false) continue;
            const broken = run(
              loss,
              withInput(given, (x, i) => (change(i) ? value : x)),
              { reduction: 'none' },
            );
            expect(Array.from(broken.loss.data, Number.isNaN)).toEqual([false, true, false]);
            expect([...broken.grad.data].map((g) => Number.isNaN(g))).toEqual(
              Array.from({ length: 12 }, (_, i) => i >= 4 && i < 8),
            );
          }
        }
      }
    },
  );

  it('a masked target costs Infinity, with the gradient p - y', () => {
    for (const op of ['crossEntropy', 'softmaxFocal', 'polyLoss', 'ordinalCrossEntropy'] as const) {
      const { sum, grad } = one(op, [-infinity, 0, 0], 0, { lambda: 0, epsilon: 0 });
      expect([sum, ...grad.data]).toEqual([infinity, -1, 0.5, 0.5]);
    }
    const set = one('partialLabel', [-infinity, -infinity, 0, 0], [1, 1, 0, 0]);
    expect(numbers(set)).toEqual([infinity, -0.5, -0.5, 0.5, 0.5]);
  });

  it('components: 0 without an outside, NaN without a softmax, a weight of 0 adds nothing', () => {
    const components = [
      [0, 0, 1],
      [0, 1, 1],
    ];
    const alone = one('componentCrossEntropy', [1, 2, -infinity], 0, { components: [[0, 0, 1]] });
    expect(numbers(alone).map(Math.abs)).toEqual([0, 0, 0, 0]);
    for (const x of [
      [-infinity, -infinity, -infinity],
      [nan, 0, 0],
      [infinity, 0, 0],
    ]) {
      expect(one('componentCrossEntropy', x, 0, { components: [[5, 5, 5]] }).sum).toBeNaN();
    }
    const x = [-infinity, 0, 0];
    const half = one('componentCrossEntropy', x, 0, { components, weights: [1, 0] });
    expect(half.sum).toBeCloseTo(Math.LN2, 14);
    expect([...half.componentLosses!.data].map((v) => v === infinity)).toEqual([false, true]);
    const none = one('componentCrossEntropy', [nan, 0, 0], 0, { components, weights: [0, 0] });
    expect(numbers(none)).toEqual([0, 0, 0, 0]);
    expect([...none.componentLosses!.data]).toEqual([nan, nan]);
  });

  it('a softcap keeps masks, and makes +Infinity the cap', () => {
    const masked = one('crossEntropy', [-infinity, 1, 2], 1, { softcap: 3 });
    expect(Number.isFinite(masked.sum) && masked.grad.data[0] === 0).toBe(true);
    expect(one('crossEntropy', [infinity, 0], 0, { softcap: 3 }).sum).toBeCloseTo(Math.log1p(Math.exp(-3)), 14);
    expect(one('crossEntropy', [nan, 0], 0, { softcap: 3 }).sum).toBeNaN();
    const shifted = one('crossEntropy', [9, 1, 2], 1, { logitShift: tensor64([-infinity, 0, 0]) });
    expect(shifted.sum).toBeCloseTo(one('crossEntropy', [1, 2], 0).sum, 14);
  });

  it('infinite logits that agree with a yes or no cost 0', () => {
    for (const op of ['bceWithLogits', 'sigmoidFocal', 'asymmetric'] as const) {
      for (const [x, y] of [
        [infinity, 1],
        [-infinity, 0],
      ] as const) {
        expect(numbers(one(op, [x], [y])).map(Math.abs), op).toEqual([0, 0]);
      }
    }
    expect(numbers(one('bceWithLogits', [-infinity], [1]))).toEqual([infinity, -1]);
    expect(numbers(one('softMargin', [infinity, -infinity], [1, 1]))).toEqual([infinity, -0, -1]);
    expect(numbers(one('poissonNll', [-infinity], [0]))).toEqual([0, 0]);
    expect(numbers(one('generalizedKlDiv', [-infinity, -infinity], [0, 2]))).toEqual([infinity, 0, -2]);
    expect(numbers(one('klDiv', [-infinity, -1], [0, 1]))).toEqual([1, -0, -1]);
  });

  it('a 0-D tensor is a row of one class', () => {
    for (const axis of [0, -1]) {
      const [p, logP] = [activations.softmax, activations.logSoftmax].map((f) =>
        f({ input: tensor64([7], []) }, { axis }),
      );
      expect([p!.loss.data[0], p!.loss.shape, p!.grad.data[0]]).toEqual([1, [], 0]);
      expect([logP!.loss.data[0], logP!.loss.shape, logP!.grad.data[0]]).toEqual([0, [], 0]);
    }
  });
});
