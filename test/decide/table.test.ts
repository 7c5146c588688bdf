// The table of https://stats.stackexchange.com/q/207794: five samples of five labels, their cross entropies as TensorFlow printed
// them and the labels predicted at 0.5; and the accuracy that the answer leaves to its reader.

import { describe, expect, it } from 'vitest';
import { argmax, predictLabels } from '../../src/decide/index.ts';
import { bceWithLogits, crossEntropy, tensor } from '../../src/index.ts';
import { accuracy, hamming, precisionRecallF1, subsetAccuracy } from '../../src/metrics/index.ts';
import { softmax } from '../reference/decide/decisions.ts';

const logits = [
  [1.4397182, -0.7993438, 4.113389, 3.2199187, 4.5777845],
  [0.30619335, 0.10168511, 4.253479, 2.3782277, 4.7390924],
  [1.124632, 1.6056736, 2.9778094, 2.0808482, 2.0735667],
  [0.7051575, -0.10341895, 4.990803, 3.7019827, 3.8265839],
  [0.6333333, -0.76601076, 3.2255085, 2.7842572, 5.3817415],
];
const labels = [
  [1, 1, 0, 0, 0],
  [0, 1, 0, 0, 1],
  [1, 1, 1, 1, 0],
  [0, 0, 1, 0, 1],
  [1, 1, 1, 1, 1],
];
/** Cross entropies, to the digits printed. */
const printed = [
  ['0.21268466', '1.170648', '4.129609', '3.2590992', '4.58801'],
  ['0.85791767', '0.64359653', '4.2675934', '2.466893', '0.00870855'],
  ['0.28124034', '0.18294993', '0.04965096', '0.11762683', '2.1920042'],
  ['1.1066352', '0.64277405', '0.00677719', '3.7263577', '0.02155003'],
  ['0.42580318', '1.147773', '0.03896642', '0.059942', '0.00458926'],
];
const predicted = [
  [1, 0, 1, 1, 1],
  [1, 1, 1, 1, 1],
  [1, 1, 1, 1, 1],
  [1, 0, 1, 1, 1],
  [1, 0, 1, 1, 1],
];

/** The distance of float32 values at a number. */
const ulp = (value: number): number => 2 ** (Math.floor(Math.log2(value)) - 23);
/** Half a unit of the last digit; NumPy prints at most eight decimals and drops zeros behind them. */
const half = (text: string): number => 0.5 * 10 ** -Math.max(7, text.split('.')[1]?.length ?? 0);

describe('the table', () => {
  const { loss } = bceWithLogits(logits, labels, { reduction: 'none' });

  it('has 25 cross entropies, and ours are those to the last printed digit', () => {
    printed.flat().forEach((text, i) => {
      // the printed value is a float32 of another kernel, which may be the neighbour of the right one
      const value = Number(text);
      expect(Math.abs((loss.data[i] as number) - value), text).toBeLessThanOrEqual(half(text) + ulp(value));
    });
  });

  it('has 25 predictions, and a loss of two meanings', () => {
    expect([...predictLabels(logits).data]).toEqual(predicted.flat());
    const batchmean = bceWithLogits(logits, labels, { reduction: 'batchmean' }).loss;
    expect(batchmean).toBeCloseTo(6.3218801, 6);
    expect(bceWithLogits(logits, labels).loss).toBeCloseTo(1.264376, 6);
    const rows = [13.3600507, 8.2447093, 2.8234722, 5.5040942, 1.6770739];
    rows.forEach((sum, i) => {
      const own = loss.data.subarray(5 * i, 5 * i + 5).reduce((a, b) => a + b, 0);
      expect(own).toBeCloseTo(sum, 5);
    });
  });

  it('shows how one accuracy misleads: 14 of 25 labels, no sample, micro-F1 .7027', () => {
    expect(accuracy(predicted, labels)).toEqual({ accuracy: 14 / 25, sum: 14, count: 25 });
    expect(hamming(predicted, labels).sum).toBe(11);
    expect(subsetAccuracy(predicted, labels)).toEqual({ subsetAccuracy: 0, sum: 0, count: 5 });
    const { f1, truePositives, falsePositives, falseNegatives } = precisionRecallF1(predicted, labels);
    const sum = ({ data }: { data: Float64Array }): number => data.reduce((a, b) => a + b, 0);
    expect([truePositives, falsePositives, falseNegatives].map(sum)).toEqual([13, 9, 2]);
    expect(f1.toFixed(4)).toBe('0.7027');
    const perLabel = [0, 1, 2, 3, 4].map(
      (l) =>
        accuracy(
          predicted.map((row) => row[l] as number),
          labels.map((row) => row[l] as number),
        ).accuracy,
    );
    expect(perLabel).toEqual([0.6, 0.6, 0.6, 0.4, 0.6]);
    expect([...argmax(logits).data]).toEqual([4, 4, 2, 2, 4]);
  });

  it('has a right gradient under softmax although its rows add up to more than 1', () => {
    const row = tensor([logits[2] as number[]]);
    const target = tensor(Float32Array.of(1, 1, 1, 1, 0), [1, 5]);
    const { loss: value, grad } = crossEntropy(row, target);
    expect(value).toBeCloseTo(7.31763, 5);
    // 4·p − y, four being what the row adds up to; p − y, which kernels for distributions give, has the wrong sign at the third label
    softmax(logits[2] as number[]).forEach((p, c) => {
      const y = labels[2]?.[c] as number;
      expect(grad.data[c]).toBeCloseTo(4 * p - y, 6);
      expect(p - y).toBeCloseTo([-0.929, -0.886, -0.55, -0.817, 0.182][c] as number, 3);
    });
    expect(grad.data[2]).toBeGreaterThan(0.79);
  });
});
