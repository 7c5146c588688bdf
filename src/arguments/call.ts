// A call on its way from arguments to a job: what has been read so far, and where it is going.

import type { NumberField, OperandField, OperationRecord } from '../losses/record.ts';
import type { NumericArray, Reduction, Tensor } from '../values/types.ts';
import type { Head } from './linear.ts';
import type { Operand } from './operand.ts';
import { Reading } from './reading.ts';
import type { Sparse } from './sparse.ts';

/** How an operand lies to the samples or elements of the input, or of a gradient per loss to those. */
export type Role = 'values' | 'samples' | 'losses' | 'whole' | 'repeating';

/** An operand of a kernel. */
export interface Use {
  readonly field: OperandField;
  readonly role: Role;
  readonly operand: Operand;
  /** Repeating operands: in elements, along each axis of the input. */
  readonly strides?: readonly number[];
  /** It has a gradient of its own. */
  readonly pulls?: true;
}

/** What a loss is compared with. */
export type Target =
  | { readonly kind: 'indices' | 'values' | 'sets'; readonly operand: Operand }
  | { readonly kind: 'sparse'; readonly sparse: Sparse };

/** Where a gradient goes. */
export interface Output {
  /** The caller's tensor; undefined where it gave an array alone. */
  readonly tensor: Tensor | undefined;
  readonly data: Float32Array;
}

/** A call whose arguments are checked, all of them or those before the one at hand. */
export class Call {
  /** Opens every message. */
  readonly name: string;
  readonly record: OperationRecord;
  readonly input: Operand;
  /** What the input is computed from, where it is not given. */
  readonly head: Head | undefined;
  readonly shape: readonly number[];
  /** Class operations: the axis split, the classes in the middle. Elementwise ones: everything is inner. */
  outer = 1;
  middle = 1;
  inner = 1;
  /** The shape without the class axis, which index targets have; elementwise the input's. */
  sampleShape: readonly number[];
  /** The shape of the loss without reduction. */
  lossShape: readonly number[];
  /** Losses over groups of samples: samples of a group. */
  group = 0;
  reduction: Reduction = 'mean';
  emptyMean: 'nan' | 'zero' = 'nan';
  scale = 1;
  out: Output | undefined;
  /** Where the gradient of the second operand goes. */
  outSecond: Output | undefined;
  target: Target | undefined;
  /** The incoming gradient of the backward form: one number, or one per loss. */
  incoming: number | Operand = 1;
  readonly uses: Use[] = [];
  /** Arrays that were read beside the operands. */
  readonly arrays: NumericArray[] = [];
  readonly numbers: Partial<Record<NumberField, number>> = {};
  ignoreIndex: number | undefined;
  labels: readonly number[] | undefined;
  marker: number | undefined;
  maps: readonly Int32Array[] = [];
  /** Options that hold more than a number, by name. */
  readonly held = new Map<string, Operand | Reading>();
  joint = 0;
  /** Options were refused or not by the values of an array. */
  judges = false;

  constructor(name: string, record: OperationRecord, input: Operand, head?: Head) {
    this.name = name;
    this.record = record;
    this.input = input;
    this.head = head;
    this.shape = input.shape ?? [input.length];
    this.sampleShape = this.lossShape = this.shape;
  }

  /** Size of the first axis that is not the class axis, by which batchmean divides. */
  get batch(): number {
    return this.sampleShape[0] ?? 1;
  }

  /** Whether it has a class axis. */
  get byClass(): boolean {
    return this.record.walk !== 'element';
  }

  /** Whether nothing of it depends on what its arrays hold, but for options that are read again, so that others may take their place. */
  get replaceable(): boolean {
    const { input, target, held, record, incoming } = this;
    const judged = target?.kind === 'values' && record.target === 'classes'; // by what it holds
    const alike = target === undefined || (target.kind !== 'sparse' && target.operand.replaceable);
    const readings = [...held.values()].every((each) => !(each instanceof Reading) || each.settled);
    return alike && !judged && !this.judges && input.replaceable && typeof incoming === 'number' && readings;
  }

  /** The operand of a field, if it was given. */
  use(field: OperandField): Use | undefined {
    return this.uses.find((use) => use.field === field);
  }
}
