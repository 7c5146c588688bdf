// Metrics against counting by hand, shards that add up, and what does not count.

import { describe, expect, it } from 'vitest';
import { createEngine, crossEntropy, tensor } from '../../src/index.ts';
import {
  accuracy,
  averagePrecision,
  brier,
  calibration,
  confusion,
  hamming,
  meanAbsoluteError,
  ndcg,
  negativeLogLikelihood,
  offBy,
  precisionRecallF1,
  psndcgAtK,
  pspAtK,
  quadraticKappa,
  rocAuc,
  subsetAccuracy,
} from '../../src/metrics/index.ts';
import { often } from '../decide/seeded.ts';
import { below, between, chance, pick, type Random } from '../reference/random.ts';

const matrix = (rows: number, width: number, of: () => number): number[][] =>
  Array.from({ length: rows }, () => Array.from({ length: width }, of));

const sumOf = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

/** All ways to choose k of n in order. */
function* arrangements(n: number, k: number, taken: readonly number[] = []): Generator<readonly number[]> {
  if (taken.length === k) yield taken;
  else for (let i = 0; i < n; i++) if (!taken.includes(i)) yield* arrangements(n, k, [...taken, i]);
}

describe('ranking by hand', () => {
  often('rocAuc counts pairs in order', (random) => {
    const scores = Array.from({ length: 2 + below(random, 12) }, () => below(random, 5));
    const labels = scores.map(() => Number(chance(random)));
    let [inOrder, pairs] = [0, 0];
    scores.forEach((a, i) => {
      scores.forEach((b, j) => {
        if (labels[i] !== 1 || labels[j] !== 0) return;
        pairs++;
        inOrder += a > b ? 1 : Number(a === b) / 2;
      });
    });
    const got = rocAuc(scores, labels);
    if (pairs === 0) expect(got).toBeNaN();
    else expect(got).toBeCloseTo(inOrder / pairs, 12);
  });

  often('averagePrecision adds precisions up at each threshold', (random) => {
    const scores = Array.from({ length: 1 + below(random, 12) }, () => below(random, 5));
    const labels = scores.map(() => Number(chance(random)));
    const positives = sumOf(labels);
    let [truth, before] = [0, 0];
    for (const threshold of [...new Set(scores)].sort((a, b) => b - a)) {
      const above = labels.filter((_, i) => (scores[i] as number) >= threshold);
      const recall = positives === 0 ? 0 : sumOf(above) / positives;
      truth += (recall - before) * (sumOf(above) / above.length);
      before = recall;
    }
    expect(averagePrecision(scores, labels)).toBeCloseTo(truth, 12);
  });

  often('ndcg is the mean over all orders of ties, over the best of all orders', (random) => {
    const width = 1 + below(random, 5);
    const k = 1 + below(random, width);
    const [scores, relevance] = [matrix(1, width, () => below(random, 3)), matrix(1, width, () => below(random, 4))];
    const [own, gains] = [scores[0] as number[], relevance[0] as number[]];
    const dcg = (order: readonly number[]): number =>
      sumOf(order.slice(0, k).map((l, rank) => (gains[l] as number) / Math.log2(rank + 2)));
    const orders = [...arrangements(width, width)];
    const sorted = orders.filter((order) =>
      order.every((l, at) => at === 0 || (own[order[at - 1] as number] as number) >= (own[l] as number)),
    );
    const best = Math.max(...orders.map(dcg));
    const truth = best === 0 ? 0 : sumOf(sorted.map(dcg)) / sorted.length / best;
    expect(ndcg(scores, relevance, { k }).ndcg).toBeCloseTo(truth, 12);
  });
});

