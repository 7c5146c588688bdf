/** Types shared by the float64 references. What goes in and comes out is plain data in doubles. */
import type { Random } from './random.ts';

/** A row-major tensor in float64. Index targets are written as whole numbers in it. */
export interface Tensor64 {
  readonly data: Float64Array;
  readonly shape: readonly number[];
}

/** Row i has the classes indices[offsets[i]] … indices[offsets[i + 1] - 1], distinct and in any order. */
export interface SparseTarget {
  readonly indices: Int32Array;
  readonly offsets: Int32Array;
}

export type Target = Tensor64 | SparseTarget;

export type Reduction = 'mean' | 'sum' | 'none' | 'batchmean';

export interface ReferenceInputs {
  /** Logits, or the prediction of a regression loss. */
  readonly input: Tensor64;
  /** Class indices (no class axis), values of the input's shape, or sparse. Activations take none. */
  readonly target?: Target | undefined;
  /** What else is differentiated, by name: `z` of factorizedMultiLabel, `s` of uncertaintyWeighted. */
  readonly others?: Readonly<Record<string, Tensor64>> | undefined;
}

/** The options of all losses; each reads those that concern it. Names and defaults are the library's. */
export interface ReferenceOptions {
  readonly reduction?: Reduction | undefined;
  readonly axis?: number | undefined;
  /** Upstream gradient: a number, or a tensor shaped like the loss. Default 1. */
  readonly gradOutput?: number | Tensor64 | undefined;
  readonly scale?: number | undefined;
  readonly emptyMean?: 'nan' | 'zero' | undefined;
  /** Class weights [C]; element weights, broadcast or of the input's shape. */
  readonly weight?: number | Tensor64 | undefined;
  readonly posWeight?: number | Tensor64 | undefined;
  readonly sampleWeight?: Tensor64 | undefined;
  readonly ignoreIndex?: number | undefined;
  readonly ignoreValue?: number | undefined;
  readonly labels?: readonly number[] | undefined;
  readonly labelSmoothing?: number | undefined;
  readonly logitShift?: Tensor64 | undefined;
  readonly softcap?: number | undefined;
  readonly zLoss?: number | undefined;
  readonly gamma?: number | undefined;
  readonly epsilon?: number | undefined;
  readonly lambda?: number | undefined;
  readonly values?: readonly number[] | undefined;
  readonly p?: 1 | 2 | undefined;
  readonly margin?: number | undefined;
  readonly squared?: boolean | undefined;
  readonly components?: readonly (readonly number[])[] | undefined;
  readonly weights?: readonly number[] | undefined;
  readonly jointWeight?: number | undefined;
  readonly alpha?: number | undefined;
  readonly beta?: number | undefined;
  readonly delta?: number | undefined;
  readonly q?: number | undefined;
  readonly gammaPos?: number | undefined;
  readonly gammaNeg?: number | undefined;
  readonly clip?: number | undefined;
  readonly detachWeights?: boolean | undefined;
  readonly logInput?: boolean | undefined;
  readonly logTarget?: boolean | undefined;
  readonly full?: boolean | undefined;
  readonly eps?: number | undefined;
  readonly variance?: number | Tensor64 | undefined;
  readonly mu?: number | undefined;
  readonly activation?: 'softmax' | 'sigmoid' | 'none' | undefined;
  readonly smooth?: number | undefined;
  readonly per?: 'sample' | 'batch' | undefined;
}

export interface ReferenceResult {
  /** Shape [] when reduced; for an activation its forward output. */
  readonly loss: Tensor64;
  /** Gradient with respect to `input`, upstream gradient and scale applied. */
  readonly grad: Tensor64;
  /** Gradients with respect to what else is differentiated, by name: `variance`, `z`, `s`. */
  readonly grads?: Readonly<Record<string, Tensor64>>;
  /** The numerator: all weighted terms added up. */
  readonly sum: number;
  /** Samples, elements or ratios that were not ignored. */
  readonly count: number;
  /** The denominator of reduction 'mean', whichever reduction was asked for. */
  readonly weightSum: number;
  /** The share of zLoss in `sum`. */
  readonly zSum?: number;
  readonly componentLosses?: Tensor64;
}

export type ReferenceFunction = (inputs: ReferenceInputs, options: ReferenceOptions) => ReferenceResult;

