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
  /** One class → group map per component. */
  components: readonly (readonly number[] | Int32Array)[];
  /** One number per component. */
  perComponent: readonly number[] | Float32Array | Float64Array;
  /** A weight on the component that maps every class to itself. */
  joint: number;
  /** A target value that marks a missing one; NaN is allowed. */
  marker: number;
  number: number;
  /** A number of 0 or more. */
  notNegative: number;
  /** A number in [0, 1]. */
  unit: number;
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
  readonly default?: number;
  readonly required?: true;
}

/**
 * What the second argument may be: class indices, or class probabilities too; numbers in [0, 1]; any numbers; or, of an
 * activation, nothing.
 */
export type TargetKind = 'classes' | 'indices' | 'unit' | 'real' | 'none';

/** What the mean divides by: the weights that samples or elements have, or their number. */
export type Mean = 'weights' | 'samples' | 'elements';

/** One loss or activation. */
export interface OperationRecord {
  readonly name: string;
  /** The kernel's export. */
  readonly kernel: string;
  /** 'class': a class axis, one loss per sample; 'element': one loss per element. */
  readonly walk: 'class' | 'element';
  readonly target: TargetKind;
  /** What the two tensors are called. */
  readonly names: readonly [string, string];
  readonly options: Readonly<Record<string, OptionRecord>>;
  readonly mean?: Mean;
  /** The number that gives a term with a denominator of its own its weight. */
  readonly side?: NumberField;
  /** Activations: the logarithmic variant of the kernel. */
  readonly log?: true;
}

/** Options: what kind, and where it goes; a number also what it is by default. */
export const option = <K extends OptionKind>(kind: K, to?: NumberField | OperandField) => ({ kind, ...(to && { to }) });
export const numeric = <K extends OptionKind>(kind: K, to: NumberField, standard: number) =>
  ({ kind, to, default: standard }) as const;

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
