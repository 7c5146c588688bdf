// What a loss is compared with: class indices, class probabilities, sets of classes, or values of the input's own shape.

import { isFloat, sameShape, show, sizeOf } from '../values/array.ts';
import { adviceOnShapes, axisAdvice } from './advice.ts';
import type { Call, Target } from './call.ts';
import type { Given } from './common.ts';
import { fitExactly } from './fit.ts';
import { type Operand, readOperand } from './operand.ts';
import { isSparse, readSparse } from './sparse.ts';

/** Reads the target of a call, by the kind that its record names. */
export function readTarget(call: Call, value: unknown, given: Given): Target {
  const { record, shape, sampleShape } = call;
  const { target } = record;
  const where = `${call.name}: target`;
  if ((target === 'sets' || target === 'labels') && isSparse(value)) {
    if (given.ignoreValue !== undefined) {
      throw new RangeError(
        `${call.name}: ignoreValue is given with sparse positives, expected a target for each logit`,
      );
    }
    const sets = target === 'sets';
    const width = sets ? call.middle : (shape.at(-1) ?? 1);
    const rows = sets ? sizeOf(sampleShape) : sizeOf(shape.slice(0, -1));
    return { kind: 'sparse', sparse: readSparse(value, where, rows, width) };
  }
  const operand = readOperand(value, where);
  if (target === 'classes' || target === 'indices') return classTarget(call, operand, given);
  fitExactly(operand, shape, () => `the shape of ${record.names[0]}${adviceOnShapes(call, operand)}`);
  return { kind: target === 'sets' ? 'sets' : 'values', operand };
}

/** Class indices or class probabilities; the shape decides, and for a bare flat array the fact that it is flat. */
function classTarget(call: Call, operand: Operand, given: Given): Target {
  const { name, record, shape, sampleShape } = call;
  const input = record.names[0];
  if (operand.shape === undefined) {
    const what = () => `one class index per sample of ${input} ${show(shape)}${adviceOnShapes(call, operand, given)}`;
    fitExactly(operand, sampleShape, what);
    return { kind: 'indices', operand };
  }
  if (sameShape(operand.shape, sampleShape)) return { kind: 'indices', operand };
  const classes = record.target === 'classes';
  if (!sameShape(operand.shape, shape)) {
    const also = classes ? ` or class probabilities ${show(shape)}` : '';
    throw new RangeError(
      `${name}: target has shape ${show(operand.shape)}, expected class indices ${show(sampleShape)}${also} for ${input} ${show(shape)}${adviceOnShapes(call, operand, given)}`,
    );
  }
  const holds = contentOf(operand);
  if (holds === 'fractions' && !classes) {
    throw new RangeError(`${name}: target holds class probabilities, expected class indices ${show(sampleShape)}`);
  }
  if (holds === 'labels' || holds === 'integers' || !classes) {
    const both = `${name}: ${input} ${show(shape)} and target ${show(operand.shape)}`;
    throw new RangeError(`${both}: ${axisAdvice(call, operand, given, classes && holds === 'integers')}`);
  }
  for (const key of ['ignoreIndex', 'labels']) {
    if (given[key] !== undefined) {
      throw new RangeError(
        `${name}: ${key} is given with class probabilities, expected class indices ${show(sampleShape)}`,
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
