/** The values of operands, by kind and seed. */

/** Kinds of logits, inputs and values to be met: the first is what failures shrink towards. */
export const realKinds = [
  'ordinary',
  'whole',
  'same',
  'sharp',
  'far',
  'masked',
  'maskedRows',
  'huge',
  'limit',
  'subnormal',
  'nan',
  'infinite',
  'mixture',
] as const;
export const weightKinds = ['positive', 'someZero', 'zero', 'tiny', 'large', 'signed'] as const;
/** What is added to logits, or stands for classes: no factors. */
export const shiftKinds = ['ordinary', 'whole', 'same', 'zero', 'positive', 'masked'] as const;
export const varianceKinds = ['positive', 'someZero', 'zero', 'tiny', 'large'] as const;
export const massKinds = ['fractions', 'bits', 'oneHot', 'zeroRows', 'thin', 'counts'] as const;
export const probabilityKinds = ['fractions', 'oneHot', 'bits', 'zeroRows', 'thin'] as const;
export const unitKinds = ['fractions', 'bits', 'ends'] as const;
export const upstreamKinds = ['upstream', 'someZero', 'wildWhereIgnored'] as const;

export type ValueKind =
  | (typeof realKinds)[number]
  | (typeof weightKinds)[number]
  | (typeof probabilityKinds)[number]
  | (typeof unitKinds)[number]
  | (typeof massKinds)[number]
  | 'signs'
  | 'anySign'
  | (typeof upstreamKinds)[number];

/**
 * Values of a kind, each exactly a float32. `classes` and `inner` say where the class axis lies, for kinds that treat whole
 * rows of classes alike. Names nothing outside itself, so that its text can stand in a printed call.
 */
export function generate(kind: string, seed: number, length: number, classes = 1, inner = length): number[] {
  const mix = (a: number): number => {
    let m = Math.imul(a ^ (a >>> 15), a | 1);
    m ^= m + Math.imul(m ^ (m >>> 7), m | 61);
    return ((m ^ (m >>> 14)) >>> 0) / 2 ** 32;
  };
  let state = seed >>> 0;
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    return mix(state);
  };
  const normal = (scale: number): number => (random() + random() + random() + random() - 2) * 1.7 * scale;
  const sign = (): number => (random() < 0.5 ? -1 : 1);
  const minus = Number.NEGATIVE_INFINITY;
  const pick = (...list: number[]): number => list[Math.floor(random() * list.length)] ?? 0;
  const row = (sample: number): number => mix((Math.imul(sample + 1, 0x9e3779b1) ^ seed) >>> 0);
  const kinds: Record<string, (sample: number, c: number) => number> = {
    ordinary: () => normal([2, 0.01, 5][seed % 3] ?? 1),
    whole: () => Math.round(normal(4)), // −0 too
    same: () => [0, 1, -3, 1000][seed % 4] ?? 0,
    sharp: () => normal(30),
    far: () => 1e4 + normal(3),
    masked: () => (random() < 0.3 ? minus : normal(3)),
    maskedRows: (sample) => (row(sample) < 0.4 || random() < 0.3 ? minus : normal(3)),
    huge: () => (random() < 0.3 ? sign() * 1e30 : normal(3)),
    limit: () => (random() < 0.3 ? sign() * pick(3e38, 3.4028234663852886e38) : normal(3)),
    subnormal: () => normal(1e-40),
    nan: (sample) => (row(sample) < 0.4 && random() < 0.5 ? Number.NaN : normal(3)),
    infinite: () => (random() < 0.15 ? pick(minus, Number.POSITIVE_INFINITY) : normal(3)),
    mixture: (sample) =>
      row(sample) < 0.6 || random() < 0.8
        ? normal(3)
        : pick(minus, Number.POSITIVE_INFINITY, Number.NaN, 1e30, 3e38, 80, -80, 0),
    positive: () => 0.25 + 1.75 * random(),
    someZero: () => (random() < 0.4 ? 0 : 0.25 + 1.75 * random()),
    zero: () => 0,
    tiny: () => 1e-40 * (1 + random()),
    large: () => 1e30 * (1 + random()),
    signed: () => normal(1),
    fractions: () => random(),
    oneHot: (sample, c) => (c === Math.floor(row(sample) * classes) ? 1 : 0),
    bits: () => (random() < 0.4 ? 1 : 0),
    signs: sign,
    anySign: () => pick(-1, 0, 1),
    counts: () => pick(0, 1, 2, 7, 300) + (random() < 0.3 ? random() : 0),
    zeroRows: (sample) => (row(sample) < 0.4 ? 0 : random()),
    thin: () => random() * 1e-30,
    ends: () => pick(0, -0, 1, 1e-30, 1 - 2 ** -24, 0.5),
    upstream: () => normal(1),
    wildWhereIgnored: () => normal(1),
  };
  const next = kinds[kind];
  if (next === undefined) throw new Error(`no kind of value is called ${kind}`);
  const values: number[] = [];
  for (let i = 0; i < length; i++) {
    const sample = Math.floor(i / (classes * inner)) * inner + (i % inner);
    values.push(Math.fround(next(sample, Math.floor(i / inner) % classes)));
  }
  return values;
}

/** A number as JSON can hold it. */
export type Encoded = number | 'NaN' | 'Infinity' | '-Infinity' | '-0';

export const encode = (value: number): Encoded =>
  Number.isFinite(value) && !Object.is(value, -0) ? value : ((Object.is(value, -0) ? '-0' : `${value}`) as Encoded);
export const decode = (value: Encoded): number => Number(value);
