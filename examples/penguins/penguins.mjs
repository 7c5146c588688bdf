import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { withFile } from './errors.mjs';
import { partsOf } from './features.mjs';

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
 * The Palmer penguins as columns: 344 birds of three species on three islands. Missing are the measurements of 2 birds and the sex
 * of 11 (one of these is written "."); they are null here.
 */
export function loadPenguins() {
  // the package does not export its files, so the table is read from its folder
  const main = createRequire(import.meta.url).resolve('vega-datasets');
  const path = join(dirname(dirname(main)), 'data', 'penguins.json');
  const birds = JSON.parse(withFile('cannot read the penguins of vega-datasets', () => readFileSync(path, 'utf8')));
  const columns = Object.entries(SOURCES).map(([key, name]) => {
    const values = birds.map((bird) => (bird[name] === '.' ? null : (bird[name] ?? null)));
    return [key, { name, type: typeof values[0] === 'number' ? 'number' : 'text', values }];
  });
  return Object.fromEntries(columns);
}

/** Features and targets of the birds that miss nothing; `targetOf` makes the targets of some rows from the columns `needed`. */
export function prepareData(rows, features, needed, targetOf) {
  const complete = (row) => [...features, ...needed].every((column) => column.values[row] !== null);
  const used = { train: rows.train.filter(complete), test: rows.test.filter(complete) };
  const dropped = rows.train.length + rows.test.length - used.train.length - used.test.length;
  return { ...partsOf(features, used, targetOf), note: `${dropped} left out with values missing` };
}
