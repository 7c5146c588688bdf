import { distinct } from './columns.mjs';

/** Standardised values beyond this are clipped, so that one outlier cannot throw a whole step of the training. */
const CLIP = 6;

/** Mean and standard deviation of the values that are there; the deviation is never 0. */
export function scaleOf(values) {
  const known = values.filter((value) => value !== null);
  const mean = known.reduce((sum, value) => sum + value, 0) / Math.max(known.length, 1);
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(known.length, 1);
  return { mean, deviation: Math.sqrt(variance) || 1 };
}

/**
 * Features x [rows, features] and targets of the rows to train and to test on; `targetOf` gets the training rows too. A number is
 * its distance from the mean in standard deviations, both measured on the training rows (a missing one is the mean: 0); a text is
 * one 0/1 feature for each of its values, and one for "missing".
 */
export function partsOf(columns, { train, test }, targetOf) {
  const features = columns.flatMap((column) =>
    column.type === 'number' ? [numberFeature(column, train)] : textFeatures(column, [...train, ...test]),
  );
  const partOf = (rows) => {
    const x = new Float32Array(rows.length * features.length);
    rows.forEach((row, i) => {
      for (const [f, { at }] of features.entries()) x[i * features.length + f] = at(row);
    });
    return { rows: rows.length, x, target: targetOf(rows, train) };
  };
  return { features: features.map(({ name }) => name), train: partOf(train), test: partOf(test) };
}

function numberFeature({ name, values }, trainRows) {
  const { mean, deviation } = scaleOf(trainRows.map((row) => values[row]));
  return { name, at: (row) => Math.min(CLIP, Math.max(-CLIP, ((values[row] ?? mean) - mean) / deviation)) };
}

function textFeatures({ name, type, values }, rows) {
  const used = rows.map((row) => values[row]);
  const categories = [...distinct({ type, values: used }), ...(used.includes(null) ? [null] : [])];
  return categories.map((category) => ({
    name: `${name} = ${category ?? 'missing'}`,
    at: (row) => (values[row] === category ? 1 : 0),
  }));
}
