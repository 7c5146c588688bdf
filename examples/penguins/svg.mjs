import { lossRange, position, stepTicks, thinned, tickLabel } from './curves.mjs';
import { short, shortened } from './words.mjs';

/** @typedef {import('./curves.mjs').Curve} Curve */

/** Colours that stay apart for colour-blind eyes (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00'];
const WIDTH = 960;
const HEIGHT = 520;
const PLOT = { left: 76, top: 84, right: 708, bottom: 456 };
const POINTS = 200;

/** @param {string} text */
function escaped(text) {
  /** @type {Record<string, string>} */
  const entities = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return (
    text
      .replace(/[&<>"]/g, (character) => entities[character])
      // control characters but tab and line ends, which XML cannot hold
      .replace(/(?![\t\n\r])[\p{Cc}\ufffe\uffff]|\p{Surrogate}/gu, '?')
  );
}

/**
 * The loss curves as a picture: both axes logarithmic, with a legend.
 *
 * @param {Curve[]} curves
 * @param {{ title: string, subtitle: string }} heading
 * @returns {string} an SVG document
 */
export function curvesSvg(curves, { title, subtitle }) {
  const steps = Math.max(...curves.map((curve) => curve.losses.length));
  const points = curves.map((curve) => thinned(curve, POINTS));
  const { low, high, ticks } = lossRange(points);
  /** @param {number} step */
  const x = (step) => round(PLOT.left + position(step, 1, steps) * (PLOT.right - PLOT.left));
  /** @param {number} loss */
  const y = (loss) => round(PLOT.bottom - position(loss, low, high) * (PLOT.bottom - PLOT.top));

  const rows = ticks.filter((tick) => tick >= low && tick <= high);
  const horizontal = rows.map(
    (tick) =>
      `<line class="grid" x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(tick)}" y2="${y(tick)}"/>` +
      `<text class="tick" x="${PLOT.left - 10}" y="${y(tick) + 4}" text-anchor="end">${tickLabel(tick)}</text>`,
  );
  const vertical = stepTicks(steps).map(
    (tick) =>
      `<line class="grid" x1="${x(tick)}" x2="${x(tick)}" y1="${PLOT.top}" y2="${PLOT.bottom}"/>` +
      `<text class="tick" x="${x(tick)}" y="${PLOT.bottom + 20}" text-anchor="middle">${tickLabel(tick)}</text>`,
  );
  const lines = points.map((curve, index) => {
    const path = curve.map(({ step, loss }) => `${x(step)},${y(loss)}`).join(' ');
    const end = curve[curve.length - 1];
    const colour = COLOURS[index % COLOURS.length];
    return (
      `<polyline class="curve" stroke="${colour}" points="${path}"/>` +
      `<circle cx="${x(end.step)}" cy="${y(end.loss)}" r="3.5" fill="${colour}"/>`
    );
  });
  const legend = curves.map((curve, index) => {
    const top = PLOT.top + 12 + index * 62;
    return (
      `<line class="key" stroke="${COLOURS[index % COLOURS.length]}" x1="730" x2="752" y1="${top}" y2="${top}"/>` +
      `<text class="name" x="762" y="${top + 4}">${escaped(shortened(curve.name, 26))}</text>` +
      `<text class="tick" x="762" y="${top + 21}">${escaped(curve.lossName)}</text>` +
      `<text class="tick" x="762" y="${top + 37}">${short(curve.first)} → ${short(curve.last)}</text>`
    );
  });

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">
<title>${escaped(title)}</title>
<desc>${escaped(`${subtitle}. ${curves.map((curve) => curve.name).join('; ')}`)}</desc>
<style>
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #24292f }
.title { font-size: 20px; font-weight: 600 }
.subtitle, .axis { font-size: 13px; fill: #57606a }
.tick { font-size: 12px; fill: #57606a }
.name { font-size: 13px }
.grid { stroke: #e3e6ea; stroke-width: 1 }
.frame { stroke: #8c959f; stroke-width: 1; fill: none }
.curve { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round }
.key { stroke-width: 3; stroke-linecap: round }
</style>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
<text class="title" x="${PLOT.left}" y="38">${escaped(shortened(title, 80))}</text>
<text class="subtitle" x="${PLOT.left}" y="60">${escaped(shortened(subtitle, 120))}</text>
${[...horizontal, ...vertical].join('\n')}
<polyline class="frame" points="${PLOT.left},${PLOT.top} ${PLOT.left},${PLOT.bottom} ${PLOT.right},${PLOT.bottom}"/>
<text class="axis" x="${(PLOT.left + PLOT.right) / 2}" y="${PLOT.bottom + 44}" text-anchor="middle">step (logarithmic)</text>
<text class="axis" transform="translate(24 ${(PLOT.top + PLOT.bottom) / 2}) rotate(-90)" text-anchor="middle">training loss (logarithmic)</text>
${lines.join('\n')}
${legend.join('\n')}
</svg>
`;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
