/** From a draw to a call with all its numbers. */

import { sparseOf } from '../reference/draws.ts';
import { lossShapeOf, type ReferenceLoss, type ReferenceOptions, type Tensor64, tensor64 } from '../reference/index.ts';
import { type Layout, layoutOf, sizeOf } from '../reference/layout.ts';
import { randomFrom } from '../reference/random.ts';
import { borrowedParts, sparseOperand } from './borrowed.ts';
import { entries, isActivation } from './losses.ts';
import { literal } from './places.ts';
import { Rejected } from './rejected.ts';
import type {
  BroadcastDraw,
  CallDraw,
  ComponentsDraw,
  Entry,
  LabelsDraw,
  Operand,
  OperandDraw,
  OptionDraw,
  Problem,
  TargetDraw,
} from './types.ts';
import { decode, type Encoded, generate } from './values.ts';

const reject = (why: string): never => {
  throw new Rejected(why);
};

/** Class indices, some or all of them `ignore`. Names nothing outside itself: it is printed with calls. */
export function indices(
  seed: number,
  length: number,
  labels: number | readonly number[],
  ignored: string,
  ignore: number,
): number[] {
  const classes = typeof labels === 'number' ? labels : labels.length;
  return Array.from({ length }, (_, i) => {
    let m = Math.imul(i + 1, 0x9e3779b1) ^ seed;
    m = Math.imul(m ^ (m >>> 15), 0x2c1b3c6d);
    m = Math.imul(m ^ (m >>> 12), 0x297a2d39);
    m = (m ^ (m >>> 15)) >>> 0;
    if (classes === 0 || ignored === 'all' || (ignored === 'some' && m % 10 < 3)) return ignore;
    const k = Math.floor((m / 2 ** 32) * classes);
    return typeof labels === 'number' ? k : labels[k]!;
  });
}

/** One map from class to group for each number of groups. Printed with calls. */
export function groupMaps(seed: number, classes: number, groups: readonly number[]): number[][] {
  return groups.map((count, m) =>
    Array.from({ length: classes }, (_, c) => (Math.imul(c + 1 + m, 0x9e3779b1 ^ seed) >>> 16) % count),
  );
}

const explicit = (draw: OperandDraw): readonly number[] | undefined => draw.values?.map((v) => decode(v));

function operandOf(
  name: string,
  role: Operand['role'],
  draw: OperandDraw,
  shape: readonly number[],
  layout?: Layout,
): Operand {
  const size = sizeOf(shape);
  const { classes, inner } = layout ?? { classes: 1, inner: size };
  const given = explicit(draw);
  if (given !== undefined && given.length !== size) reject(`${name} has ${given.length} values for ${size}`);
  const values = given ?? generate(draw.kind, draw.seed, size, classes, inner);
  const recipe = given
    ? `[${literal(given)}]`
    : `generate('${draw.kind}', ${draw.seed}, ${size}, ${classes}, ${inner})`;
  return { name, role, tensor: tensor64(values, shape), place: draw.place, recipe };
}

const isElementwise = (entry: Entry): boolean => entry.family === 'element';

const flatLayout = (shape: readonly number[]): Layout => {
  const size = sizeOf(shape);
  return { outer: 1, classes: 1, inner: size, samples: size, sampleShape: shape, batch: shape[0] ?? 1 };
};

function layoutFor(entry: Entry, shape: readonly number[], axis: number): Layout {
  if (isElementwise(entry)) return flatLayout(shape);
  if (shape.length > 0) return layoutOf(shape, axis);
  if (!isActivation(entry)) return reject('a class axis is needed');
  return { outer: 1, classes: 1, inner: 1, samples: 1, sampleShape: [], batch: 1 };
}

/** The axis as the call gives it. */
function axisOption(draw: CallDraw, entry: Entry): Readonly<Record<string, number>> {
  const { shape, axis, spelled } = draw;
  if (isElementwise(entry) || spelled === 'absent') {
    const standard = shape.length === 1 ? 0 : 1;
    if (!isElementwise(entry) && shape.length > 0 && axis !== standard) return { axis };
    return {};
  }
  return { axis: spelled === 'negative' ? axis - Math.max(1, shape.length) : axis };
}

/** Some axes with their size, the others with 1; leading ones may be left out. */
function broadcastShape(shape: readonly number[], { axes, drop }: BroadcastDraw): readonly number[] {
  const lead = Math.min(drop, shape.length);
  return shape.map((size, d) => ((axes >> d) & 1 ? size : 1)).slice(lead);
}

interface Options {
  readonly truth: Record<string, unknown>;
  readonly plain: Record<string, unknown>;
  readonly operands: Operand[];
}