describe('propensity-scored metrics by hand', () => {
  often('are what the predictions gain over the most that any predictions gain', (random) => {
    const width = 2 + below(random, 4);
    const rows = 1 + below(random, 4);
    const k = 1 + below(random, 3);
    const propensities = Array.from({ length: width }, () => between(random, 0.05, 1));
    const scores = matrix(rows, width, () => below(random, 4));
    const target = matrix(rows, width, () => Number(chance(random)));
    const indices = target.flatMap((row) => row.flatMap((y, l) => (y === 1 ? [l] : [])));
    const offsets = [0];
    for (const row of target) offsets.push((offsets.at(-1) as number) + sumOf(row));
    const cases = [
      [pspAtK, 'pspAtK', () => 1],
      [psndcgAtK, 'psndcgAtK', (rank: number) => 1 / Math.log2(rank + 2)],
    ] as const;
    for (const [metric, name, discount] of cases) {
      let [sum, most] = [0, 0];
      target.forEach((row, i) => {
        const gain = (order: readonly number[]): number =>
          sumOf(order.map((l, rank) => ((row[l] as number) / (propensities[l] as number)) * discount(rank)));
        const own = scores[i] as number[];
        const byScore = own.map((_, l) => l).sort((a, b) => (own[b] as number) - (own[a] as number) || a - b);
        sum += gain(byScore.slice(0, k));
        most += Math.max(...[...arrangements(width, Math.min(k, width))].map(gain));
      });
      const result = metric(scores, target, { k, propensities });
      expect(result.sum).toBeCloseTo(sum, 9);
      expect(result.weightSum).toBeCloseTo(most, 9);
      expect(result.count).toBe(rows);
      const value = (result as unknown as Record<string, number>)[name];
      if (most === 0) expect(value).toBeNaN();
      else expect(value).toBeCloseTo(sum / most, 9);
      expect(metric(scores, { indices, offsets }, { k, propensities })).toEqual(result);
    }
  });
});

describe('offBy', () => {
  often('counts differences of k or more', (random) => {
    const n = 1 + below(random, 12);
    const k = pick(random, [0.5, 1, 2, 3]);
    const [a, b] = [
      Array.from({ length: n }, () => below(random, 5)),
      Array.from({ length: n }, () => below(random, 5)),
    ];
    const truth = a.filter((v, i) => Math.abs(v - (b[i] as number)) >= k).length;
    expect(offBy(a, b, k)).toEqual({ offBy: truth / n, sum: truth, count: n });
  });
});

/** Predictions and 0/1 targets, cut anywhere. */
function shards(random: Random, rows: number): number[] {
  const cuts = Array.from({ length: below(random, 3) }, () => below(random, rows + 1)).sort((a, b) => a - b);
  return [0, ...cuts, rows];
}

describe('results of shards', () => {
  const near = (got: object, whole: object): void => {
    const [a, b] = [JSON.stringify(got, round), JSON.stringify(whole, round)];
    expect(a).toBe(b);
  };
  const round = (_: string, value: unknown): unknown => {
    if (typeof value === 'number') return Number.isNaN(value) ? 'NaN' : Number(value.toPrecision(9)) + 0;
    return ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value;
  };

  often('make the result of all', (random) => {
    const rows = 1 + below(random, 9);
    const width = 3;
    const bounds = shards(random, rows);
    const parts = <T>(list: readonly T[]): T[][] => bounds.slice(1).map((end, i) => list.slice(bounds[i], end));
    const of = <A extends unknown[], R>(run: (...args: A) => R, ...args: A): R[] => {
      const cut = args.map((arg) => (Array.isArray(arg) && arg.length === rows ? parts(arg) : undefined));
      return parts(Array.from({ length: rows })).flatMap((own, i) =>
        own.length === 0 ? [] : [run(...(args.map((arg, k) => cut[k]?.[i] ?? arg) as A))],
      );
    };
    const [p, y] = [
      matrix(rows, width, () => Number(chance(random))),
      matrix(rows, width, () => Number(chance(random))),
    ];
    const [one, two] = [p.map((row) => sumOf(row) % 3), y.map((row) => sumOf(row) % 3)];
    const probabilities = p.map(() => {
      const raw = [random(), random(), random()];
      return raw.map((v) => v / sumOf(raw));
    });
    const scores = matrix(rows, width, () => below(random, 4));
    const options = { classes: 3 };
    const ps = { k: 2, propensities: [0.2, 0.5, 0.9] };
    near(accuracy.merge(of(accuracy, one, two)), accuracy(one, two));
    near(hamming.merge(of(hamming, p, y)), hamming(p, y));
    near(subsetAccuracy.merge(of(subsetAccuracy, p, y)), subsetAccuracy(p, y));
    near(meanAbsoluteError.merge(of(meanAbsoluteError, one, two)), meanAbsoluteError(one, two));
    near(offBy.merge(of(offBy, one, two, 2)), offBy(one, two, 2));
    near(confusion.merge(of(confusion, one, two, options)), confusion(one, two, options));
    near(quadraticKappa.merge(of(quadraticKappa, one, two, options)), quadraticKappa(one, two, options));
    near(brier.merge(of(brier, probabilities, two)), brier(probabilities, two));
    near(
      calibration.merge(of(calibration, probabilities, two, { bins: 5 })),
      calibration(probabilities, two, { bins: 5 }),
    );
    near(ndcg.merge(of(ndcg, scores, y)), ndcg(scores, y));
    near(pspAtK.merge(of(pspAtK, scores, y, ps)), pspAtK(scores, y, ps));
    near(psndcgAtK.merge(of(psndcgAtK, scores, y, ps)), psndcgAtK(scores, y, ps));
    near(negativeLogLikelihood.merge(of(negativeLogLikelihood, scores, two)), negativeLogLikelihood(scores, two));
    for (const average of ['micro', 'macro', 'weighted', 'none'] as const) {
      const how = { average, zeroDivision: 1 } as const;
      const cut = of(precisionRecallF1, p, y) as ReturnType<typeof precisionRecallF1>[];
      near(precisionRecallF1.merge(cut, how), precisionRecallF1(p, y, how));
      const byClass = of(precisionRecallF1, one, two, options) as ReturnType<typeof precisionRecallF1>[];
      near(precisionRecallF1.merge(byClass, how), precisionRecallF1(one, two, { ...options, ...how }));
    }
  });
});

