import { readFileSync } from 'node:fs';
import Papa from 'papaparse';
import { UserError, withFile } from './errors.mjs';
import { counted } from './words.mjs';

/** Reads a table from a file. */
export const readCsv = (path, name) =>
  parseCsv(decode(withFile(`cannot read ${name}`, () => readFileSync(path))), name);

/** UTF-8 (with or without a byte order mark), UTF-16 with a mark, or Windows-1252. */
function decode(bytes) {
  const marked = { fffe: 'utf-16le', feff: 'utf-16be' }[bytes.subarray(0, 2).toString('hex')];
  try {
    return new TextDecoder(marked ?? 'utf-8', { fatal: !marked }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

const FAULTS = { MissingQuotes: 'a quote is opened and never closed', InvalidQuotes: 'text after a closing quote' };

/** Parses delimited text into `{ name, header, rows, delimiter }`: rows of cells, each as long as the header. */
export function parseCsv(text, name = 'table') {
  const source = text.replace(/^\uFEFF/, '');
  if (source.trim() === '') throw new UserError(`${name} is empty`);
  if (source.includes('\0')) throw new UserError(`${name} is not a text table`);
  const delimiter = delimiterOf(source);
  const { data, errors } = Papa.parse(tidied(source, delimiter), { delimiter, newline: '\n' });
  const breaks = data.map((cells) => cells.join('').match(/\r\n?|\n/g)?.length ?? 0);
  const lineOf = (row) => breaks.slice(0, row).reduce((line, inside) => line + 1 + inside, 1);
  if (errors[0]) throw new UserError(`${name} line ${lineOf(errors[0].row)}: ${FAULTS[errors[0].code]}`);

  const records = data.map((cells, row) => ({ cells, row }));
  const [{ cells: first }, ...rest] = records.filter(({ cells }) => cells.length > 1 || cells[0].trim() !== '');
  if (rest.length === 0) throw new UserError(`${name} has a header and no rows`);
  for (const { cells, row } of rest) {
    if (cells.length === first.length) continue;
    const fields = counted(cells.length, 'field');
    throw new UserError(`${name} line ${lineOf(row)}: ${fields}, the header has ${first.length}`);
  }
  return { name, header: columnNames(first), rows: rest.map(({ cells }) => cells), delimiter };
}

/** The delimiter that the first line holds most often outside quotes: a header has no decimal commas. */
function delimiterOf(source) {
  const lines = source.replace(/"[^"]*"/g, '').split(/[\r\n]/);
  const count = (delimiter) => (lines.find((line) => line.trim() !== '') ?? '').split(delimiter).length;
  return [',', ';', '\t'].sort((a, b) => count(b) - count(a))[0];
}

/** Papa Parse knows one kind of line end, and no spaces before a quote. */
function tidied(source, delimiter) {
  const pattern = new RegExp(`(?<=^|[${delimiter}\\r\\n]) *("(?:[^"]|"")*")|\\r\\n?`, 'g');
  return source.replace(pattern, (_, quoted) => quoted ?? '\n');
}

/** Names every column: trimmed, `column 3` for an empty name, `x (2)` for the second `x`. */
function columnNames(cells) {
  const seen = new Set();
  return cells.map((cell, index) => {
    const name = cell.trim().replace(/\s+/g, ' ') || `column ${index + 1}`;
    let unique = name;
    for (let copy = 2; seen.has(unique); copy++) unique = `${name} (${copy})`;
    seen.add(unique);
    return unique;
  });
}
