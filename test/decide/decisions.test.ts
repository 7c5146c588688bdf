// Decisions from logits of every layout, on every tier, against their definitions in float64.

import { describe, expect, it, vi } from 'vitest';
import {
  argmax,
  decodeFactorized,
  decodeOrdinal,
  logProbOf,
  perplexity,
  predictLabels,
  topK,
  tuneThresholds,
} from '../../src/decide/index.ts';
import { createEngine, defaultEngine, sigmoid, tensor } from '../../src/index.ts';
import { fromRows, hasNaN, logProbability, ranking, rowsOf, softmax } from '../reference/decide/decisions.ts';
import { below, between, chance, fill, pick, type Random } from '../reference/random.ts';
import { drawLogits, drawShape, type Placed, placed } from './place.ts';
import { often } from './seeded.ts';

const without = ({ shape, axis }: Placed): number[] => shape.filter((_, i) => i !== axis);

/** Logits with NaN and infinities in some places. */
function spiced(random: Random): Placed {
  const plain = drawLogits(random);
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const data = plain.data.map((x) => (chance(random, 0.05) ? pick(random, values) : x));
  return placed(random, data, plain);
}

describe('argmax', () => {
  often('is the first of the largest, and says where there is NaN', (random) => {
    const given = spiced(random);
    const rows = rowsOf(given.data, given.shape, given.axis);
    const wanted = rows.map((row) => (hasNaN(row) ? -1 : (ranking(row)[0] as number)));
    const got = argmax(given.logits, { axis: given.option, ...given.engine });
    expect(got.shape).toEqual(without(given));
    expect([...got.data]).toEqual(wanted);
    const labels = Array.from({ length: given.shape[given.axis] as number }, (_, c) => 3 * c - 7);
    const named = argmax(given.logits, { axis: given.option, labels, ...given.engine });
    expect([...named.data]).toEqual(wanted.map((c) => (c < 0 ? -100 : labels[c])));
    const marked = argmax(given.logits, { axis: given.option, invalid: 77, ...given.engine });
    expect([...marked.data]).toEqual(wanted.map((c) => (c < 0 ? 77 : c)));
  });

  it('takes one sample, no samples and no classes', () => {
    expect(argmax([1, 3, 2])).toEqual({ data: Int32Array.of(1), shape: [] });
    expect(argmax(tensor(new Float32Array(0), [0, 3]))).toEqual({ data: new Int32Array(0), shape: [0] });
    expect([...argmax(tensor(new Float32Array(0), [2, 0])).data]).toEqual([-1, -1]);
    expect([...argmax(tensor(Float64Array.of(1, 2, 2, 1), [2, 2])).data]).toEqual([1, 0]);
  });
});

describe('topK', () => {
  often('are the first k in order, with their log-probabilities', (random) => {
    const given = spiced(random);
    const classes = given.shape[given.axis] as number;
    const k = pick(random, [1, classes, 1 + below(random, classes)]);
    const { indices, logProbs } = topK(given.logits, k, { axis: given.option, ...given.engine });
    const shape = given.shape.map((size, i) => (i === given.axis ? k : size));
    expect([indices.shape, logProbs.shape]).toEqual([shape, shape]);
    const [own, logs] = [rowsOf(indices.data, shape, given.axis), rowsOf(logProbs.data, shape, given.axis)];
    rowsOf(given.data, given.shape, given.axis).forEach((row, s) => {
      if (hasNaN(row)) {
        expect(own[s]).toEqual(new Array(k).fill(-1));
        expect(logs[s]).toEqual(new Array(k).fill(Number.NaN));
        return;
      }
      const wanted = ranking(row).slice(0, k);
      expect(own[s]).toEqual(wanted);
      wanted.forEach((c, place) => {
        nearLog(logs[s]?.[place] as number, row, c);
      });
    });
  });

  it('has the labels of its classes', () => {
    const { indices } = topK([[1, 3, 2]], 2, { labels: [-1, 0, 1] });
    expect([...indices.data]).toEqual([0, 1]);
    expect([...topK([[1, Number.NaN, 2]], 2, { labels: [-1, 0, 1] }).indices.data]).toEqual([-100, -100]);
  });
});

