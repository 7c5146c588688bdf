/** Problems drawn by the kinds of a record: its operands and options to the edges of each kind. */
import type { OptionRecord } from '../../src/losses/record.ts';
import { sparseOf } from '../reference/draws.ts';
import { type ReferenceOptions, tensor64 } from '../reference/index.ts';
import { type Layout, sizeOf } from '../reference/layout.ts';
import { randomFrom } from '../reference/random.ts';
import { hasAxis, isActivation } from './losses.ts';
import { type Parts, roleOf, sparseOperand } from './parts.ts';
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
  TargetDraw,
  VarianceDraw,
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

export function operandOf(
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

/** An operand whose values a function changes, in the text too. */
const mapped = (operand: Operand, change: (v: number, i: number) => number, text: string): Operand => ({
  ...operand,
  tensor: tensor64(operand.tensor.data.map(change), operand.tensor.shape),
  recipe: `${operand.recipe}.map(${text})`,
});

/** Values of a domain: what is outside comes in. Where the loss checks it, so does NaN. */
function within(operand: Operand, [low, high]: readonly [number, number], checked: boolean): Operand {
  const { data } = operand.tensor;
  const other = checked ? 0.5 : Number.NaN;
  if (Number.isFinite(low) && Number.isFinite(high)) {
    const fold = (v: number): number => {
      if (Number.isNaN(v)) return other;
      return Math.abs(v) <= 1 ? Math.abs(v) : Math.fround(Math.abs(1 / v));
    };
    if (data.every((v) => v >= low && v <= high)) return operand;
    return mapped(
      operand,
      fold,
      `(v) => Number.isNaN(v) ? ${other} : Math.abs(v) <= 1 ? Math.abs(v) : Math.fround(Math.abs(1 / v))`,
    );
  }
  if (low === 0) return mapped(operand, Math.abs, '(v) => Math.abs(v)');
  return high === 0 ? mapped(operand, (v) => 0 - Math.abs(v), '(v) => 0 - Math.abs(v)') : operand;
}

/** Some axes with their size, the others with 1; leading ones may be left out. */
function broadcastShape(shape: readonly number[], { axes, drop }: BroadcastDraw): readonly number[] {
  const lead = Math.min(drop, shape.length);
  return shape.map((size, d) => ((axes >> d) & 1 ? size : 1)).slice(lead);
}

function varianceShape(shape: readonly number[], { way }: VarianceDraw): readonly number[] {
  if (way === 'full' || shape.length === 0) return shape;
  const rows = shape.slice(0, -1);
  return way === 'rows' ? rows : [...rows, 1];
}

/** Whether the reference takes a list of numbers where the library takes a tensor. */
function isListed({ loss }: Entry, name: string, shape: readonly number[], axis: number): boolean {
  const draw = loss?.options[name as keyof ReferenceOptions];
  if (!draw || name === 'weights') return name === 'weights';
  const inputs = { input: tensor64(new Float64Array(sizeOf(shape)), shape) };
  return Array.isArray(draw(randomFrom(0), { inputs, options: { axis } }));
}

/** One option as the reference takes it, and as the library does: an operand, or a plain value. */
interface Given {
  readonly truth: unknown;
  readonly operand?: Operand;
  readonly plain?: unknown;
}

const number = (value: number): Given => ({ truth: value, plain: value });
const whole = (operand: Operand, truth: unknown = operand.tensor): Given => ({ truth, operand });

function optionOf(
  entry: Entry,
  name: string,
  draw: OptionDraw,
  { kind }: OptionRecord,
  call: CallDraw,
  layout: Layout,
): Given {
  const { shape, axis } = call;
  const float = (of: readonly number[]): Operand => operandOf(name, roleOf(entry, name), draw as OperandDraw, of);
  const { classes, sampleShape } = layout;
  switch (kind) {
    case 'perClass': {
      const operand = float([classes]);
      if (!isListed(entry, name, shape, axis)) return whole(operand);
      const list = Array.from(operand.tensor.data);
      return list.every(Number.isFinite) ? whole(operand, list) : reject(`${name} stands for classes`);
    }
    case 'perSample':
      return whole(float(sampleShape));
    case 'perElement':
      return whole(float(shape));
    case 'broadcast':
      return whole(float(broadcastShape(shape, draw as BroadcastDraw)));
    case 'variance': {
      const operand = float(varianceShape(shape, draw as VarianceDraw));
      return (draw as VarianceDraw).way === 'number' ? number(operand.tensor.data[0] ?? 1) : whole(operand);
    }
    case 'perComponent': {
      const operand = float([(call.options.components as ComponentsDraw).groups.length]);
      return whole(operand, Array.from(operand.tensor.data));
    }
    case 'labels': {
      const { start, step, place } = draw as LabelsDraw;
      // targets of them lie in int32 arrays too
      const apart = Math.abs(start) + classes * Math.abs(step) < 2 ** 31 ? step : Math.sign(step);
      const labels = Array.from({ length: classes }, (_, k) => start + k * apart);
      const recipe = `Array.from({ length: ${classes} }, (_, k) => ${start} + k * ${apart})`;
      return whole({ name, role: 'integers', tensor: tensor64(labels), place, recipe }, labels);
    }
    case 'components': {
      const { seed, groups, place } = draw as ComponentsDraw;
      const maps = groupMaps(seed, classes, groups);
      const recipe = `groupMaps(${seed}, ${classes}, [${groups.join(', ')}])`;
      return whole(
        { name, role: 'maps', tensor: tensor64(maps.flat(), [groups.length, classes]), place, recipe },
        maps,
      );
    }
    case 'marker': {
      // it is compared as the float32 that targets are
      const value = decode(draw as Encoded);
      return { truth: Math.fround(value), plain: value };
    }
    case 'flag':
    case 'activation':
    case 'group':
      return { truth: draw, plain: draw };
    default:
      return number(decode(draw as Encoded));
  }
}

export function targetOf(draw: TargetDraw, call: CallDraw, layout: Layout, truth: ReferenceOptions): Operand {
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
    if (call.shape.length === 0) reject('a sparse target has rows');
    const bits = generate('bits', draw.seed, sizeOf(call.shape));
    return sparseOperand(sparseOf(randomFrom(draw.seed), tensor64(bits, call.shape), truth.axis ?? -1), draw.place);
  }
  const operand = operandOf('target', what === 'probabilities' ? 'shaped' : 'floats', draw, call.shape, layout);
  const { ignoreValue } = truth;
  if (ignoreValue === undefined || ignored === 'none' || draw.values !== undefined) return operand;
  const share = ignored === 'all' ? 10 : 3;
  const marker = Math.fround(ignoreValue);
  return mapped(
    operand,
    (v, i) => ((i * 7 + draw.seed) % 10 < share ? marker : v),
    `(v, i) => (i * 7 + ${draw.seed}) % 10 < ${share} ? ${marker} : v`,
  );
}

