/** fast-check arbitraries of calls. What stands first in a list is what a failure shrinks towards. */
import fc, { type Arbitrary } from 'fast-check';
import type { OptionKind, OptionRecord } from '../../src/losses/record.ts';
import { type TierName, tiers } from './api.ts';
import { borrowedDraws, borrowedOptions } from './borrowed.ts';
import { entries, isActivation, names, requiredOf } from './losses.ts';
import {
  arrayPlaces,
  integerPlaces,
  labelPlaces,
  listPlaces,
  mapPlaces,
  memoryPlaces,
  outPlaces,
  type PlaceName,
} from './places.ts';
import type { CallDraw, Entry, OperandDraw, OptionDraw, TargetDraw, TargetKind } from './types.ts';
import {
  encode,
  massKinds,
  probabilityKinds,
  realKinds,
  shiftKinds,
  unitKinds,
  upstreamKinds,
  varianceKinds,
  weightKinds,
} from './values.ts';

/** Smaller seeds are not simpler ones. */
export const seeds = fc.noShrink(fc.nat({ max: 2 ** 31 - 1 }));

const floatPlaces: readonly PlaceName[] = [...arrayPlaces, ...memoryPlaces, 'i32', 'i8'];
const indexPlaces: readonly PlaceName[] = [
  'list bare',
  ...integerPlaces,
  ...memoryPlaces,
  'list',
  'nested',
  'f32',
  'f64',
  'f32 bare',
];

const from = <T>(list: readonly T[]): Arbitrary<T> => fc.constantFrom(...list);

/** An operand of floats. */
const operand = (kinds: readonly string[], places: readonly PlaceName[] = floatPlaces): Arbitrary<OperandDraw> =>
  fc.record({ kind: from(kinds), seed: seeds, place: from(places) });

/** Sizes at which kernels change their ways. */
const edges = [4, 16, 64, 96, 128, 160] as const;
/** Values of one block of staged arrays. */
export const BLOCK = 32768;

export interface ShapeDraw {
  readonly shape: readonly number[];
  readonly axis: number;
}

const near = (size: number): Arbitrary<number> => fc.integer({ min: -3, max: 3 }).map((d) => Math.max(0, size + d));
const edge = fc.oneof(...edges.map(near));
const small = fc.integer({ min: 0, max: 5 });
const few = fc.integer({ min: 1, max: 3 });

/** Every rank from 0 to 5, sizes of 0 among them. */
export const tinyShapes = fc
  .tuple(fc.array(small, { minLength: 0, maxLength: 5 }), fc.nat({ max: 4 }))
  .map(([shape, axis]): ShapeDraw => ({ shape, axis: axis % Math.max(1, shape.length) }));

/** One or two axes at an edge among small ones. */
export const edgeShapes = fc
  .tuple(fc.array(few, { minLength: 0, maxLength: 3 }), edge, fc.option(edge), fc.nat({ max: 5 }), fc.nat({ max: 5 }))
  .map(([rest, size, second, at, axis]): ShapeDraw => {
    const shape = [...rest];
    shape.splice(at % (shape.length + 1), 0, size);
    if (second !== null) shape.splice(axis % (shape.length + 1), 0, second);
    return { shape, axis: axis % shape.length };
  });

/** What a block may hold, exactly or in whole lines of 64, and a few values more or less. */
const blockSizes = fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 2 }), from([1, 0, -1, 2, 3, 63, 65]));

/** Around a block: many rows, long columns, rows longer than a block. */
export const blockShapes = fc
  .record({
    classes: fc.oneof(from([2, 3, 1, 5, 7, 16, 33]), edge, from([200, 1000, 5000])),
    size: blockSizes,
    way: from(['middle', 'first', 'last', 'row', 'split'] as const),
  })
  .map(({ classes, size: [lines, blocks, off], way }): ShapeDraw => {
    const c = Math.max(1, classes);
    const exact = Math.floor((BLOCK * blocks) / c);
    const n = Math.max(0, (lines ? Math.floor(exact / 64) * 64 : exact) + off);
    if (way === 'middle') return { shape: [1, c, n], axis: 1 };
    if (way === 'first') return { shape: [c, n], axis: 0 };
    if (way === 'last') return { shape: [n, c], axis: 1 };
    if (way === 'row') return { shape: [1, BLOCK + off], axis: 1 };
    return { shape: [2, c, 2, Math.floor(n / 4)], axis: 1 };
  });

/** Bigger ones come seldom: they take a hundred times as long. */
export const shapes: Arbitrary<ShapeDraw> = fc.oneof(
  { weight: 12, arbitrary: tinyShapes },
  { weight: 6, arbitrary: edgeShapes },
  { weight: 1, arbitrary: blockShapes },
);

/** Shapes of a few values alone, for campaigns that make many calls of each. */
export const smallShapes: Arbitrary<ShapeDraw> = fc.oneof(
  { weight: 4, arbitrary: tinyShapes },
  { weight: 1, arbitrary: edgeShapes },
);

const targetKinds: Readonly<Record<TargetKind, readonly string[]>> = {
  indices: ['indices'],
  probabilities: probabilityKinds,
  sets: ['bits', 'oneHot', 'zeroRows'],
  unit: unitKinds,
  signs: ['signs'],
  bits: ['signs', 'bits', 'anySign'],
  masses: massKinds,
  real: realKinds,
  sparse: ['sparse'],
};

const target = (what: TargetKind): Arbitrary<TargetDraw> =>
  fc.record({
    what: fc.constant(what),
    ignored: from(['none', 'some', 'all'] as const),
    kind: from(targetKinds[what]),
    seed: seeds,
    place: from(what === 'indices' ? indexPlaces : floatPlaces),
  });

