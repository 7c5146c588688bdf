/** The loss of each component against the step, as far as the training has come. */
import { frame, surface } from './canvas.js';

/** One colour per component; style.css has the same for the numbers below. */
const COLOURS = ['#1c5fb0', '#c81e5b'];

/** The longest history kept: beyond it every other point goes. */
const MOST_POINTS = 1000;

/** A part that nobody asks for may grow without bound: the picture ends here. */
const HIGHEST = 2;

export class Curve {
  #canvas;
  /** @type {{ step: number, losses: number[] }[]} */
  #points = [];
  /** Steps at which α or β changed. @type {number[]} */
  #changes = [];
  #every = 1;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
  }

  reset() {
    this.#points = [];
    this.#changes = [];
    this.#every = 1;
  }

  /**
   * @param {number} step
   * @param {ArrayLike<number>} losses of the components
   */
  add(step, losses) {
    if (step % this.#every !== 0) return;
    this.#points.push({ step, losses: Array.from(losses) });
    if (this.#points.length <= MOST_POINTS) return;
    this.#every *= 2;
    this.#points = this.#points.filter((point) => point.step % this.#every === 0);
  }

  /** @param {number} step at which α or β changes */
  change(step) {
    if (step > 0 && this.#changes.at(-1) !== step) this.#changes.push(step);
  }

  draw() {
    const target = surface(this.#canvas);
    const { context } = target;
    const seen = this.#points.flatMap(({ losses }) => losses);
    const axes = [
      { name: 'step', low: 0, high: Math.max(100, this.#points.at(-1)?.step ?? 0) },
      { name: 'cross entropy', low: 0, high: Math.min(HIGHEST, 1.05 * Math.max(1.1, ...seen)) },
    ];
    const { x, y, left, right, top, bottom } = frame(target, axes, { grid: true });
    context.strokeStyle = '#9aa3b0';
    context.setLineDash([3, 3]);
    for (const step of this.#changes) context.strokeRect(Math.round(x(step)) + 0.5, top, 0, bottom - top);
    context.setLineDash([]);
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    context.lineWidth = 2;
    context.lineJoin = 'round';
    COLOURS.forEach((colour, m) => {
      context.beginPath();
      for (const { step, losses } of this.#points) context.lineTo(x(step), y(losses[m]));
      context.strokeStyle = colour;
      context.stroke();
    });
    context.restore();
  }
}
