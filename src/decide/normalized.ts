// Weights of a given total.

/** Numbers that add up to a total, where they add up to anything. */
export function normalized(values: Float64Array, total: number): Float64Array {
  const sum = values.reduce((a, b) => a + b, 0);
  return sum > 0 ? values.map((value) => (value * total) / sum) : values;
}
