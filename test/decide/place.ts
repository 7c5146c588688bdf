/** Logits of any layout, and where they are computed: by every tier, from arrays and from an engine's own memory. */
import { createEngine, type Engine, type Tensor } from '../../src/index.ts';
import { fromRows } from '../reference/decide/decisions.ts';
import { below, between, chance, fill, pick, type Random } from '../reference/random.ts';

const engines = [
  createEngine({ tier: 'scalar' }),
  createEngine({ tier: 'simd' }),
  createEngine({ tier: 'relaxed' }),
  createEngine({ deterministic: true }),
];

export interface Placed {
  readonly shape: readonly number[];
  readonly axis: number;
  /** The axis as an option may have it. */
  readonly option: number;
  readonly data: Float32Array;
  /** What the function is given. */
  readonly logits: Tensor | number[];
  /** Option `engine`, where there is one. */
  readonly engine: { readonly engine?: Engine };
  /** A tensor of the engine, or plain. */
  readonly place: (data: Float32Array, shape: readonly number[]) => Tensor;
}

/** A shape with classes anywhere: rows, columns, both; few classes, many, or more than a tile has. */
export function drawShape(random: Random): { shape: readonly number[]; axis: number } {
  const classes = pick(random, [
    1 + below(random, 9),
    10 + below(random, 60),
    94 + below(random, 50),
    2049 + below(random, 9),
  ]);
  const few = (): number => 1 + below(random, 5);
  const many = chance(random, 0.2) && classes < 100 ? 60 + below(random, 80) : few();
  return pick(random, [
    { shape: [many, classes], axis: 1 },
    { shape: [few(), classes, many], axis: 1 },
    { shape: [2, few(), classes], axis: 2 },
    { shape: [classes, few()], axis: 0 },
    { shape: [classes], axis: 0 },
  ]);
}

/** Puts logits somewhere. */
export function placed(
  random: Random,
  data: Float32Array,
  { shape, axis }: { shape: readonly number[]; axis: number },
): Placed {
  const option = chance(random) ? axis : axis - shape.length;
  const engine = chance(random, 0.8) ? pick(random, engines) : undefined;
  const resident = engine !== undefined && chance(random);
  const place = (own: Float32Array, ownShape: readonly number[]): Tensor =>
    resident ? engine.from({ data: own, shape: ownShape }) : { data: own, shape: ownShape };
  return {
    shape,
    axis,
    option,
    data,
    logits: place(data, shape),
    // a tensor of an engine says itself where it lives
    engine: engine && !(resident && chance(random)) ? { engine } : {},
    place,
  };
}

/** Random logits, of few values so that some are equal, or of many. */
export function drawLogits(random: Random, of?: { shape: readonly number[]; axis: number }): Placed {
  const where = of ?? drawShape(random);
  const size = where.shape.reduce((n, d) => n * d, 1);
  const scale = pick(random, [0.1, 2, 20]);
  const next = chance(random) ? () => between(random, -scale, scale) : () => below(random, 4) - 2;
  const offset = pick(random, [0, 0, 1000]);
  const data = Float32Array.from(fill(size, () => offset + next()));
  return placed(random, data, where);
}

export { fromRows };
