/**
 * A number with few significant digits.
 *
 * @param {number} value
 * @param {number} [digits]
 */
export function short(value, digits = 4) {
  return value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential(digits - 1) : value.toPrecision(digits);
}

/**
 * @param {string} text
 * @param {number} length
 */
export function shortened(text, length) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

/**
 * `1 row`, `2 rows`.
 *
 * @param {number} count
 * @param {string} noun
 */
export function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
