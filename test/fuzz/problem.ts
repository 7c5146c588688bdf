/** From a draw to a call with all its numbers. */
import { lossShapeOf, type ReferenceInputs, type ReferenceOptions, type Tensor64 } from '../reference/index.ts';
import { type Layout, layoutOf, sizeOf } from '../reference/layout.ts';
import { below, type Random, randomFrom } from '../reference/random.ts';
import { borrowedParts } from './borrowed.ts';
import { drawnParts, operandOf, targetOf } from './drawn.ts';
import { entries, hasAxis, isActivation, isElementwise, requiredOf } from './losses.ts';
import type { Parts } from './parts.ts';
import { literal } from './places.ts';
import { Rejected } from './rejected.ts';
import type { CallDraw, Entry, Operand, OperandDraw, Problem } from './types.ts';
import { decode, type Encoded, generate } from './values.ts';

const reject = (why: string): never => {
  throw new Rejected(why);
};

const flatLayout = (shape: readonly number[]): Layout => {
  const size = sizeOf(shape);
  return { outer: 1, classes: 1, inner: size, samples: size, sampleShape: shape, batch: shape[0] ?? 1 };
};

function layoutFor(entry: Entry, { shape, axis }: CallDraw): Layout {
  if (isElementwise(entry)) return flatLayout(shape);
  if (shape.length > 0) return layoutOf(shape, hasAxis(entry) ? axis : -1);
  if (!isActivation(entry)) return reject('a class axis is needed');
  return { outer: 1, classes: 1, inner: 1, samples: 1, sampleShape: [], batch: 1 };
}

/** The axis as the call gives it. */
function axisOption({ shape, axis, spelled }: CallDraw, entry: Entry): Readonly<Record<string, number>> {
  const standard = shape.length > 1 ? 1 : 0;
  if (!hasAxis(entry)) return {};
  if (spelled === 'absent') return shape.length > 0 && axis !== standard ? { axis } : {};
  return { axis: spelled === 'negative' ? axis - Math.max(1, shape.length) : axis };
}

/** Whether the loss of each sample is cut off from its logits, so that even an infinite gradOutput must not show. */
function ignoredSamples(target: Operand | undefined, truth: ReferenceOptions): (sample: number) => boolean {
  const { ignoreIndex = -100, ignoreValue } = truth;
  if (target?.role === 'indices') return (i) => target.tensor.data[i] === ignoreIndex;
  if (ignoreValue === undefined || target === undefined) return () => false;
  const marker = Math.fround(ignoreValue);
  return (i) => Object.is(target.tensor.data[i], marker) || target.tensor.data[i] === marker;
}

/**
 * gradOutput as the call gives it, and as the reference gets it: what an ignored sample is given must not matter. `target`: where
 * there is a loss for each sample.
 */
function upstreamOf(draw: CallDraw, shape: readonly number[], target: Operand | undefined, truth: ReferenceOptions) {
  const operand = operandOf('gradOutput', 'floats', draw.upstream, shape);
  const each = draw.reduction === 'none' && target?.tensor.data.length === sizeOf(shape);
  if (draw.upstream.kind !== 'wildWhereIgnored' || !each) return { operand, tame: operand.tensor };
  const ignored = ignoredSamples(target, truth);
  const data = operand.tensor.data.map((v, i) => (ignored(i) ? [Infinity, Number.NaN][i % 2]! : v));
  return {
    operand: { ...operand, tensor: { ...operand.tensor, data }, recipe: `[${literal(data)}]` },
    tame: operand.tensor,
  };
}

/** Options of all losses. */
function addCommon(draw: CallDraw, { truth, plain }: Parts): void {
  for (const name of ['reduction', 'scale', 'emptyMean'] as const) {
    const value = draw[name];
    if (value === undefined) continue;
    truth[name] = plain[name] = name === 'scale' ? decode(value as Encoded) : value;
  }
}

