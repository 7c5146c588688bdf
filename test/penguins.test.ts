import { defaultEngine } from 'lossmith';
import { describe, expect, it } from 'vitest';
import { example, type Settings, type Task, type Tensor } from './penguins/example.ts';
import { trainInFloat64 } from './penguins/float64.ts';

const { loadPenguins } = await example('penguins/penguins.mjs');
const { penguinTasks } = await example('penguins/tasks.mjs');
const { train, createHead, BATCH_ROWS, MOMENTUM } = await example('penguins/train.mjs');

const DEFAULTS: Settings = { seed: 1, alpha: 1, beta: 1, joint: 0.5 };
const STEPS = 1000;
const penguins = loadPenguins();
const tasks = penguinTasks(penguins, DEFAULTS);
const componentTask = (settings: Partial<Settings>) => penguinTasks(penguins, { ...DEFAULTS, ...settings })[1]!;

describe('the penguin tasks', () => {
  it('reads 344 birds, the sex "." as missing', () => {
    expect(penguins.species!.values).toHaveLength(344);
    expect(penguins.sex!.values.filter((value) => value === null)).toHaveLength(11);
    expect(penguins.mass!.values.filter((value) => value === null)).toHaveLength(2);
  });

  it('uses every bird that has what a task needs, three quarters of them to train', () => {
    expect(tasks.map(({ train, test }) => train.rows + test.rows)).toEqual([342, 333, 333, 333, 333]);
    for (const task of tasks) {
      expect(task.train.rows / (task.train.rows + task.test.rows)).toBeCloseTo(0.75, 1);
      expect(task.train.x).toHaveLength(task.train.rows * task.features.length);
      expect(task.train.x.every(Number.isFinite)).toBe(true);
    }
  });

  it('standardises the features on the training rows', () => {
    const { x, rows } = tasks[0]!.train;
    for (let f = 0; f < 4; f++) {
      const column = Array.from({ length: rows }, (_, i) => x[i * 4 + f]!);
      const mean = column.reduce((sum, value) => sum + value, 0) / rows;
      const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / rows;
      expect(mean).toBeCloseTo(0, 5);
      expect(variance).toBeCloseTo(1, 5);
    }
  });

  it('gives each loss the form of target that it is meant to show', () => {
    const [species, both, yesNo, mass, binned] = tasks.map((task) => task.train.target) as [
      Int32Array,
      Int32Array,
      Float32Array,
      Float32Array,
      Int8Array,
    ];
    expect([...new Set(species)].sort()).toEqual([0, 1, 2]);
    expect([...new Set(both)].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...new Set(yesNo)].sort()).toEqual([0, 1]);
    expect(new Set(mass).size).toBeGreaterThan(50);
    expect([...new Set(binned)].sort((a, b) => a - b)).toEqual([-1, 0, 1]);
    expect(tasks[4]!.options.labels).toEqual([-1, 0, 1]);
    expect(tasks[4]!.outputShape).toEqual([3, 4]);
  });

  it('weighs the positives of a label by negatives / positives', () => {
    const { options, train } = tasks[2]!;
    for (let label = 0; label < 3; label++) {
      const yes = Array.from(train.target).filter((value, i) => i % 3 === label && value === 1).length;
      expect(options.posWeight![label]).toBeCloseTo((train.rows - yes) / yes, 5);
    }
  });

  it('repeats a run exactly, and another seed makes another split', () => {
    const again = penguinTasks(penguins, DEFAULTS)[0]!;
    const other = penguinTasks(penguins, { ...DEFAULTS, seed: 2 })[0]!;
    expect(again.train.x).toEqual(tasks[0]!.train.x);
    expect(other.train.x).not.toEqual(tasks[0]!.train.x);
    expect(train(again, { steps: 20 }).curve).toEqual(train(tasks[0]!, { steps: 20 }).curve);
  });

  it('takes loss and gradient from one prepared step', () => {
    const task = tasks[0]!;
    let calls = 0;
    let freed = 0;
    const { forward } = task.loss.linear;
    const prepare: Task['loss']['linear']['prepare'] = (x, head, target) => {
      const zeros = ({ data, shape }: Tensor) => ({ data: new Float32Array(data.length), shape });
      const step = () => {
        calls++;
        return forward(x, head, target, {}).loss;
      };
      return Object.assign(step, {
        grad: { weight: zeros(head.weight), bias: zeros(head.bias) },
        free: () => void freed++,
      });
    };
    const { head } = train({ ...task, loss: { linear: { forward, prepare } } }, { steps: 7 });
    expect(calls).toBe(7);
    expect(freed).toBe(1);
    expect(head.weight.data).toEqual(createHead(4, 3, 1).weight.data); // the gradient is 0
  });

  it('keeps nothing in memory but the head', () => {
    const { liveTensors } = defaultEngine().stats();
    train(tasks[0]!, { steps: 3 });
    expect(defaultEngine().stats().liveTensors).toBe(liveTensors + 2);
  });
});

