// The kinds of options: what each takes, how it is checked, and how it gets to the kernel. No other code knows an option by
// its name.

import type { NumberField, OperandField, OptionKind, OptionRecord } from '../losses/record.ts';
import { describe, sameShape, show, sizeOf } from '../values/array.ts';
import { FINITE, INTEGER, type Rule, readNumber } from '../values/number.ts';
import { broadcastStrides } from '../values/shape.ts';
import type { Call, Role } from './call.ts';
import { fitExactly } from './fit.ts';
import { type Operand, readOperand } from './operand.ts';
import { Reading } from './reading.ts';

/** One kind of option. */
export interface Kind {
  /** What it takes, for the documentation. */
  readonly takes: string;
  /** Returns what it holds more than a number. */
  readonly read: (value: unknown, where: string, call: Call, option: OptionRecord) => Operand | Reading | undefined;
}

const number = (rule: Rule): Kind => ({
  takes: rule.takes,
  read: (value, where, { numbers }, { to }) => {
    numbers[to as NumberField] = readNumber(value, where, rule);
  },
});

/** One of some values, which kernels know by their place in the list. */
const choice = (values: readonly unknown[], takes: string): Kind => ({
  takes,
  read: (value, where, { numbers }, { to }) => {
    const place = values.indexOf(value);
    if (place < 0) {
      const error = typeof value === typeof values[0] ? RangeError : TypeError;
      throw new error(`${where} is ${describe(value)}, expected ${takes}`);
    }
    numbers[to as NumberField] = typeof value === 'number' ? value : place;
  },
});

/** An operand of a shape of its own, of which `what` says what that is. */
const shaped = (takes: string, role: Role, shapeOf: (call: Call) => readonly number[], what: string): Kind => ({
  takes,
  read: (value, where, call, { to }) => {
    const operand = readOperand(value, where);
    const own = what.replace('input', call.record.names[0]);
    fitExactly(operand, shapeOf(call), () => own);
    call.uses.push({ field: to as OperandField, role, operand });
    return operand;
  },
});

export const KINDS: Readonly<Record<OptionKind, Kind>> = {
  axis: { takes: 'an integer', read: () => {} }, // read before everything else, since shapes follow from it
  ignoreIndex: {
    takes: 'an integer',
    read: (value, where, call) => {
      call.ignoreIndex = readNumber(value, where, INTEGER);
    },
  },
  labels: {
    takes: 'C distinct integers',
    read: (value, where, call) => {
      call.labels = readLabels(value, call, where);
      return new Reading(value, call.labels);
    },
  },
  perClass: shaped('[C]', 'whole', ({ middle }) => [middle], 'one per class'),
  perSample: shaped('one per sample', 'samples', ({ sampleShape }) => sampleShape, 'one per sample'),
  perElement: shaped('the shape of `input`', 'values', ({ shape }) => shape, 'the shape of input'),
  broadcast: {
    takes: 'a number, or a tensor that broadcasts',
    read: (value, where, call, { to }) => {
      const operand = readOperand(value, where);
      const strides = stridesOf(operand, call.shape);
      call.uses.push({ field: to as OperandField, role: 'repeating', operand, strides });
      return operand;
    },
  },
  variance: {
    takes: 'a number, or a tensor of the shape of `input`, of that without its last axis, or with a last axis of 1',
    read: (value, where, call, { to }) => {
      const operand = readOperand(value, where);
      const strides = varianceStrides(operand, call.shape);
      const bad = operand.data.findIndex((v: number | bigint) => v < 0);
      if (bad >= 0) throw new RangeError(`${where}[${bad}] is ${operand.data[bad]}, expected 0 or more`);
      const pulls = typeof value === 'number' ? {} : { pulls: true as const };
      call.judges = typeof value !== 'number';
      call.uses.push({ field: to as OperandField, role: 'repeating', operand, strides, ...pulls });
      return operand;
    },
  },
  components: {
    takes: 'one class → group map per component',
    read: (value, where, call) => {
      const { maps, reading } = readMaps(value, call, where);
      call.maps = maps;
      return reading;
    },
  },
  perComponent: {
    takes: '[M]',
    read: (value, where, call, { to }) => {
      const operand = readOperand(value, where);
      fitExactly(operand, [call.maps.length], () => 'one per component');
      call.uses.push({ field: to as OperandField, role: 'whole', operand });
      return operand;
    },
  },
  joint: {
    takes: 'a number',
    read: (value, where, call) => {
      call.joint = readNumber(value, where, FINITE);
    },
  },
  marker: {
    takes: 'a number, NaN allowed',
    read: (value, where, call) => {
      call.marker = Math.fround(readNumber(value, where, { takes: 'a number', test: () => true }));
    },
  },
  flag: choice([false, true], 'a boolean'),
  number: number(FINITE),
  positive: number({ takes: 'a finite number above 0', test: (value) => value > 0 && value < 1 / 0 }),
  atMost1: number({ takes: 'a finite number of at most 1', test: (value) => value <= 1 && value > -1 / 0 }),
  power: choice([1, 2], '1 or 2'),
  activation: choice(['softmax', 'sigmoid', 'none'], "'softmax', 'sigmoid' or 'none'"),
  group: choice(['sample', 'batch'], "'sample' or 'batch'"),
  notNegative: number({ takes: 'a finite number of 0 or more', test: (value) => value >= 0 && value < 1 / 0 }),
  unit: number({ takes: 'a number in [0, 1]', test: (value) => value >= 0 && value <= 1 }),
};

