import { softmax } from 'lossmith';

/** The class with the largest value of every row of logits [rows, classes, …inner]: [rows, …inner]. */
export function largest(logits, classes, inner = 1) {
  const best = new Int32Array(logits.length / classes);
  for (let i = 0; i < best.length; i++) {
    const start = Math.floor(i / inner) * classes * inner + (i % inner);
    for (let c = 1; c < classes; c++) if (logits[start + c * inner] > logits[start + best[i] * inner]) best[i] = c;
  }
  return best;
}

/** The probability of every group of a component, row by row: the sum over its classes. */
export function marginals(logits, groupOf) {
  const [classes, groups] = [groupOf.length, Math.max(...groupOf) + 1];
  const { data } = softmax({ data: logits, shape: [logits.length / classes, classes] });
  const sums = new Float32Array((data.length / classes) * groups);
  data.forEach((probability, i) => {
    sums[Math.floor(i / classes) * groups + groupOf[i % classes]] += probability;
  });
  return sums;
}

/** The share of equal entries. */
export function accuracy(name, predicted, actual) {
  const right = actual.reduce((sum, value, i) => sum + (predicted[i] === value ? 1 : 0), 0);
  return { name, value: right / actual.length, note: `${right} of ${actual.length}` };
}

/** The share of the most frequent value: what a constant guess would reach. */
export function commonest(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Math.max(...counts.values()) / values.length;
}

/** R²: the share of the target's variance that is explained (0: no better than the mean). One of the arrays is `unit` unitNames. */
export function rSquared(predicted, actual, unit, unitName) {
  const mean = actual.reduce((sum, value) => sum + value, 0) / actual.length;
  const rest = actual.reduce((sum, value, i) => sum + (value - predicted[i]) ** 2, 0);
  const total = actual.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const error = Number((unit * Math.sqrt(rest / actual.length)).toPrecision(3));
  return { name: 'R²', value: 1 - rest / total, note: `typical error ${error} ${unitName}`.trim() };
}
