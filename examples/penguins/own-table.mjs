/** A task from a table of your own: predict one column from the others. */
import { columnFromCells, distinct, isMissing } from './columns.mjs';
import { readCsv } from './csv.mjs';
import { UserError } from './errors.mjs';
import { partsOf, scaleOf } from './features.mjs';
import { splitRows } from './random.mjs';
import { classification, regression } from './tasks.mjs';
import { counted, shortened } from './words.mjs';

/** More different numbers are a quantity, no classes; more different texts are names of rows; fewer rows leave none to test on. */
const [MOST_NUMERIC_CLASSES, MOST_CATEGORIES, FEWEST_ROWS] = [20, 50, 10];

/** Gives the task, and notes on what was left out of the table. */
export function ownTableTask(path, { name, target, seed }) {
  const { header, rows: all, delimiter } = readCsv(path, name);
  const at = target === undefined ? -1 : header.indexOf(target.trim());
  if (at < 0) {
    const problem = target === undefined ? '--data needs --target COLUMN' : `${name} has no column "${target}"`;
    throw new UserError(`${problem}; its columns: ${listed(header)}`);
  }

  const cellsOf = (rows, c) => rows.map((row) => row[c]);
  const columnsOf = (rows) => header.map((each, c) => columnFromCells(each, delimiter, cellsOf(rows, c)));
  const rows = all.filter((row) => !isMissing(row[at]));
  const columns = columnsOf(rows);
  const [kept, lost] = [rows.length, all.length - rows.length].map((count) => counted(count, 'row'));
  const notes = rows.length < all.length ? [`left out ${lost} without ${header[at]}`] : [];
  if (rows.length < FEWEST_ROWS) {
    throw new UserError(`${name} has ${kept} with a value in "${header[at]}", at least ${FEWEST_ROWS} are needed`);
  }
  // a number for each row of the file is one also where rows are left out
  const numbering = columnsOf(all).map(numbersRows);
  const features = columns.filter((column, c) => {
    if (c === at) return false;
    const reason = uselessness(column) || (numbering[c] && 'it numbers the rows');
    if (reason) notes.push(`left out column "${column.name}": ${reason}`);
    return !reason;
  });

  const split = splitRows(rows.length, seed);
  const { targetOf, ...rest } = isQuantity(columns[at]) ? quantityOf(columns[at], split) : classesOf(columns[at], name);
  if (features.length === 0) {
    const others = header.length === 1 ? 'it is the only column' : notes.join('; ');
    throw new UserError(`${name} has no column to predict "${header[at]}" from: ${shortened(others, 300)}`);
  }
  const parts = partsOf(features, split, targetOf);
  return { task: { ...rest, ...parts, note: counted(parts.features.length, 'feature') }, notes };
}

const listed = (names) => names.slice(0, 40).join(', ') + (names.length > 40 ? ` and ${names.length - 40} more` : '');

/** Why a column cannot help, or '' if it can. */
function uselessness(column) {
  const { type, values } = column;
  const different = distinct(column).length;
  if (different === 0) return 'it is empty';
  if (different === 1 && (type === 'number' || !values.includes(null))) return 'all its values are equal';
  if (type === 'text' && (different > MOST_CATEGORIES || different > values.length / 2)) {
    return `${different} different texts in ${values.length} rows`;
  }
  return '';
}

const numbersRows = ({ values }) =>
  [0, 1].some((first) => values.every((value, i) => value === null || value === first + i));

const isQuantity = (column) => column.type === 'number' && distinct(column).length > MOST_NUMERIC_CLASSES;

function quantityOf({ name, values }, { train }) {
  const scale = scaleOf(train.map((row) => values[row]));
  const targetOf = (part) => Float32Array.from(part, (row) => (values[row] - scale.mean) / scale.deviation);
  return { ...regression(name, scale, ''), targetOf };
}

function classesOf(column, file) {
  const { name, type, values } = column;
  const classes = distinct(column);
  if (classes.length < 2) {
    throw new UserError(`${file} has only "${classes[0]}" in "${name}", there is nothing to tell apart`);
  }
  if (classes.length > values.length / 2) {
    const count = `${classes.length} different values in ${values.length} rows of "${name}"`;
    const numbers = type === 'number' ? `, and more than ${MOST_NUMERIC_CLASSES} make a quantity` : '';
    throw new UserError(`${file} has ${count}: too many to learn as classes${numbers}`);
  }
  const indices = new Map(classes.map((value, index) => [value, index]));
  const targetOf = (part) => Int32Array.from(part, (row) => indices.get(values[row]));
  return { ...classification(name, classes), targetOf };
}
