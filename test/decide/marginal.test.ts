// The logits of parts and the best temperature, against float64: values by definition, gradients by differences.

import { describe, expect, it } from 'vitest';
import { fitTemperature, labelCodec, logProbOf, marginalLogits } from '../../src/decide/index.ts';
import { bceWithLogits, componentCrossEntropy, createEngine, crossEntropy, sigmoid, tensor } from '../../src/index.ts';
import { unsafe } from '../errors/case.ts';
import { fromRows, logSumExp, negativeLogLikelihood, rowsOf } from '../reference/decide/decisions.ts';
import { below, between, chance, fill, normal, pick, type Random } from '../reference/random.ts';
import { drawLogits, placed } from './place.ts';
import { often } from './seeded.ts';

/** Maps of classes to groups, some of which no class is in. */
function drawComponents(random: Random, classes: number): number[][] {
  return Array.from({ length: 1 + below(random, 3) }, () => {
    const groups = 1 + below(random, Math.min(classes, 6));
    return Array.from({ length: classes }, () => below(random, groups));
  });
}

const membersOf = (map: readonly number[], group: number): number[] => map.flatMap((g, c) => (g === group ? [c] : []));

describe('marginalLogits', () => {
  often('are the log-sum-exps of the groups', (random) => {
    const plain = drawLogits(random);
    const masks = chance(random, 0.3);
    const data = plain.data.map((x) => (masks && chance(random, 0.2) ? -1 / 0 : x));
    const given = placed(random, data, plain);
    const { shape, axis } = given;
    const components = drawComponents(random, shape[axis] as number);
    const results = marginalLogits(given.logits, { components, axis: given.option, ...given.engine });
    expect(results).toHaveLength(components.length);
    const rows = rowsOf(data, shape, axis);
    results.forEach((result, m) => {
      const map = components[m] as number[];
      const groups = Math.max(...map) + 1;
      expect(result.shape).toEqual(shape.map((size, i) => (i === axis ? groups : size)));
      const own = rowsOf(result.data, result.shape, axis);
      rows.forEach((row, s) => {
        for (let g = 0; g < groups; g++) {
          const wanted = logSumExp(membersOf(map, g).map((c) => row[c] as number));
          const got = own[s]?.[g] as number;
          if (got === wanted) continue;
          expect(Math.abs(got - wanted)).toBeLessThanOrEqual(3e-7 * (Math.abs(wanted) + 2));
        }
      });
    });
  });

  often('have the gradient that differences say', (random) => {
    const classes = 2 + below(random, 6);
    const { shape, axis } = pick(random, [
      { shape: [2, classes], axis: 1 },
      { shape: [1, classes, 3], axis: 1 },
      { shape: [classes], axis: 0 },
    ]);
    const size = shape.reduce((n, d) => n * d, 1);
    const data = Float32Array.from(fill(size, () => normal(random, 2)));
    const given = placed(random, data, { shape, axis });
    const components = drawComponents(random, classes);
    const options = { components, axis: given.option, ...given.engine };
    const incoming = marginalLogits(given.logits, options).map((result) => ({
      data: Float32Array.from(fill(result.data.length, () => between(random, -1, 1))),
      shape: result.shape,
    }));
    const { data: grad, shape: own } = marginalLogits.backward(incoming, given.logits, options);
    expect(own).toEqual(shape);
    const value = (x: readonly number[]): number => {
      const rows = rowsOf(x, shape, axis);
      return components.reduce((sum, map, m) => {
        const pulls = rowsOf(incoming[m]?.data ?? [], incoming[m]?.shape ?? [], axis);
        return rows.reduce(
          (part, row, s) =>
            (pulls[s] ?? []).reduce((total, pull, g) => {
              const members = membersOf(map, g);
              return members.length === 0 ? total : total + pull * logSumExp(members.map((c) => row[c] as number));
            }, part),
          sum,
        );
      }, 0);
    };
    const plain = Array.from(data);
    plain.forEach((x, i) => {
      const step = (by: number): number => value(plain.map((v, k) => (k === i ? x + by : v)));
      const wanted = (step(1e-5) - step(-1e-5)) / 2e-5;
      expect(grad[i]).toBeCloseTo(wanted, 5);
    });
  });

  it('are the logits of the thread: P(A) = .6099395, P(C) = .7227383, and the loss of its parts', () => {
    const { components, encode } = labelCodec([
      ['A', 'B'],
      ['C', 'D'],
    ]);
    const logits = [[1.2, -0.3, 0.4, 0.1]];
    const differences = marginalLogits(logits, { components }).map(
      ({ data }) => (data[0] as number) - (data[1] as number),
    );
    const [a, c] = sigmoid(differences).data;
    expect(a).toBeCloseTo(0.6099395, 6);
    expect(c).toBeCloseTo(0.7227383, 6);
    // A is there, C is not
    const parts = bceWithLogits([differences], [[1, 0]], { weight: [[2, 0.5]], reduction: 'sum' });
    const joint = componentCrossEntropy(logits, [encode('AD')], { components, weights: [2, 0.5] });
    expect(joint.loss).toBeCloseTo(1.6301877, 6);
    expect(parts.loss).toBeCloseTo(joint.loss, 5);
    // the same gradient by way of the parts: that of the difference goes to both of its logits
    const pulls = Array.from(parts.grad.data, (g) => [[g, -g]]);
    const back = marginalLogits.backward(pulls, logits, { components });
    [-0.3884715, -0.2873359, 0.5601683, 0.1156391].forEach((wanted, i) => {
      expect(back.data[i]).toBeCloseTo(wanted, 5);
      expect(joint.grad.data[i]).toBeCloseTo(wanted, 5);
    });
  });

  it('know masked classes, groups without classes, NaN and infinities', () => {
    const components = [[0, 0, 2, 2]];
    const [first] = marginalLogits(
      [
        [1, -1 / 0, -1 / 0, -1 / 0],
        [1, Number.NaN, 2, 1 / 0],
      ],
      { components },
    );
    expect([...(first?.data ?? [])]).toEqual([1, -1 / 0, -1 / 0, Number.NaN, -1 / 0, 1 / 0]);
    const back = marginalLogits.backward([[[1, 1, 1]]], [[1, -1 / 0, -1 / 0, -1 / 0]], { components });
    expect([...back.data]).toEqual([1, 0, 0, 0]);
    expect(marginalLogits([5, 3], { components: [[0, 1]] })[0]).toEqual({ data: Float32Array.of(5, 3), shape: [2] });
    const none = marginalLogits(tensor(new Float32Array(0), [0, 2]), { components: [[0, 0]] });
    expect(none[0]?.shape).toEqual([0, 1]);
    const empty = marginalLogits(tensor(new Float32Array(0), [2, 0]), { components: [[]] });
    expect(empty[0]?.shape).toEqual([2, 0]);
    expect(
      marginalLogits.backward([tensor(new Float32Array(0), [2, 0])], tensor(new Float32Array(0), [2, 0]), {
        components: [[]],
      }).shape,
    ).toEqual([2, 0]);
  });

  const components = [[0, 1]];
  it.each([
    [() => marginalLogits([[1, 2]], unsafe({})), TypeError, 'marginalLogits: components is missing'],
    [() => marginalLogits([[1, 2]], unsafe(undefined)), TypeError, 'marginalLogits: components is missing'],
    [() => marginalLogits([[1, 2]], { components: [] }), RangeError, 'marginalLogits: components is empty'],
    [
      () => marginalLogits([[1, 2]], { components: unsafe(3) }),
      TypeError,
      'marginalLogits: components is 3, expected an array of maps',
    ],
    [
      () => marginalLogits([[1, 2]], { components: [[0]] }),
      RangeError,
      'components[0] has 1 values, expected 2, one group per class',
    ],
    [
      () => marginalLogits([[1, 2]], { components: [[0, -1]] }),
      RangeError,
      'components[0][1] is -1, expected an integer from 0',
    ],
    [
      () => marginalLogits([[1, 2]], { components: [[0, 0.5]] }),
      RangeError,
      'components[0][1] is 0.5, expected an integer from 0',
    ],
    [
      () => marginalLogits.backward([], [[1, 2]], { components }),
      RangeError,
      'marginalLogits.backward: gradOutputs has 0 tensors, expected 1',
    ],
    [
      () => marginalLogits.backward(unsafe(1), [[1, 2]], { components }),
      TypeError,
      'gradOutputs is 1, expected an array of tensors',
    ],
    [
      () => marginalLogits.backward([[[1]]], [[1, 2]], { components }),
      RangeError,
      'gradOutputs[0] has shape [1, 1], expected [1, 2]',
    ],
  ])('say what is wrong: %#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});

/** The best temperature by looking everywhere, finer and finer. */
function bestTemperature(rows: readonly (readonly number[])[], targets: readonly number[]): number {
  let [low, high] = [Math.log(1e-4), Math.log(1e4)];
  for (let round = 0; round < 12; round++) {
    const step = (high - low) / 20;
    const grid = Array.from({ length: 21 }, (_, i) => low + i * step);
    const losses = grid.map((u) => negativeLogLikelihood(rows, targets, Math.exp(u)));
    const best = grid[losses.indexOf(Math.min(...losses))] as number;
    [low, high] = [Math.max(Math.log(1e-4), best - step), Math.min(Math.log(1e4), best + step)];
  }
  return Math.exp((low + high) / 2);
}

describe('fitTemperature', () => {
  often('finds the least negative log-likelihood', (random) => {
    const classes = 2 + below(random, 6);
    const { shape, axis } = pick(random, [
      { shape: [30, classes], axis: 1 },
      { shape: [5, classes, 7], axis: 1 },
      { shape: [20, 100], axis: 1 },
    ]);
    const size = shape.reduce((n, d) => n * d, 1);
    const scale = pick(random, [0.1, 1, 10]);
    const offset = pick(random, [0, 300]);
    const data = Float32Array.from(fill(size, () => offset + normal(random, scale)));
    const given = placed(random, data, { shape, axis });
    const rows = rowsOf(data, shape, axis);
    const classesOf = (row: readonly number[]): number =>
      chance(random, 0.6) ? row.indexOf(Math.max(...row)) : below(random, row.length);
    const targets = rows.map(classesOf);
    const lossShape = shape.filter((_, i) => i !== axis);
    const marked = targets.map(() => chance(random, 0.1));
    marked[0] = false;
    const target = tensor(
      Int32Array.from(targets, (c, s) => (marked[s] ? -100 : c)),
      lossShape,
    );
    const [kept, own] = [rows.filter((_, s) => !marked[s]), targets.filter((_, s) => !marked[s])];
    const fit = fitTemperature(given.logits, target, { axis: given.option, ...given.engine });
    const loss = (t: number): number => negativeLogLikelihood(kept, own, t) / kept.length;
    expect(fit.before).toBeCloseTo(loss(1), 5);
    expect(fit.after).toBeCloseTo(loss(fit.temperature), 5);
    expect(fit.after).toBeLessThanOrEqual(fit.before);
    const best = bestTemperature(kept, own);
    // flat minima are found by their value
    expect(loss(fit.temperature)).toBeLessThanOrEqual(loss(best) * (1 + 1e-6) + 1e-9);
  });

  it('takes back what logits were multiplied by', () => {
    const rows = Array.from({ length: 200 }, (_, i) => [Math.sin(i), Math.cos(2 * i), Math.sin(3 * i + 1)]);
    const target = rows.map((row, i) => (i % 3 === 0 ? i % 2 : row.indexOf(Math.max(...row))));
    const once = fitTemperature(rows, target).temperature;
    const fourfold = fitTemperature(
      rows.map((row) => row.map((x) => 4 * x)),
      target,
    ).temperature;
    expect(fourfold / once).toBeCloseTo(4, 4);
    const { after, temperature } = fitTemperature(rows, target);
    const cool = logProbOf(rows, target, { temperature }).data;
    expect(-cool.reduce((a, b) => a + b, 0) / 200).toBeCloseTo(after, 5);
  });

  it('stops at its limits where there is no minimum', () => {
    const sure = fitTemperature(
      [
        [1, 0],
        [0, 1],
      ],
      [0, 1],
    );
    expect(sure.temperature).toBeLessThan(0.1);
    expect(sure.after).toBeLessThan(1e-8);
    const wrong = fitTemperature(
      [
        [1, 0],
        [0, 1],
      ],
      [1, 0],
    );
    expect(wrong.temperature).toBeCloseTo(10_000, 0);
    expect(wrong.after).toBeCloseTo(Math.log(2), 3);
    const flat = fitTemperature([[1, 1]], [0]);
    expect([flat.before, flat.after]).toEqual([flat.before, flat.before]);
    expect(flat.after).toBeCloseTo(Math.log(2), 6);
  });

  it('leaves masked classes out, and is the same in an engine', () => {
    const logits = [
      [2, 0.5, -1 / 0],
      [0.1, 0.2, -1 / 0],
      [1, 3, -1 / 0],
      [2, 1, -1 / 0],
    ];
    const target = [0, 1, 1, 1];
    const plain = fitTemperature(
      logits.map((row) => row.slice(0, 2)),
      target,
    );
    const masked = fitTemperature(logits, target);
    expect(masked.temperature).toBeCloseTo(plain.temperature, 5);
    using engine = createEngine({ deterministic: true });
    const own = fitTemperature(engine.from(logits), target);
    expect(own.temperature).toBeCloseTo(plain.temperature, 5);
    const scalar = fitTemperature(logits, target, { engine: createEngine({ tier: 'scalar' }) });
    expect(scalar).toEqual(own);
    expect(own.before).toBeCloseTo(crossEntropy.forward(logits, target).loss, 6);
  });

  it.each([
    [() => fitTemperature([[1, 2]], [-100]), RangeError, 'fitTemperature: target has no sample that counts'],
    [
      () => fitTemperature([[1, -1 / 0]], [1]),
      RangeError,
      'the negative log-likelihood is Infinity, expected a finite number; a target has probability 0',
    ],
    [
      () => fitTemperature([[1, Number.NaN]], [1]),
      RangeError,
      'the negative log-likelihood is NaN, expected a finite number; logits make no softmax',
    ],
    [
      () => fitTemperature([[1, 2]], [2]),
      RangeError,
      'fitTemperature: target[0] is 2, outside [0, 2) (ignoreIndex -100)',
    ],
    [() => fitTemperature([[1, 2]], [2], { labels: [0, 1] }), RangeError, 'target[0] is 2, not one of labels [0, 1]'],
    [() => fitTemperature([[1, 2]], [0], unsafe({ bins: 3 })), TypeError, 'unknown option "bins"'],
  ])('says what is wrong: %#', (run, error, says) => {
    expect(run).toThrow(error);
    expect(run).toThrow(says);
  });
});

it('rows go back where they came from', () => {
  const data = [1, 2, 3, 4, 5, 6];
  expect(fromRows(rowsOf(data, [1, 3, 2], 1), [1, 3, 2], 1)).toEqual(data);
});
