/**
 * Losses that test/reference draws: its table brings legal problems, options and extreme inputs for each. A draw holds the
 * seed and the names of what is in it; what lies where is drawn here, as for every other loss.
 */
import fc, { type Arbitrary } from 'fast-check';
import {
  isSparse,
  type ReferenceLoss,
  type ReferenceOptions,
  type Problem as ReferenceProblem,
  type TargetKind as ReferenceTarget,
  type SparseTarget,
  type Tensor64,
  tensor64,
} from '../reference/index.ts';
import { sizeOf } from '../reference/layout.ts';
import { randomFrom } from '../reference/random.ts';
import type { PlaceName } from './places.ts';
import { Rejected } from './rejected.ts';
import type { BorrowedDraw, CallDraw, Entry, Operand, OptionKind, Problem, Scales, TargetKind } from './types.ts';

/** Losses of one differentiated tensor that have a reduction. */
export const canBorrow = ({ others, family }: ReferenceLoss): boolean => others.length === 0 && family !== 'scalar';

const targetKinds: Readonly<Record<ReferenceTarget, TargetKind>> = {
  index: 'indices',
  dense: 'real',
  sparse: 'sparse',
};
const referenceKind = (what: TargetKind): ReferenceTarget =>
  what === 'indices' ? 'index' : what === 'sparse' ? 'sparse' : 'dense';

export function borrowedEntry(loss: ReferenceLoss, scales: (loss: ReferenceLoss, problem: Problem) => Scales): Entry {
  const own = [...Object.keys(loss.options), ...Object.keys(loss.targetOptions)];
  return {
    family: loss.family === 'element' ? 'element' : 'class',
    targets: loss.targets.map((kind) => targetKinds[kind]),
    options: Object.fromEntries(own.map((name): [string, OptionKind] => [name, 'borrowed'])),
    required: [],
    loss,
    scales: (problem) => scales(loss, problem),
  };
}

/** Options by name, with the place of each that is a tensor. */
export function borrowedOptions(
  names: readonly string[],
  places: readonly PlaceName[],
): Arbitrary<CallDraw['options']> {
  const each = Object.fromEntries(names.map((name) => [name, fc.record({ place: fc.constantFrom(...places) })]));
  return fc.record(each, { requiredKeys: [] }) as Arbitrary<CallDraw['options']>;
}

export const borrowedDraws = (loss: ReferenceLoss, seeds: Arbitrary<number>): Arbitrary<BorrowedDraw> =>
  fc.record({ seed: seeds, spice: fc.constantFrom(...Object.keys(loss.spice)) }, { requiredKeys: ['seed'] });

const isTensor = (value: unknown): value is Tensor64 => typeof value === 'object' && value !== null && 'shape' in value;

const MOST_SPICED = 4096;

/** The reference's problem, before reduction and scale. */
function drawn(loss: ReferenceLoss, { shape, axis, borrowed, target, options }: CallDraw): ReferenceProblem {
  // sizes of 0 are for the losses that are drawn by kind
  if (borrowed === undefined || shape.includes(0) || (loss.family !== 'element' && shape.length === 0)) {
    throw new Rejected('the reference draws no such problem');
  }
  const byClass = loss.family === 'class' || loss.family === 'overlap';
  const least = loss.family === 'overlap' ? 2 : target?.what === 'sparse' ? 1 : 0;
  if (shape.length < least) throw new Rejected('more axes are needed');
  // some of the reference's changes take the square of the number of classes
  if (borrowed.spice !== undefined && sizeOf(shape) > MOST_SPICED) throw new Rejected('too long for spice');
  const random = randomFrom(borrowed.seed);
  let problem = loss.draw(random, shape, byClass ? axis : undefined, target && referenceKind(target.what));
  for (const [name, change] of Object.entries(loss.targetOptions)) {
    // the draw of each option is the same whichever others there are
    if (name in options && change) problem = change(randomFrom(borrowed.seed + name.length), problem);
  }
  const own = Object.entries(loss.options).filter(([name]) => name in options);
  const more = own.map(([name, draw]) => [name, draw(randomFrom(borrowed.seed ^ name.length), problem)]);
  const spice = borrowed.spice === undefined ? undefined : loss.spice[borrowed.spice];
  const spiced = spice ? spice(random, problem) : problem;
  return { ...spiced, options: { ...spiced.options, ...Object.fromEntries(more) } };
}

const valuesText = (data: ArrayLike<number>): string =>
  `[${Array.from(data, (v) => (Object.is(v, -0) ? '-0' : v)).join(', ')}]`;

function operandOf(name: string, role: Operand['role'], tensor: Tensor64, place: PlaceName): Operand {
  return { name, role, tensor, place, recipe: valuesText(tensor.data) };
}

/** A sparse target as one operand: its indices, then its offsets. */
export function sparseOperand(sparse: SparseTarget, place: PlaceName): Operand {
  const both = [...sparse.indices, ...sparse.offsets];
  return { ...operandOf('target', 'sparse', tensor64(both), place), sparse };
}

const isRows = (value: unknown): value is readonly (readonly number[])[] =>
  Array.isArray(value) && Array.isArray(value[0]);

/** A problem of the reference with its operands to be placed. */
export function borrowedParts(loss: ReferenceLoss, draw: CallDraw) {
  const { inputs, options } = drawn(loss, draw);
  const operands: Operand[] = [];
  const plain: Record<string, unknown> = {};
  const placeOf = (name: string): PlaceName =>
    (draw.options[name] as { place?: PlaceName } | undefined)?.place ?? 'f32';
  for (const [name, value] of Object.entries(options)) {
    if (isTensor(value)) operands.push(operandOf(name, 'spread', value, placeOf(name)));
    else if (isRows(value)) {
      const shape = [value.length, value[0]!.length];
      operands.push(operandOf(name, 'maps', tensor64(value.flat(), shape), 'nested'));
    } else if (Array.isArray(value)) {
      const list = name === 'labels' ? 'integers' : 'list';
      operands.push(operandOf(name, list, tensor64(value as number[]), 'list bare'));
    } else plain[name] = value;
  }
  const { target } = inputs;
  const place = draw.target?.place ?? 'f32';
  const role = draw.target?.what === 'indices' ? 'indices' : 'shaped';
  const placed = target && (isSparse(target) ? sparseOperand(target, place) : operandOf('target', role, target, place));
  const truth: ReferenceOptions = options;
  return {
    input: operandOf('input', 'input', inputs.input, draw.input.place),
    target: placed,
    operands,
    plain,
    truth,
  };
}