describe('each training, repeated in float64', () => {
  const cases: [string, Task][] = [
    ...tasks.map((task): [string, Task] => [`${task.name}, ${task.lossName}`, task]),
    ...[
      { alpha: 5, beta: 0.2 },
      { alpha: 0.2, beta: 5, joint: 0 },
      { alpha: 0, beta: 0, joint: 1 },
    ].map((settings): [string, Task] => [`species × sex ${JSON.stringify(settings)}`, componentTask(settings)]),
    ['species, another seed', penguinTasks(penguins, { ...DEFAULTS, seed: 7 })[0]!],
  ];

  it.each(cases)('%s', (_, task) => {
    expect(task.train.rows).toBeLessThanOrEqual(BATCH_ROWS); // every step sees every row, in the same order
    const outputs = task.outputShape.reduce((product, size) => product * size, 1);
    const start = createHead(task.features.length, outputs, 1);
    const result = train(task, { steps: STEPS, seed: 1 });
    const exact = trainInFloat64(
      task,
      { weight: start.weight.data, bias: start.bias.data },
      { steps: STEPS, rate: result.rate, momentum: MOMENTUM },
    );

    const errors = exact.curve.map((loss, step) => Math.abs(result.curve[step]! - loss) / loss);
    expect(Math.max(...errors)).toBeLessThan(1e-4);
    expect(Math.abs(result.initialLoss - exact.curve[0]!) / exact.curve[0]!).toBeLessThan(1e-4);
    expect(Math.abs(result.finalLoss - exact.finalLoss) / exact.finalLoss).toBeLessThan(1e-4);
    expect(result.finalLoss).toBeLessThan(0.5 * result.initialLoss);

    // the picture shows these points of both curves
    expect(result.points.at(-1)!.step).toBe(STEPS);
    result.points.forEach(({ step, train, heldOut }, i) => {
      const part = exact.curve.slice(result.points[i - 1]?.step ?? 0, step);
      const mean = part.reduce((sum, loss) => sum + loss, 0) / part.length;
      expect(Math.abs(train - mean) / mean).toBeLessThan(1e-4);
      expect(Math.abs(heldOut - exact.heldOut[step - 1]!) / exact.heldOut[step - 1]!).toBeLessThan(1e-4);
    });

    const expected = task.score(Float32Array.from(exact.testLogits), task.test.target);
    expect(result.scores.map((score) => score.name)).toEqual(expected.map((score) => score.name));
    result.scores.forEach((score, i) => {
      const oneRow = score.name === 'R²' ? 1e-4 : 1 / task.test.rows;
      expect(Math.abs(score.value - expected[i]!.value)).toBeLessThanOrEqual(oneRow + 1e-9);
    });
  });

  it('predicts far better than a constant', () => {
    const [species, both, yesNo, mass, binned] = tasks.map((task) => train(task, { steps: STEPS }).scores[0]!.value);
    expect(species).toBeGreaterThan(0.95);
    expect(both).toBeGreaterThan(0.8);
    expect(yesNo).toBeGreaterThan(0.8);
    expect(mass).toBeGreaterThan(0.8);
    expect(binned).toBeGreaterThan(0.65);
  });

  it('decodes species and sex from the marginals', () => {
    const { score } = componentTask({});
    // P = (0.4, 0, 0.3, 0.3, 0, 0): the likeliest class is species 0, sex 0; the likeliest species is 1, sex 0 has 0.7.
    const logits = Float32Array.from([0.4, 1e-9, 0.3, 0.3, 1e-9, 1e-9], Math.log);
    const values = (target: number) => score(logits, Int32Array.of(target)).map(({ value }) => value);
    expect(values(0)).toEqual([1, 0, 1]);
    expect(values(2)).toEqual([0, 1, 1]);
    expect(values(3)).toEqual([0, 1, 0]);
  });

  it('is turned by alpha and beta', () => {
    const losses = (settings: Partial<Settings>) => [
      ...train(componentTask({ joint: 0, ...settings }), { steps: 50 }).componentLosses!.data,
    ];
    const [speciesFirst, sexFirst] = [losses({ alpha: 5, beta: 0.2 }), losses({ alpha: 0.2, beta: 5 })];
    expect(speciesFirst[0]).toBeLessThan(0.5 * sexFirst[0]!);
    expect(sexFirst[1]).toBeLessThan(0.7 * speciesFirst[1]!);
  });
});