/** Kinds of options, but for those of a value of each class: whether they are factors is said by their place. */
const optionKinds: Readonly<Record<Exclude<OptionKind, 'perClass' | 'axis'>, Arbitrary<OptionDraw>>> = {
  perSample: operand(weightKinds),
  perElement: operand(weightKinds),
  broadcast: fc.record({
    kind: from(weightKinds),
    seed: seeds,
    place: from(floatPlaces),
    axes: fc.nat({ max: 31 }),
    drop: fc.nat({ max: 5 }),
  }),
  variance: fc.record({
    kind: from(varianceKinds),
    seed: seeds,
    place: from(floatPlaces),
    way: from(['full', 'rows', 'column', 'number'] as const),
  }),
  unit: from([0.1, 0, 0.5, 1]),
  number: from([0.5, 1, 0, 1e-4, 1e-30, -1]),
  joint: from([0.5, 1, 0, 1e-4, 1e-30]),
  notNegative: from([2, 0, 0.5, 1, 8, 3.5]),
  positive: from([1, 0.25, 4, 1e-6]),
  atMost1: from([0.25, 1, 0, -1, 0.9]),
  power: from([1, 2]),
  flag: fc.boolean(),
  activation: from(['softmax', 'sigmoid', 'none']),
  group: from(['sample', 'batch']),
  ignoreIndex: from([-100, 0, 1, -1, 7, 100, 2 ** 31 - 1, -(2 ** 31)]),
  marker: from([-1, Number.NaN, 0, 1, 0.5, 0.1].map(encode)),
  labels: fc.record({
    start: from([0, -1, 10, -100, 100_000]),
    step: from([1, -1, 2, 70_000]),
    place: from(labelPlaces),
  }),
  components: fc.record({
    seed: seeds,
    groups: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    place: from(mapPlaces),
  }),
  perComponent: operand(['positive', 'someZero', 'zero', 'signed', 'large'], listPlaces),
};

const optionOf = ({ kind, to }: OptionRecord): Arbitrary<OptionDraw> => {
  if (kind === 'perClass') return operand(to === 'a' ? weightKinds : shiftKinds);
  if (kind === 'axis') throw new Error('the axis is drawn with the shape');
  return optionKinds[kind];
};

function optionsOf(entry: Entry, { knows }: Choice, borrowed: boolean): Arbitrary<CallDraw['options']> {
  const known = Object.entries(entry.record.options).filter(
    ([name, { kind }]) => kind !== 'axis' && (knows?.(entry.name, name) ?? true),
  );
  if (borrowed)
    return borrowedOptions(
      known.map(([name]) => name),
      floatPlaces,
    );
  const each = Object.fromEntries(known.map(([name, option]) => [name, optionOf(option)]));
  return fc.record(each, { requiredKeys: [...requiredOf(entry)] }) as Arbitrary<Readonly<Record<string, OptionDraw>>>;
}

/** Where calls may run. */
export interface Choice {
  readonly tier?: TierName | undefined;
  readonly ops?: readonly string[];
  /** Whether the library has an option. */
  readonly knows?: ((op: string, option: string) => boolean) | undefined;
  /** Whether the library takes a kind of target. */
  readonly takes?: ((op: string, what: TargetKind) => boolean) | undefined;
  readonly shapes?: Arbitrary<ShapeDraw>;
  /** Shapes that need gigabytes, where a campaign has them. */
  readonly large?: boolean | undefined;
}

/** Calls of one loss or activation; `borrowed`: drawn by the reference. */
function callOf(entry: Entry, choice: Choice, borrowed: boolean): Arbitrary<CallDraw> {
  const { name, loss, targets } = entry;
  const activation = isActivation(entry);
  const required = {
    op: fc.constant(name),
    at: choice.shapes ?? shapes,
    spelled: from(['absent', 'positive', 'negative'] as const),
    input: operand(realKinds),
    options: optionsOf(entry, choice, borrowed),
    ...(borrowed && loss && { borrowed: borrowedDraws(loss, seeds) }),
    ...(entry.second !== undefined && { second: operand(realKinds) }),
    upstream: operand(upstreamKinds),
    out: from(outPlaces),
    tier: choice.tier === undefined ? from(tiers) : fc.constant(choice.tier),
    ...(!activation && {
      target: fc.oneof(...targets.filter((what) => choice.takes?.(name, what) ?? true).map(target)),
    }),
  };
  const optional = activation
    ? {}
    : {
        reduction: from(['mean', 'none', 'sum', 'batchmean'] as const),
        scale: from([1, 3, -0.5, 0, 1e39, 1e-39]),
        emptyMean: from(['nan', 'zero'] as const),
      };
  const keys = Object.keys(required) as (keyof typeof required)[];
  return fc.record({ ...required, ...optional }, { requiredKeys: keys }).map((drawn) => {
    const { at, ...rest } = drawn as typeof drawn & { readonly at: ShapeDraw };
    return { ...rest, ...at } as CallDraw;
  });
}

/** Legal calls; those without meaning (a class loss of a tensor without axes) are Rejected later. */
export function calls(choice: Choice = {}): Arbitrary<CallDraw> {
  const ops = names.filter((op) => choice.ops === undefined || choice.ops.includes(op));
  const each = ops.map((op) => entries[op]!);
  // by kind first, which is what failures shrink to
  const byKind = each.map((entry) => ({ weight: 2, arbitrary: callOf(entry, choice, false) }));
  const borrowed = each
    .filter(({ loss }) => loss)
    .map((entry) => ({ weight: 1, arbitrary: callOf(entry, choice, true) }));
  return fc.oneof(...byKind, ...borrowed);
}
