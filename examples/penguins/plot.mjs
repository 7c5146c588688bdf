import { lossRange, position, stepTicks, thinned, tickLabel } from './curves.mjs';

/** @typedef {import('./curves.mjs').Curve} Curve */
/** @typedef {import('./terminal.mjs').Terminal} Terminal */

const MARKS = { unicode: ['●', '▲', '■', '◆', '○', '△'], ascii: ['o', '^', '#', '*', 'x', '@'] };
const ROWS = 14;
const MARGIN = 8;

/**
 * The loss curves as lines of text, both axes logarithmic.
 *
 * @param {Curve[]} curves
 * @param {Terminal} terminal
 * @returns {string[]}
 */
export function plotLines(curves, terminal) {
  const marks = terminal.plain ? MARKS.ascii : MARKS.unicode;
  const columns = Math.max(30, Math.min(72, terminal.width - MARGIN - 2));
  const steps = Math.max(...curves.map((curve) => curve.losses.length));
  const points = curves.map((curve) => thinned(curve, columns));
  const { low, high, ticks } = lossRange(points);
  /** @param {number} loss */
  const rowOf = (loss) => (1 - position(loss, low, high)) * (ROWS - 1);
  /** @param {number} step */
  const columnOf = (step) => Math.round(position(step, 1, steps) * (columns - 1));

  const grid = Array.from({ length: ROWS }, () => new Array(columns).fill(' '));
  points.forEach((curve, index) => {
    const mark = terminal.colour(marks[index % marks.length], index);
    const places = curve.map(({ step, loss }) => ({ column: columnOf(step), row: rowOf(loss) }));
    for (const { column, row } of joined(places)) grid[Math.round(row)][column] = mark;
  });

  const rowLabels = new Map(
    ticks.filter((tick) => tick >= low && tick <= high).map((tick) => [Math.round(rowOf(tick)), tickLabel(tick)]),
  );
  const lines = grid.map((cells, row) => {
    const label = rowLabels.get(row);
    return `${(label ?? '').padStart(MARGIN - 2)} ${label === undefined ? '│' : '┤'}${cells.join('')}`.trimEnd();
  });
  return [
    `${'loss'.padStart(MARGIN - 2)}`,
    ...lines,
    ...stepAxis(steps, columns, columnOf),
    ...curves.map((curve, index) => {
      const mark = terminal.colour(marks[index % marks.length], index);
      return `${' '.repeat(MARGIN)}${mark} ${curve.name}, ${curve.lossName}`;
    }),
  ];
}

/**
 * The places, with the columns between two of them filled along a straight line.
 *
 * @param {{ column: number, row: number }[]} places
 */
function joined(places) {
  return places.flatMap((place, i) => {
    const next = places[i + 1] ?? place;
    const gap = Math.max(1, next.column - place.column);
    const rise = (next.row - place.row) / gap;
    return Array.from({ length: gap }, (_, k) => ({ column: place.column + k, row: place.row + k * rise }));
  });
}

/**
 * @param {number} steps
 * @param {number} columns
 * @param {(step: number) => number} columnOf
 */
function stepAxis(steps, columns, columnOf) {
  const line = new Array(columns).fill('─');
  let labels = '';
  for (const tick of stepTicks(steps)) {
    line[columnOf(tick)] = '┴';
    labels = `${labels.padEnd(columnOf(tick))}${tickLabel(tick)}`;
  }
  return [`${' '.repeat(MARGIN - 1)}└${line.join('')}`, `${' '.repeat(MARGIN)}${labels}  steps`];
}