/** One option as the reference and as the library take it. */
function addOption(
  name: string,
  draw: OptionDraw,
  kind: Entry['options'][string],
  call: CallDraw,
  layout: Layout,
  to: Options,
) {
  const { shape } = call;
  const add = (operand: Operand, value: unknown = operand.tensor): void => {
    to.operands.push(operand);
    to.truth[name] = value;
  };
  const float = (of: readonly number[], role: Operand['role'] = 'floats'): Operand =>
    operandOf(name, role, draw as OperandDraw, of);
  const { classes } = layout;
  if (kind === 'perClass') return add(float([classes]));
  if (kind === 'perSample') return add(float(layout.sampleShape));
  if (kind === 'perElement') return add(float(shape));
  if (kind === 'broadcast') return add(float(broadcastShape(shape, draw as BroadcastDraw), 'spread'));
  if (kind === 'perComponent') {
    const { groups } = call.options.components as ComponentsDraw;
    const weights = float([groups.length], 'list');
    return add(weights, Array.from(weights.tensor.data));
  }
  if (kind === 'labels') {
    const { start, step, place } = draw as LabelsDraw;
    const labels = Array.from({ length: classes }, (_, k) => start + k * step);
    const recipe = `Array.from({ length: ${classes} }, (_, k) => ${start} + k * ${step})`;
    return add({ name, role: 'integers', tensor: tensor64(labels), place, recipe }, labels);
  }
  if (kind === 'components') {
    const { seed, groups, place } = draw as ComponentsDraw;
    const maps = groupMaps(seed, classes, groups);
    const recipe = `groupMaps(${seed}, ${classes}, [${groups.join(', ')}])`;
    return add({ name, role: 'maps', tensor: tensor64(maps.flat(), [groups.length, classes]), place, recipe }, maps);
  }
  const number = decode(draw as Encoded);
  // a marker is compared as the float32 that targets are
  to.truth[name] = kind === 'marker' ? Math.fround(number) : number;
  to.plain[name] = number;
}

/** Options that need class indices: they name values of the target. */
const forIndices: readonly string[] = ['ignoreIndex', 'labels'];

function targetOf(draw: TargetDraw, call: CallDraw, layout: Layout, truth: ReferenceOptions): Operand {
  const { what, ignored } = draw;
  if (what === 'indices') {
    const { ignoreIndex = -100, labels = layout.classes } = truth;
    const values = explicit(draw) ?? indices(draw.seed, layout.samples, labels, ignored, ignoreIndex);
    if (values.length !== layout.samples) reject('the target has another number of values');
    const list = typeof labels === 'number' ? String(labels) : 'Array.from(labels, Number)';
    const recipe = `indices(${draw.seed}, ${layout.samples}, ${list}, '${ignored}', ${ignoreIndex})`;
    return { name: 'target', role: 'indices', tensor: tensor64(values, layout.sampleShape), place: draw.place, recipe };
  }
  if (what === 'sparse') {
    const bits = generate('bits', draw.seed, sizeOf(call.shape));
    const sparse = sparseOf(randomFrom(draw.seed), tensor64(bits, call.shape), -1);
    return sparseOperand(sparse, draw.place);
  }
  const role = what === 'probabilities' ? 'shaped' : 'floats';
  const operand = operandOf('target', role, draw, call.shape, layout);
  const { ignoreValue } = truth;
  if (ignoreValue === undefined || ignored === 'none' || draw.values !== undefined) return operand;
  const share = ignored === 'all' ? 10 : 3;
  const marked = operand.tensor.data.map((v, i) => ((i * 7 + draw.seed) % 10 < share ? Math.fround(ignoreValue) : v));
  const recipe = `${operand.recipe}.map((v, i) => (i * 7 + ${draw.seed}) % 10 < ${share} ? ${Math.fround(ignoreValue)} : v)`;
  return { ...operand, tensor: { ...operand.tensor, data: marked }, recipe };
}

/** Whether the loss of each sample is cut off from its logits, so that even an infinite gradOutput must not show. */
function ignoredSamples(target: Operand | undefined, truth: ReferenceOptions): (sample: number) => boolean {
  const { ignoreIndex = -100, ignoreValue } = truth;
  if (target?.role === 'indices') return (i) => target.tensor.data[i] === ignoreIndex;
  if (ignoreValue === undefined || target === undefined) return () => false;
  const marker = Math.fround(ignoreValue);
  return (i) => Object.is(target.tensor.data[i], marker) || target.tensor.data[i] === marker;
}

/** gradOutput as the call gives it, and as the reference gets it: what an ignored sample is given must not matter. */
function upstreamOf(
  call: CallDraw,
  entry: Entry,
  layout: Layout,
  target: Operand | undefined,
  truth: ReferenceOptions,
) {
  const shape = isActivation(entry) ? call.shape : call.reduction === 'none' ? layout.sampleShape : [];
  const operand = operandOf('gradOutput', 'floats', call.upstream, shape);
  if (call.upstream.kind !== 'wildWhereIgnored' || call.reduction !== 'none') return { operand, tame: operand.tensor };
  const ignored = ignoredSamples(target, truth);
  const data = operand.tensor.data.map((v, i) => (ignored(i) ? [Infinity, Number.NaN][i % 2]! : v));
  return {
    operand: { ...operand, tensor: { ...operand.tensor, data }, recipe: `[${literal(data)}]` },
    tame: operand.tensor,
  };
}

