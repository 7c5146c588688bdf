/** What the parts of the fuzzer hand on: entries of the table, draws (plain JSON), and the problems made of them. */
import type { OperationRecord } from '../../src/losses/record.ts';
import type { ReferenceInputs, ReferenceLoss, ReferenceOptions, SparseTarget, Tensor64 } from '../reference/index.ts';
import type { Layout } from '../reference/layout.ts';
import type { TierName } from './api.ts';
import type { OutPlace, PlaceName } from './places.ts';
import type { Encoded } from './values.ts';

/** What the second argument holds. */
export type TargetKind =
  | 'indices'
  | 'probabilities'
  | 'sparse'
  | 'sets'
  | 'unit'
  | 'signs'
  | 'bits'
  | 'masses'
  | 'real';

/** One loss or activation: its record in the library's table, and the reference of a loss. */
export interface Entry {
  readonly name: string;
  readonly record: OperationRecord;
  /** Absent: an activation. */
  readonly loss: ReferenceLoss | undefined;
  /** Kinds of target; none: an activation. */
  readonly targets: readonly TargetKind[];
  /** An input beside the first, by its name. */
  readonly second: string | undefined;
}

/** Values to be generated, or, where a failure was made simpler, written out. */
export interface OperandDraw {
  readonly kind: string;
  readonly seed: number;
  readonly place: PlaceName;
  readonly values?: readonly Encoded[];
}

export interface TargetDraw extends OperandDraw {
  readonly what: TargetKind;
  /** Which share of the samples is ignored. */
  readonly ignored: 'none' | 'some' | 'all';
}

export interface BroadcastDraw extends OperandDraw {
  /** Bit d: axis d keeps its size; the others have size 1. */
  readonly axes: number;
  /** Leading axes that are left out. */
  readonly drop: number;
}

/** Of the input's shape, one for each row, the same with a last axis of 1, or a number. */
export interface VarianceDraw extends OperandDraw {
  readonly way: 'full' | 'rows' | 'column' | 'number';
}

/** Distinct integers in class order: `start`, `start + step`, … */
export interface LabelsDraw {
  readonly start: number;
  readonly step: number;
  readonly place: PlaceName;
}

export interface ComponentsDraw {
  readonly seed: number;
  /** Groups of each component. */
  readonly groups: readonly number[];
  readonly place: PlaceName;
}

/** What the reference draws a problem from. */
export interface BorrowedDraw {
  readonly seed: number;
  /** Extreme inputs, by their name in the reference's table. */
  readonly spice?: string;
}

/** An option that the reference draws. */
export interface BorrowedOptionDraw {
  readonly place: PlaceName;
}

export type OptionDraw =
  | OperandDraw
  | BroadcastDraw
  | VarianceDraw
  | LabelsDraw
  | ComponentsDraw
  | BorrowedOptionDraw
  | Encoded
  | boolean
  | string;

/** A legal call, as fast-check draws it. */
export interface CallDraw {
  readonly op: string;
  readonly shape: readonly number[];
  /** The class axis, from 0; without meaning where there is none. */
  readonly axis: number;
  /** How the axis is given. `absent` only where it is the default one. */
  readonly spelled: 'absent' | 'positive' | 'negative';
  readonly input: OperandDraw;
  /** Where there are two inputs. */
  readonly second?: OperandDraw;
  /** The reference draws what is in the operands. */
  readonly borrowed?: BorrowedDraw;
  readonly target?: TargetDraw;
  readonly options: Readonly<Record<string, OptionDraw>>;
  readonly reduction?: 'mean' | 'sum' | 'none' | 'batchmean';
  readonly scale?: Encoded;
  readonly emptyMean?: 'nan' | 'zero';
  /** gradOutput: its values under 'none' and of activations, else the first of them. */
  readonly upstream: OperandDraw;
  readonly out: OutPlace;
  readonly tier: TierName;
}

/** A tensor that a call reads, and where it shall lie. */
export interface Operand {
  /** The option's name; 'input', that of a second input, 'target', 'gradOutput'. */
  readonly name: string;
  /**
   * 'shaped': needs its shape to be understood; 'spread': a bare array has one axis, which broadcasts; 'integers' and 'list':
   * bare arrays only; 'sparse': the indices of a sparse target, then its offsets.
   */
  readonly role: 'input' | 'indices' | 'floats' | 'shaped' | 'spread' | 'integers' | 'list' | 'maps' | 'sparse';
  readonly tensor: Tensor64;
  readonly place: PlaceName;
  readonly sparse?: SparseTarget;
  /** Source text of the values where they are too many to print. */
  readonly recipe: string;
}

/** A legal call with all its numbers. */
export interface Problem {
  readonly draw: CallDraw;
  readonly op: string;
  readonly entry: Entry;
  /** Elementwise: everything is inner. */
  readonly layout: Layout;
  /** The shape of the loss without reduction; of an activation, that of the input. */
  readonly lossShape: readonly number[];
  readonly input: Operand;
  readonly second: Operand | undefined;
  readonly target: Operand | undefined;
  readonly gradOutput: Operand;
  /** Tensor options. */
  readonly operands: readonly Operand[];
  /** Options that are no tensors, as the library takes them. */
  readonly plain: Readonly<Record<string, unknown>>;
  /** The inputs in float64. */
  readonly inputs: ReferenceInputs;
  /** The options in float64. `gradOutput` is that of the backward form. */
  readonly truth: ReferenceOptions;
}
