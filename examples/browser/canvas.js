/** What both pictures have in common: a canvas as sharp as the screen, and a frame with ticks. */

const INK = '#5b6472';
const GRID = '#e6e9ee';

/** Room around the plot for its ticks and the names of its axes, in CSS pixels. */
const MARGIN = { left: 46, right: 12, top: 10, bottom: 38 };

/**
 * Fits the pixels of a canvas to its size on the screen and clears it.
 *
 * @param {HTMLCanvasElement} canvas
 */
export function surface(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const density = globalThis.devicePixelRatio || 1;
  const [columns, rows] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const context = canvas.getContext('2d');
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}

/**
 * Round numbers between low and high, about `count` of them.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} count
 */
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / size);
  // a multiple is exact where a sum of many steps is not
  return Array.from({ length: Math.floor(high / size) - first + 1 }, (_, i) => Number(((first + i) * size).toFixed(9)));
}

/**
 * Draws ticks and names, and gives the functions from values to the screen.
 *
 * @param {ReturnType<typeof surface>} target
 * @param {{ name: string, low: number, high: number }[]} axes x and y
 * @param {{ grid: boolean }} options grid lines, for what has no picture behind it
 */
export function frame({ context, width, height }, [horizontal, vertical], { grid }) {
  const [left, right] = [MARGIN.left, width - MARGIN.right];
  const [top, bottom] = [MARGIN.top, height - MARGIN.bottom];
  const x = (value) => left + ((value - horizontal.low) / (horizontal.high - horizontal.low)) * (right - left);
  const y = (value) => bottom - ((value - vertical.low) / (vertical.high - vertical.low)) * (bottom - top);
  context.font = '12px system-ui, sans-serif';
  context.fillStyle = INK;
  context.strokeStyle = GRID;
  context.lineWidth = 1;
  context.textAlign = 'center';
  context.textBaseline = 'top';
  for (const tick of ticks(horizontal.low, horizontal.high, 6)) context.fillText(String(tick), x(tick), bottom + 6);
  context.fillText(horizontal.name, (left + right) / 2, bottom + 22);
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  for (const tick of ticks(vertical.low, vertical.high, 5)) {
    context.fillText(String(tick), left - 6, y(tick));
    if (grid) context.strokeRect(left, Math.round(y(tick)) + 0.5, right - left, 0);
  }
  context.save();
  context.translate(12, (top + bottom) / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = 'center';
  context.fillText(vertical.name, 0, 0);
  context.restore();
  return { x, y, left, right, top, bottom };
}
