// Linear heads: features, weight and bias in place of the input of a loss.

import type { OperationRecord } from '../losses/record.ts';
import { describe, overlap, sameShape, show, sizeOf } from '../values/array.ts';
import type { NumericArray } from '../values/types.ts';
import { adviceOnName } from './advice.ts';
import type { Call, Output } from './call.ts';
import { type Given, readOut } from './common.ts';
import { fitExactly } from './fit.ts';
import { Operand, readOperand, readShape } from './operand.ts';

/** The gradients of a head, by the names of what they are gradients of. */
export const GRADS = ['weight', 'bias', 'input'] as const;
export type GradName = (typeof GRADS)[number];

/** The options of a head. */
export const HEAD_OPTIONS = ['outputs', 'grads', 'accumulate'] as const;

/** Logits = features·weightᵀ + bias, and the gradients that are wanted. */
export interface Head {
  /** [rows, depth]. */
  readonly features: Operand;
  /** [columns, depth]. */
  readonly weight: Operand;
  readonly bias: Operand | undefined;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  /** The shape of the logits: [rows, …outputs]. */
  readonly shape: readonly number[];
  readonly grads: readonly GradName[];
  readonly outs: Readonly<Partial<Record<GradName, Output>>>;
  /** Gradients are added to what is there. */
  readonly accumulate: boolean;
}

/** The shape of a gradient of a head. */
export const shapeOf = ({ rows, columns, depth, weight }: Head, name: GradName): readonly number[] => {
  if (name === 'weight') return weight.shape ?? [columns, depth];
  return name === 'bias' ? [columns] : [rows, depth];
};

const isSlip = (key: string): boolean => adviceOnName(key, ['bias'], 'linear') !== '';

/** Weight and bias as they were given. In place of a bias a name that is close to it is a slip; others are the caller's own. */
export function readParameters(
  name: string,
  parameters: unknown,
): { readonly weight: unknown; readonly bias?: unknown } {
  if (typeof parameters !== 'object' || parameters === null || !('weight' in parameters)) {
    throw new TypeError(`${name}: parameters is ${describe(parameters)}, expected an object { weight, bias }`);
  }
  const { weight, bias } = parameters as { weight: unknown; bias?: unknown };
  const slip = bias === undefined && Object.keys(parameters).find((key) => key !== 'bias' && isSlip(key));
  if (!slip) return { weight, bias };
  throw new TypeError(
    `${name}: unknown member ${JSON.stringify(slip)} of parameters, expected weight, bias; did you mean bias?`,
  );
}

/** Reads features, weight and bias, and the options of a head. */
export function readHead(name: string, features: unknown, parameters: unknown, given: Given): Head {
  const input = readOperand(features, `${name}: features`, true);
  const { shape: size } = input;
  if (size?.length !== 2) {
    const got = size ? `has shape ${show(size)}` : 'is a flat array';
    throw new RangeError(`${name}: features ${got}, expected [N, D] (reshape [N, T, D] to [N·T, D])`);
  }
  const [rows, depth] = size as [number, number];
  const { weight: w, bias: b } = readParameters(name, parameters);
  const weight = readOperand(w, `${name}: weight`, true);
  const asked = given.outputs === undefined ? undefined : readShape(given.outputs, name, undefined, `${name}: outputs`);
  const outputs = asked ?? outputsOf(name, weight);
  const columns = sizeOf(outputs);
  checkWeight(name, weight, size, asked, columns);
  const bias = b === undefined || b === null ? undefined : readOperand(b, `${name}: bias`, true);
  if (bias && !(bias.shape?.length === 0 && outputs.length === 0)) fitExactly(bias, [columns], () => 'one per output');
  const head = { features: input, weight, bias, rows, columns, depth, shape: [rows, ...outputs] };
  const grads = readGrads(name, given.grads, bias !== undefined);
  const { accumulate = false } = given;
  if (typeof accumulate !== 'boolean') {
    throw new TypeError(`${name}: accumulate is ${describe(accumulate)}, expected a boolean`);
  }
  const made: Head = { ...head, grads, accumulate, outs: {} };
  return { ...made, outs: readOuts(name, made, given.out) };
}

/** A row of logits, where option outputs does not say. */
function outputsOf(name: string, { shape }: Operand): readonly number[] {
  if (shape?.length === 2) return [shape[0] as number];
  const got = shape ? `has shape ${show(shape)}` : 'is a flat array';
  throw new RangeError(`${name}: weight ${got}, expected [C, D], or outputs, e.g. outputs: [3], which says what C is`);
}

