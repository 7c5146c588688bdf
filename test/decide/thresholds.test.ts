// Tuned thresholds against every cut point of small cases, one label at a time and all labels jointly.

import { describe, expect, it } from 'vitest';
import { compareProducts } from '../../src/decide/fractions.ts';
import { tuneThresholds } from '../../src/decide/index.ts';
import { tensor } from '../../src/index.ts';
import { precisionRecallF1 } from '../../src/metrics/index.ts';
import { unsafe } from '../errors/case.ts';
import { below, between, chance, pick, type Random } from '../reference/random.ts';
import { often } from './seeded.ts';

type Matrix = number[][];

function draw(random: Random, most: number): { scores: Matrix; labels: Matrix; rows: number; width: number } {
  const [rows, width] = [1 + below(random, 6), 1 + below(random, most)];
  // few values, so that there are ties; now and then infinite ones
  const score = (): number => (chance(random, 0.05) ? pick(random, [1 / 0, -1 / 0]) : below(random, 6) / 5);
  const matrix = (of: () => number): Matrix => Array.from({ length: rows }, () => Array.from({ length: width }, of));
  const rate = pick(random, [0.1, 0.4, 0.9]);
  return { scores: matrix(score), labels: matrix(() => Number(chance(random, rate))), rows, width };
}

const column = (matrix: Matrix, l: number): number[] => matrix.map((row) => row[l] as number);

/** −Infinity, the middles between distinct scores, +Infinity. */
function candidates(scores: readonly number[]): number[] {
  const sorted = [...new Set(scores)].sort((a, b) => a - b);
  const middles = sorted.slice(1).map((high, i) => {
    const low = sorted[i] as number;
    return Number.isFinite(low + high) ? (low + high) / 2 : high;
  });
  return [-1 / 0, ...middles, 1 / 0];
}

interface Counts {
  readonly hits: number;
  readonly whole: number;
}

/** F1 is 2·hits/whole. */
function counts(scores: readonly number[], labels: readonly number[], threshold: number): Counts {
  const predicted = scores.map((score) => Number(score >= threshold));
  const hits = predicted.filter((p, i) => p === 1 && labels[i] === 1).length;
  return { hits, whole: [...predicted, ...labels].reduce((a, b) => a + b, 0) };
}

const ratioOf = ({ hits, whole }: Counts): number => (whole === 0 ? 0 : (2 * hits) / whole);

