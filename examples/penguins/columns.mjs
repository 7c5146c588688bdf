/** Columns of a table: `{ name, type, values }`, type 'number' or 'text', a value that is missing being null. */

/** Cells that mean "no value", in lower case. */
const MISSING = new Set(['', '.', '?', '-', 'na', 'n/a', 'nan', 'null', '#n/a']);

export const isMissing = (cell) => MISSING.has(cell.trim().toLowerCase());

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Squares of larger numbers would overflow. */
const LARGEST = 1e150;

/** Numbers if every cell that is not missing is one, otherwise text. Where the delimiter is no comma, `3,5` may be a number too. */
export function columnFromCells(name, delimiter, cells) {
  const texts = cells.map((cell) => (isMissing(cell) ? null : cell.trim()));
  const withPoint = (text) => (text?.includes('.') ? text : (text?.replace(',', '.') ?? null));
  const numbers = asNumbers(texts) ?? (delimiter === ',' ? null : asNumbers(texts.map(withPoint)));
  return numbers ? { name, type: 'number', values: numbers } : { name, type: 'text', values: texts };
}

/** null if one of the texts is no number. */
function asNumbers(texts) {
  const isNumber = (text) => text === null || (NUMBER.test(text) && Math.abs(Number(text)) < LARGEST);
  return texts.every(isNumber) ? texts.map((text) => (text === null ? null : Number(text))) : null;
}

/** The different values of a column, without the missing ones, in order. */
export function distinct({ type, values }) {
  const found = [...new Set(values)].filter((value) => value !== null);
  return type === 'number' ? found.sort((a, b) => a - b) : found.sort();
}
