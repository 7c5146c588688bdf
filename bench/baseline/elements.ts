import type { ReferenceOptions } from '../../test/reference/index.ts';
import type { Baseline, Floats, Plain } from './plain.ts';

/**
 * One element: puts `scale` times its slope into grad[i] and returns its value. a, b, c are the loss's settings. Engines inline
 * it into `sumOf`: measured, it is as fast as a loop written for the loss.
 */
export type Element = (
  x: Floats,
  y: Floats,
  grad: Floats,
  i: number,
  scale: number,
  a: number,
  b: number,
  c: number,
) => number;

/** Sum over all elements; four sums, so that one addition need not wait for the one before. */
function sumOf(element: Element, x: Floats, y: Floats, grad: Floats, scale: number, a: number, b: number, c: number) {
  const whole = x.length & ~3;
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  for (let i = 0; i < whole; i += 4) {
    s0 += element(x, y, grad, i, scale, a, b, c);
    s1 += element(x, y, grad, i + 1, scale, a, b, c);
    s2 += element(x, y, grad, i + 2, scale, a, b, c);
    s3 += element(x, y, grad, i + 3, scale, a, b, c);
  }
  for (let i = whole; i < x.length; i++) s0 += element(x, y, grad, i, scale, a, b, c);
  return s0 + s1 + s2 + s3;
}

type Settings = (options: ReferenceOptions) => readonly [a: number, b?: number, c?: number];

/** A loss of single elements; its mean divides by their number, or by what `divisorOf` says. */
export function elementwise(
  element: Element,
  settings: Settings = () => [0],
  divisorOf = ({ x }: Plain): number => x.length,
): Baseline {
  return (data) => {
    const { x, y, options } = data;
    const [a, b = 0, c = 0] = settings(options);
    const scale = 1 / divisorOf(data);
    return (grad) => sumOf(element, x, y, grad, scale, a, b, c) * scale;
  };
}

/** b^g; the exponents that losses have by default are multiplied out. */
export function power(b: number, g: number): number {
  if (g === 1) return b;
  if (g === 2) return b * b;
  if (g === 4) return b * b * (b * b);
  return b ** g;
}
