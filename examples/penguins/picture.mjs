/** The picture of a run, drawn by Vega-Lite: loss curves, and what the heads answer on rows that they have not seen. */
import { extent, parse, View } from 'vega';
import { compile } from 'vega-lite';
import { largest } from './metrics.mjs';
import { short, shortened } from './words.mjs';

/** More classes make no readable matrix; width and height of one. */
const [MOST_CLASSES, SIDE] = [30, 240];

/** Text without what XML cannot hold. */
const clean = (text, length = Number.POSITIVE_INFINITY) =>
  shortened(String(text).replace(/\p{Cc}|\p{Surrogate}|[\ufffe\uffff]/gu, '?'), length);

/** The SVG document. */
export function picture(results, { title, subtitle }) {
  const panels = results.flatMap(({ task, logits }) => {
    if (task.quantity) return scatter(task, logits);
    return task.classes?.length <= MOST_CLASSES ? confusion(task, logits) : [];
  });
  const resolve = { scale: { color: 'independent' } };
  const spec = {
    title: { text: clean(title, 80), subtitle, anchor: 'start', fontSize: 20, subtitleFontSize: 13, offset: 16 },
    config: {
      font: 'system-ui, "DejaVu Sans", sans-serif',
      axis: { grid: false },
      title: { subtitleColor: '#57606a' },
    },
    ...{ padding: 20, spacing: 40, resolve },
    vconcat: [curves(results), { concat: panels, columns: 3, spacing: 30, resolve }],
  };
  return new View(parse(compile(spec).spec), { renderer: 'none' }).toSVG();
}

/** The loss on the training rows and on those held out; the axes are logarithmic, so losses of 0 are left out. */
function curves(results) {
  const values = results.flatMap(({ task: { name, lossName }, initialLoss, finalLoss, points }) => {
    const task = `${clean(name, 30)} | ${lossName} | ${short(initialLoss, 3)} → ${short(finalLoss, 3)}`;
    return points.map(({ step, train, heldOut }) => ({ step, training: train, 'held out': heldOut, task }));
  });
  const tens = Array.from({ length: 19 }, (_, i) => i - 9);
  const position = (field, digits) => {
    const ticks = tens.flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`)));
    const axis = { grid: true, gridColor: '#e4e8ec', format: '~g', values: ticks };
    return { field, type: 'quantitative', scale: { type: 'log' }, axis };
  };
  const kind = (field, legend) => ({ field, type: 'nominal', title: null, sort: null, legend });
  return {
    data: { values },
    transform: [{ fold: ['training', 'held out'], as: ['rows', 'loss'] }, { filter: 'datum.loss > 1e-9' }],
    ...{ width: 2.9 * SIDE, height: 1.5 * SIDE, mark: 'line' },
    encoding: {
      ...{ x: position('step', [1]), y: position('loss', [1, 2, 5]) },
      color: kind('task', {
        labelExpr: "split(datum.label, ' | ')",
        labelLimit: 250,
        rowPadding: 8,
        symbolStrokeWidth: 2.5,
      }),
      strokeDash: kind('rows', { orient: 'none', legendX: 12, legendY: 1.5 * SIDE - 40 }),
    },
  };
}

/** How often a row of one class was taken for another. */
function confusion({ name, classes, test }, logits) {
  const names = classes.map((each) => clean(each));
  const predicted = largest(logits, classes.length);
  const actual = test.target.length > test.rows ? largest(test.target, classes.length) : test.target; // one-hot or indices
  const values = Array.from(predicted, (p, row) => ({ predicted: names[p], actual: names[actual[row]] }));
  const labelAngle = names.some(({ length }) => length > 3) ? -45 : 0;
  const position = (field, axis) => ({
    field,
    type: 'nominal',
    scale: { domain: names },
    axis: { title: null, labelLimit: 150, ...axis },
  });
  const colour = { aggregate: 'count', legend: null, scale: { domainMin: 0, range: ['#eef4fa', '#74aedb'] } };
  return {
    title: { text: clean(name, 30), subtitle: 'rows: actual, columns: predicted' },
    ...{ data: { values }, width: SIDE, height: SIDE },
    encoding: { x: position('predicted', { labelAngle }), y: position('actual') },
    layer: [
      { mark: 'rect', encoding: { color: colour } },
      { mark: 'text', encoding: { text: { aggregate: 'count' } } },
    ],
  };
}

/** Predicted against real values, and a line where both are equal. */
function scatter({ name, quantity: { mean, deviation, unit }, test }, logits) {
  const inUnits = (logit) => mean + deviation * logit;
  const values = Array.from(logits, (logit, row) => ({ predicted: inUnits(logit), real: inUnits(test.target[row]) }));
  const domain = extent(values.flatMap(({ predicted, real }) => [predicted, real]));
  const axis = { title: null, tickCount: 5, format: '~r' };
  const position = (field) => ({ field, type: 'quantitative', scale: { domain }, axis });
  const of = unit && ` (${unit})`;
  return {
    title: { text: clean(name, 30), subtitle: `across: real${of}, up: predicted${of}` },
    ...{ width: SIDE, height: SIDE },
    encoding: { x: position('real'), y: position('predicted') },
    layer: [
      { data: { values: domain.map((end) => ({ predicted: end, real: end })) }, mark: { type: 'line', color: '#bbb' } },
      { data: { values }, mark: { type: 'point', filled: true, opacity: 0.6 } },
    ],
  };
}
