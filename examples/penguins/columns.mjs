/**
 * @typedef {object} Column
 * @property {string} name
 * @property {'number' | 'text'} type
 * @property {any[]} values one number or text per row, null where it is missing
 */

/** Cells that mean "no value", in lower case. */
const MISSING = new Set(['', '.', '?', '-', 'na', 'n/a', 'nan', 'null', '#n/a']);

/** @param {string} cell */
export function isMissing(cell) {
  return MISSING.has(cell.trim().toLowerCase());
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Squares of larger numbers would overflow. */
const LARGEST = 1e150;

/**
 * Decides what a column of text cells holds: numbers if every cell that is not missing is one, otherwise text.
 *
 * @param {string} name
 * @param {string[]} cells
 * @param {string} delimiter where it is not a comma, `3,5` may be a number too
 * @returns {Column}
 */
export function columnFromCells(name, cells, delimiter) {
  const texts = cells.map((cell) => (isMissing(cell) ? null : cell.trim()));
  const numbers = asNumbers(texts) ?? (delimiter === ',' ? null : asNumbers(texts.map(decimalPoint)));
  return numbers ? { name, type: 'number', values: numbers } : { name, type: 'text', values: texts };
}

/** @param {string | null} text */
function decimalPoint(text) {
  return text === null || text.includes('.') ? text : text.replace(',', '.');
}

/**
 * @param {(string | null)[]} texts
 * @returns {(number | null)[] | null} null if one of them is no number
 */
function asNumbers(texts) {
  const values = [];
  for (const text of texts) {
    const value = text === null ? null : Number(text);
    if (text !== null && !(NUMBER.test(text) && Math.abs(/** @type {number} */ (value)) < LARGEST)) return null;
    values.push(value);
  }
  return values;
}

/**
 * The different values of a column, without the missing ones, in order.
 *
 * @param {Column} column
 * @returns {any[]}
 */
export function distinct(column) {
  const values = [...new Set(column.values)].filter((value) => value !== null);
  return column.type === 'number' ? values.sort((a, b) => a - b) : values.sort();
}