/** Kinds whose products with each other, or with large ones, no float32 keeps; nor those of large ones. */
const smallKinds: readonly string[] = ['tiny', 'thin', 'ends'];

/** Kinds that bring values back which a tiny weight has made subnormal, and so of few digits. */
const wideKinds: readonly string[] = ['huge', 'limit', 'mixture'];

function isBeyond({ input, target, options }: CallDraw): boolean {
  const kinds = [target, ...Object.values(options)].flatMap((each) =>
    typeof each === 'object' && 'kind' in each ? [(each as OperandDraw).kind] : [],
  );
  const small = kinds.filter((kind) => smallKinds.includes(kind)).length;
  const large = kinds.filter((kind) => kind === 'large').length;
  const wide = [input, target].some((each) => each && wideKinds.includes(each.kind));
  return small > 1 || large > 1 || (small > 0 && large > 0) || (wide && kinds.includes('tiny'));
}

/** Kinds of options that only some targets go with: they name values of it. */
const goesWith = (kind: OptionRecord['kind'], target: TargetDraw | undefined): boolean => {
  if (kind === 'ignoreIndex' || kind === 'labels') return target?.what === 'indices';
  return kind !== 'marker' || target?.what !== 'sparse';
};

/** Whether the result of a draw is defined: a term of its own that needs the normalizer of no class, or of no class at all, is not. */
function isDefined({ record, second }: Entry, { classes }: Layout, { options }: CallDraw): boolean {
  const sides = Object.keys(options).some(
    (name) => record.side !== undefined && record.options[name]?.to === record.side,
  );
  return classes > 0 || (second === undefined && !sides);
}

export function drawnParts(entry: Entry, draw: CallDraw, layout: Layout): Parts {
  if (isBeyond(draw)) reject('products of its weights are no float32');
  if (!isDefined(entry, layout, draw)) reject('its result is not defined');
  const to = {
    truth: { ...(hasAxis(entry) && { axis: draw.axis }) } as Record<string, unknown>,
    plain: {} as Record<string, unknown>,
    operands: [] as Operand[],
  };
  const { options } = entry.record;
  for (const [name, option] of Object.entries(draw.options)) {
    const own = options[name] ?? reject(`no option ${name}`);
    if (!goesWith(own.kind, draw.target)) continue;
    const { truth, operand, plain } = optionOf(entry, name, option, own, draw, layout);
    to.truth[name] = truth;
    if (operand) to.operands.push(operand);
    else to.plain[name] = plain;
  }
  const truth: ReferenceOptions = to.truth;
  const { loss, record, second } = entry;
  const free = operandOf('input', 'input', draw.input, draw.shape, layout);
  return {
    ...to,
    input: loss && !isActivation(entry) ? within(free, loss.domain(truth), record.both ?? false) : free,
    second: second === undefined ? undefined : operandOf(second, 'floats', draw.second!, layout.sampleShape),
    target: draw.target && targetOf(draw.target, draw, layout, truth),
  };
}
