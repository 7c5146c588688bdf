/**
 * The tiers, seeded calls of every loss and activation, and a hash of their results. Needs nothing of its host, so that
 * the probe of test/runtimes runs it everywhere.
 */
import type { createEngine } from '../src/index.ts';
import type {
  BackwardResult,
  ComponentLosses,
  ForwardResult,
  FusedResult,
  Reduction,
  Step,
  Tensor,
  TensorInput,
} from '../src/values/types.ts';
import { layoutOf, sizeOf } from './reference/layout.ts';
import { normal, type Random, randomFrom } from './reference/random.ts';
import { Sha256 } from './sha256.ts';

export const tiers = ['scalar', 'simd', 'relaxed'] as const;

export type Engine = ReturnType<typeof createEngine>;
export type Options = Readonly<Record<string, unknown>>;

export const lossNames = ['crossEntropy', 'bceWithLogits', 'mse', 'componentCrossEntropy'] as const;
export const activationNames = ['softmax', 'logSoftmax', 'sigmoid', 'logSigmoid'] as const;
export type LossName = (typeof lossNames)[number];
export type ActivationName = (typeof activationNames)[number];

/** Every loss behind one signature. */
export interface AnyLoss {
  (input: TensorInput, target: TensorInput, options?: Options): FusedResult<Reduction> & Partial<ComponentLosses>;
  forward(
    input: TensorInput,
    target: TensorInput,
    options?: Options,
  ): ForwardResult<Reduction> & Partial<ComponentLosses>;
  backward(gradOutput: TensorInput, input: TensorInput, target: TensorInput, options?: Options): BackwardResult;
  prepare(input: TensorInput, target: TensorInput, options?: Options): Step & Partial<ComponentLosses>;
}

/** Every activation behind one signature. */
export interface AnyActivation {
  (input: TensorInput, options?: Options): Tensor;
  backward(gradOutput: TensorInput, input: TensorInput, options?: Options): Tensor;
}

// each loss takes more than AnyLoss says about the one option object, and returns at least that
export const lossOf = (engine: Pick<Engine, LossName>, op: LossName): AnyLoss => engine[op] as unknown as AnyLoss;
export const activationOf = (engine: Pick<Engine, ActivationName>, op: ActivationName): AnyActivation =>
  engine[op] as unknown as AnyActivation;

export interface LossCase {
  readonly name: string;
  readonly op: LossName;
  readonly input: Tensor;
  readonly target: Tensor<Float32Array> | Tensor<Int32Array>;
  /** Weights among them are tensors. */
  readonly options: Options;
  readonly gradOutput: number | Tensor;
}

export interface ActivationCase {
  readonly name: string;
  readonly op: ActivationName;
  readonly input: Tensor;
  readonly gradOutput: Tensor;
  readonly options: Options;
}

/** FNV-1a: each case has its own seed, so that a new case leaves the others as they are. */
function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return hash >>> 0;
}

function draw(shape: readonly number[], next: (i: number) => number): Tensor {
  return { data: Float32Array.from({ length: sizeOf(shape) }, (_, i) => next(i)), shape };
}

const weights = (random: Random, shape: readonly number[]): Tensor => draw(shape, () => 0.25 + random());

/** Logits as they come, and for `extreme` ones masks, ties, infinities and gaps beyond float32's exponentials. */
function logits(random: Random, shape: readonly number[], extreme: boolean): Tensor {
  const odd = [Number.NEGATIVE_INFINITY, 80, -80, 1e30, 0, Number.NEGATIVE_INFINITY, 110, Number.POSITIVE_INFINITY];
  return draw(shape, () =>
    extreme && random() < 0.2 ? odd[Math.floor(random() ** 2 * odd.length)]! : normal(random, 3),
  );
}

function classIndices(random: Random, shape: readonly number[], classes: number, ignore?: number): Tensor<Int32Array> {
  const next = (): number => (ignore !== undefined && random() < 0.2 ? ignore : Math.floor(random() * classes));
  return { data: Int32Array.from({ length: sizeOf(shape) }, next), shape };
}

/** Shapes with their class axis: rows, one long row, columns, a middle axis, the axis last. */
const classShapes: readonly (readonly [shape: readonly number[], axis?: number])[] = [
  [[7, 3]],
  [[33, 10]],
  [[5, 47]],
  [[3, 97]],
  [[3, 130]],
  [[2, 1000]],
  [[11]],
  [[3, 5, 7]],
  [[2, 8, 67]],
  [[4, 3, 6, 5]],
  [[6, 9, 4], -1],
];

type Variant = (random: Random, shape: readonly number[], axis: number | undefined) => Partial<LossCase>;