/** A log-probability within a few units of its two terms. */
function nearLog(got: number, row: readonly number[], c: number): void {
  const wanted = logProbability(row, c);
  if (Object.is(got, wanted) || got === wanted) return;
  const gap = Math.abs((row[c] as number) - Math.max(...row));
  const bound = 1e-6 * (Math.abs(wanted) + gap * 0.5) + 1e-37;
  if (!(Math.abs(got - wanted) <= bound)) expect.fail(`log p of ${c} is ${got}, expected ${wanted}, bound ${bound}`);
}

describe('logProbOf and perplexity', () => {
  often('are the logarithms of a softmax at a temperature', (random) => {
    const given = drawLogits(random);
    const rows = rowsOf(given.data, given.shape, given.axis);
    const classes = given.shape[given.axis] as number;
    const temperature = pick(random, [1, 1, 0.7, 2, 5]);
    const labels = chance(random) ? Array.from({ length: classes }, (_, c) => c - 3) : undefined;
    const ignoreIndex = pick(random, [undefined, 1000]);
    const targets = rows.map(() => (chance(random, 0.2) ? -1 : below(random, classes)));
    const target = targets.map((c) => (c < 0 ? (ignoreIndex ?? -100) : (labels?.[c] ?? c)));
    const options = { axis: given.option, labels, ignoreIndex, temperature, ...given.engine };
    const where = { data: Int32Array.from(target), shape: without(given) };
    const got = logProbOf(given.logits, where, options);
    expect(got.shape).toEqual(without(given));
    let [sum, count, size] = [0, 0, 0];
    rows.forEach((row, s) => {
      const c = targets[s] as number;
      if (c < 0) {
        expect(got.data[s]).toBe(0);
        return;
      }
      const top = Math.max(...row);
      const cool = row.map((x) => (x - top) / temperature);
      nearLog(got.data[s] as number, cool, c);
      sum -= logProbability(cool, c);
      size += Math.abs(cool[c] as number);
      count++;
    });
    const whole = perplexity(given.logits, where, options);
    expect(whole.count).toBe(count);
    expect(Math.abs(whole.sum - sum)).toBeLessThanOrEqual(1e-6 * (sum + size) + 1e-30);
    if (count > 0) expect(whole.perplexity / Math.exp(whole.sum / count)).toBeCloseTo(1, 12);
    else expect(whole.perplexity).toBeNaN();
  });

  it('keep the digits of a common offset and of a sure sample, and masks', () => {
    const far = logProbOf([[1e6, 1e6 + 1, -1e6]], [0], { temperature: 2 }).data[0] as number;
    expect(far).toBeCloseTo(logProbability([0, 0.5], 0), 6);
    const sure = logProbOf([[60, 0]], [0], { temperature: 2 }).data[0] as number;
    expect(sure / -Math.exp(-30)).toBeCloseTo(1, 5);
    expect(logProbOf([[1, -1 / 0]], [1]).data[0]).toBe(-1 / 0);
    expect(logProbOf([[1, -1 / 0]], [1], { temperature: 3 }).data[0]).toBe(-1 / 0);
    expect(Object.is(logProbOf([[1, 2]], [-100]).data[0], 0)).toBe(true);
    expect(logProbOf([[Number.NaN, 1]], [1], { temperature: 3 }).data[0]).toBeNaN();
  });

  it('add up over shards', () => {
    const logits = Array.from({ length: 7 }, (_, i) => [Math.sin(i), Math.cos(i), 0.3]);
    const target = [0, 1, 2, -100, 1, 0, 2];
    for (const temperature of [1, 0.5]) {
      const parts = [0, 2, 5].map((start, i) => {
        const end = [2, 5, 7][i];
        return perplexity(logits.slice(start, end), target.slice(start, end), { temperature });
      });
      const [merged, whole] = [perplexity.merge(parts), perplexity(logits, target, { temperature })];
      expect(merged.count).toBe(whole.count);
      expect(merged.perplexity).toBeCloseTo(whole.perplexity, 6);
    }
  });
});

