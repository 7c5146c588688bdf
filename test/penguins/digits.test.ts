/** The head on handwritten digits: the backbone, both tasks, and the table that compares them. */
import { describe, expect, it } from 'vitest';
import { example, type Result } from './example.ts';

const { FEATURES, featuresOf } = await example('digits/backbone.mjs');
const { digitTasks, comparisonLines } = await example('digits/digits.mjs');
const { train } = await example('penguins/train.mjs');

const image = (at: (row: number, column: number) => number) =>
  Float64Array.from({ length: 28 * 28 }, (_, i) => at(Math.floor(i / 28), i % 28));

describe('the backbone', () => {
  it('gives nothing for an even image', () => {
    expect(featuresOf(image(() => 0.7))).toEqual(new Float32Array(FEATURES));
  });

  it('counts an edge in its direction and its cells', () => {
    const edge = (direction: number, at: (row: number, column: number) => boolean) => {
      const features = featuresOf(image((row, column) => Number(at(row, column))));
      const cells = [...new Set(Array.from(features, (value, f) => (value > 0 ? Math.floor(f / 8) : -1)))];
      const directions = new Set(Array.from(features, (value, f) => (value > 0 ? f % 8 : -1)));
      expect([...directions].filter((each) => each >= 0)).toEqual([direction]);
      return cells.filter((cell) => cell >= 0);
    };
    const column = [1, 5, 9, 13]; // of the second column of cells, 7 to 13
    expect(edge(0, (_, c) => c >= 10)).toEqual(column);
    expect(edge(4, (_, c) => c < 10)).toEqual(column);
    expect(edge(2, (r) => r >= 10)).toEqual([4, 5, 6, 7]);
    expect(edge(6, (r) => r < 10)).toEqual([4, 5, 6, 7]);
  });

  it('shares a direction between its neighbours, and takes the root of sums', () => {
    // the brightness grows twice as fast to the right as downwards
    const slope = featuresOf(image((row, column) => (2 * column + row) / 100));
    const share = (Math.atan2(1, 2) / (2 * Math.PI)) * 8;
    const size = (49 * Math.hypot(4, 2)) / 100;
    const middle = 5 * 8;
    expect(slope[middle]).toBeCloseTo(Math.sqrt(size * (1 - share)), 5);
    expect(slope[middle + 1]).toBeCloseTo(Math.sqrt(size * share), 5);
    expect([...slope.subarray(middle + 2, middle + 8)]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('the digits', () => {
  const tasks = digitTasks(1);
  const results = tasks.map((task) => train(task, { steps: 150 }));
  const [byClass, byQuestion] = results as [Result, Result];
  const target = tasks[0]!.test.target;
  const rowOf = ({ logits }: Result, row: number) => [...logits.subarray(10 * row, 10 * row + 10)];

  it('are 10,000 of ten classes, the same for both heads', () => {
    expect(tasks.map(({ train, test }) => [train.rows, test.rows])).toEqual([
      [7500, 2500],
      [7500, 2500],
    ]);
    expect([...new Set(target)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const part of ['train', 'test'] as const) {
      const [indices, oneHot] = tasks.map((task) => task[part]);
      expect(oneHot!.x).toBe(indices!.x);
      for (let row = 0; row < indices!.rows; row += 97) {
        const labels = [...oneHot!.target.subarray(10 * row, 10 * row + 10)];
        expect(labels).toEqual(labels.map((_, digit) => Number(digit === indices!.target[row])));
      }
    }
  });

  it('are learned both ways', () => {
    for (const { scores } of results) expect(scores[0]!.value).toBeGreaterThan(0.95);
    expect(train(tasks[1]!, { steps: 20 }).curve).toEqual(byQuestion.curve.slice(0, 20));
  });

  it('are compared by what the logits say', () => {
    const cells = comparisonLines(results)
      .slice(3)
      .map((line) => line.split(/ {2,}/));
    const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
    const answers = {
      crossEntropy: (row: number[]) => row.map((z) => Math.exp(z) / sum(row.map(Math.exp))),
      bceWithLogits: (row: number[]) => row.map((z) => 1 / (1 + Math.exp(-z))),
    };
    for (const [i, result] of [byClass, byQuestion].entries()) {
      const name = result.task.lossName as keyof typeof answers;
      const rows = Array.from(target, (digit, row) => {
        const yes = answers[name](rowOf(result, row));
        const probabilities = yes.map((each) => each / sum(yes));
        const sure = Math.max(...probabilities);
        return {
          yes: yes.filter((each) => each > 0.5).length,
          surprise: -Math.log(probabilities[digit]!),
          sure,
          right: Number(probabilities.indexOf(sure) === digit),
        };
      });
      const bins = Array.from({ length: 15 }, (_, bin) =>
        rows.filter(({ sure }) => Math.min(14, Math.floor(15 * sure)) === bin),
      );
      const gaps = bins.map((bin) => Math.abs(sum(bin.map(({ sure, right }) => right - sure))));
      const [loss, accuracy, surprise, calibration, none, several] = cells[i]!.map((cell) => cell.trim());
      expect(loss).toBe(name);
      expect(Number.parseFloat(accuracy!)).toBeCloseTo((100 * sum(rows.map(({ right }) => right))) / rows.length, 1);
      expect(Number(surprise)).toBeCloseTo(sum(rows.map((row) => row.surprise)) / rows.length, 2);
      expect(Number(calibration)).toBeCloseTo(sum(gaps) / rows.length, 2);
      expect(Number(none)).toBe(rows.filter(({ yes }) => yes === 0).length);
      expect(Number(several)).toBe(rows.filter(({ yes }) => yes > 1).length);
    }
    // no distribution has two classes above one half
    expect(cells.map(([, , , , , several]) => Number(several) > 0)).toEqual([false, true]);
  });
});
