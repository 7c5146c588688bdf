/** A frozen backbone in a few lines: what an image network does on a device before the head that learns. */

const SIDE = 28;
const CELL = 7;
const DIRECTIONS = 8;
const CELLS = SIDE / CELL;

/** Values that `featuresOf` gives. */
export const FEATURES = CELLS * CELLS * DIRECTIONS;

/**
 * How much of the brightness of an image [28 × 28] grows into each of 8 directions, for each cell of 7 × 7 pixels: histograms of
 * oriented gradients (Dalal and Triggs 2005), here with the root of the sums, which makes thick and thin strokes more alike.
 */
export function featuresOf(image) {
  const features = new Float32Array(FEATURES);
  for (let row = 1; row < SIDE - 1; row++) {
    for (let column = 1; column < SIDE - 1; column++) {
      const at = row * SIDE + column;
      const [right, down] = [image[at + 1] - image[at - 1], image[at + SIDE] - image[at - SIDE]];
      const size = Math.hypot(right, down);
      if (size === 0) continue;
      // a direction between two counts for both, the more the nearer
      const turn = (Math.atan2(down, right) / (2 * Math.PI) + 1) * DIRECTIONS;
      const [before, share] = [Math.floor(turn), turn % 1];
      const start = (Math.floor(row / CELL) * CELLS + Math.floor(column / CELL)) * DIRECTIONS;
      features[start + (before % DIRECTIONS)] += size * (1 - share);
      features[start + ((before + 1) % DIRECTIONS)] += size * share;
    }
  }
  return features.map(Math.sqrt);
}