const crossEntropies: Record<string, Variant> = {
  plain: () => ({}),
  'sum, weight': (random, shape, axis) => ({
    options: { reduction: 'sum', weight: weights(random, [layoutOf(shape, axis).classes]) },
  }),
  'none, labelSmoothing': () => ({ options: { reduction: 'none', labelSmoothing: 0.1 } }),
  'sampleWeight, zLoss': (random, shape, axis) => ({
    options: { sampleWeight: weights(random, layoutOf(shape, axis).sampleShape), zLoss: 0.01, scale: 3 },
  }),
  'batchmean, ignoreIndex, weight, labelSmoothing': (random, shape, axis) => {
    const { classes, sampleShape } = layoutOf(shape, axis);
    return {
      target: classIndices(random, sampleShape, classes, 1),
      options: { reduction: 'batchmean', ignoreIndex: 1, labelSmoothing: 0.2, weight: weights(random, [classes]) },
    };
  },
  labels: (random, shape, axis) => {
    const { classes, sampleShape } = layoutOf(shape, axis);
    const labels = Array.from({ length: classes }, (_, c) => 2 * c - 5);
    const target = classIndices(random, sampleShape, classes);
    return { target: { data: target.data.map((c) => labels[c]!), shape: sampleShape }, options: { labels } };
  },
  probabilities: (random, shape) => ({ target: draw(shape, () => random()) }),
  'probabilities, none, weight, labelSmoothing': (random, shape, axis) => ({
    target: draw(shape, () => Math.round(random())),
    options: { reduction: 'none', labelSmoothing: 0.1, weight: weights(random, [layoutOf(shape, axis).classes]) },
  }),
  extreme: (random, shape) => ({ input: logits(random, shape, true) }),
  'extreme, none, labelSmoothing': (random, shape) => ({
    input: logits(random, shape, true),
    options: { reduction: 'none', labelSmoothing: 0.1 },
  }),
};

const groups = (random: Random, classes: number, count: number): number[] =>
  Array.from({ length: classes }, () => Math.floor(random() * count));

const componentLosses: Record<string, Variant> = {
  plain: () => ({}),
  'none, weights, jointWeight': () => ({ options: { reduction: 'none', weights: [0.5, 2], jointWeight: 0.75 } }),
  'sampleWeight, ignoreIndex': (random, shape, axis) => {
    const { classes, sampleShape } = layoutOf(shape, axis);
    return {
      target: classIndices(random, sampleShape, classes, 0),
      options: { ignoreIndex: 0, sampleWeight: weights(random, sampleShape) },
    };
  },
  'extreme, sum': (random, shape) => ({ input: logits(random, shape, true), options: { reduction: 'sum' } }),
  'extreme, none': (random, shape) => ({ input: logits(random, shape, true), options: { reduction: 'none' } }),
};

const elementShapes: readonly (readonly number[])[] = [[13], [7, 5], [3, 64], [2, 3, 67], [130, 4]];

const binaries: Record<string, Variant> = {
  plain: () => ({}),
  'sum, posWeight per label': (random, shape) => ({
    options: { reduction: 'sum', posWeight: weights(random, shape.slice(-1)) },
  }),
  'ignoreValue NaN, labelSmoothing': (random, shape) => ({
    target: draw(shape, () => (random() < 0.2 ? Number.NaN : Math.round(random()))),
    options: { ignoreValue: Number.NaN, labelSmoothing: 0.1 },
  }),
  'none, weight per sample': (random, shape) => ({
    options: { reduction: 'none', weight: weights(random, [shape[0]!, ...shape.slice(1).map(() => 1)]) },
  }),
  extreme: (random, shape) => ({ input: logits(random, shape, true) }),
};

const squares: Record<string, Variant> = {
  plain: () => ({}),
  weight: (random, shape) => ({ options: { weight: weights(random, shape) } }),
  none: () => ({ options: { reduction: 'none' } }),
};

const variants: Record<LossName, Record<string, Variant>> = {
  crossEntropy: crossEntropies,
  componentCrossEntropy: componentLosses,
  bceWithLogits: binaries,
  mse: squares,
};

function lossCase(op: LossName, variant: string, shape: readonly number[], axis?: number, seed?: number): LossCase {
  const name = `${op} [${shape.join(', ')}] ${variant}${axis === undefined ? '' : `, axis ${axis}`}`;
  const random = randomFrom(seed ?? seedOf(name));
  const make = variants[op][variant]!;
  const input = logits(random, shape, false);
  const byClass = op === 'crossEntropy' || op === 'componentCrossEntropy';
  const { classes, sampleShape } = layoutOf(shape, axis);
  const target = byClass ? classIndices(random, sampleShape, classes) : draw(shape, () => random());
  const shared = {
    ...(axis !== undefined && { axis }),
    ...(op === 'componentCrossEntropy' && { components: [groups(random, classes, 3), groups(random, classes, 2)] }),
  };
  const own = make(random, shape, axis);
  const options = { ...shared, ...own.options };
  const lossShape = byClass ? sampleShape : shape;
  const gradOutput = own.options?.reduction === 'none' ? draw(lossShape, () => normal(random)) : normal(random);
  return { name, op, input, target, gradOutput, ...own, options };
}