/** A problem that the reference draws. */
function borrowed(draw: CallDraw, entry: Entry, loss: ReferenceLoss): Problem {
  const parts = borrowedParts(loss, draw);
  const to: Options = {
    truth: { ...parts.truth },
    plain: { ...parts.plain, ...('axis' in parts.truth ? axisOption(draw, entry) : {}) },
    operands: parts.operands,
  };
  if (!('axis' in parts.truth)) delete to.plain.axis;
  addCommon(draw, to);
  const truth: ReferenceOptions = to.truth;
  // ratios of the whole batch have no batch to divide by
  if (truth.per === 'batch' && truth.reduction === 'batchmean') return reject('there is no batch');
  const inputs = { input: parts.input.tensor, target: parts.target?.sparse ?? parts.target?.tensor };
  const lossShape = lossShapeOf(loss, { inputs, options: truth });
  const layout = flatLayout(lossShape);
  const upstream = operandOf('gradOutput', 'floats', draw.upstream, truth.reduction === 'none' ? lossShape : []);
  return {
    draw,
    op: draw.op,
    entry,
    layout,
    input: parts.input,
    target: parts.target,
    gradOutput: upstream,
    operands: to.operands,
    plain: to.plain,
    truth: { ...truth, gradOutput: upstreamValue(upstream.tensor, truth) },
  };
}

/** Options of all losses. */
function addCommon(draw: CallDraw, to: Options): void {
  for (const name of ['reduction', 'scale', 'emptyMean'] as const) {
    const value = draw[name];
    if (value === undefined) continue;
    const own = name === 'scale' ? decode(value as Encoded) : value;
    to.truth[name] = own;
    to.plain[name] = own;
  }
}

/** Kinds whose products with each other, or with large ones, no float32 keeps. */
const smallKinds: readonly string[] = ['tiny', 'thin', 'ends'];

function underflows({ target, options }: CallDraw): boolean {
  const kinds = [target, ...Object.values(options)].flatMap((each) =>
    typeof each === 'object' && 'kind' in each ? [(each as OperandDraw).kind] : [],
  );
  const small = kinds.filter((kind) => smallKinds.includes(kind)).length;
  return small > 1 || (small > 0 && kinds.includes('large'));
}

/** All numbers of a draw; Rejected where the contract has no such call. */
export function problemOf(draw: CallDraw): Problem {
  const entry = entries[draw.op] ?? reject(`no entry for ${draw.op}`);
  if (entry.required.some((name) => !(name in draw.options))) reject('an option is missing');
  if (entry.loss) return borrowed(draw, entry, entry.loss);
  if (underflows(draw)) reject('products of its weights are below every float32');
  if (entry.accepts?.(draw) === false) reject('its result is not defined');
  const layout = layoutFor(entry, draw.shape, draw.axis);
  const to: Options = { truth: { axis: draw.axis }, plain: { ...axisOption(draw, entry) }, operands: [] };
  const usesIndices = draw.target?.what === 'indices';
  for (const [name, option] of Object.entries(draw.options)) {
    const kind = entry.options[name] ?? reject(`no option ${name}`);
    if (forIndices.includes(kind) && !usesIndices) continue;
    addOption(name, option, kind, draw, layout, to);
  }
  if (!isActivation(entry)) addCommon(draw, to);
  const truth: ReferenceOptions = to.truth;
  const target = draw.target && targetOf(draw.target, draw, layout, truth);
  const input = operandOf('input', 'input', draw.input, draw.shape, layout);
  const { operand: gradOutput, tame } = upstreamOf(draw, entry, layout, target, truth);
  return {
    draw,
    op: draw.op,
    entry,
    layout,
    input,
    target,
    gradOutput,
    operands: to.operands,
    plain: to.plain,
    truth: { ...truth, gradOutput: upstreamValue(tame, truth) },
  };
}

/** One number under a reduction. */
const upstreamValue = (tensor: Tensor64, { reduction }: ReferenceOptions): number | Tensor64 =>
  reduction === 'none' || tensor.shape.length > 0 ? tensor : tensor.data[0]!;

/** Values of the kind that an operand was drawn with, of another seed: for a step on other contents. */
export function valuesFor(problem: Problem, operand: Operand, seed: number): readonly number[] {
  const { draw, layout, truth, target, entry } = problem;
  const { length } = operand.tensor.data;
  if (entry.loss) {
    const other = borrowed({ ...draw, borrowed: { ...draw.borrowed, seed } }, entry, entry.loss);
    const all = [other.input, ...(other.target ? [other.target] : []), ...other.operands];
    const same = all.find(({ name, role }) => name === operand.name && role !== 'sparse')?.tensor.data;
    return Array.from(same?.length === length ? same : operand.tensor.data);
  }
  if (operand === target && draw.target) {
    const other = { ...draw.target, seed };
    const { values: _, ...fresh } = other;
    return Array.from(targetOf(fresh, draw, layout, truth).tensor.data);
  }
  const own = operand.name === 'input' ? draw.input : (draw.options[operand.name] as OperandDraw);
  const wide = operand.name === 'input' ? layout : { classes: 1, inner: length };
  return generate(own.kind, seed, length, wide.classes, wide.inner);
}
