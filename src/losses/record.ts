// What a record says: one describes each loss and activation once. Types, argument checks, what kernels get, tests,
// benchmarks and documentation follow from it. The option kinds themselves are in src/arguments/kinds.ts.

import type { TensorInput } from '../values/types.ts';

/** The TypeScript type of each kind of option. */
export interface OptionTypes {
  /** The class axis; negatives count from the end. */
  axis: number;
  /** A target value that marks an ignored sample. */
  ignoreIndex: number;
  /** Target values in class order. */
  labels: readonly (number | bigint)[] | Int8Array | Int16Array | Int32Array;
  /** One number per class. */
  perClass: TensorInput;
  /** One number per sample, shaped like the loss for 'none'. */
  perSample: TensorInput;
  /** One number per element, shaped like the input. */
  perElement: TensorInput;
  /** A number, or a tensor that broadcasts to the input by NumPy's rules. */
  broadcast: TensorInput;
  /** A number, or a tensor of the input's shape, of that without its last axis, or with a last axis of 1. */
  variance: TensorInput;
  /** One class → group map per component. */
  components: readonly (readonly number[] | Int32Array)[];
  /** One number per component. */
  perComponent: readonly number[] | Float32Array | Float64Array;
  /** A weight on the component that maps every class to itself. */
  joint: number;
  /** A target value that marks a missing one; NaN is allowed. */
  marker: number;
  flag: boolean;
  number: number;
  /** A number of 0 or more. */
  notNegative: number;
  /** A number above 0. */
  positive: number;
  /** A number in [0, 1]. */
  unit: number;
  /** A number of at most 1. */
  atMost1: number;
  power: 1 | 2;
  activation: 'softmax' | 'sigmoid' | 'none';
  /** What shares a result. */
  group: 'sample' | 'batch';
}

export type OptionKind = keyof OptionTypes;

/** Fields of a Plan that options go to. */
export type NumberField = 'p0' | 'p1' | 'p2' | 'p3' | 'p4' | 'p5';
export type OperandField = 'a' | 'b' | 'c' | 'd';

/** One option: its kind, where kernels find it, and what it is if it is not given. */
export interface OptionRecord<K extends OptionKind = OptionKind> {
  readonly kind: K;
  readonly to?: NumberField | OperandField;
  /** Missing where absence is the default. */
  readonly default?: number | boolean | string;
  readonly required?: true;
}

/**
 * What the second argument may be: class indices ('indices'), or class probabilities too ('classes'); sets of classes ('sets');
 * values in [0, 1] ('unit'), or the indices of the ones too ('labels'); ±1 ('signs'), or 0 for −1 ('bits'); 0 or more ('masses');
 * any numbers ('real'); or, of an activation, nothing ('none').
 */
export type TargetKind =
  | 'classes'
  | 'indices'
  | 'sets'
  | 'unit'
  | 'labels'
  | 'signs'
  | 'bits'
  | 'masses'
  | 'real'
  | 'none';

/** What the mean divides by: the weights that samples or elements have, or their number. */
export type Mean = 'weights' | 'samples' | 'elements';

/** One loss or activation. */
export interface OperationRecord {
  readonly name: string;
  /** The kernel's export, where it is not the name. */
  readonly kernel?: string;
  /**
   * What there is a loss for: each sample of a class axis that option `axis` chooses ('class') or that is the last one ('row'),
   * each element, or each class and group of samples ('group').
   */
  readonly walk: 'class' | 'row' | 'element' | 'group';
  readonly target: TargetKind;
  /** What the two tensors are called. */
  readonly names: readonly [string, string];
  readonly options: Readonly<Record<string, OptionRecord>>;
  readonly mean?: Mean;
  /** Parameters that no option sets. */
  readonly fixed?: Readonly<Partial<Record<NumberField, number>>>;
  /** The input has the range of the targets too. */
  readonly both?: true;
  /** The number that gives a term with a denominator of its own its weight. */
  readonly side?: NumberField;
  /** An operand with a gradient of its own, the option of that name, or a member of the input. */
  readonly second?: string;
  /** Rows of many classes are walked one by one (assembly/classes/rows.ts). */
  readonly rows?: true;
  /** Activations: the logarithmic variant of the kernel. */
  readonly log?: true;
}

/** Options: what kind, and where it goes; a setting also what it is by default. */
export const option = <K extends OptionKind>(kind: K, to?: NumberField | OperandField) => ({ kind, ...(to && { to }) });
export const setting = <K extends OptionKind>(kind: K, to: NumberField, standard: number | boolean | string) =>
  ({ kind, to, default: standard }) as const;
export const required = <K extends OptionKind>(kind: K, to?: OperandField) =>
  ({ kind, ...(to && { to }), required: true }) as const;

/** A record with the types of its options. */
export const record = <const R extends OperationRecord>(of: R): R => of;

type RequiredOf<O> = { [K in keyof O as O[K] extends { required: true } ? K : never]: O[K] };
type OptionalOf<O> = { [K in keyof O as O[K] extends { required: true } ? never : K]: O[K] };
type TypeOf<R> = R extends { kind: infer K extends OptionKind } ? OptionTypes[K] : never;

/** The options of a record, as its users write them. */
export type OptionsOf<R extends OperationRecord> = {
  readonly [K in keyof RequiredOf<R['options']>]: TypeOf<R['options'][K & keyof R['options']]>;
} & {
  readonly [K in keyof OptionalOf<R['options']>]?: TypeOf<R['options'][K & keyof R['options']]> | undefined;
};