describe('predictLabels', () => {
  often('says yes from the threshold on', (random) => {
    const width = 1 + below(random, 70);
    const rows = pick(random, [1 + below(random, 5), 600]);
    const data = Float32Array.from(fill(rows * width, () => between(random, -6, 6)));
    const given = placed(random, data, { shape: [rows, width], axis: 1 });
    const each = Array.from({ length: width }, () => pick(random, [between(random, 0, 1), 0, 1, -1, 2, 1 / 0, -1 / 0]));
    const one = between(random, 0.01, 0.99);
    const yes = (x: number, t: number): number => Number(t <= 0 || 1 / (1 + Math.exp(-x)) >= t);
    const all = predictLabels(given.logits, { thresholds: one, ...given.engine });
    expect([all.data.constructor, all.shape]).toEqual([Uint8Array, [rows, width]]);
    expect([...all.data]).toEqual(Array.from(data, (x) => yes(x, one)));
    const own = predictLabels(given.logits, { thresholds: each, ...given.engine });
    expect([...own.data]).toEqual(Array.from(data, (x, i) => yes(x, each[i % width] as number)));
  });

  it('compares exactly at the threshold', () => {
    const odd = Math.fround(Math.log(3));
    const [below, above] = [odd - 2 ** -23, odd + 2 ** -23];
    // log 3 itself is no float32: the one below is a no, the one above a yes
    const wanted = [below, odd, above].map((x) => Number(x >= Math.log(3)));
    expect([...predictLabels([below, odd, above], { thresholds: 0.75 }).data]).toEqual(wanted);
    const minus = [odd, above].map((x) => -x);
    expect([...predictLabels(minus, { thresholds: 0.25 }).data]).toEqual(minus.map((x) => Number(x >= -Math.log(3))));
    expect([...predictLabels([0, -0, -1e-45, 1e-45]).data]).toEqual([1, 1, 0, 1]);
    expect([...predictLabels([1 / 0, 88, Number.NaN], { thresholds: 1 }).data]).toEqual([1, 0, 0]);
    expect([...predictLabels([-1 / 0, Number.NaN], { thresholds: 0 }).data]).toEqual([1, 0]);
    expect(predictLabels(3)).toEqual({ data: Uint8Array.of(1), shape: [] });
    expect(predictLabels([])).toEqual({ data: new Uint8Array(0), shape: [0] });
  });

  it('takes no logarithm of the host on a deterministic engine', () => {
    const engine = createEngine({ deterministic: true });
    const thresholds = Float64Array.from({ length: 4000 }, (_, i) =>
      i < 2000 ? (i + 0.5) / 2000 : i < 3000 ? 2 ** (2990 - i - 1000) : 1 - 2 ** -((i - 2990) / 20),
    ).filter((t) => t > 0 && t < 1);
    const odds = thresholds.map((t) => Math.log(t) - Math.log1p(-t));
    // off by more than the last digits of float64, and less than those of float32
    const rows = [-1, 1].map((side) => Float32Array.from(odds, (x) => x + side * (1e-12 + 3e-7 * Math.abs(x))));
    const logs = ['log', 'log1p', 'exp'] as const;
    const spies = logs.map((name) => vi.spyOn(Math, name).mockReturnValue(Number.NaN));
    const [below, above] = rows.map((data) => predictLabels(data, { thresholds, engine }).data);
    for (const spy of spies) spy.mockRestore();
    expect(below!.indexOf(1)).toBe(-1);
    expect(above!.indexOf(0)).toBe(-1);
  });

  it('takes the thresholds that were tuned', () => {
    const logits = [
      [-1.2, 1.5],
      [0.4, -0.3],
      [-2, 0.8],
      [0.1, -2],
    ];
    const labels = [
      [0, 1],
      [1, 0],
      [0, 1],
      [1, 0],
    ];
    const tuned = tuneThresholds(sigmoid(logits), labels);
    expect(tuned.value).toBe(1);
    expect([...predictLabels(logits, tuned === undefined ? {} : { thresholds: tuned.thresholds }).data]).toEqual(
      labels.flat(),
    );
  });
});

