// Tensors with a class axis, and targets for their samples.

import type { Operand } from '../arguments/operand.ts';
import { internals as lib } from '../index.ts';
import type { TensorInput } from '../values/types.ts';
import { IGNORED, type Labels, noClass, readLabels } from './classes.ts';

/** Where the classes are, and what targets are called. */
export interface ClassOptions {
  /** The class axis; negatives count from the end. Default 1, of 1-D input 0. */
  readonly axis?: number | undefined;
  /** Target values in class order, e.g. [-1, 0, 1]. Default 0 … C-1. */
  readonly labels?: Labels | undefined;
}

/** A tensor with a class axis: value [o, c, i] is at (o·classes + c)·inner + i, sample [o, i] at o·inner + i. */
export interface Classed {
  readonly operand: Operand;
  /** Where the class axis is, from 0. */
  readonly axis: number;
  readonly outer: number;
  readonly classes: number;
  readonly inner: number;
  /** The shape without the class axis. */
  readonly shape: readonly number[];
  readonly labels: readonly number[] | undefined;
}

/** Reads a tensor with a class axis. */
export function readClassed(name: string, what: string, input: TensorInput, { axis, labels }: ClassOptions): Classed {
  const operand = lib.readOperand(input, `${name}: ${what}`, true);
  const shape = operand.shape ?? [operand.length];
  if (shape.length === 0) throw new RangeError(`${name}: ${what} [] need a class axis, e.g. [3]`);
  const asked = axis === undefined ? undefined : lib.readNumber(axis, `${name}: axis`, lib.INTEGER);
  const { lossShape, ...geometry } = lib.splitAtAxis(shape, asked, name);
  return { operand, ...geometry, shape: lossShape, labels: readLabels(labels, `${name}: labels`, geometry.classes) };
}

/** The shape with so many places in place of the classes. */
export const shapeWith = ({ operand, axis }: Classed, places: number): number[] =>
  (operand.shape ?? [operand.length]).map((size, i) => (i === axis ? places : size));

/** The classes of targets, one per sample: IGNORED for those that are ignored. */
export function readTargets(
  name: string,
  target: TensorInput,
  { classes, shape, labels }: Classed,
  ignored: (value: number) => boolean,
  ignore?: number,
): Int32Array {
  const operand = lib.readOperand(target, `${name}: target`);
  lib.fitExactly(operand, shape, () => 'one class index per sample');
  const places = labels && new Map(labels.map((label, c) => [label, c]));
  return Int32Array.from(operand.data as ArrayLike<number>, (value, i) => {
    if (ignored(value)) return IGNORED;
    const index = places ? places.get(value) : value;
    if (index !== undefined && index >= 0 && index < classes && Number.isInteger(index)) return index;
    throw noClass(`${name}: target[${i}]`, value, classes, labels, ignore);
  });
}
