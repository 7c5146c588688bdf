/**
 * The package's functions computed by the float64 references, for .ci/snippets.mjs: what examples say has to be true of the
 * formulas, not only of the library. Arguments are as users write them in examples; nothing is checked.
 */
import { activations, type LossName, type ReferenceOptions, reference, references } from '../reference/index.ts';
import { layoutOf } from '../reference/layout.ts';
import type { SparseTarget, Tensor64 } from '../reference/types.ts';

type Numbers = number | bigint | ArrayLike<number | bigint> | readonly Nested[];
type Nested = number | bigint | readonly Nested[] | ArrayLike<number | bigint>;
type Argument =
  | Numbers
  | {
      readonly data: ArrayLike<number | bigint>;
      readonly shape?: readonly number[];
      readonly dims?: readonly number[];
    };

const isList = (value: unknown): value is readonly Nested[] => Array.isArray(value) || ArrayBuffer.isView(value);

function flatten(value: Nested): number[] {
  return isList(value) ? Array.from(value).flatMap(flatten) : [Number(value)];
}

function shapeOf(value: Nested): number[] {
  return isList(value) ? [value.length, ...(value.length > 0 && isList(value[0]) ? shapeOf(value[0]) : [])] : [];
}

/** A tensor of float32 numbers; a flat array takes the shape that is expected there. */
function tensorOf(value: Argument, expected?: readonly number[]): Tensor64 {
  if (typeof value === 'object' && 'data' in value) {
    const data = Float64Array.from(flatten(value.data as Nested), Math.fround);
    return { data, shape: value.shape ?? value.dims ?? [data.length] };
  }
  const data = Float64Array.from(flatten(value as Nested), Math.fround);
  const own = shapeOf(value as Nested);
  const size = expected?.reduce((product, n) => product * n, 1);
  return { data, shape: expected && own.length < 2 && size === data.length ? expected : own };
}

const tensor32 = ({ data, shape }: Tensor64) => ({ data: Float32Array.from(data), shape });
/** A number where the loss is reduced, as the library returns it. */
const lossOf = (loss: Tensor64) => (loss.shape.length === 0 ? loss.data[0]! : tensor32(loss));

type Options = Readonly<Record<string, unknown>>;

/** Options that are tensors of the given shapes; those that stay what they are have none. */
const PER_CLASS = ['logitShift'];
const PER_ELEMENT = ['weight', 'posWeight', 'variance'];

function optionsOf(given: Options, shape: readonly number[], samples: readonly number[]): ReferenceOptions {
  const entries = Object.entries(given).flatMap(([key, value]): [string, unknown][] => {
    if (value === undefined || key === 'out') return [];
    if (typeof value === 'number' && key !== 'sampleWeight') return [[key, value]];
    if (key === 'sampleWeight') return [[key, tensorOf(value as Argument, samples)]];
    if (PER_CLASS.includes(key)) return [[key, tensorOf(value as Argument)]];
    if (PER_ELEMENT.includes(key)) return [[key, tensorOf(value as Argument, shape)]];
    return [[key, value]];
  });
  return Object.fromEntries(entries) as ReferenceOptions;
}

interface Rows {
  readonly indices: ArrayLike<number>;
  readonly offsets: ArrayLike<number>;
}

const sparseOf = ({ indices, offsets }: Rows): SparseTarget => ({
  indices: Int32Array.from(indices),
  offsets: Int32Array.from(offsets),
});

interface Pair {
  readonly logits: Argument;
  readonly z: Argument;
}

function call(name: LossName, given: Argument | Pair, target: Argument, options: Options, gradOutput?: Argument) {
  const { family, others } = references[name];
  const pair = others.includes('z') ? (given as Pair) : undefined;
  const input = tensorOf(pair ? pair.logits : (given as Argument));
  const layout = layoutOf(input.shape, family === 'row' ? -1 : (options.axis as number | undefined));
  const samples = family === 'element' ? input.shape : layout.sampleShape;
  const sparse = typeof target === 'object' && 'indices' in target ? sparseOf(target as unknown as Rows) : undefined;
  const flat = isList(target) && !isList(target[0]);
  const byIndex = (family === 'class' || family === 'overlap') && flat;
  const own = optionsOf(options, input.shape, samples);
  const upstream =
    gradOutput === undefined ? 1 : typeof gradOutput === 'number' ? gradOutput : tensorOf(gradOutput, samples);
  return reference(
    name,
    {
      input,
      target: sparse ?? tensorOf(target, byIndex ? samples : input.shape),
      ...(pair && { others: { z: tensorOf(pair.z, samples) } }),
    },
    { ...own, gradOutput: upstream },
  );
}

type Computed = ReturnType<typeof call>;

const gradsOf = ({ grad, grads }: Computed) => ({
  grad: grads?.z ? { logits: tensor32(grad), z: tensor32(grads.z) } : tensor32(grad),
  ...(grads?.variance && { gradVariance: tensor32(grads.variance) }),
});

const resultOf = (computed: Computed) => {
  const { loss, sum, count, weightSum, zSum, componentLosses } = computed;
  return {
    loss: lossOf(loss),
    sum,
    count,
    weightSum,
    ...(zSum !== undefined && { zSum }),
    ...(componentLosses && { componentLosses: tensor32(componentLosses) }),
  };
};

function lossNamed(name: LossName) {
  const fused = (input: Argument | Pair, target: Argument, options: Options = {}) => {
    const computed = call(name, input, target, options);
    return { ...resultOf(computed), ...gradsOf(computed) };
  };
  const forward = (input: Argument | Pair, target: Argument, options: Options = {}) =>
    resultOf(call(name, input, target, options));
  const backward = (gradOutput: Argument, input: Argument | Pair, target: Argument, options: Options = {}) =>
    gradsOf(call(name, input, target, options, gradOutput));
  return Object.assign(fused, { forward, backward });
}

function activationNamed(name: keyof typeof activations) {
  const forward = (input: Argument, { axis }: { axis?: number } = {}) =>
    tensor32(reference(name, { input: tensorOf(input) }, { axis }).loss);
  const backward = (gradOutput: Argument, input: Argument, { axis }: { axis?: number } = {}) => {
    const of = tensorOf(input);
    return tensor32(reference(name, { input: of }, { axis, gradOutput: tensorOf(gradOutput, of.shape) }).grad);
  };
  return Object.assign(forward, { backward });
}

function uncertaintyWeighted(losses: Argument, s: Argument) {
  const input = tensorOf(losses);
  const { loss, grad, grads } = reference('uncertaintyWeighted', { input, others: { s: tensorOf(s) } });
  return { loss: loss.data[0]!, gradLosses: tensor32(grad), gradS: tensor32(grads!.s!) };
}

/** As the library's: a typed array stays what it is. */
function tensor(source: Argument, shape?: readonly number[]) {
  const { data, shape: own } = tensorOf(source);
  return { data: ArrayBuffer.isView(source) ? source : Float32Array.from(data), shape: shape ?? own };
}

/** Everything that examples may import to be checked here too. */
export const functions: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries((Object.keys(references) as LossName[]).map((name) => [name, lossNamed(name)])),
  ...Object.fromEntries(
    (Object.keys(activations) as (keyof typeof activations)[]).map((name) => [name, activationNamed(name)]),
  ),
  uncertaintyWeighted,
  tensor,
};