/** The strides of an operand that broadcasts to `shape`; a flat array may also have as many values as the input. */
function stridesOf(operand: Operand, shape: readonly number[]): readonly number[] {
  const own = operand.shape ?? [operand.length];
  const strides = broadcastStrides(own, shape);
  if (strides) return strides;
  if (operand.shape === undefined && operand.length === sizeOf(shape)) return broadcastStrides(shape, shape) ?? [];
  const hint = shape.length > 1 ? ` (one per sample: shape ${show([shape[0] ?? 0, ...shape.slice(1).fill(1)])})` : '';
  throw new RangeError(`${operand.where} ${show(own)} does not broadcast to ${show(shape)}${hint}`);
}

/** The strides of a variance: that of each element, or of each row along the last axis. */
function varianceStrides(operand: Operand, shape: readonly number[]): readonly number[] {
  const own = operand.shape ?? (operand.length === sizeOf(shape) ? shape : [operand.length]);
  const rows = shape.slice(0, -1);
  if (own.length === 0 && operand.length === 1) return shape.map(() => 0);
  if (sameShape(own, shape)) return broadcastStrides(own, shape) ?? [];
  const column = [...rows, 1];
  if (sameShape(own, rows) || sameShape(own, column)) return broadcastStrides(column, shape) ?? [];
  throw new RangeError(
    `${operand.where} has shape ${show(own)}, expected ${show(shape)}, ${show(rows)} or ${show(column)}`,
  );
}

/** Integers one by one, e.g. labels. */
function readIntegers(value: unknown, where: string, call: Call): number[] {
  const list = readOperand(value, where);
  if (list.typed) call.arrays.push(list.typed);
  if (list.shape !== undefined && list.shape.length !== 1) {
    throw new RangeError(`${where} has shape ${show(list.shape)}, expected one axis`);
  }
  return Array.from(list.data as ArrayLike<number>, (each, i) =>
    Number.isInteger(each) ? each : readNumber(each, `${where}[${i}]`, INTEGER),
  );
}

function expectOnePerClass(values: readonly number[], { middle }: Call, where: string): void {
  if (values.length === middle) return;
  throw new RangeError(`${where} has ${values.length} values, expected ${middle}, one per class`);
}

/** Target values in class order: distinct integers, one per class. */
function readLabels(value: unknown, call: Call, where: string): number[] {
  if (typeof value === 'number') throw new TypeError(`${where} is ${value}, expected an array of integers`);
  const labels = readIntegers(value, where, call);
  expectOnePerClass(labels, call, where);
  const seen = new Set<number>();
  const twice = labels.find((label) => seen.size === seen.add(label).size);
  if (twice !== undefined) throw new RangeError(`${where} has ${twice} twice, expected distinct values`);
  return labels;
}

/** Class → group maps: at least one, each with a non-negative integer per class. */
function readMaps(value: unknown, call: Call, where: string): { maps: Int32Array[]; reading: Reading } {
  if (!Array.isArray(value)) throw new TypeError(`${where} is ${describe(value)}, expected an array of maps`);
  if (value.length === 0) throw new RangeError(`${where} is empty, expected one class → group map per component`);
  const readings: Reading[] = [];
  const maps = Array.from(value, (map: unknown, m) => {
    if (typeof map === 'number') throw new TypeError(`${where}[${m}] is ${map}, expected an array of groups`);
    const groups = readIntegers(map, `${where}[${m}]`, call);
    expectOnePerClass(groups, call, `${where}[${m}]`);
    const bad = groups.findIndex((group) => group < 0 || group > 0x7fffffff);
    if (bad >= 0) throw new RangeError(`${where}[${m}][${bad}] is ${groups[bad]}, expected a non-negative integer`);
    readings.push(new Reading(map, groups));
    return Int32Array.from(groups);
  });
  return { maps, reading: new Reading(value, readings) };
}