describe('what does not count', () => {
  often('is as if it were not there', (random) => {
    const n = 2 + below(random, 10);
    const marked = Array.from({ length: n }, (_, i) => i > 0 && chance(random, 0.4));
    const keep = <T>(list: readonly T[]): T[] => list.filter((_, i) => !marked[i]);
    const predicted = marked.map(() => below(random, 3));
    const target = marked.map(() => below(random, 3));
    const logits = matrix(n, 3, () => between(random, -2, 2));
    const probabilities = logits.map((row) => {
      const e = row.map(Math.exp);
      return e.map((v) => v / sumOf(e));
    });
    for (const [marker, options] of [
      [-100, {}],
      [7, { ignoreIndex: 7 }],
      [-7, { ignoreValue: -7 }],
      [Number.NaN, { ignoreValue: Number.NaN }],
    ] as const) {
      const own = target.map((y, i) => (marked[i] ? marker : y));
      const [a, b] = [keep(predicted), keep(target)];
      expect(accuracy(predicted, own, options)).toEqual(accuracy(a, b));
      expect(hamming(predicted, own, options)).toEqual(hamming(a, b));
      expect(meanAbsoluteError(predicted, own, options)).toEqual(meanAbsoluteError(a, b));
      expect(offBy(predicted, own, 2, options)).toEqual(offBy(a, b, 2));
      expect(confusion(predicted, own, { ...options, classes: 3 })).toEqual(confusion(a, b, { classes: 3 }));
      expect(precisionRecallF1(predicted, own, options)).toEqual(precisionRecallF1(a, b));
      expect(brier(probabilities, own, options)).toEqual(brier(keep(probabilities), b));
      expect(calibration(probabilities, own, options)).toEqual(calibration(keep(probabilities), b));
      if (!('ignoreValue' in options)) {
        const whole = negativeLogLikelihood(logits, own, options);
        expect(whole.count).toBe(b.length);
        expect(whole.sum).toBeCloseTo(negativeLogLikelihood(keep(logits), b).sum, 5);
      }
      const bits = own.map((y, i) => (marked[i] ? marker : Number(y > 0)));
      const p = probabilities.map((row) => row[0] as number);
      expect(brier(p, bits, options)).toEqual(brier(keep(p), keep(bits)));
      expect(calibration(p, bits, options)).toEqual(calibration(keep(p), keep(bits)));
    }
  });

  often('is no part of an order', (random) => {
    const [n, width] = [1 + below(random, 6), 2 + below(random, 5)];
    const scores = matrix(n, width, () => below(random, 5));
    const marker = pick(random, [-100, -1, Number.NaN]);
    const options = marker === -100 ? {} : { ignoreValue: marker };
    const target = matrix(n, width, () => (chance(random, 0.3) ? marker : below(random, 2)));
    const counts = (row: number, l: number): boolean => !Object.is(target[row]?.[l], marker);
    // rows without what is marked, one by one, since they are of different lengths
    const rows = scores.map((row, i) => ({
      scores: row.filter((_, l) => counts(i, l)),
      target: (target[i] as number[]).filter((_, l) => counts(i, l)),
      p: row.flatMap((_, l) => (counts(i, l) ? [(l + 1) / (width + 1)] : [])),
    }));
    const kept = rows.filter((row) => row.scores.length > 0);
    const flat = { scores: kept.flatMap((row) => row.scores), target: kept.flatMap((row) => row.target) };
    for (const metric of [rocAuc, averagePrecision]) {
      expect(metric(scores, target, { ...options, average: 'micro' })).toEqual(metric(flat.scores, flat.target));
      const single = scores.map((row) => row[0] as number);
      const own = target.map((row) => row[0] as number);
      const left = own.map((y) => !Object.is(y, marker));
      const whole = metric(
        single.filter((_, i) => left[i]),
        own.filter((_, i) => left[i]),
      );
      expect(metric(single, own, options)).toEqual(whole);
    }
    const gains = ndcg(scores, target, { ...options, k: 3 });
    const byRow = kept.map((row) => ndcg(row.scores, row.target, { k: 3 }).sum);
    expect(gains.count).toBe(kept.length);
    expect(gains.sum).toBeCloseTo(sumOf(byRow), 12);
    const propensities = Array.from({ length: width }, (_, l) => (l + 1) / (width + 1));
    for (const metric of [pspAtK, psndcgAtK]) {
      const result = metric(scores, target, { ...options, k: 2, propensities });
      const own = kept.map((row) => metric(row.scores, row.target, { k: 2, propensities: row.p }));
      expect(result.count).toBe(kept.length);
      expect(result.sum).toBeCloseTo(sumOf(own.map(({ sum }) => sum)), 12);
      expect(result.weightSum).toBeCloseTo(sumOf(own.map(({ weightSum }) => weightSum)), 12);
    }
  });

  it('leaves rows of many labels as far as they are known', () => {
    const predicted = [
      [1, 0],
      [1, 1],
      [0, 0],
    ];
    const target = [
      [1, -1],
      [0, -1],
      [-1, -1],
    ];
    expect(subsetAccuracy(predicted, target, { ignoreValue: -1 })).toEqual({ subsetAccuracy: 0.5, sum: 1, count: 2 });
    const { truePositives, falsePositives } = precisionRecallF1(predicted, target, { ignoreValue: -1 });
    expect([...truePositives.data, ...falsePositives.data]).toEqual([1, 0, 1, 0]);
  });

  it('is everything at times', () => {
    for (const result of [
      accuracy([], []),
      hamming([1], [-100]),
      subsetAccuracy([[1]], [[-100]]),
      ndcg(tensor([], [0, 3]), tensor([], [0, 3])),
    ]) {
      expect(result.count).toBe(0);
      expect(Object.values(result)[0]).toBeNaN();
    }
    expect(calibration([0.5], [-100]).ece).toBeNaN();
    expect(negativeLogLikelihood([[1, 2]], [-100]).negativeLogLikelihood).toBeNaN();
  });
});

