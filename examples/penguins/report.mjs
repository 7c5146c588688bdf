import { short, shortened } from './words.mjs';

/** @typedef {import('./train.mjs').Result} Result */
/** @typedef {import('./train.mjs').Score} Score */

/** Longer task names, which come from column names, are cut. */
const LONGEST_NAME = 30;

/**
 * The results as a table: what was learned with which loss, how far the loss fell, how good the model is on rows it
 * has not seen, and how long a step takes, in the loss function and in all.
 *
 * @param {Result[]} results
 * @returns {string[]} lines; the first is the heading
 */
export function tableLines(results) {
  const heading = ['task', 'loss function', 'initial', 'final', 'test', 'loss µs', 'step µs'];
  const rows = results.map((result) => [
    shortened(result.task.name, LONGEST_NAME),
    result.task.lossName,
    short(result.initialLoss, 3),
    short(result.finalLoss, 3),
    scoreValue(result.scores[0], 2),
    microseconds(result.lossTime),
    microseconds(result.stepTime),
  ]);
  const widths = heading.map((_, c) => Math.max(...[heading, ...rows].map((row) => row[c].length)));
  const numeric = new Set([2, 3, 5, 6]);
  /** @param {string[]} row */
  const line = (row) =>
    row
      .map((cell, c) => (numeric.has(c) ? cell.padStart(widths[c]) : cell.padEnd(widths[c])))
      .join('  ')
      .trimEnd();
  return [line(heading), '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2)), ...rows.map(line)];
}

/** @param {number} milliseconds */
function microseconds(milliseconds) {
  const micro = milliseconds * 1000;
  return micro < 10 ? micro.toFixed(1) : String(Math.round(micro));
}

/**
 * @param {Score} score
 * @param {number} [digits] of R²
 */
function scoreValue({ name, value }, digits = 3) {
  if (Number.isNaN(value)) return 'unknown';
  return name === 'R²' ? `R² ${value.toFixed(digits)}` : `${(100 * value).toFixed(1)} %`;
}

/** @param {Score} score */
export function scoreText(score) {
  return score.name === 'R²' ? scoreValue(score) : `${score.name} ${scoreValue(score)}`;
}

/**
 * Everything that the test rows say about a model, one line for each score.
 *
 * @param {Result} result
 */
export function scoreLines({ task, scores }) {
  return scores.map((score, index) => {
    const name = index === 0 ? shortened(task.name, LONGEST_NAME) : '';
    return `  ${name.padEnd(14)}  ${scoreText(score)}${score.note ? ` (${score.note})` : ''}`;
  });
}
