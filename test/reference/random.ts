/** Reproducible random numbers for tests and benches. */

export type Random = () => number;

/** Mulberry32: 32 bits of state, uniform in [0, 1). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Approximately normal: the sum of twelve uniforms, exactly representable in float32. */
export function normal(random: Random, scale = 1): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random();
  return Math.fround(sum * scale);
}

export function fill(length: number, next: (i: number) => number): Float64Array {
  return Float64Array.from({ length }, (_, i) => Math.fround(next(i)));
}

export const chance = (random: Random, probability = 0.5): boolean => random() < probability;

export const below = (random: Random, end: number): number => Math.floor(random() * end);

export const pick = <T>(random: Random, values: readonly T[]): T => values[below(random, values.length)]!;

/** Uniform, exactly representable in float32. */
export const between = (random: Random, low: number, high: number): number =>
  Math.fround(low + (high - low) * random());