describe('decodeOrdinal', () => {
  often('is the median, the class nearest to the mean, or the mode', (random) => {
    const given = drawLogits(random, pick(random, [undefined, { shape: [4, 5], axis: 1 }]));
    const classes = given.shape[given.axis] as number;
    let value = between(random, -5, 5);
    const values = Array.from({ length: classes }, () => {
      value = Math.fround(value + between(random, 0.5, 3));
      return value;
    });
    const options = { axis: given.option, ...given.engine };
    const medians = decodeOrdinal(given.logits, options).data;
    const means = decodeOrdinal(given.logits, { ...options, rule: 'mean', values }).data;
    const modes = decodeOrdinal(given.logits, { ...options, rule: 'mode' }).data;
    rowsOf(given.data, given.shape, given.axis).forEach((row, s) => {
      const p = softmax(row);
      const total = p.reduce((a, b) => a + b, 0);
      expect(modes[s]).toBe(ranking(row)[0]);
      // any class that is a median but for rounding will do
      const upTo = (end: number): number => p.slice(0, end).reduce((a, b) => a + b, 0) / total;
      const median = medians[s] as number;
      expect(upTo(median)).toBeLessThan(0.5 + 1e-6);
      expect(upTo(median + 1)).toBeGreaterThan(0.5 - 1e-6);
      const mean = p.reduce((sum, q, c) => sum + q * (values[c] as number), 0) / total;
      const away = (c: number): number => Math.abs((values[c] as number) - mean);
      const least = Math.min(...values.map((_, c) => away(c)));
      expect(away(means[s] as number)).toBeLessThanOrEqual(least + 1e-5 * (1 + classes * 3));
    });
  });

  it('goes to the lower of two, and has no answer where the softmax is no number', () => {
    const two = [
      [0, 0],
      [0, Number.NaN],
      [0, 1 / 0],
      [-1 / 0, -1 / 0],
    ];
    expect([...decodeOrdinal(two).data]).toEqual([0, -1, -1, -1]);
    expect([...decodeOrdinal(two, { rule: 'mean' }).data]).toEqual([0, -1, -1, -1]);
    expect([...decodeOrdinal(two, { rule: 'mean', labels: [7, 8] }).data]).toEqual([7, -100, -100, -100]);
    expect([...decodeOrdinal([[0, 0, 0, 0]]).data]).toEqual([1]);
    expect([...decodeOrdinal([[0, -1 / 0, 0]], { rule: 'mean' }).data]).toEqual([1]);
    expect([...decodeOrdinal([[0, -1 / 0, 0]], { rule: 'mean', values: [-10, 0.5, 10] }).data]).toEqual([1]);
    expect([...decodeOrdinal(tensor(new Float32Array(0), [2, 0])).data]).toEqual([-1, -1]);
  });
});

describe('decodeFactorized', () => {
  often('takes as many of the best labels as Z says', (random) => {
    const width = pick(random, [1 + below(random, 8), 100]);
    const rows = 1 + below(random, 70);
    const data = Float32Array.from(fill(rows * width, () => (chance(random, 0.02) ? Number.NaN : below(random, 5))));
    const given = placed(random, data, { shape: [rows, width], axis: 1 });
    const z = Float32Array.from(
      fill(rows, () => pick(random, [between(random, -1, width + 2), 0.5, 1.5, 1 / 0, 0.49])),
    );
    const got = decodeFactorized({ logits: given.logits, z: given.place(z, [rows]) }, given.engine);
    expect(got.shape).toEqual([rows, width]);
    rowsOf(data, [rows, width], 1).forEach((row, s) => {
      const own = [...got.data.subarray(s * width, (s + 1) * width)];
      if (hasNaN(row)) {
        expect(own).toEqual(new Array(width).fill(0));
        return;
      }
      const count = Math.min(width, Math.max(0, Math.round(z[s] as number)));
      const taken = ranking(row).slice(0, count);
      expect(own).toEqual(row.map((_, l) => Number(taken.includes(l))));
    });
  });

  it('takes one row, and none', () => {
    expect(decodeFactorized({ logits: [1, 2, 3], z: 2 })).toEqual({ data: Uint8Array.of(0, 1, 1), shape: [3] });
    expect([...decodeFactorized({ logits: [[1, 2]], z: [0] }).data]).toEqual([0, 0]);
  });
});

