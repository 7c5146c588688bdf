/** @typedef {import('./train.mjs').Score} Score */

/**
 * The class with the largest value of every row of logits [rows, classes, …inner].
 *
 * @param {ArrayLike<number>} logits
 * @param {number} classes
 * @param {number} [inner] positions that follow the class axis
 * @returns {Int32Array} [rows, …inner]
 */
export function largest(logits, classes, inner = 1) {
  const rows = logits.length / (classes * inner);
  const best = new Int32Array(rows * inner);
  for (let n = 0; n < rows; n++) {
    for (let k = 0; k < inner; k++) {
      const start = n * classes * inner + k;
      for (let c = 1; c < classes; c++) {
        if (logits[start + c * inner] > logits[start + best[n * inner + k] * inner]) best[n * inner + k] = c;
      }
    }
  }
  return best;
}

/**
 * The share of equal entries.
 *
 * @param {string} name
 * @param {ArrayLike<number>} predicted
 * @param {ArrayLike<number>} actual
 * @returns {Score}
 */
export function accuracy(name, predicted, actual) {
  let right = 0;
  for (let i = 0; i < actual.length; i++) if (predicted[i] === actual[i]) right++;
  return { name, value: right / actual.length, note: `${right} of ${actual.length}` };
}

/**
 * The share of the most frequent value: what a constant guess would reach.
 *
 * @param {ArrayLike<number>} values
 */
export function commonest(values) {
  const counts = new Map();
  for (const value of Array.from(values)) counts.set(value, (counts.get(value) ?? 0) + 1);
  return Math.max(...counts.values()) / values.length;
}

/**
 * R²: the share of the target's variance that the prediction explains (1: all of it, 0: no better than the mean).
 *
 * @param {ArrayLike<number>} predicted
 * @param {ArrayLike<number>} actual
 * @param {number} unit one unit of these arrays, in the unit of the note
 * @param {string} unitName
 * @returns {Score}
 */
export function rSquared(predicted, actual, unit, unitName) {
  const values = Array.from(actual);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const rest = values.reduce((sum, value, i) => sum + (value - predicted[i]) ** 2, 0);
  const total = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const error = unit * Math.sqrt(rest / values.length);
  return {
    name: 'R²',
    value: 1 - rest / total,
    note: `typical error ${Number(error.toPrecision(3))} ${unitName}`.trim(),
  };
}
