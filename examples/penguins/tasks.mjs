/** The five tasks of the penguins: which loss with which options, which target, and how to read the answers. */
import { bceWithLogits, componentCrossEntropy, crossEntropy, mse } from 'lossmith';
import { distinct } from './columns.mjs';
import { scaleOf } from './features.mjs';
import { accuracy, commonest, largest, marginals, rSquared } from './metrics.mjs';
import { prepareData } from './penguins.mjs';
import { splitRows } from './random.mjs';
import { percent } from './words.mjs';

/** All tasks use the same split, so a test bird is unknown to every head; each leaves out the birds that miss something it needs. */
export function penguinTasks(penguins, settings) {
  const rows = splitRows(penguins.species.values.length, settings.seed);
  const tasks = [speciesTask, speciesAndSexTask, yesNoTask, massTask, binnedTask];
  return tasks.map((task) => task(penguins, rows, settings));
}

const measurements = ({ beakLength, beakDepth, flipperLength, mass }) => [beakLength, beakDepth, flipperLength, mass];

/** Which of three species, from the four measurements: class indices and plain cross entropy. */
function speciesTask(penguins, rows) {
  const { species } = penguins;
  const classes = distinct(species);
  const targetOf = (part) => Int32Array.from(part, (row) => classes.indexOf(species.values[row]));
  return { ...prepareData(rows, measurements(penguins), [species], targetOf), ...classification('species', classes) };
}

/** What class indices and plain cross entropy need. */
export function classification(name, classes) {
  return {
    name,
    lossName: 'crossEntropy',
    loss: crossEntropy,
    options: {},
    outputShape: [classes.length],
    classes,
    curvature: 1 / 2,
    score: (logits, target) => {
      const score = accuracy('accuracy', largest(logits, classes.length), target);
      return [{ ...score, note: `${score.note}, most frequent class ${percent(commonest(target))}` }];
    },
  };
}

/**
 * Species and sex together as six composite classes. The component loss charges alpha for the wrong species and beta for the wrong
 * sex; joint adds plain cross entropy on the six classes.
 */
function speciesAndSexTask(penguins, rows, { alpha, beta, joint }) {
  const parts = [penguins.species, penguins.sex];
  const [species, sexes] = parts.map(distinct);
  const components = [species.flatMap((_, s) => sexes.map(() => s)), species.flatMap(() => sexes.map((_, x) => x))];
  const classOf = (row) =>
    species.indexOf(penguins.species.values[row]) * sexes.length + sexes.indexOf(penguins.sex.values[row]);
  return {
    ...prepareData(rows, measurements(penguins), parts, (part) => Int32Array.from(part, classOf)),
    name: 'species × sex',
    lossName: 'componentCrossEntropy',
    loss: componentCrossEntropy,
    options: { components, weights: [alpha, beta], jointWeight: joint },
    componentNames: ['species', 'sex'],
    outputShape: [components[0].length],
    classes: species.flatMap((each) => sexes.map((sex) => `${each}, ${sex.toLowerCase()}`)),
    curvature: (alpha + beta + joint) / 2,
    score: (logits, target) => [
      accuracy('joint accuracy', largest(logits, components[0].length), target),
      ...components.map((groupOf, m) => {
        const decided = largest(marginals(logits, groupOf), Math.max(...groupOf) + 1);
        const truth = target.map((each) => groupOf[each]);
        return accuracy(`${['species', 'sex'][m]} accuracy`, decided, truth);
      }),
    ],
  };
}

/** Three yes/no questions about every bird. posWeight makes the rare "yes" of a question count as much as all its "no" together. */
function yesNoTask({ species, beakLength, beakDepth, flipperLength, sex, island, mass }, rows) {
  const questions = [
    { name: 'female', holds: (row) => sex.values[row] === 'FEMALE' },
    { name: 'on Biscoe', holds: (row) => island.values[row] === 'Biscoe' },
    { name: 'over 5 kg', holds: (row) => mass.values[row] > 5000 },
  ];
  const count = questions.length;
  const answersOf = (part) => Float32Array.from(part.flatMap((row) => questions.map(({ holds }) => holds(row))));
  const prepared = prepareData(rows, [beakLength, beakDepth, flipperLength, species], [sex, island, mass], answersOf);
  const ofQuestion = (values, q) => values.filter((_, i) => i % count === q);
  const posWeight = Float32Array.from(questions, (_, q) => {
    const yes = ofQuestion(prepared.train.target, q).reduce((sum, value) => sum + value, 0);
    return (prepared.train.rows - yes) / yes;
  });
  return {
    ...prepared,
    name: 'yes/no labels',
    lossName: 'bceWithLogits',
    loss: bceWithLogits,
    options: { posWeight },
    outputShape: [count],
    curvature: Math.max(1, ...posWeight) / 4 / count,
    score: (logits, target) => {
      const answers = logits.map((logit) => Number(logit > 0));
      return [
        accuracy('answers right', answers, target),
        ...questions.map(({ name }, q) => accuracy(name, ofQuestion(answers, q), ofQuestion(target, q))),
      ];
    },
  };
}

/** Body mass from everything else. */
function massTask({ species, island, sex, beakLength, beakDepth, flipperLength, mass }, rows) {
  const scale = scaleOf(rows.train.map((row) => mass.values[row]));
  const targetOf = (part) => Float32Array.from(part, (row) => (mass.values[row] - scale.mean) / scale.deviation);
  const features = [species, island, sex, beakLength, beakDepth, flipperLength];
  return { ...prepareData(rows, features, [mass], targetOf), ...regression('body mass', scale, 'g') };
}

/** What a quantity needs that is learned in standard deviations from its mean. */
export function regression(name, scale, unit) {
  return {
    name,
    lossName: 'mse',
    loss: mse,
    options: {},
    outputShape: [],
    quantity: { ...scale, unit },
    curvature: 2,
    score: (logits, target) => [rSquared(logits, target, scale.deviation, unit)],
  };
}

/** A measurement this many standard deviations from the mean is below or above average. */
const AROUND = 0.5;

/**
 * All four measurements at once as below (-1), around (0) or above (1) average, from species, island and sex. The logits are
 * [rows, 3, 4]: the class axis comes second. The targets stay -1, 0 and 1: `labels` names the classes in order.
 */
function binnedTask(penguins, rows) {
  const binned = measurements(penguins);
  const labels = [-1, 0, 1];
  const targetOf = (part, trainRows) => {
    const scales = binned.map(({ values }) => scaleOf(trainRows.map((row) => values[row])));
    const bin = (distance) => (Math.abs(distance) <= AROUND ? 0 : Math.sign(distance));
    const binsOf = (row) => binned.map(({ values }, k) => bin((values[row] - scales[k].mean) / scales[k].deviation));
    return Int8Array.from(part.flatMap(binsOf));
  };
  const { species, island, sex } = penguins;
  return {
    ...prepareData(rows, [species, island, sex], binned, targetOf),
    name: 'measurements',
    lossName: `crossEntropy [N,${labels.length},${binned.length}]`,
    loss: crossEntropy,
    options: { labels },
    outputShape: [labels.length, binned.length],
    curvature: 1 / 2 / binned.length,
    score: (logits, target) => {
      const answers = largest(logits, labels.length, binned.length).map((index) => labels[index]);
      const score = accuracy('answers right', answers, target);
      return [{ ...score, note: `${score.note}, most frequent answer ${percent(commonest(target))}` }];
    },
  };
}
