import { crossEntropy, mse } from 'lossmith';
import { columnFromCells, distinct, isMissing } from './columns.mjs';
import { readCsv } from './csv.mjs';
import { UserError } from './errors.mjs';
import { featureMatrices, scaleOf } from './features.mjs';
import { accuracy, commonest, largest, rSquared } from './metrics.mjs';
import { splitRows } from './random.mjs';
import { counted, shortened } from './words.mjs';

/** @typedef {import('./columns.mjs').Column} Column */
/** @typedef {import('./train.mjs').Task} Task */

/** A numeric target with more different values than this is a quantity, not a class. */
const MOST_NUMERIC_CLASSES = 20;

/** A text column with more different values than this is taken for names or numbers of the rows. */
const MOST_CATEGORIES = 50;

/** Fewer rows leave nothing to test on. */
const FEWEST_ROWS = 10;

/**
 * Makes a task of a table: predict one column from the others.
 *
 * @param {string} path
 * @param {{ name: string, target?: string, seed: number }} settings `name`: what to call the file in messages
 * @returns {{ task: Task, notes: string[] }}
 */
export function ownTableTask(path, { name, target, seed }) {
  const table = readCsv(path, name);
  const at = target === undefined ? -1 : table.header.indexOf(target.trim());
  if (at < 0) {
    const problem = target === undefined ? '--data needs --target COLUMN' : `${name} has no column "${target}"`;
    throw new UserError(`${problem}; its columns: ${listed(table.header)}`);
  }

  const withTarget = table.rows.filter((row) => !isMissing(row[at]));
  const columns = table.header.map((header, c) =>
    columnFromCells(
      header,
      withTarget.map((row) => row[c]),
      table.delimiter,
    ),
  );
  const targetColumn = columns[at];
  const notes = [];
  const missing = table.rows.length - withTarget.length;
  if (missing > 0) notes.push(`left out ${counted(missing, 'row')} without ${targetColumn.name}`);
  if (withTarget.length < FEWEST_ROWS) {
    const count = counted(withTarget.length, 'row');
    throw new UserError(
      `${name} has ${count} with a value in "${targetColumn.name}", at least ${FEWEST_ROWS} are needed`,
    );
  }
  const features = columns.filter((column) => {
    if (column === targetColumn) return false;
    const reason = uselessness(column);
    if (reason) notes.push(`left out column "${column.name}": ${reason}`);
    return !reason;
  });

  const rows = splitRows(withTarget.length, seed);
  const learned = isQuantity(targetColumn) ? regression(targetColumn, rows) : classification(targetColumn, rows, name);
  if (features.length === 0) {
    const others = columns.length === 1 ? 'it is the only column' : notes.join('; ');
    throw new UserError(`${name} has no column to predict "${targetColumn.name}" from: ${shortened(others, 300)}`);
  }
  const matrices = featureMatrices(features, rows);
  const { targets, ...rest } = learned;
  const task = {
    ...rest,
    features: matrices.names,
    train: { rows: rows.train.length, x: matrices.train, target: targets.train },
    test: { rows: rows.test.length, x: matrices.test, target: targets.test },
    rowsNote: `${counted(rows.train.length, 'row')} to train, ${rows.test.length} to test, ${counted(matrices.names.length, 'feature')}`,
  };
  return { task, notes };
}

/** @param {string[]} names */
function listed(names) {
  const shown = names.slice(0, 40).join(', ');
  return names.length > 40 ? `${shown} and ${names.length - 40} more` : shown;
}

/**
 * Why a column cannot help, or '' if it can.
 *
 * @param {Column} column
 */
function uselessness(column) {
  const values = distinct(column);
  const rows = column.values.length;
  if (values.length === 0) return 'it is empty';
  if (values.length === 1 && (column.type === 'number' || !column.values.includes(null))) {
    return 'all its values are equal';
  }
  if (column.type === 'text' && (values.length > MOST_CATEGORIES || values.length > rows / 2)) {
    return `${values.length} different texts in ${rows} rows`;
  }
  const first = column.values[0];
  if ((first === 0 || first === 1) && column.values.every((value, row) => value === first + row)) {
    return 'it numbers the rows';
  }
  return '';
}

/** @param {Column} column */
function isQuantity(column) {
  return column.type === 'number' && distinct(column).length > MOST_NUMERIC_CLASSES;
}

/** @typedef {{ train: number[], test: number[] }} Rows */

/**
 * A quantity is learned in standard deviations from its mean.
 *
 * @param {Column} column
 * @param {Rows} rows
 */
function regression(column, rows) {
  const { values } = column;
  const { mean, deviation } = scaleOf(rows.train.map((row) => values[row]));
  /** @param {number[]} part */
  const targetOf = (part) => Float32Array.from(part, (row) => (values[row] - mean) / deviation);
  return {
    name: column.name,
    lossName: 'mse',
    loss: mse,
    options: {},
    outputShape: [1],
    targetShape: [1],
    curvature: 2,
    targets: { train: targetOf(rows.train), test: targetOf(rows.test) },
    /** @type {Task['score']} */
    score: (logits, { target }) => [rSquared(logits, target, deviation, '')],
  };
}

/**
 * @param {Column} column
 * @param {Rows} rows
 * @param {string} file
 */
function classification(column, rows, file) {
  const classes = distinct(column);
  if (classes.length < 2) {
    throw new UserError(`${file} has only "${classes[0]}" in "${column.name}", there is nothing to tell apart`);
  }
  if (classes.length > column.values.length / 2) {
    const count = `${classes.length} different values in ${column.values.length} rows of "${column.name}"`;
    const numbers = column.type === 'number' ? `, and more than ${MOST_NUMERIC_CLASSES} make a quantity` : '';
    throw new UserError(`${file} has ${count}: too many to learn as classes${numbers}`);
  }
  const indices = new Map(classes.map((value, index) => [value, index]));
  /** @param {number[]} part */
  const targetOf = (part) => Int32Array.from(part, (row) => indices.get(column.values[row]) ?? 0);
  return {
    name: column.name,
    lossName: 'crossEntropy',
    loss: crossEntropy,
    options: {},
    outputShape: [classes.length],
    targetShape: [],
    curvature: 1 / 2,
    targets: { train: targetOf(rows.train), test: targetOf(rows.test) },
    /** @type {Task['score']} */
    score: (logits, { target }) => {
      const score = accuracy('accuracy', largest(logits, classes.length), target);
      return [{ ...score, note: `${score.note}, most frequent class ${(100 * commonest(target)).toFixed(1)} %` }];
    },
  };
}
