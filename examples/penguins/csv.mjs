import { readFileSync } from 'node:fs';
import { fileError, UserError } from './errors.mjs';
import { counted } from './words.mjs';

/**
 * @typedef {object} Table
 * @property {string} name where it came from, for messages
 * @property {string[]} header column names, trimmed, unique
 * @property {string[][]} rows one array of cells per row, as long as the header
 * @property {string} delimiter `,` `;` or tab
 */

/**
 * Reads a table from a file: UTF-8 (with or without a byte order mark), UTF-16 with a mark, or Windows-1252.
 *
 * @param {string} path
 * @param {string} [name] what to call it in messages
 * @returns {Table}
 */
export function readCsv(path, name = path) {
  let bytes;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw fileError(`cannot read ${name}`, error);
  }
  return parseCsv(decode(bytes), name);
}

/** @param {Uint8Array} bytes */
function decode(bytes) {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}

/**
 * Parses delimited text by RFC 4180: cells may be quoted, a quoted cell may hold delimiters, line breaks and doubled
 * quotes. Lines may end with LF, CRLF or CR; blank lines are skipped; the delimiter is found from the header.
 *
 * @param {string} text
 * @param {string} [name] where it came from, for messages
 * @returns {Table}
 */
export function parseCsv(text, name = 'table') {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  if (source.trim() === '') throw new UserError(`${name} is empty`);
  if (source.includes('\0')) throw new UserError(`${name} is not a text table`);
  const delimiter = findDelimiter(source);
  const records = [...readRecords(source, delimiter, name)];
  const [first, ...rest] = records;
  if (rest.length === 0) throw new UserError(`${name} has a header and no rows`);
  for (const { cells, line } of rest) {
    if (cells.length !== first.cells.length) {
      throw new UserError(
        `${name} line ${line}: ${counted(cells.length, 'field')}, the header has ${first.cells.length}`,
      );
    }
  }
  return { name, header: columnNames(first.cells), rows: rest.map((record) => record.cells), delimiter };
}

/**
 * The delimiter that the first line holds most often outside quotes.
 *
 * @param {string} source
 */
function findDelimiter(source) {
  /** @type {Record<string, number>} */
  const counts = { ',': 0, ';': 0, '\t': 0 };
  let quoted = false;
  let seen = false;
  for (const character of source) {
    if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === '\n' || character === '\r') {
      if (seen) break;
    } else if (character in counts) counts[character]++;
    seen ||= character.trim() !== '';
  }
  const best = Object.entries(counts).sort((a, b) => b[1] - a[1])[0];
  return best[1] > 0 ? best[0] : ',';
}

/**
 * Yields every record that is not blank, with the line it starts on.
 *
 * @param {string} source
 * @param {string} delimiter
 * @param {string} name
 * @returns {Generator<{ cells: string[], line: number }>}
 */
function* readRecords(source, delimiter, name) {
  const cellEnd = new RegExp(`[${delimiter}\\r\\n]`, 'g');
  const quoteAhead = /[ \t]*"/y;
  const spaces = /[ \t]*/y;
  let position = 0;
  let line = 1;
  let cells = /** @type {string[]} */ ([]);
  let start = line;
  while (position < source.length) {
    quoteAhead.lastIndex = position;
    // A tab can be the delimiter: then it opens the next cell and is not space before a quote.
    const lead = quoteAhead.test(source) ? source.slice(position, quoteAhead.lastIndex) : '';
    if (lead && !lead.includes(delimiter)) {
      const quoted = readQuoted(source, quoteAhead.lastIndex, `${name} line ${line}`);
      cells.push(quoted.cell);
      line += countBreaks(quoted.cell);
      spaces.lastIndex = quoted.end;
      spaces.test(source);
      position = delimiter === '\t' ? quoted.end : spaces.lastIndex;
      const next = source[position];
      if (next !== undefined && next !== delimiter && next !== '\n' && next !== '\r') {
        throw new UserError(`${name} line ${line}: text after a closing quote`);
      }
    } else {
      cellEnd.lastIndex = position;
      const end = cellEnd.exec(source)?.index ?? source.length;
      cells.push(source.slice(position, end));
      position = end;
    }
    const next = source[position];
    position++;
    if (next === delimiter) {
      if (position < source.length) continue;
      cells.push('');
    }
    if (next === '\r' && source[position] === '\n') position++;
    if (cells.some((cell) => cell.trim() !== '') || cells.length > 1) yield { cells, line: start };
    cells = [];
    line++;
    start = line;
  }
}

/**
 * @param {string} source
 * @param {number} from just after the opening quote
 * @param {string} where for the message
 */
function readQuoted(source, from, where) {
  let cell = '';
  for (let position = from; ; ) {
    const quote = source.indexOf('"', position);
    if (quote < 0) throw new UserError(`${where}: a quote is opened and never closed`);
    cell += source.slice(position, quote);
    if (source[quote + 1] !== '"') return { cell, end: quote + 1 };
    cell += '"';
    position = quote + 2;
  }
}

/** @param {string} text */
function countBreaks(text) {
  return text.match(/\r\n|\n|\r/g)?.length ?? 0;
}

/**
 * Names every column: trimmed, `column 3` for an empty name, `x (2)` for the second `x`.
 *
 * @param {string[]} cells
 */
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
