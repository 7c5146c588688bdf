import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileError } from './errors.mjs';
import { featureMatrices } from './features.mjs';
import { counted } from './words.mjs';

/** @typedef {import('./columns.mjs').Column} Column */
/** @typedef {{ train: number[], test: number[] }} Rows numbers of the rows of both parts */

/** The columns of the table by short names. */
const SOURCES = {
  species: 'Species',
  island: 'Island',
  sex: 'Sex',
  beakLength: 'Beak Length (mm)',
  beakDepth: 'Beak Depth (mm)',
  flipperLength: 'Flipper Length (mm)',
  mass: 'Body Mass (g)',
};

/**
 * The Palmer penguins: 344 birds of three species on three islands. Missing are the measurements of 2 birds and the sex
 * of 11 (one of these is written "."); they are null here.
 *
 * @returns {Record<keyof typeof SOURCES, Column>}
 */
export function loadPenguins() {
  const records = readRecords();
  const columns = Object.entries(SOURCES).map(([key, name]) => {
    const values = records.map((record) => (record[name] === '.' ? null : (record[name] ?? null)));
    const type = values.some((value) => typeof value === 'number') ? 'number' : 'text';
    return [key, { name, type, values }];
  });
  return Object.fromEntries(columns);
}

/**
 * The package vega-datasets does not export its files, so the table is read from the package's folder.
 *
 * @returns {Record<string, string | number | null>[]}
 */
function readRecords() {
  const main = createRequire(import.meta.url).resolve('vega-datasets');
  const path = join(dirname(dirname(main)), 'data', 'penguins.json');
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw fileError('cannot read the penguins of vega-datasets', error);
  }
}

/**
 * What all tasks share: the birds that have everything, the feature matrices and the targets of both parts.
 *
 * @template {Float32Array | Int32Array | Int8Array} T
 * @param {Rows} rows
 * @param {Column[]} features
 * @param {Column[]} needed columns that the target is made from
 * @param {(rows: number[], trainRows: number[]) => T} targetOf
 */
export function prepareData(rows, features, needed, targetOf) {
  const used = completeRows(rows, [...features, ...needed]);
  const matrices = featureMatrices(features, used);
  const dropped = rows.train.length + rows.test.length - used.train.length - used.test.length;
  return {
    features: matrices.names,
    train: { rows: used.train.length, x: matrices.train, target: targetOf(used.train, used.train) },
    test: { rows: used.test.length, x: matrices.test, target: targetOf(used.test, used.train) },
    rowsNote:
      `${counted(used.train.length, 'row')} to train, ${used.test.length} to test` +
      (dropped > 0 ? `, ${dropped} left out with values missing` : ''),
  };
}

/**
 * Of the given rows, those where none of the columns is missing.
 *
 * @param {Rows} rows
 * @param {Column[]} columns
 * @returns {Rows}
 */
function completeRows(rows, columns) {
  /** @param {number} row */
  const complete = (row) => columns.every((column) => column.values[row] !== null);
  return { train: rows.train.filter(complete), test: rows.test.filter(complete) };
}
