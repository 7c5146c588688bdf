import { bceWithLogits, componentCrossEntropy, crossEntropy, mse, softmax } from 'lossmith';
import { distinct } from './columns.mjs';
import { scaleOf } from './features.mjs';
import { accuracy, commonest, largest, rSquared } from './metrics.mjs';
import { prepareData } from './penguins.mjs';
import { splitRows } from './random.mjs';

/** @typedef {import('./columns.mjs').Column} Column */
/** @typedef {import('./penguins.mjs').Rows} Rows */
/** @typedef {import('./train.mjs').Task} Task */
/** @typedef {ReturnType<typeof import('./penguins.mjs').loadPenguins>} Penguins */

/**
 * Makes the targets of some rows; what depends on a mean takes it from the training rows.
 *
 * @template T
 * @typedef {(rows: number[], trainRows: number[]) => T} TargetOf
 */

/**
 * The five tasks. All use the same split, so a test bird is unknown to every model; each leaves out the birds that miss
 * something it needs.
 *
 * @param {Penguins} penguins
 * @param {{ seed: number, alpha: number, beta: number, joint: number }} settings
 * @returns {Task[]}
 */
export function penguinTasks(penguins, { seed, alpha, beta, joint }) {
  const rows = splitRows(penguins.species.values.length, seed);
  return [
    speciesTask(penguins, rows),
    speciesAndSexTask(penguins, rows, { alpha, beta, joint }),
    yesNoTask(penguins, rows),
    massTask(penguins, rows),
    binnedTask(penguins, rows),
  ];
}

/** @param {Penguins} penguins */
const measurements = ({ beakLength, beakDepth, flipperLength, mass }) => [beakLength, beakDepth, flipperLength, mass];

/**
 * Which of three species, from the four measurements: class indices and plain cross entropy.
 *
 * @param {Penguins} penguins
 * @param {Rows} rows
 * @returns {Task}
 */
function speciesTask(penguins, rows) {
  const classes = distinct(penguins.species);
  /** @type {TargetOf<Int32Array>} */
  const targetOf = (part) => Int32Array.from(part, (row) => classes.indexOf(penguins.species.values[row]));
  return {
    ...prepareData(rows, measurements(penguins), [penguins.species], targetOf),
    name: 'species',
    lossName: 'crossEntropy',
    loss: crossEntropy,
    options: {},
    outputShape: [classes.length],
    targetShape: [],
    curvature: 1 / 2,
    score: (logits, { target }) => [accuracy('accuracy', largest(logits, classes.length), target)],
  };
}

/**
 * Species and sex together as six composite classes. The component loss charges alpha for the wrong species and beta
 * for the wrong sex; joint adds plain cross entropy on the six classes.
 *
 * @param {Penguins} penguins
 * @param {Rows} rows
 * @param {{ alpha: number, beta: number, joint: number }} weights
 * @returns {Task}
 */
function speciesAndSexTask(penguins, rows, { alpha, beta, joint }) {
  const species = distinct(penguins.species);
  const sexes = distinct(penguins.sex);
  const classes = species.flatMap((_, s) => sexes.map((_, x) => ({ species: s, sex: x })));
  const components = [classes.map((each) => each.species), classes.map((each) => each.sex)];
  /** @param {number} row */
  const classOf = (row) =>
    species.indexOf(penguins.species.values[row]) * sexes.length + sexes.indexOf(penguins.sex.values[row]);
  return {
    ...prepareData(rows, measurements(penguins), [penguins.species, penguins.sex], (part) =>
      Int32Array.from(part, classOf),
    ),
    name: 'species × sex',
    lossName: 'componentCrossEntropy',
    loss: componentCrossEntropy,
    options: { components, weights: [alpha, beta], jointWeight: joint },
    componentNames: ['species', 'sex'],
    outputShape: [classes.length],
    targetShape: [],
    curvature: (alpha + beta + joint) / 2,
    score: (logits, { rows: count, target }) => [
      accuracy('joint accuracy', largest(logits, classes.length), target),
      ...['species accuracy', 'sex accuracy'].map((name, m) => {
        const marginals = marginalProbabilities(logits, count, components[m]);
        const groups = Math.max(...components[m]) + 1;
        return accuracy(
          name,
          largest(marginals, groups),
          Int32Array.from(target, (each) => components[m][each]),
        );
      }),
    ],
  };
}

/**
 * The probability of every group of a component: the sum over its classes.
 *
 * @param {Float32Array} logits [rows, classes]
 * @param {number} rows
 * @param {number[]} groupOf the group of each class
 */
function marginalProbabilities(logits, rows, groupOf) {
  const classes = groupOf.length;
  const groups = Math.max(...groupOf) + 1;
  const probabilities = softmax({ data: logits, shape: [rows, classes] }).data;
  const sums = new Float32Array(rows * groups);
  for (let i = 0; i < probabilities.length; i++) {
    sums[Math.floor(i / classes) * groups + groupOf[i % classes]] += probabilities[i];
  }
  return sums;
}

