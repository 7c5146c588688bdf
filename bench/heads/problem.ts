import { normal, randomFrom } from '../../test/reference/random.ts';

/** Rows of features, their width, and classes. */
export type Shape = readonly [n: number, d: number, c: number];

/** The heads that are measured: few classes, many, a vocabulary, a narrow one, one row. */
export const shapes: readonly Shape[] = [
  [512, 384, 5],
  [256, 768, 10],
  [512, 384, 42],
  [256, 768, 1000],
  [64, 1024, 32000],
  [1024, 64, 2],
  [1, 768, 1000],
];

/** A head and its data, the same for every contender. */
export interface Problem {
  readonly shape: Shape;
  readonly features: Float32Array;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
  readonly target: Int32Array;
}

export function problemOf(shape: Shape): Problem {
  const [n, d, c] = shape;
  const random = randomFrom(1);
  const draw = (size: number, scale: number) => Float32Array.from({ length: size }, () => normal(random) * scale);
  return {
    shape,
    features: draw(n * d, 1),
    weight: draw(c * d, 1 / Math.sqrt(d)),
    bias: draw(c, 0.1),
    target: Int32Array.from({ length: n }, () => Math.floor(random() * c)),
  };
}

/** A loss, and the time that it took where that was taken elsewhere. */
export interface Timed {
  readonly milliseconds: number;
  readonly loss: number;
}

/** Loss and all three gradients of mean cross entropy; gives the loss. */
export type Run = () => number | Promise<number | Timed>;

/** One way to compute a head. */
export interface Contender {
  readonly name: string;
  prepare(problem: Problem): Run | Promise<Run>;
}
