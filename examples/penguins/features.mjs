import { distinct } from './columns.mjs';

/** @typedef {import('./columns.mjs').Column} Column */

/**
 * Standardised values beyond this are clipped, so that one outlier cannot throw a whole step of the training.
 */
const CLIP = 6;

/**
 * @typedef {object} Scale
 * @property {number} mean
 * @property {number} deviation never 0
 */

/**
 * Mean and standard deviation of the values that are there.
 *
 * @param {(number | null)[]} values
 * @returns {Scale}
 */
export function scaleOf(values) {
  const known = /** @type {number[]} */ (values.filter((value) => value !== null));
  const mean = known.reduce((sum, value) => sum + value, 0) / Math.max(known.length, 1);
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(known.length, 1);
  return { mean, deviation: Math.sqrt(variance) || 1 };
}

/**
 * Turns columns into the matrices that a linear model reads. A number becomes its distance from the mean in standard
 * deviations, both measured on the training rows (a missing one becomes the mean: 0). A text becomes one 0/1 feature
 * for each of its values, and one for "missing" where that occurs.
 *
 * @param {Column[]} columns
 * @param {{ train: number[], test: number[] }} rows the rows to use, by number
 * @returns {{ names: string[], train: Float32Array, test: Float32Array }} matrices [rows, names], row by row
 */
export function featureMatrices(columns, rows) {
  const features = columns.flatMap((column) =>
    column.type === 'number'
      ? [numberFeature(column, rows.train)]
      : textFeatures(column, [...rows.train, ...rows.test]),
  );
  return {
    names: features.map((feature) => feature.name),
    train: fill(features, rows.train),
    test: fill(features, rows.test),
  };
}

/**
 * @param {{ at: (row: number) => number }[]} features
 * @param {number[]} rows
 */
function fill(features, rows) {
  const matrix = new Float32Array(rows.length * features.length);
  rows.forEach((row, i) => {
    features.forEach((feature, f) => {
      matrix[i * features.length + f] = feature.at(row);
    });
  });
  return matrix;
}

/**
 * @param {Column} column
 * @param {number[]} trainRows
 */
function numberFeature(column, trainRows) {
  const { values } = column;
  const { mean, deviation } = scaleOf(trainRows.map((row) => values[row]));
  /** @param {number} row */
  const at = (row) => Math.min(CLIP, Math.max(-CLIP, ((values[row] ?? mean) - mean) / deviation));
  return { name: column.name, at };
}

/**
 * @param {Column} column
 * @param {number[]} rows
 */
function textFeatures(column, rows) {
  const values = rows.map((row) => column.values[row]);
  const known = distinct({ ...column, values });
  const categories = values.includes(null) ? [...known, null] : known;
  return categories.map((category) => ({
    name: `${column.name} = ${category ?? 'missing'}`,
    /** @param {number} row */
    at: (row) => (column.values[row] === category ? 1 : 0),
  }));
}
