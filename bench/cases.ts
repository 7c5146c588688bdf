import type { OperationRecord } from '../src/losses/record.ts';
import type { FormName } from '../test/library.ts';
import type { ActivationName, Problem, ReferenceOptions, TargetKind } from '../test/reference/index.ts';
import { drawProblem } from './problem.ts';
import { entries, records } from './table.ts';

/** Losses and activations by name. */
export type Operation = FormName | ActivationName;

/** Required ratios by contender: how many times faster than plain JavaScript with reused buffers it has to be. */
export type Targets = Readonly<Record<string, number>>;

export interface Case {
  readonly name: string;
  /** What a workload of this shape stands for. */
  readonly meaning: string;
  readonly operation: Operation;
  readonly shape: readonly number[];
  /** The kind of target, where it is not the loss's usual one. */
  readonly kind?: TargetKind;
  /** Options in place of those that were drawn. */
  readonly options?: ReferenceOptions;
  readonly targets: Targets;
  /** Whether the table of losses asks for it; else it stands for a use. */
  readonly inTable: boolean;
}

export type Described = Omit<Case, 'name' | 'inTable'>;

const indices = { operation: 'crossEntropy', targets: {} } as const;
const labels = { operation: 'bceWithLogits', targets: {} } as const;

/** Four composite classes: two parts of two values each. */
const twoParts = {
  operation: 'componentCrossEntropy',
  options: {
    components: [
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ],
    weights: [0.7, 0.3],
  },
} as const;

// from 1,024 elements on, a call on plain arrays is never slower than plain JavaScript
const smallest = { meaning: 'the smallest call that pays', targets: { arrays: 1 } } as const;

/** Workloads that stand for a use. */
const uses: readonly Described[] = [
  { ...indices, meaning: 'a batch over a thousand classes', shape: [128, 1000], targets: { arrays: 7, tensors: 9 } },
  { ...indices, meaning: 'many rows, few classes', shape: [8192, 4], targets: { arrays: 3, tensors: 5 } },
  {
    ...indices,
    meaning: 'image segmentation, class axis in the middle',
    shape: [16, 21, 64, 64],
    targets: { arrays: 6, tensors: 8 },
  },
  { ...indices, meaning: 'a small multi-dimensional batch', shape: [8, 3, 47], targets: { arrays: 1, tensors: 4 } },
  { ...indices, meaning: 'a small batch', shape: [32, 10] },
  { ...indices, kind: 'dense', meaning: 'distillation', shape: [128, 1000] },
  { ...labels, meaning: 'a thousand yes/no labels', shape: [256, 1000], targets: { arrays: 6, tensors: 8 } },
  { ...labels, meaning: 'a small multi-label batch', shape: [8, 47] },
  {
    operation: 'mse',
    meaning: 'regression, beyond the caches',
    shape: [1_000_000],
    targets: { arrays: 2, tensors: 5 },
  },
  { ...twoParts, meaning: 'two components of two groups', shape: [8192, 4], targets: { arrays: 3, tensors: 4 } },
  { operation: 'crossEntropy', ...smallest, shape: [256, 4] },
  { operation: 'bceWithLogits', ...smallest, shape: [1024] },
  { operation: 'mse', ...smallest, shape: [1024] },
  { ...twoParts, ...smallest, shape: [256, 4] },
  { operation: 'softmax', meaning: 'forward only', shape: [128, 1000], targets: {} },
  { operation: 'sigmoid', meaning: 'forward only', shape: [1_000_000], targets: {} },
  { operation: 'softmax', ...smallest, shape: [256, 4] },
  { operation: 'sigmoid', ...smallest, shape: [1024] },
];

const nameOf = ({ operation, kind, shape }: Described): string =>
  `${operation}${kind === 'dense' ? ' prob' : ''} [${shape.join(', ')}]`;

export const useOf = (item: Described): Case => ({ ...item, name: nameOf(item), inTable: false });

/** The workloads of the table: every loss and activation on data of an ordinary size. */
const table: readonly Described[] = entries.map(({ record, shape, steps }) => ({
  // the table's names are those of the library's functions, which Operation lists
  operation: record.name as Operation,
  meaning: 'of the table',
  shape,
  targets: steps === undefined ? {} : { steps },
}));

/** Workloads that stand for a use, as cases. */
export const useCases: readonly Case[] = uses.map(useOf);

/** All workloads, each once; every contender runs each of them. */
export const cases: readonly Case[] = merge([
  ...useCases,
  ...table.map((item) => ({ ...item, name: nameOf(item), inTable: true })),
]);

/** Puts the targets of workloads that are the same together. */
function merge(items: readonly Case[]): Case[] {
  const merged = new Map<string, Case>();
  for (const item of items) {
    const before = merged.get(item.name);
    const targets = { ...before?.targets, ...item.targets };
    merged.set(item.name, before ? { ...before, targets, inTable: before.inTable || item.inTable } : item);
  }
  return [...merged.values()];
}

export const recordOf = (operation: Operation): OperationRecord => records.find(({ name }) => name === operation)!;

/** The data of a workload. */
export function problemOf(item: Case): Problem {
  const { inputs, options } = drawProblem({ record: recordOf(item.operation), ...item });
  return { inputs, options: { ...options, ...item.options } };
}
