import type { ReferenceOptions } from '../test/reference/index.ts';

/** Operations the benchmark knows; `crossEntropyProb` is crossEntropy with probability targets. */
export type Operation = 'crossEntropy' | 'componentCrossEntropy' | 'bceWithLogits' | 'mse' | 'softmax' | 'sigmoid';

/** Data of one workload: float32 input, and a target of class indices or of values. */
export interface Inputs {
  readonly input: Float32Array;
  readonly indices?: Int32Array;
  readonly values?: Float32Array;
}

export interface Case {
  readonly name: string;
  /** What a workload of this shape stands for. */
  readonly meaning: string;
  readonly operation: Operation;
  readonly shape: readonly number[];
  /** Whether the target holds class indices, probabilities or values of the input's shape; activations have none. */
  readonly target: 'indices' | 'probabilities' | 'labels' | 'values' | 'none';
  readonly options: ReferenceOptions;
  /** How many times faster than plain JavaScript with reused buffers this has to be on plain arrays. */
  readonly ratio?: number;
  /** The same for tensors in linear memory. */
  readonly tensorRatio?: number;
}

const indices = { operation: 'crossEntropy', target: 'indices', options: {} } as const;
const labels = { operation: 'bceWithLogits', target: 'labels', options: {} } as const;

/** Four composite classes: two parts of two values each. */
const twoParts = {
  components: [
    [0, 0, 1, 1],
    [0, 1, 0, 1],
  ],
  weights: [0.7, 0.3],
};

const table: readonly Omit<Case, 'name'>[] = [
  { ...indices, meaning: 'a batch over a thousand classes', shape: [128, 1000], ratio: 7, tensorRatio: 9 },
  { ...indices, meaning: 'many rows, few classes', shape: [8192, 4], ratio: 3, tensorRatio: 5 },
  {
    ...indices,
    meaning: 'image segmentation, class axis in the middle',
    shape: [16, 21, 64, 64],
    ratio: 6,
    tensorRatio: 8,
  },
  { ...indices, meaning: 'a small multi-dimensional batch', shape: [8, 3, 47], ratio: 1, tensorRatio: 4 },
  { ...indices, meaning: 'a small batch', shape: [32, 10] },
  { operation: 'crossEntropy', target: 'probabilities', options: {}, meaning: 'distillation', shape: [128, 1000] },
  { ...labels, meaning: 'a thousand yes/no labels', shape: [256, 1000], ratio: 6, tensorRatio: 8 },
  { ...labels, meaning: 'a small multi-label batch', shape: [8, 47] },
  {
    operation: 'mse',
    target: 'values',
    options: {},
    meaning: 'regression, beyond the caches',
    shape: [1_000_000],
    ratio: 2,
    tensorRatio: 5,
  },
  {
    operation: 'componentCrossEntropy',
    target: 'indices',
    options: twoParts,
    meaning: 'two components of two groups',
    shape: [8192, 4],
    ratio: 3,
    tensorRatio: 4,
  },
  // from 1,024 elements on, a call on plain arrays is never slower than plain JavaScript
  { ...indices, meaning: 'the smallest call that pays', shape: [256, 4], ratio: 1 },
  { ...labels, meaning: 'the smallest call that pays', shape: [1024], ratio: 1 },
  {
    operation: 'mse',
    target: 'values',
    options: {},
    meaning: 'the smallest call that pays',
    shape: [1024],
    ratio: 1,
  },
  {
    operation: 'componentCrossEntropy',
    target: 'indices',
    options: twoParts,
    meaning: 'the smallest call that pays',
    shape: [256, 4],
    ratio: 1,
  },
  { operation: 'softmax', target: 'none', options: {}, meaning: 'forward only', shape: [128, 1000] },
  { operation: 'sigmoid', target: 'none', options: {}, meaning: 'forward only', shape: [1_000_000] },
  {
    operation: 'softmax',
    target: 'none',
    options: {},
    meaning: 'the smallest call that pays',
    shape: [256, 4],
    ratio: 1,
  },
  {
    operation: 'sigmoid',
    target: 'none',
    options: {},
    meaning: 'the smallest call that pays',
    shape: [1024],
    ratio: 1,
  },
];

/** The workloads, by meaning; every contender runs each of them. */
export const cases: readonly Case[] = table.map((item) => ({
  ...item,
  name: `${item.operation}${item.target === 'probabilities' ? ' prob' : ''} [${item.shape.join(', ')}]`,
}));

/** mulberry32: numbers in [0, 1) that depend on the seed alone. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Samples in the target of a class loss: all axes but the class axis, which is axis 1. */
export function sampleShape(shape: readonly number[]): number[] {
  return shape.filter((_, axis) => axis !== 1);
}

const sizeOf = (shape: readonly number[]) => shape.reduce((size, extent) => size * extent, 1);

/** The data of a workload: logits like those of a half-trained model (near normal, standard deviation 2). */
export function makeInputs(item: Case, seed = 7): Inputs {
  const random = generator(seed + sizeOf(item.shape));
  // The sum of four uniforms has variance 1/3.
  const logit = () => (random() + random() + random() + random() - 2) * Math.sqrt(3) * 2;
  const size = sizeOf(item.shape);
  const classes = item.shape[1] ?? 1;
  const input = Float32Array.from({ length: size }, logit);
  switch (item.target) {
    case 'none':
      return { input };
    case 'indices': {
      const count = sizeOf(sampleShape(item.shape));
      return { input, indices: Int32Array.from({ length: count }, () => Math.floor(random() * classes)) };
    }
    case 'probabilities': {
      const values = Float32Array.from({ length: size }, random);
      for (let start = 0; start < size; start += classes) {
        const row = values.subarray(start, start + classes);
        const sum = row.reduce((total, value) => total + value, 0);
        row.set(row.map((value) => value / sum));
      }
      return { input, values };
    }
    case 'labels':
      return { input, values: Float32Array.from({ length: size }, () => (random() < 0.3 ? 1 : 0)) };
    case 'values':
      return { input, values: Float32Array.from({ length: size }, logit) };
  }
}
