/**
 * Problems that test/reference draws: its table brings legal inputs, options and extreme values for each loss. A draw holds
 * the seed and the names of what is in it; what lies where is drawn as for every other problem.
 */
import fc, { type Arbitrary } from 'fast-check';
import {
  isSparse,
  type ReferenceLoss,
  type ReferenceOptions,
  type Problem as ReferenceProblem,
  type TargetKind as ReferenceTarget,
  type Tensor64,
  tensor64,
} from '../reference/index.ts';
import { sizeOf } from '../reference/layout.ts';
import { randomFrom } from '../reference/random.ts';
import { hasAxis, isElementwise } from './losses.ts';
import { type Parts, roleOf, sparseOperand } from './parts.ts';
import type { PlaceName } from './places.ts';
import { Rejected } from './rejected.ts';
import type { BorrowedDraw, CallDraw, Entry, Operand, TargetKind } from './types.ts';

const referenceKind = (what: TargetKind): ReferenceTarget =>
  what === 'indices' ? 'index' : what === 'sparse' ? 'sparse' : 'dense';

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
function drawn(entry: Entry, loss: ReferenceLoss, draw: CallDraw): ReferenceProblem {
  const { shape, axis, borrowed, target, options } = draw;
  // sizes of 0 are for what is drawn by kind
  if (borrowed === undefined || shape.includes(0) || (!isElementwise(entry) && shape.length === 0)) {
    throw new Rejected('the reference draws no such problem');
  }
  const least = loss.family === 'overlap' ? 2 : target?.what === 'sparse' ? 1 : 0;
  if (shape.length < least) throw new Rejected('more axes are needed');
  // some of the reference's changes take the square of the number of classes
  if (borrowed.spice !== undefined && sizeOf(shape) > MOST_SPICED) throw new Rejected('too long for spice');
  const random = randomFrom(borrowed.seed);
  let problem = loss.draw(random, shape, hasAxis(entry) ? axis : undefined, target && referenceKind(target.what));
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

const isRows = (value: unknown): value is readonly (readonly number[])[] =>
  Array.isArray(value) && Array.isArray(value[0]);

/** Whether a value may be given, for losses that refuse some of the reference's extremes. */
function isLegal({ record }: Entry, loss: ReferenceLoss, { inputs, options }: ReferenceProblem): boolean {
  const [low, high] = loss.domain(options);
  return !record.both || inputs.input.data.every((x) => x >= low && x <= high);
}

/** A problem of the reference with its operands to be placed. */
export function borrowedParts(entry: Entry, loss: ReferenceLoss, draw: CallDraw): Parts {
  const problem = drawn(entry, loss, draw);
  if (!isLegal(entry, loss, problem)) throw new Rejected('the loss refuses it');
  const { inputs, options } = problem;
  const operands: Operand[] = [];
  const plain: Record<string, unknown> = {};
  const placeOf = (name: string): PlaceName =>
    (draw.options[name] as { place?: PlaceName } | undefined)?.place ?? 'f32';
  for (const [name, value] of Object.entries(options)) {
    if (isTensor(value)) operands.push(operandOf(name, roleOf(entry, name), value, placeOf(name)));
    else if (isRows(value)) {
      const shape = [value.length, value[0]!.length];
      operands.push(operandOf(name, 'maps', tensor64(value.flat(), shape), 'nested'));
    } else if (Array.isArray(value)) {
      const list = tensor64(value as number[]);
      operands.push(operandOf(name, name === 'labels' ? 'integers' : 'list', list, 'list bare'));
    } else if (name !== 'axis') plain[name] = value;
  }
  const { target, others } = inputs;
  const place = draw.target?.place ?? 'f32';
  const role = draw.target?.what === 'indices' ? 'indices' : 'shaped';
  const placed = target && (isSparse(target) ? sparseOperand(target, place) : operandOf('target', role, target, place));
  const other = entry.second === undefined ? undefined : others?.[entry.second];
  const truth: ReferenceOptions = options;
  return {
    input: operandOf('input', 'input', inputs.input, draw.input.place),
    second: other && operandOf(entry.second!, 'floats', other, draw.second?.place ?? 'f32'),
    target: placed,
    operands,
    plain,
    truth: { ...truth },
  };
}