describe('engines', () => {
  it('keep nothing of a call, and say so where it is over', () => {
    const engine = createEngine();
    const logits = engine.from([[1, 2, 3]]);
    const before = engine.stats();
    argmax(logits);
    topK(logits, 2);
    decodeOrdinal(logits);
    predictLabels(logits);
    expect(engine.stats()).toEqual(before);
    const large = new Float32Array(3e6);
    argmax(tensor(large, [1e6, 3]), { engine });
    expect(engine.stats().bytesReserved).toBeLessThan(4e6);
    engine.dispose();
    expect(() => argmax([[1, 2]], { engine })).toThrow('this engine was disposed');
    expect(() => argmax(logits)).toThrow(/disposed|freed/);
  });

  it('give the same bits on the tiers that promise them', () => {
    const shape = [50, 7];
    const data = Float32Array.from({ length: 350 }, (_, i) => Math.fround(Math.sin(i * i) * 5));
    const target = Array.from({ length: 50 }, (_, i) => i % 7);
    const [simd, scalar] = [createEngine({ deterministic: true }), createEngine({ tier: 'scalar' })];
    const logits = tensor(data, shape);
    for (const temperature of [1, 1.7]) {
      const own = logProbOf(logits, target, { engine: simd, temperature });
      expect(own.data).toEqual(logProbOf(logits, target, { engine: scalar, temperature }).data);
    }
    expect(topK(logits, 3, { engine: simd })).toEqual(topK(logits, 3, { engine: scalar }));
    expect(decodeOrdinal(logits, { engine: simd })).toEqual(decodeOrdinal(logits, { engine: scalar }));
  });

  it('reads tensors of the default engine in their place, also after memory has grown', () => {
    const logits = defaultEngine().from([
      [1, 2, 3],
      [3, 2, 1],
    ]);
    argmax(tensor(new Float32Array(4e6), [1, 4e6]));
    expect([...argmax(logits).data]).toEqual([2, 0]);
    logits.free();
  });
});

describe('rows and columns that do not fit a block', () => {
  it.each([
    { shape: [3, 70_000], axis: 1 },
    { shape: [2, 3, 40_000], axis: 1 },
    { shape: [1, 5000, 70], axis: 1 },
  ])('$shape', ({ shape, axis }) => {
    const size = shape.reduce((n, d) => n * d, 1);
    const data = Float32Array.from({ length: size }, (_, i) => Math.fround(Math.sin(i * 1.3) * 4));
    const rows = rowsOf(data, shape, axis);
    const logits = tensor(data, shape);
    expect([...argmax(logits).data]).toEqual(rows.map((row) => ranking(row)[0]));
    const { indices } = topK(logits, 3);
    const three = shape.map((d, i) => (i === axis ? 3 : d));
    expect(rowsOf(indices.data, three, axis)).toEqual(rows.map((row) => ranking(row).slice(0, 3)));
    const target = tensor(
      Int32Array.from(rows, (_, s) => s % 3),
      shape.filter((_, i) => i !== axis),
    );
    const logs = logProbOf(logits, target, { temperature: 2 }).data;
    rows.slice(0, 50).forEach((row, s) => {
      nearLog(
        logs[s] as number,
        row.map((x) => x / 2),
        s % 3,
      );
    });
  });
});

it('shapes of the tests have classes on every axis', () => {
  const axes = new Set(Array.from({ length: 200 }, (_, i) => drawShape(() => ((i * 7919) % 199) / 199).axis));
  expect(axes.size).toBe(3);
  expect(
    fromRows(
      [
        [1, 2],
        [3, 4],
      ],
      [2, 2],
      1,
    ),
  ).toEqual([1, 2, 3, 4]);
});
