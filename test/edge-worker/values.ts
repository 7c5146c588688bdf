/** Logits, and how a request says them. */
import { tensor64 } from '../reference/index.ts';
import { fill, normal, randomFrom } from '../reference/random.ts';

export const JSON_TYPE = { 'content-type': 'application/json' };
export const BINARY_TYPE = { 'content-type': 'application/octet-stream' };

/** A number, or numbers in nested arrays. */
export type Nested = number | readonly Nested[];

/** Flat numbers as nested arrays of a shape. */
export function nest(data: readonly number[], shape: readonly number[]): Nested {
  const [size, ...inner] = shape;
  if (size === undefined) return data[0]!;
  const step = data.length / size;
  return Array.from({ length: size }, (_, i) => nest(data.slice(i * step, (i + 1) * step), inner));
}

const random = randomFrom(2024);

/** Logits that float32 holds exactly. */
export const logitsOf = (shape: readonly number[]) =>
  tensor64(
    fill(
      shape.reduce((product, size) => product * size, 1),
      () => normal(random, 3),
    ),
    shape,
  );
