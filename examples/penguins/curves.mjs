/** What the plot in the terminal and the SVG have in common: two logarithmic axes and curves thinned out to fit. */

/** @typedef {{ name: string, lossName: string, first: number, last: number, losses: ArrayLike<number> }} Curve */
/** @typedef {{ step: number, loss: number }[]} Points */

/** An axis spans at most this factor. */
const WIDEST = 1e6;

/**
 * At most `count` points of a curve, evenly spread over the logarithm of the step; each is the mean of its steps.
 *
 * @param {Curve} curve
 * @param {number} count
 * @returns {Points}
 */
export function thinned({ losses }, count) {
  const steps = losses.length;
  const points = [];
  let from = 0;
  for (let i = 1; i <= count && from < steps; i++) {
    const to = Math.min(steps, Math.round(steps ** (i / count)));
    if (to <= from) continue;
    let sum = 0;
    for (let step = from; step < to; step++) sum += losses[step];
    points.push({ step: Math.sqrt((from + 1) * to), loss: sum / (to - from) });
    from = to;
  }
  return points;
}

/**
 * The range of the losses, widened to the ticks around it.
 *
 * @param {Points[]} curves
 */
export function lossRange(curves) {
  const losses = curves.flatMap((points) => points.map((point) => point.loss)).filter((loss) => loss > 0);
  const largest = losses.length > 0 ? Math.max(...losses) : 1;
  const smallest = Math.max(losses.length > 0 ? Math.min(...losses) : 0.1, largest / WIDEST);
  const ticks = niceTicks(smallest, largest);
  return {
    low: ticks.findLast((tick) => tick <= smallest) ?? ticks[0],
    high: ticks.find((tick) => tick >= largest) ?? ticks[ticks.length - 1],
    ticks,
  };
}

/**
 * Round numbers around a range: 1, 2, 5, 10 … or, where that would be many, powers of ten.
 *
 * @param {number} low
 * @param {number} high
 */
function niceTicks(low, high) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const factors = last - first > 3 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = first; power <= last; power++) {
    for (const factor of factors) ticks.push(Number(`${factor}e${power}`));
  }
  return ticks;
}

/** @param {number} tick */
export function tickLabel(tick) {
  return tick < 1e-3 || tick >= 1e5 ? tick.toExponential(0).replace('+', '') : String(tick);
}

/**
 * 1, 10, 100 … up to the number of steps.
 *
 * @param {number} steps
 */
export function stepTicks(steps) {
  const ticks = [];
  for (let tick = 1; tick <= steps; tick *= 10) ticks.push(tick);
  return ticks;
}

/**
 * Where a value lies between low (0) and high (1) on a logarithmic axis, held inside.
 *
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
export function position(value, low, high) {
  if (high <= low) return 0;
  return Math.min(1, Math.max(0, Math.log(value / low) / Math.log(high / low)));
}