describe('tuneThresholds', () => {
  often('finds the best F1 of each label, nearest to one half', (random) => {
    const { scores, labels, width } = draw(random, 3);
    const minSupport = below(random, 3);
    const fallback = pick(random, [0.5, 0.3]);
    const { thresholds, value, perLabel } = tuneThresholds(scores, labels, { minSupport, fallback });
    let total = 0;
    for (let l = 0; l < width; l++) {
      const [x, y] = [column(scores, l), column(labels, l)];
      const own = thresholds.data[l] as number;
      const reached = ratioOf(counts(x, y, own));
      expect(perLabel.data[l]).toBe(reached);
      total += reached;
      if (y.filter((v) => v === 1).length < minSupport) {
        expect(own).toBe(fallback);
        continue;
      }
      const all = candidates(x).map((t) => ({ t, f1: ratioOf(counts(x, y, t)) }));
      const best = Math.max(...all.map(({ f1 }) => f1));
      expect(reached).toBe(best);
      const away = (t: number): number => Math.abs(t - 0.5);
      const nearest = Math.min(...all.filter(({ f1 }) => f1 === best).map(({ t }) => away(t)));
      expect(away(own)).toBe(nearest);
    }
    expect(value).toBeCloseTo(total / width, 12);
    const predicted = scores.map((row) => row.map((x, l) => Number(x >= (thresholds.data[l] as number))));
    expect(precisionRecallF1(predicted, labels, { average: 'macro' }).f1).toBeCloseTo(value, 12);
  });

  often('finds the best micro F1 of all labels together', (random) => {
    const { scores, labels, width } = draw(random, 3);
    const minSupport = below(random, 3);
    const { thresholds, value, perLabel } = tuneThresholds(scores, labels, { metric: 'microF1', minSupport });
    const columns = Array.from({ length: width }, (_, l) => [column(scores, l), column(labels, l)] as const);
    const choices = columns.map(([x, y]) => (y.filter((v) => v === 1).length < minSupport ? [0.5] : candidates(x)));
    const at = (ts: readonly number[]): number => {
      const each = columns.map(([x, y], l) => counts(x, y, ts[l] as number));
      return ratioOf({
        hits: each.reduce((n, { hits }) => n + hits, 0),
        whole: each.reduce((n, { whole }) => n + whole, 0),
      });
    };
    const combinations = choices.reduce<number[][]>(
      (made, ts) => made.flatMap((head) => ts.map((t) => [...head, t])),
      [[]],
    );
    const best = Math.max(...combinations.map(at));
    expect(value).toBe(best);
    expect(at([...thresholds.data])).toBe(best);
    columns.forEach(([x, y], l) => {
      expect(perLabel.data[l]).toBe(ratioOf(counts(x, y, thresholds.data[l] as number)));
    });
    // no label alone could be nearer to one half
    choices.forEach((ts, l) => {
      for (const t of ts) {
        if (Math.abs(t - 0.5) >= Math.abs((thresholds.data[l] as number) - 0.5)) continue;
        const changed = [...thresholds.data];
        changed[l] = t;
        expect(at(changed)).toBeLessThan(best);
      }
    });
  });

  often('knows the threshold of costs in closed form', (random) => {
    const [falsePositive, falseNegative] = [between(random, 0, 3), between(random, 0.1, 3)];
    const [rows, width] = [1 + below(random, 6), 1 + below(random, 3)];
    const matrix = (of: () => number): Matrix => Array.from({ length: rows }, () => Array.from({ length: width }, of));
    const [scores, labels] = [matrix(random), matrix(() => Number(chance(random)))];
    const tuned = tuneThresholds(scores, labels, { metric: 'cost', costs: { falsePositive, falseNegative } });
    const threshold = falsePositive / (falsePositive + falseNegative);
    expect([...tuned.thresholds.data]).toEqual(new Array(width).fill(threshold));
    const cost = (l: number): number =>
      column(scores, l).reduce((sum, p, i) => {
        const y = labels[i]?.[l];
        if (p >= threshold) return y === 0 ? sum + falsePositive : sum;
        return y === 1 ? sum + falseNegative : sum;
      }, 0) / rows;
    const costs = Array.from({ length: width }, (_, l) => cost(l));
    costs.forEach((each, l) => {
      expect(tuned.perLabel.data[l]).toBeCloseTo(each, 12);
    });
    expect(tuned.value).toBeCloseTo(costs.reduce((a, b) => a + b, 0) / width, 12);
  });

  it('puts no threshold onto a score that it should be above: neighbours that have no middle', () => {
    const low = 0.1;
    const high = low + 2 ** -56;
    expect(high).toBeGreaterThan(low);
    const { thresholds, value } = tuneThresholds([low, high], [0, 1]);
    expect(value).toBe(1);
    expect(thresholds.data[0]).toBe(high);
  });

  it('takes one label as a row, constant labels and constant scores', () => {
    expect([...tuneThresholds([0.2, 0.8], [0, 1]).thresholds.data]).toEqual([0.5]);
    expect([...tuneThresholds([[0.3, 0.3]], [[1, 0]], { minSupport: 0 }).thresholds.data]).toEqual([-1 / 0, 1 / 0]);
    const { value, perLabel } = tuneThresholds([[0.3, 0.9]], [[1, 0]]);
    expect([value, ...perLabel.data]).toEqual([0.5, 1, 0]);
    expect(tuneThresholds(tensor([], [0, 2]), tensor([], [0, 2])).value).toBe(0);
  });

  it('is not misled by micro F1 that a rare label could spoil', () => {
    // of the second label a hit costs more false positives than it is worth
    const scores = [
      [0.9, 0.1],
      [0.8, 0.2],
      [0.7, 0.3],
      [0.1, 0.4],
      [0.1, 0.05],
    ];
    const labels = [
      [1, 0],
      [1, 0],
      [1, 0],
      [0, 0],
      [0, 1],
    ];
    const joint = tuneThresholds(scores, labels, { metric: 'microF1' });
    expect(joint.value).toBeCloseTo(6 / 7, 12);
    expect(joint.thresholds.data[1]).toBe(1 / 0);
    expect(tuneThresholds(scores, labels).thresholds.data[1]).toBe(-1 / 0);
  });

  it('compares fractions exactly, beyond what float64 multiplies exactly too', () => {
    const large = 2 ** 40 + 1;
    expect(compareProducts(3, 5, 4, 4)).toBeLessThan(0);
    expect(compareProducts(large, large, large - 1, large + 1)).toBe(1);
    expect(compareProducts(large - 1, large + 1, large, large)).toBe(-1);
    expect(compareProducts(large, 6, 3 * large, 2)).toBe(0);
    expect(compareProducts(large * 4, large, large, large * 4)).toBe(0);
  });

  it('finds the best of many cut points', () => {
    const n = 300_000;
    const scores = Float64Array.from({ length: n }, (_, i) => i / n);
    const labels = Uint8Array.from({ length: n }, (_, i) => Number((i * 7919) % n > n - i));
    const { value } = tuneThresholds(scores, labels);
    let [best, hits] = [0, 0];
    const positives = labels.reduce((a, b) => a + b, 0);
    for (let i = n - 1; i >= 0; i--) {
      hits += labels[i] as number;
      best = Math.max(best, (2 * hits) / (positives + n - i));
    }
    expect(value).toBe(best);
  });

  it.each([
    [() => tuneThresholds([[Number.NaN]], [[1]]), RangeError, 'tuneThresholds: scores[0] is NaN'],
    [() => tuneThresholds([[0.5]], [[0.5]]), RangeError, 'tuneThresholds: labels[0] is 0.5, expected 0 or 1'],
    [
      () => tuneThresholds([[0.5, 1]], [[1]]),
      RangeError,
      'tuneThresholds: labels has shape [1, 1], expected [1, 2], the shape of scores',
    ],
    [
      () => tuneThresholds([[[0.5]]], [[[1]]]),
      RangeError,
      'tuneThresholds: scores has shape [1, 1, 1], expected [N, L] or [N]',
    ],
    [
      () => tuneThresholds([0.5], [1], { metric: unsafe('accuracy') }),
      RangeError,
      "metric is \"accuracy\", expected one of 'f1', 'microF1', 'cost'",
    ],
    [
      () => tuneThresholds([0.5], [1], { metric: 'cost' }),
      TypeError,
      'costs is undefined, expected { falsePositive, falseNegative }',
    ],
    [
      () => tuneThresholds([0.5], [1], { metric: 'cost', costs: { falsePositive: 0, falseNegative: 0 } }),
      RangeError,
      'costs are both 0',
    ],
    [
      () => tuneThresholds([0.5], [1], { metric: 'cost', costs: { falsePositive: -1, falseNegative: 0 } }),
      RangeError,
      'costs.falsePositive is -1',
    ],
    [
      () => tuneThresholds([1.5], [1], { metric: 'cost', costs: { falsePositive: 1, falseNegative: 1 } }),
      RangeError,
      'scores are not in [0, 1], but costs need probabilities',
    ],
    [
      () => tuneThresholds([0.5], [1], { costs: { falsePositive: 1, falseNegative: 1 } }),
      RangeError,
      "costs is given with metric 'f1', expected metric 'cost'",
    ],
    [
      () => tuneThresholds([0.5], [1], { minSupport: -1 }),
      RangeError,
      'minSupport is -1, expected an integer of 0 or more',
    ],
    [
      () => tuneThresholds([0.5], [1], { fallback: Number.NaN }),
      RangeError,
      'fallback is NaN, expected a finite number',
    ],
    [() => tuneThresholds([0.5], [1], unsafe({ min: 1 })), TypeError, 'unknown option "min"'],
  ])('says what is wrong: %#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});
