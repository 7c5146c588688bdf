/** A number with few significant digits. */
export const short = (value, digits = 4) =>
  value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(digits - 1) : value.toPrecision(digits);

export const shortened = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** `1 row`, `2 rows`. */
export const counted = (count, noun) => `${count} ${noun}${count === 1 ? '' : 's'}`;

export const percent = (share) => `${(100 * share).toFixed(1)} %`;

/** Rows of cells, the first of them the heading, as aligned lines; the columns in `numeric` to the right. */
export function tableLines(rows, numeric) {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  const aligned = (cell, c) => (numeric.has(c) ? cell.padStart(widths[c]) : cell.padEnd(widths[c]));
  const [heading, ...lines] = rows.map((row) => row.map(aligned).join('  ').trimEnd());
  return [heading, '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2)), ...lines];
}