/** The weight is [C, D]; of one output also [D], and flat where outputs says what C is. */
function checkWeight(
  name: string,
  { shape, length }: Operand,
  features: readonly number[],
  outputs: readonly number[] | undefined,
  columns: number,
): void {
  const depth = features[1] as number;
  const wanted = `[${outputs ? columns : 'C'}, ${depth}]${outputs ? ` for outputs ${show(outputs)}` : ''}`;
  const fits =
    shape === undefined
      ? length === columns * depth
      : sameShape(shape, [columns, depth]) || (outputs?.length === 0 && sameShape(shape, [depth]));
  if (fits) return;
  throw new RangeError(
    `${name}: weight ${shape ? show(shape) : `of ${length} values`} and features ${show(features)}: expected ${wanted}`,
  );
}

/** Which gradients to compute. */
function readGrads(name: string, grads: unknown, biased: boolean): readonly GradName[] {
  if (grads === undefined) return GRADS.filter((grad) => biased || grad !== 'bias');
  if (!Array.isArray(grads)) throw new TypeError(`${name}: grads is ${describe(grads)}, expected an array of names`);
  const names = GRADS.join(', ');
  for (const grad of grads) {
    if (typeof grad !== 'string') throw new TypeError(`${name}: grads holds ${describe(grad)}, expected ${names}`);
    if (!GRADS.includes(grad as GradName)) {
      throw new RangeError(`${name}: grads holds ${describe(grad)}, expected some of ${names}`);
    }
  }
  if (grads.length === 0) throw new RangeError(`${name}: grads is empty, expected some of ${names}`);
  if (grads.includes('bias') && !biased) throw new RangeError(`${name}: grads holds 'bias', but there is no bias`);
  return GRADS.filter((grad) => grads.includes(grad));
}

/** Where gradients go. */
function readOuts(name: string, head: Head, out: unknown): Head['outs'] {
  const outs: Partial<Record<GradName, Output>> = {};
  if (out === undefined) return outs;
  if (typeof out !== 'object' || out === null || ArrayBuffer.isView(out) || 'data' in out) {
    throw new TypeError(`${name}: out is ${describe(out)}, expected an object { weight, bias, input }`);
  }
  for (const [key, value] of Object.entries(out)) {
    if (value === undefined) continue;
    if (!GRADS.includes(key as GradName)) {
      throw new TypeError(
        `${name}: unknown member ${JSON.stringify(key)} of out, expected some of ${GRADS.join(', ')}`,
      );
    }
    const grad = key as GradName;
    if (!head.grads.includes(grad)) {
      const why = grad === 'bias' && !head.bias ? 'there is no bias' : `grads is [${head.grads.join(', ')}]`;
      throw new RangeError(`${name}: out.${grad} is given, but ${why}`);
    }
    outs[grad] = readOut(value, shapeOf(head, grad), `${name}: out.${grad}`);
  }
  return outs;
}

/** What was given to take gradients, by the names that messages use. */
const outsOf = (outs: Head['outs']): Readonly<Record<string, Output>> =>
  Object.fromEntries(Object.entries(outs).map(([grad, out]) => [`out.${grad}`, out]));

/** Gradients are added to what `out` holds, so that it has to hold every one. */
export function checkAccumulate(name: string, { accumulate, grads, outs }: Head): void {
  const missing = accumulate ? grads.find((grad) => !outs[grad]) : undefined;
  if (missing) throw new RangeError(`${name}: accumulate needs out.${missing}, to which the gradient is added`);
}

/** `out` shares memory with no operand, and its parts with none of the others. */
export function checkHeadOverlap(
  name: string,
  { features, weight, bias, outs }: Head,
  others: readonly (NumericArray | undefined)[],
  given: Readonly<Record<string, Output>> = outsOf(outs),
): void {
  const operands = [features.typed, weight.typed, bias?.typed, ...others];
  for (const [grad, { data }] of Object.entries(given)) {
    const rest = Object.keys(given).map((other) => (other === grad ? undefined : given[other]?.data));
    for (const other of [...operands, ...rest]) {
      if (!other || !overlap(data, other)) continue;
      throw new RangeError(`${name}: ${grad} overlaps another argument, expected memory of its own`);
    }
  }
}

/** The logits of a head as an operand of a loss, which has no values before they are computed. */
export const logitsOf = (name: string, record: OperationRecord, { shape }: Head): Operand =>
  new Operand(`${name}: ${record.names[0]}`, [], shape, sizeOf(shape));

/** One logit, for a message about it. */
export function logitAt({ features, weight, bias, columns, depth }: Head, at: number): number {
  const row = Math.floor(at / columns) * depth;
  const column = at % columns;
  let sum = bias ? Number(bias.data[column]) : 0;
  for (let d = 0; d < depth; d++) sum += Number(features.data[row + d]) * Number(weight.data[column * depth + d]);
  return sum;
}

/** Where a head is a call's input: its reduction gives one number. */
export function checkReduction({ name, reduction, record }: Call): void {
  if (reduction !== 'none') return;
  const why = `of a loss per sample there is no gradient of the weight; linear, ${record.name} and linear.backward have it`;
  throw new RangeError(`${name}: reduction is 'none', expected 'mean', 'sum' or 'batchmean' (${why})`);
}