describe('classes', () => {
  it('lie along any axis, and have labels', () => {
    const p = [
      [
        [0.7, 0.1],
        [0.2, 0.3],
        [0.1, 0.6],
      ],
    ]; // [1, 3, 2]
    const last = [
      [
        [0.7, 0.2, 0.1],
        [0.1, 0.3, 0.6],
      ],
    ];
    const labels = [-1, 0, 1];
    expect(brier(last, [[-1, 0]], { axis: -1, labels })).toEqual(brier(p, [[0, 1]]));
    expect(calibration(last, [[-1, 0]], { axis: 2, labels })).toEqual(calibration(p, [[0, 1]]));
    const logits = [[0.5, -1, 2]];
    const byLabel = negativeLogLikelihood(logits, [1], { labels });
    expect(byLabel.negativeLogLikelihood).toBe(crossEntropy.forward(logits, [2]).loss);
  });

  it('come with tensors of an engine, where the likelihood is computed', () => {
    using engine = createEngine({ deterministic: true });
    const logits = engine.from([[0.5, -1, 2]]);
    const { loss } = engine.crossEntropy.forward(logits, [2]);
    expect(negativeLogLikelihood(logits, [2]).negativeLogLikelihood).toBe(loss);
    expect(negativeLogLikelihood([[0.5, -1, 2]], [2], { engine }).negativeLogLikelihood).toBe(loss);
  });

  it('put each confidence into the bin (low, high] by the edges themselves', () => {
    for (const bins of [3, 10, 15, 49]) {
      for (let edge = 0; edge <= bins; edge++) {
        const { bins: found } = calibration([edge / bins], [1], { bins });
        expect(found.findIndex(({ count }) => count === 1)).toBe(Math.max(0, edge - 1));
      }
    }
  });
});