/** One number under a reduction. */
const upstreamValue = (tensor: Tensor64, { reduction }: ReferenceOptions): number | Tensor64 =>
  reduction === 'none' || tensor.shape.length > 0 ? tensor : tensor.data[0]!;

const inputsOf = ({ input, second, target }: Parts): ReferenceInputs => ({
  input: input.tensor,
  target: target?.sparse ?? target?.tensor,
  ...(second && { others: { [second.name]: second.tensor } }),
});

/** All numbers of a draw; Rejected where the contract has no such call. */
export function problemOf(draw: CallDraw): Problem {
  const entry = entries[draw.op] ?? reject(`no entry for ${draw.op}`);
  const layout = layoutFor(entry, draw);
  const { loss } = entry;
  if (!draw.borrowed && requiredOf(entry).some((name) => !(name in draw.options))) reject('an option is missing');
  const parts = draw.borrowed && loss ? borrowedParts(entry, loss, draw) : drawnParts(entry, draw, layout);
  Object.assign(parts.plain, axisOption(draw, entry));
  if (loss) addCommon(draw, parts);
  const truth: ReferenceOptions = parts.truth;
  // ratios of the whole batch have no batch to divide by
  if (truth.per === 'batch' && truth.reduction === 'batchmean') reject('there is no batch');
  const inputs = inputsOf(parts);
  const lossShape = loss ? lossShapeOf(loss, { inputs, options: truth }) : draw.shape;
  const upstreamShape = !loss || truth.reduction === 'none' ? lossShape : [];
  const { operand: gradOutput, tame } = upstreamOf(
    draw,
    upstreamShape,
    entry.record.walk === 'group' ? undefined : parts.target,
    truth,
  );
  return {
    ...parts,
    draw,
    op: draw.op,
    entry,
    layout,
    lossShape,
    gradOutput,
    inputs,
    truth: { ...truth, gradOutput: upstreamValue(tame, truth) },
  };
}

function shuffled<T>(random: Random, values: readonly T[]): T[] {
  const all = [...values];
  for (let i = all.length - 1; i > 0; i--) {
    const j = below(random, i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

/** As many indices and rows, with other indices in rows of other lengths. */
function otherSparse({ sparse }: Operand, width: number, seed: number): readonly number[] {
  const { offsets } = sparse!;
  const random = randomFrom(seed);
  const own = Array.from(offsets.subarray(1), (end, i) => end - offsets[i]!);
  const lengths = shuffled(random, own);
  const all = Array.from({ length: width }, (_, k) => k);
  const indices = lengths.flatMap((length) => shuffled(random, all).slice(0, length));
  let end = 0;
  return [
    ...indices,
    0,
    ...lengths.map((length) => {
      end += length;
      return end;
    }),
  ];
}

/** Values of the kind that an operand was drawn with, of another seed: for a step on other contents. */
export function valuesFor(problem: Problem, operand: Operand, seed: number): readonly number[] {
  const { draw, layout, truth, target, second, entry } = problem;
  const { length } = operand.tensor.data;
  if (operand.role === 'sparse') {
    return otherSparse(operand, isElementwise(entry) ? (draw.shape.at(-1) ?? 1) : layout.classes, seed);
  }
  if (draw.borrowed || operand.name === 'input') {
    const fresh: CallDraw = {
      ...draw,
      ...(draw.borrowed && { borrowed: { ...draw.borrowed, seed } }),
      input: { kind: draw.input.kind, place: draw.input.place, seed },
    };
    const other = problemOf(fresh);
    const all = [other.input, other.second, other.target, ...other.operands];
    const same = all.find((each) => each?.name === operand.name && each.role !== 'sparse')?.tensor.data;
    return Array.from(same?.length === length ? same : operand.tensor.data);
  }
  if (operand === target && draw.target) {
    const { values: _, ...fresh } = { ...draw.target, seed };
    return Array.from(targetOf(fresh, draw, layout, truth).tensor.data);
  }
  const own = operand === second ? draw.second! : (draw.options[operand.name] as OperandDraw);
  return generate(own.kind, seed, length, 1, length);
}