/**
 * Three independent yes/no questions about every bird, from beak, flipper and species. posWeight makes the rare "yes"
 * of a question count as much as all its "no" together.
 *
 * @param {Penguins} penguins
 * @param {Rows} rows
 * @returns {Task}
 */
function yesNoTask(penguins, rows) {
  const { species, beakLength, beakDepth, flipperLength, sex, island, mass } = penguins;
  /** @type {{ name: string, holds: (row: number) => boolean }[]} */
  const questions = [
    { name: 'female', holds: (row) => sex.values[row] === 'FEMALE' },
    { name: 'on Biscoe', holds: (row) => island.values[row] === 'Biscoe' },
    { name: 'over 5 kg', holds: (row) => mass.values[row] > 5000 },
  ];
  const count = questions.length;
  /** @type {TargetOf<Float32Array>} */
  const targetOf = (part) =>
    Float32Array.from(part.flatMap((row) => questions.map(({ holds }) => (holds(row) ? 1 : 0))));
  const prepared = prepareData(rows, [beakLength, beakDepth, flipperLength, species], [sex, island, mass], targetOf);
  const yes = new Float32Array(count);
  prepared.train.target.forEach((value, i) => {
    yes[i % count] += value;
  });
  const posWeight = yes.map((positives) => (prepared.train.rows - positives) / positives);
  return {
    ...prepared,
    name: 'yes/no labels',
    lossName: 'bceWithLogits',
    loss: bceWithLogits,
    options: { posWeight },
    outputShape: [count],
    targetShape: [count],
    curvature: Math.max(1, ...posWeight) / 4 / count,
    score: (logits, { target }) => {
      const answers = logits.map((logit) => (logit > 0 ? 1 : 0));
      /** @type {(values: ArrayLike<number>, q: number) => number[]} */
      const ofQuestion = (values, q) => Array.from(values).filter((_, i) => i % count === q);
      return [
        accuracy('answers right', answers, target),
        ...questions.map(({ name }, q) => accuracy(name, ofQuestion(answers, q), ofQuestion(target, q))),
      ];
    },
  };
}

/**
 * Body mass, in standard deviations from the mean, from everything else.
 *
 * @param {Penguins} penguins
 * @param {Rows} rows
 * @returns {Task}
 */
function massTask(penguins, rows) {
  const { species, island, sex, beakLength, beakDepth, flipperLength, mass } = penguins;
  let unit = 1;
  /** @type {TargetOf<Float32Array>} */
  const targetOf = (part, trainRows) => {
    const { mean, deviation } = scaleOf(trainRows.map((row) => mass.values[row]));
    unit = deviation;
    return Float32Array.from(part, (row) => (mass.values[row] - mean) / deviation);
  };
  return {
    ...prepareData(rows, [species, island, sex, beakLength, beakDepth, flipperLength], [mass], targetOf),
    name: 'body mass',
    lossName: 'mse',
    loss: mse,
    options: {},
    outputShape: [1],
    targetShape: [1],
    curvature: 2,
    score: (logits, { target }) => [rSquared(logits, target, unit, 'g')],
  };
}

/** A measurement this many standard deviations from the mean is below or above average. */
const AROUND = 0.5;

/**
 * All four measurements at once as below (-1), around (0) or above (1) average, from species, island and sex. The
 * logits are [rows, 3, 4]: the class axis comes second, one answer for each position behind it. The targets stay -1, 0
 * and 1: `labels` names the classes in order.
 *
 * @param {Penguins} penguins
 * @param {Rows} rows
 * @returns {Task}
 */
function binnedTask(penguins, rows) {
  const binned = measurements(penguins);
  const labels = [-1, 0, 1];
  /** @type {TargetOf<Int8Array>} */
  const targetOf = (part, trainRows) => {
    const scales = binned.map((column) => scaleOf(trainRows.map((row) => column.values[row])));
    /** @param {number} row */
    const bin = (row) =>
      binned.map((column, k) => {
        const distance = (column.values[row] - scales[k].mean) / scales[k].deviation;
        return Math.abs(distance) <= AROUND ? 0 : Math.sign(distance);
      });
    return Int8Array.from(part.flatMap(bin));
  };
  const { species, island, sex } = penguins;
  const prepared = prepareData(rows, [species, island, sex], binned, targetOf);
  const count = binned.length;
  return {
    ...prepared,
    name: 'measurements',
    lossName: `crossEntropy [N,${labels.length},${count}]`,
    loss: crossEntropy,
    options: { labels },
    outputShape: [labels.length, count],
    targetShape: [count],
    curvature: 1 / 2 / count,
    score: (logits, { target }) => {
      const answers = largest(logits, labels.length, count).map((index) => labels[index]);
      const score = accuracy('answers right', answers, target);
      return [{ ...score, note: `${score.note}, most frequent answer ${(100 * commonest(target)).toFixed(1)} %` }];
    },
  };
}
