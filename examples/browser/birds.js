/** The penguins as the page needs them: two measurements of each bird, and its class, species × sex. */
import { distinct } from '../penguins/columns.mjs';
import { partsOf, scaleOf } from '../penguins/features.mjs';
import { splitRows } from '../penguins/random.mjs';

const SOURCES = { species: 'Species', sex: 'Sex', length: 'Beak Length (mm)', depth: 'Beak Depth (mm)' };

/** Which birds are kept to test is the same on every visit. */
const SEED = 1;

/**
 * @param {string} url of the table, an array of records
 */
export async function loadBirds(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
  return birdsOf(await response.json());
}

/**
 * Birds that miss one of the columns are left out (one has the sex ".").
 *
 * @param {Record<string, string | number | null>[]} records
 */
function birdsOf(records) {
  const complete = records.filter((record) =>
    Object.values(SOURCES).every((name) => record[name] !== null && record[name] !== '.'),
  );
  const column = (key, type) => ({ name: SOURCES[key], type, values: complete.map((record) => record[SOURCES[key]]) });
  const species = column('species', 'text');
  const sex = column('sex', 'text');
  const measures = [column('length', 'number'), column('depth', 'number')];
  const groups = [distinct(species), distinct(sex)];
  const rows = splitRows(complete.length, SEED);
  const classOf = (row) =>
    groups[0].indexOf(species.values[row]) * groups[1].length + groups[1].indexOf(sex.values[row]);
  const { train, test } = partsOf(measures, rows, (part) => Int32Array.from(part, classOf));
  return {
    /** The names of both components' groups. */
    groups,
    /** The group of every class, by component. */
    components: [
      groups[0].flatMap((_, s) => groups[1].map(() => s)),
      groups[0].flatMap(() => groups[1].map((_, x) => x)),
    ],
    axes: measures.map(({ name, values }) => ({
      name,
      // what partsOf standardises with
      scale: scaleOf(rows.train.map((row) => values[row])),
      low: Math.min(...values),
      high: Math.max(...values),
    })),
    train,
    test,
    points: complete.map((_, row) => ({ x: measures[0].values[row], y: measures[1].values[row], class: classOf(row) })),
  };
}