/** One call: what a loss is given. */
export interface Problem {
  readonly inputs: ReferenceInputs;
  readonly options: ReferenceOptions;
}

/** One positive number, or 0, for each element of the loss without reduction, or of a gradient. */
export interface Scales {
  readonly loss: Float64Array;
  readonly grad: Float64Array;
  readonly grads?: Readonly<Record<string, Float64Array>>;
  /** For each element of componentLosses without reduction. */
  readonly componentLosses?: Float64Array;
}

/** For each element of a gradient 1 where it may be another subgradient, else 0. */
export interface Kinks {
  readonly grad: Uint8Array;
  readonly grads?: Readonly<Record<string, Uint8Array>>;
}

/**
 * What shape the loss has without reduction:
 * class: the input's without the class axis, which option `axis` chooses
 * row: the input's without the last axis
 * element: the input's
 * overlap: [N, C], or [C] per batch
 * scalar: a number; there is no reduction
 */
export type Family = 'class' | 'row' | 'element' | 'overlap' | 'scalar';

/** index: class indices without a class axis; dense: values of the input's shape; sparse: SparseTarget. */
export type TargetKind = 'index' | 'dense' | 'sparse';

/**
 * What PyTorch's cases are compared with in float32 (golden/README.md, "What passes"):
 * masses: the loss itself, and gradients next to the probability masses that they are the difference of
 * result: the loss and the gradient themselves
 * terms: both next to the terms that they are the difference of
 */
export type Measure = 'masses' | 'result' | 'terms';

export type OptionName = keyof ReferenceOptions;

export type OptionDraws = {
  readonly [K in keyof ReferenceOptions]?: (random: Random, problem: Problem) => NonNullable<ReferenceOptions[K]>;
};

/** Changes a problem so that something special is in it. */
export type Change = (random: Random, problem: Problem) => Problem;

export type Domain = readonly [low: number, high: number];

/** What table-driven tests need to know of a loss. */
export interface ReferenceLoss {
  readonly family: Family;
  /** Kinds of target that it takes, the usual one first; none for a loss without target. */
  readonly targets: readonly TargetKind[];
  /** Values that the input may hold with these options; both ends are legal limits. */
  readonly domain: (options: ReferenceOptions) => Domain;
  /** Inputs outside the domain, NaN among them, are an error. */
  readonly refuses?: true;
  /** Names of `others`. */
  readonly others: readonly string[];
  readonly compute: ReferenceFunction;
  /** Legal inputs over the ordinary range, with the options that they cannot do without, `axis` among them. */
  readonly draw: (random: Random, shape: readonly number[], axis?: number, kind?: TargetKind) => Problem;
  /** Options that `draw` decides, because the inputs depend on them. */
  readonly settings: readonly OptionName[];
  /** Draws of the loss's other options; none of them changes what the inputs may be. */
  readonly options: OptionDraws;
  /** Options that the target has to go along with: ignoreIndex, ignoreValue, labels. */
  readonly targetOptions: { readonly [K in OptionName]?: Change };
  /** Extreme inputs by name: what a plain implementation in float32 fails at. */
  readonly spice: Readonly<Record<string, Change>>;
  /**
   * What rounding errors in float32 are measured in: an error of a few 2^-24 times the scale is rounding. Before
   * reduction, upstream gradient and scale; bounds.ts applies those. Finite wherever the loss is finite.
   */
  readonly scales: (problem: Problem) => Scales;
  /** The scale of the gradient in PyTorch's cases, where golden/README.md has another: probability masses alone. */
  readonly goldenScale?: (problem: Problem) => Float64Array;
  /**
   * Where a kink lies within `reach` of the input, so that the derivative depends on the side. Without `reach`: within
   * rounding in float32, and only kinks where the gradient jumps. With it also those where only the curvature jumps.
   */
  readonly kinks: (problem: Problem, reach?: number) => Kinks;
  readonly measure: Measure;
  /** PyTorch's own float32 run of the composition is wrong in places: its errors allow nothing. */
  readonly torchErrorsCount: boolean;
}

/** A tensor from any list of numbers; without a shape it is 1-D. */
export function tensor64(source: ArrayLike<number>, shape: readonly number[] = [source.length]): Tensor64 {
  return { data: Float64Array.from(source), shape };
}

export const isSparse = (target: Target): target is SparseTarget => 'offsets' in target;
