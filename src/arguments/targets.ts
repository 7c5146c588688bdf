// What a loss is compared with: class indices, class probabilities, or values of the input's own shape.

import { isFloat, isTyped, sameShape, show } from '../values/array.ts';
import type { Call, Target } from './call.ts';
import type { Given } from './common.ts';
import { fitExactly } from './fit.ts';
import { type Operand, readOperand } from './operand.ts';

/** Reads the target of a call, by the kind that its record names. */
export function readTarget(call: Call, value: unknown, given: Given): Target {
  const operand = readOperand(value, `${call.name}: target`);
  const { target } = call.record;
  if (target === 'classes' || target === 'indices') return classTarget(call, operand, given);
  fitExactly(operand, call.shape, () => `the shape of ${call.record.names[0]}`);
  return { kind: 'values', operand };
}

/** Class indices or class probabilities; the shape decides, and for a bare flat array the fact that it is flat. */
function classTarget(call: Call, operand: Operand, given: Given): Target {
  const { name, record, shape, lossShape } = call;
  const input = record.names[0];
  const axis = (): string => `${input} need a class axis, e.g. ${show(withClassAxis(operand, shape, given.labels))}`;
  if (operand.shape === undefined) {
    const alike = operand.length === call.input.length;
    fitExactly(
      operand,
      lossShape,
      () => `one class index per sample of ${input} ${show(shape)}${alike ? `; with a target for each, ${axis()}` : ''}`,
    );
    return { kind: 'indices', operand };
  }
  if (sameShape(operand.shape, lossShape)) return { kind: 'indices', operand };
  const classes = record.target === 'classes';
  if (!sameShape(operand.shape, shape)) {
    const also = classes ? ` or class probabilities ${show(shape)}` : '';
    throw new RangeError(
      `${name}: target has shape ${show(operand.shape)}, expected class indices ${show(lossShape)}${also} for ${input} ${show(shape)}`,
    );
  }
  const holds = contentOf(operand);
  if (holds === 'fractions' && !classes) {
    throw new RangeError(`${name}: target holds class probabilities, expected class indices ${show(lossShape)}`);
  }
  if (holds === 'labels' || holds === 'integers' || !classes) {
    const hint = classes && holds === 'integers' ? ' (class probabilities are a float tensor)' : '';
    throw new RangeError(`${name}: ${input} ${show(shape)} and target ${show(operand.shape)}: ${axis()}${hint}`);
  }
  for (const key of ['ignoreIndex', 'labels']) {
    if (given[key] !== undefined) {
      throw new RangeError(
        `${name}: ${key} is given with class probabilities, expected class indices ${show(lossShape)}`,
      );
    }
  }
  return { kind: 'values', operand };
}

/**
 * What a target of the logits' own shape holds: fractions, whole numbers of a float type (0 and 1), integers by type, or
 * whole numbers of which one is negative (labels). The first two are probabilities.
 */
function contentOf({ nested, data }: Operand): 'fractions' | 'whole' | 'integers' | 'labels' {
  let negative = false;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (!Number.isInteger(value)) return 'fractions';
    negative ||= value < 0;
  }
  if (negative) return 'labels';
  return nested || isFloat(data) ? 'whole' : 'integers';
}

/** The shape that logits for these labels would have. */
function withClassAxis({ data }: Operand, shape: readonly number[], labels: unknown): number[] {
  const found = new Set(Array.from(data as ArrayLike<number>).slice(0, 10000)).size;
  const listed = Array.isArray(labels) || isTyped(labels) ? labels.length : undefined;
  const classes = listed ?? (found > 1 && found < 100 ? found : 3);
  return [...shape.slice(0, 1), classes, ...shape.slice(1)];
}
