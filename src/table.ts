// The registry: one record describes each loss and activation once. Types, argument checks, kernels, tests, benchmarks and
// the README's table follow from it.

import type { CommonOptions, ComponentLosses, TensorInput } from './types.ts';

/** The TypeScript type of each kind of option. */
interface OptionTypes {
  /** One number per class. */
  classWeights: TensorInput;
  /** One number per sample, shaped like the loss for 'none'. */
  sampleWeights: TensorInput;
  /** One number per element, shaped like the input. */
  elementWeights: TensorInput;
  /** A number, or a tensor that broadcasts to the input by NumPy's rules. */
  broadcast: TensorInput;
  /** An axis; negatives count from the end. */
  axis: number;
  integer: number;
  /** A number in [0, 1]. */
  unit: number;
  number: number;
  /** A number, NaN allowed. */
  marker: number;
  /** Target values in class order. */
  labels: readonly (number | bigint)[] | Int8Array | Int16Array | Int32Array;
  /** One class → group map per component. */
  components: readonly (readonly number[] | Int32Array)[];
  /** One weight per component. */
  componentWeights: readonly number[] | Float32Array | Float64Array;
}

/** A kind of option. */
export type OptionKind = keyof OptionTypes;

/** One option: its kind and, as text for the documentation, its default. */
export interface OptionRecord {
  readonly kind: OptionKind;
  readonly default: string;
  readonly required?: true;
}

/** One loss or activation. */
export interface OperationRecord {
  /** The kernel's export. */
  readonly kernel: 'crossEntropy' | 'componentCrossEntropy' | 'bceWithLogits' | 'mse' | 'softmax' | 'sigmoid';
  /** 'class': a class axis, one loss per sample; 'element': one loss per element. */
  readonly walk: 'class' | 'element';
  /** What the second argument may be. */
  readonly target: 'classes' | 'indices' | 'unit' | 'real' | 'none';
  /** Names of the two tensors in messages and documentation. */
  readonly names: readonly [string, string];
  readonly options: Readonly<Record<string, OptionRecord>>;
  /** Activations: the logarithmic variant of the kernel. */
  readonly log?: true;
  readonly formula: string;
  readonly source: string;
}

const option = <K extends OptionKind>(kind: K, text: string) => ({ kind, default: text }) as const;

const PYTORCH = 'PyTorch torch.nn.functional';

/** The losses. */
export const LOSSES = {
  crossEntropy: {
    kernel: 'crossEntropy',
    walk: 'class',
    target: 'classes',
    names: ['logits', 'target'],
    options: {
      axis: option('axis', '1 (0 for 1-D)'),
      weight: option('classWeights', 'none'),
      sampleWeight: option('sampleWeights', 'none'),
      ignoreIndex: option('integer', '-100'),
      labelSmoothing: option('unit', '0'),
      labels: option('labels', '0…C-1'),
      zLoss: option('number', '0'),
    },
    formula: 'w_t·(lse(x) − x_t)',
    source: `${PYTORCH}.cross_entropy`,
  },
  bceWithLogits: {
    kernel: 'bceWithLogits',
    walk: 'element',
    target: 'unit',
    names: ['logits', 'target'],
    options: {
      weight: option('broadcast', '1'),
      posWeight: option('broadcast', '1'),
      labelSmoothing: option('unit', '0'),
      ignoreValue: option('marker', 'none'),
    },
    formula: 'w·((1−y)·softplus(x) + P·y·softplus(−x))',
    source: `${PYTORCH}.binary_cross_entropy_with_logits`,
  },
  mse: {
    kernel: 'mse',
    walk: 'element',
    target: 'real',
    names: ['input', 'target'],
    options: { weight: option('elementWeights', 'none') },
    formula: 'w·(x − y)²',
    source: `${PYTORCH}.mse_loss`,
  },
  componentCrossEntropy: {
    kernel: 'componentCrossEntropy',
    walk: 'class',
    target: 'indices',
    names: ['logits', 'target'],
    options: {
      axis: option('axis', '1 (0 for 1-D)'),
      components: { ...option('components', 'required'), required: true },
      weights: option('componentWeights', 'all 1'),
      jointWeight: option('number', '0'),
      sampleWeight: option('sampleWeights', 'none'),
      ignoreIndex: option('integer', '-100'),
      labels: option('labels', '0…C-1'),
    },
    formula: 'Σ_m w_m·(lse(x) − lse(x in group_m(t))) + γ·(lse(x) − x_t)',
    source: 'marginal log-likelihood of the parts of a composite label',
  },
} as const satisfies Record<string, OperationRecord>;

/** The activations. */
export const ACTIVATIONS = {
  softmax: {
    kernel: 'softmax',
    walk: 'class',
    target: 'none',
    names: ['input', 'gradOutput'],
    options: { axis: option('axis', '1 (0 for 1-D)') },
    formula: 'e^x / Σ e^x',
    source: `${PYTORCH}.softmax`,
  },
  logSoftmax: {
    kernel: 'softmax',
    walk: 'class',
    target: 'none',
    names: ['input', 'gradOutput'],
    options: { axis: option('axis', '1 (0 for 1-D)') },
    log: true,
    formula: 'x − lse(x)',
    source: `${PYTORCH}.log_softmax`,
  },
  sigmoid: {
    kernel: 'sigmoid',
    walk: 'element',
    target: 'none',
    names: ['input', 'gradOutput'],
    options: {},
    formula: '1/(1 + e^−x)',
    source: 'PyTorch torch.sigmoid',
  },
  logSigmoid: {
    kernel: 'sigmoid',
    walk: 'element',
    target: 'none',
    names: ['input', 'gradOutput'],
    options: {},
    log: true,
    formula: 'min(x, 0) − log1p(e^−|x|)',
    source: `${PYTORCH}.logsigmoid`,
  },
} as const satisfies Record<string, OperationRecord>;

/** Names of the losses. */
export type LossName = keyof typeof LOSSES;
/** Names of the activations. */
export type ActivationName = keyof typeof ACTIVATIONS;

type Required_<O> = { [K in keyof O as O[K] extends { required: true } ? K : never]: O[K] };
type Optional_<O> = { [K in keyof O as O[K] extends { required: true } ? never : K]: O[K] };
type TypeOf<R> = R extends { kind: infer K extends OptionKind } ? OptionTypes[K] : never;

/** The options of a record, as its users write them. */
export type OptionsOf<O> = { readonly [K in keyof Required_<O>]: TypeOf<O[K & keyof O]> } & {
  readonly [K in keyof Optional_<O>]?: TypeOf<O[K & keyof O]> | undefined;
};

/** The own options of a loss. */
export type LossOptions<N extends LossName> = OptionsOf<(typeof LOSSES)[N]['options']>;
/** The options of an activation. */
export type ActivationOptions<N extends ActivationName> = OptionsOf<(typeof ACTIVATIONS)[N]['options']> &
  Pick<CommonOptions, 'out'>;
/** What a loss adds to its results. */
export type LossExtra<N extends LossName> = N extends 'componentCrossEntropy' ? ComponentLosses : unknown;
