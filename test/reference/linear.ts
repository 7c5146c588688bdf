/** Logits as a linear layer, and any loss on top of one. */
import { sizeOf } from './layout.ts';
import { sumOf } from './numeric.ts';
import { below, between, fill, normal, type Random } from './random.ts';
import type {
  Problem,
  ReferenceInputs,
  ReferenceLoss,
  ReferenceOptions,
  ReferenceResult,
  TargetKind,
  Tensor64,
} from './types.ts';

/** features [N, D], weight [C, D], bias [C]; `outputs` is the shape of a row of logits, whose product is C. */
export interface LinearOperands {
  readonly features: Tensor64;
  readonly weight: Tensor64;
  readonly bias?: Tensor64 | undefined;
  readonly outputs?: readonly number[] | undefined;
}

export interface LinearGradients {
  readonly weight: Tensor64;
  readonly bias?: Tensor64;
  readonly input: Tensor64;
}

function sizesOf({ features, weight, bias, outputs }: LinearOperands) {
  const [n = 0, d = 0] = features.shape;
  const row = outputs ?? weight.shape.slice(0, 1);
  const c = sizeOf(row);
  const fits = features.shape.length === 2 && weight.data.length === c * d && (bias?.data.length ?? c) === c;
  if (!fits) throw new RangeError(`features [${features.shape}], weight [${weight.shape}], outputs [${row}]`);
  return { n, d, c, shape: [n, ...row] };
}

const table = (rows: number, columns: number, value: (row: number, column: number) => number): Float64Array =>
  Float64Array.from({ length: rows * columns }, (_, i) => value(Math.floor(i / columns), i % columns));

const range = (length: number): number[] => Array.from({ length }, (_, i) => i);

/** x·Wᵀ + b. */
export function linear(operands: LinearOperands): Tensor64 {
  const { n, d, c, shape } = sizesOf(operands);
  const { features, weight, bias } = operands;
  const columns = range(d);
  const logit = (i: number, k: number): number =>
    sumOf([...columns.map((j) => features.data[i * d + j]! * weight.data[k * d + j]!), bias?.data[k] ?? 0]);
  return { data: table(n, c, logit), shape };
}

/** What a gradient g [N, …outputs] of the logits is for each operand: gᵀ·x, Σ g, g·W. */
export function linearBack(g: Tensor64, operands: LinearOperands): LinearGradients {
  const { n, d, c } = sizesOf(operands);
  const { features, weight, bias } = operands;
  const [rows, classes] = [range(n), range(c)];
  const at = (i: number, k: number): number => g.data[i * c + k]!;
  const forWeight = (k: number, j: number): number => sumOf(rows.map((i) => at(i, k) * features.data[i * d + j]!));
  const forInput = (i: number, j: number): number => sumOf(classes.map((k) => at(i, k) * weight.data[k * d + j]!));
  const forBias = (k: number): number => sumOf(rows.map((i) => at(i, k)));
  return {
    weight: { data: table(c, d, forWeight), shape: weight.shape },
    ...(bias && { bias: { data: Float64Array.from(classes, forBias), shape: bias.shape } }),
    input: { data: table(n, d, forInput), shape: features.shape },
  };
}

export interface LinearResult extends Omit<ReferenceResult, 'grad'> {
  readonly grad: LinearGradients;
  /** The logits, and the loss's own result at them: its `grad` is ∂loss/∂logits. */
  readonly logits: Tensor64;
  readonly atLogits: ReferenceResult;
}

/** Any loss of the logits x·Wᵀ + b, with the gradients of x, W and b. `inputs` is the loss's own, without the input. */
export function linearLoss(
  { compute, others }: ReferenceLoss,
  operands: LinearOperands,
  inputs: Omit<ReferenceInputs, 'input'>,
  options: ReferenceOptions = {},
): LinearResult {
  if (others.length > 0) throw new RangeError('a loss of several inputs has no linear form');
  if (options.reduction === 'none') throw new RangeError('without reduction there is no gradient of the weight');
  const logits = linear(operands);
  const { grad, ...rest } = compute({ ...inputs, input: logits }, options);
  return { ...rest, grad: linearBack(grad, operands), logits, atLogits: { ...rest, grad } };
}

/**
 * A problem of that loss with a linear layer that makes its input: features [N, D] and a weight whose products lie in
 * the domain of the loss. Only the shape of the problem's own input is used.
 */
export function drawLinear(
  random: Random,
  { draw, domain }: ReferenceLoss,
  [n, d]: readonly [number, number],
  outputs: readonly number[],
  axis?: number,
  kind?: TargetKind,
): { readonly operands: LinearOperands; readonly problem: Problem } {
  const problem = draw(random, [n, ...outputs], axis, kind);
  const [low, high] = domain(problem.options);
  const c = sizeOf(outputs);
  const free = low === -Infinity && high === Infinity;
  const features = new Float64Array(n * d);
  for (let i = 0; i < n; i++) {
    // eighths that add up to 1 make mixtures of the weight's rows, without rounding
    for (let turn = 0; turn < 8 && d > 0; turn++) features[i * d + below(random, d)]! += 1 / 8;
  }
  const inside = (): number => {
    if (free) return normal(random);
    return between(random, low === -Infinity ? -4 : low + 0.05, high === Infinity ? 4 : high - 0.05);
  };
  const bias = free ? { data: fill(c, () => normal(random)), shape: [c] } : { data: new Float64Array(c), shape: [c] };
  return {
    operands: {
      features: { data: free ? fill(n * d, () => normal(random)) : features, shape: [n, d] },
      weight: { data: fill(c * d, inside), shape: [c, d] },
      bias,
      outputs,
    },
    problem,
  };
}
