import { styleText } from 'node:util';
import { scale } from 'vega';

const MARKS = { unicode: [...'●▲■◆○△□'], ascii: [...'o^#*x@+'] };
const COLOURS = ['blue', 'red', 'green', 'magenta', 'cyan', 'yellow', 'white'];
const [ROWS, MARGIN] = [14, 8];

/** The losses on the training rows as lines of text, both axes logarithmic, no more than six powers of ten high. */
export function plotLines(results, { plain, width }) {
  const columns = Math.max(30, Math.min(68, width - MARGIN - 2));
  const marks = results.map((_, i) => {
    const shapes = plain ? MARKS.ascii : MARKS.unicode;
    return styleText(COLOURS[i % COLOURS.length], shapes[i % shapes.length]);
  });
  const losses = results.flatMap(({ points }) => points.map(({ train }) => train)).filter((loss) => loss > 0);
  const high = Math.max(...losses, 1e-12);
  const low = Math.max(Math.min(...losses, high), high / 1e6);
  const log = (from, to) => scale('log')().domain([from, to]).clamp(true);
  const round = high / low > 1e3 ? /^1/ : /^[125]/;
  const all = log(low, high).nice().ticks();
  const ticks = all.filter((tick) => round.test(tick.toExponential()));
  const ends = [ticks.findLast((tick) => tick <= low), ticks.find((tick) => tick >= high)];
  const y = log(...ends).range([ROWS - 1, 0]);
  const steps = results[0].curve.length;
  const x = log(1, Math.max(steps, 2)).range([0, columns - 1]);

  const grid = Array.from({ length: ROWS }, () => new Array(columns).fill(' '));
  results.forEach(({ points }, i) => {
    const corners = [...points, points.at(-1)]; // a line needs two
    const line = scale('linear')()
      .domain(corners.map(({ step }) => x(step)))
      .range(corners.map(({ train }) => y(Math.max(train, low))));
    for (let column = 0; column <= x(steps); column++) grid[Math.round(line(column))][column] = marks[i];
  });

  const label = (tick) => (tick < 1e-3 || tick >= 1e5 ? tick.toExponential().replace('+', '') : String(tick));
  const labels = new Map(ticks.map((tick) => [Math.round(y(tick)), label(tick)]));
  const axis = new Array(columns).fill('─');
  let numbers = '';
  for (let tick = 1; tick <= steps; tick *= 10) {
    axis[Math.round(x(tick))] = '┴';
    numbers = numbers.padEnd(Math.round(x(tick))) + label(tick);
  }
  const rowOf = (cells, row) =>
    `${(labels.get(row) ?? '').padStart(MARGIN - 2)} ${labels.has(row) ? '┤' : '│'}${cells.join('')}`;
  return [
    'loss'.padStart(MARGIN - 2),
    ...grid.map((cells, row) => rowOf(cells, row).trimEnd()),
    `${' '.repeat(MARGIN - 1)}└${axis.join('')}`,
    `${'steps'.padStart(MARGIN - 2)}  ${numbers}`,
    ...results.map(({ task }, i) => `${' '.repeat(MARGIN)}${marks[i]} ${task.name}, ${task.lossName}`),
  ];
}
