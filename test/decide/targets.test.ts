// Targets in other numbers, and ordered classes as levels.

import { describe, expect, it } from 'vitest';
import { decodeLevels, ordinalLevels, remap } from '../../src/decide/index.ts';
import { bceWithLogits, tensor } from '../../src/index.ts';
import { unsafe } from '../errors/case.ts';
import { sigmoid, softplus } from '../reference/numeric.ts';
import { below, between, chance, pick } from '../reference/random.ts';
import { often } from './seeded.ts';

describe('remap', () => {
  often('goes there and back', (random) => {
    const keys = [...new Set(Array.from({ length: 1 + below(random, 6) }, () => below(random, 40) - 20))];
    const entries = keys.map((key, i) => [key, 3 * i - 4] as const);
    const map = chance(random) ? new Map(entries) : Object.fromEntries(entries);
    const data = Array.from({ length: 12 }, () => pick(random, keys));
    const given = pick(random, [tensor(Float32Array.from(data), [3, 4]), tensor(Int8Array.from(data), [3, 4])]);
    const { targets, inverse } = remap(given, map);
    expect(targets.shape).toEqual([3, 4]);
    expect([...targets.data]).toEqual(data.map((value) => 3 * keys.indexOf(value) - 4));
    expect([...inverse(targets).data]).toEqual(data);
    expect(inverse(targets).shape).toEqual([3, 4]);
  });

  it('takes fractions, NaN and several values of one class', () => {
    const { targets, inverse } = remap(
      [0.5, Number.NaN, 2],
      new Map([
        [0.5, 0],
        [Number.NaN, -100],
        [2, 0],
      ]),
    );
    expect([...targets.data]).toEqual([0, -100, 0]);
    expect([...inverse([-100]).data]).toEqual([Number.NaN]);
    expect(() => inverse([-100, 0])).toThrow('inverse: values[1] is 0, the class of several values');
    expect([...remap(BigInt64Array.of(-1n, 1n), { '-1': 0, 1: 2 }).targets.data]).toEqual([0, 2]);
  });

  it.each([
    [() => remap([7], { '-1': 0, 0: 1 }), RangeError, 'remap: targets[0] is 7, expected one of 0, -1'],
    [() => remap([0], { 0: 0.5 }), RangeError, 'remap: map[0] is 0.5, expected an integer (a class)'],
    [() => remap([0], { a: 1 }), TypeError, 'remap: map has the key "a", expected numbers'],
    [() => remap([0], unsafe([[0, 1]])), TypeError, 'remap: map is an array, expected an object'],
    [() => remap([0], {}), RangeError, 'remap: map is empty'],
    [() => remap([0], { 0: 1 }).inverse([0]), RangeError, 'inverse: values[0] is 0, expected one of 1'],
    [() => remap(unsafe(null), { 0: 1 }), TypeError, 'remap: targets is null'],
  ])('says what is wrong: %#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});

describe('levels', () => {
  often('make CORAL and CORN of bceWithLogits, by the letter', (random) => {
    const classes = 2 + below(random, 5);
    const samples = 1 + below(random, 6);
    const labels = Array.from({ length: classes }, (_, c) => c - 2);
    const target = Array.from({ length: samples }, () => below(random, classes));
    const logits = target.map(() => Array.from({ length: classes - 1 }, () => between(random, -3, 3)));
    const own = target.map((c) => labels[c] as number);

    const coral = target.reduce(
      (sum, y, i) => sum + (logits[i] as number[]).reduce((row, x, k) => row + softplus(x) - (y > k ? x : 0), 0),
      0,
    );
    const levels = ordinalLevels(own, classes, { labels });
    expect(levels.shape).toEqual([samples, classes - 1]);
    expect(bceWithLogits(logits, levels, { reduction: 'batchmean' }).loss).toBeCloseTo(coral / samples, 5);

    let [sum, asked] = [0, 0];
    for (let k = 0; k < classes - 1; k++) {
      target.forEach((y, i) => {
        if (y <= k - 1) return;
        const x = logits[i]?.[k] as number;
        sum += y > k ? softplus(-x) : softplus(x);
        asked += 1;
      });
    }
    const conditional = ordinalLevels(own, classes, { labels, conditional: true });
    const corn = bceWithLogits(logits, conditional, { ignoreValue: -1 });
    expect(corn.loss).toBeCloseTo(sum / asked, 5);
    expect(corn.count).toBe(asked);
  });

  often('come back as classes', (random) => {
    const classes = 2 + below(random, 5);
    const logits = Array.from({ length: 4 }, () => Array.from({ length: classes - 1 }, () => between(random, -4, 6)));
    const plain = logits.map((row) => row.filter((x) => sigmoid(x) > 0.5).length);
    expect([...decodeLevels(logits).data]).toEqual(plain);
    const chained = logits.map((row) => {
      const chances = row.map((_, k) => row.slice(0, k + 1).reduce((p, x) => p * sigmoid(x), 1));
      return chances.filter((p) => p > 0.5).length;
    });
    expect([...decodeLevels(logits, { conditional: true }).data]).toEqual(chained);
    const labels = Array.from({ length: classes }, (_, c) => 10 * c);
    expect([...decodeLevels(logits, { labels }).data]).toEqual(plain.map((c) => labels[c]));
    const target = plain;
    const sure = ordinalLevels(target, classes).data.map((level) => (level === 1 ? 9 : -9));
    expect([...decodeLevels(tensor(sure, [4, classes - 1])).data]).toEqual(target);
  });

  it('mask ignored samples, and mark rows with NaN', () => {
    expect([...ordinalLevels([1, -100], 3).data]).toEqual([1, 0, -1, -1]);
    expect([...ordinalLevels([1, 9], 3, { ignoreIndex: 9 }).data]).toEqual([1, 0, -1, -1]);
    expect(ordinalLevels(tensor(Int32Array.of(0, 1), [1, 2]), 4).shape).toEqual([1, 2, 3]);
    expect([
      ...decodeLevels([
        [1, Number.NaN],
        [1, 1],
      ]).data,
    ]).toEqual([-1, 2]);
    expect([...decodeLevels([[Number.NaN, 1]], { labels: [5, 6, 7] }).data]).toEqual([-100]);
    expect(decodeLevels([3, -1]).shape).toEqual([]);
    expect([...decodeLevels([3, -1]).data]).toEqual([1]);
    // far below, where 1/P overflows
    expect([...decodeLevels([[-800, 5, 5]], { conditional: true }).data]).toEqual([0]);
  });

  it.each([
    [() => ordinalLevels([3], 3), RangeError, 'ordinalLevels: target[0] is 3, outside [0, 3) (ignoreIndex -100)'],
    [() => ordinalLevels([0.5], 3), RangeError, 'ordinalLevels: target[0] is 0.5, expected an integer (a class index)'],
    [() => ordinalLevels([5], 2, { labels: [0, 1] }), RangeError, 'target[0] is 5, not one of labels [0, 1]'],
    [() => ordinalLevels([0], 1), RangeError, 'ordinalLevels: classes is 1, expected an integer of 2 or more'],
    [() => ordinalLevels([0], 2, { labels: [0] }), RangeError, 'labels has 1 values, expected 2, one per class'],
    [() => ordinalLevels([0], 2, { labels: [1, 1] }), RangeError, 'labels has 1 twice'],
    [() => ordinalLevels([0], 2, { conditional: unsafe(0) }), TypeError, 'conditional is 0, expected a boolean'],
    [() => decodeLevels(3), RangeError, 'decodeLevels: logits [] need an axis of levels'],
    [() => decodeLevels([[1]], { labels: [-100, 1] }), RangeError, 'labels has -100, which marks a row with NaN'],
    [() => decodeLevels([[1]], { labels: unsafe(3) }), TypeError, 'labels is 3, expected an array of integers'],
  ])('say what is wrong: %#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});
