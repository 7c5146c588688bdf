/** The decision regions: what the model answers at every point of the plane, and all birds on it. */
import { frame, surface } from './canvas.js';

/** Points of the plane that the model is asked about, along each axis. */
const COLUMNS = 160;
const ROWS = 120;

/** Red, green and blue of each species. */
const HUES = [
  [230, 119, 32],
  [134, 69, 171],
  [13, 128, 128],
];

/** How much of the hue the region of each sex has; the rest is white. */
const TINTS = [0.24, 0.5];

const mixed = (hue, share) => hue.map((value) => Math.round(255 + (value - 255) * share));

/** The colour of a point, or of a region. */
export const pointColour = (species) => `rgb(${HUES[species].join(' ')})`;
export const regionColour = (species, sex) => `rgb(${mixed(HUES[species], TINTS[sex]).join(' ')})`;

/** The range of an axis, with room for the marks at the edge. */
function widened({ name, scale, low, high }) {
  const room = 0.04 * (high - low);
  return { name, scale, low: low - room, high: high + room };
}

/** Probabilities raised so high are almost an answer: near a border alone colours mix. */
const sharpened = (probability) => probability ** 12;

export class Regions {
  #canvas;
  #birds;
  #axes;
  #grid = new Float32Array(2 * COLUMNS * ROWS);
  #picture = new OffscreenCanvas(COLUMNS, ROWS);

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Awaited<ReturnType<typeof import('./birds.js').loadBirds>>} birds
   */
  constructor(canvas, birds) {
    this.#canvas = canvas;
    this.#birds = birds;
    this.#axes = birds.axes.map(widened);
    const standardised = ({ low, high, scale }, share) => (low + share * (high - low) - scale.mean) / scale.deviation;
    for (let row = 0; row < ROWS; row++) {
      for (let column = 0; column < COLUMNS; column++) {
        const i = 2 * (row * COLUMNS + column);
        this.#grid[i] = standardised(this.#axes[0], (column + 0.5) / COLUMNS);
        this.#grid[i + 1] = standardised(this.#axes[1], 1 - (row + 0.5) / ROWS);
      }
    }
  }

  /** @param {import('./trainer.js').Trainer} trainer */
  draw(trainer) {
    this.#paint(trainer.marginals(this.#grid));
    const target = surface(this.#canvas);
    const { context } = target;
    const { x, y, left, right, top, bottom } = frame(target, this.#axes, { grid: false });
    context.save();
    context.beginPath();
    context.roundRect(left, top, right - left, bottom - top, 6);
    context.clip();
    context.drawImage(this.#picture, left, top, right - left, bottom - top);
    context.restore();
    for (const point of this.#birds.points) this.#mark(context, x(point.x), y(point.y), point.class);
  }

  /**
   * Every point gets the colours of all classes, each as strongly as the model believes in its species and its sex.
   *
   * @param {Float32Array[]} marginals of species and sex
   */
  #paint([ofSpecies, ofSex]) {
    const context = this.#picture.getContext('2d');
    const image = context.createImageData(COLUMNS, ROWS);
    for (let i = 0; i < COLUMNS * ROWS; i++) {
      let total = 0;
      const colour = [0, 0, 0];
      const [female, male] = [sharpened(ofSex[2 * i]), sharpened(ofSex[2 * i + 1])];
      const tint = (female * TINTS[0] + male * TINTS[1]) / (female + male);
      for (let s = 0; s < HUES.length; s++) {
        const belief = sharpened(ofSpecies[HUES.length * i + s]);
        total += belief;
        for (let k = 0; k < 3; k++) colour[k] += belief * HUES[s][k];
      }
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = 255 + (colour[k] / total - 255) * tint;
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  /** A female is a disc, a male a diamond. */
  #mark(context, x, y, bird) {
    const [species, sex] = this.#birds.components.map((groupOf) => groupOf[bird]);
    context.beginPath();
    if (sex === 0) context.arc(x, y, 4, 0, 2 * Math.PI);
    else {
      context.moveTo(x, y - 5);
      context.lineTo(x + 5, y);
      context.lineTo(x, y + 5);
      context.lineTo(x - 5, y);
      context.closePath();
    }
    context.fillStyle = pointColour(species);
    context.fill();
    context.strokeStyle = 'white';
    context.lineWidth = 1.25;
    context.stroke();
  }
}