const everyLoss = (): LossCase[] => [
  // every other pair: each shape and each variant five times
  ...classShapes.flatMap(([shape, axis], s) =>
    Object.entries(crossEntropies)
      .filter((_, v) => (s + v) % 2 === 0)
      .map(([variant]) => lossCase('crossEntropy', variant, shape, axis)),
  ),
  ...classShapes
    .filter((_, s) => s % 2 === 0)
    .flatMap(([shape, axis]) =>
      Object.keys(componentLosses).map((variant) => lossCase('componentCrossEntropy', variant, shape, axis)),
    ),
  ...elementShapes.flatMap((shape) => [
    ...Object.keys(binaries).map((variant) => lossCase('bceWithLogits', variant, shape)),
    ...Object.keys(squares).map((variant) => lossCase('mse', variant, shape)),
  ]),
];

const everyActivation = (): ActivationCase[] =>
  activationNames.flatMap((op) =>
    classShapes.map(([shape, axis]) => {
      const random = randomFrom(seedOf(`${op} [${shape.join(', ')}]`));
      const byClass = op === 'softmax' || op === 'logSoftmax';
      return {
        name: `${op} [${shape.join(', ')}]`,
        op,
        input: logits(random, shape, shape.length === 2),
        gradOutput: draw(shape, () => normal(random)),
        options: byClass && axis !== undefined ? { axis } : {},
      };
    }),
  );

export const lossCases: readonly LossCase[] = everyLoss();
export const activationCases: readonly ActivationCase[] = everyActivation();

/** A case of a random shape, up to 70 long along some axes; the class axis, where there is one, is any. */
export function randomLossCase(seed: number): LossCase {
  const random = randomFrom(seed);
  const size = (largest: number): number => 1 + Math.floor(random() ** 2 * largest);
  const shape = [
    [size(70)],
    [size(70), size(70)],
    [size(6), size(40), size(40)],
    [size(4), size(9), size(9), size(20)],
  ][Math.floor(random() * 4)]!;
  const op = lossNames[Math.floor(random() * lossNames.length)]!;
  const names = Object.keys(variants[op]);
  const byClass = op === 'crossEntropy' || op === 'componentCrossEntropy';
  const axis = byClass ? Math.floor(random() * shape.length) - (random() < 0.5 ? 0 : shape.length) : undefined;
  return lossCase(op, names[Math.floor(random() * names.length)]!, shape, axis, seed);
}

/** The results of every form of a loss: numbers and arrays. */
export function lossResults(engine: Engine, { op, input, target, options, gradOutput }: LossCase): (number | Tensor)[] {
  const loss = lossOf(engine, op);
  const fused = loss(input, target, options);
  const forward = loss.forward(input, target, options);
  const { grad } = loss.backward(gradOutput, input, target, options);
  const numbers = [fused.sum, fused.count, fused.weightSum, fused.zSum ?? 0];
  const parts = fused.componentLosses ? [fused.componentLosses] : [];
  return [fused.loss, fused.grad, ...numbers, ...parts, forward.loss, grad];
}

/** How many NaN of float32 have other bits than the one that JavaScript and WebAssembly call canonical. */
export const oddNaNs = (data: Float32Array): number => {
  const bits = new Uint32Array(data.slice().buffer);
  return data.filter((v, i) => Number.isNaN(v) && bits[i] !== 0x7fc00000).length;
};

/** The first 128 bits of SHA-256 over values. Every NaN counts as the same one. */
export function hashOf(values: readonly (number | Tensor)[]): string {
  const hash = new Sha256();
  for (const value of values) {
    if (typeof value === 'number') hash.update(Uint8Array.from(`${value};`, (character) => character.charCodeAt(0)));
    else {
      const bits = new Uint32Array(Float32Array.from(value.data).buffer);
      value.data.forEach((v, i) => {
        if (Number.isNaN(v)) bits[i] = 0x7fc00000;
      });
      hash.update(new Uint8Array(bits.buffer));
    }
  }
  return hash.digest().slice(0, 32);
}

/** A hash of every case's results on an engine. */
export function hashes(engine: Engine): Record<string, string> {
  const activations = activationCases.map(({ name, op, input, options, gradOutput }) => {
    const activation = activationOf(engine, op);
    return [name, hashOf([activation(input, options), activation.backward(gradOutput, input, options)])] as const;
  });
  const losses = lossCases.map((each) => [each.name, hashOf(lossResults(engine, each))] as const);
  return Object.fromEntries([...losses, ...activations]);
}
