/** Negative log-likelihoods of counts and of values with a variance. */
import { withInput } from './draws.ts';
import { type Element, elementLoss, elementSpice, flagNear, reduceElements, targetOf } from './elements.ts';
import { sizeOf } from './layout.ts';
import { product, sumOf } from './numeric.ts';
import { below, between, chance, fill, normal, pick, type Random } from './random.ts';
import { reducerOf } from './reduce.ts';
import type { Problem, ReferenceInputs, ReferenceLoss, ReferenceOptions, ReferenceResult, Tensor64 } from './types.ts';

/** Stirling's terms of log y!, only where y > 1, as in PyTorch. */
const stirling = (y: number): number => y * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI * y);

/**
 * Poisson (torch.nn.functional.poisson_nll_loss): e^x - y x, slope e^x - y; for rates x - y log(x + eps),
 * slope 1 - y / (x + eps). `full` adds Stirling's terms.
 */
export const poissonNll = elementLoss({
  at(x, y, { logInput = true, full = false, eps = 1e-8 }) {
    const extra = full && y > 1 ? stirling(y) : 0;
    if (logInput) return [Math.exp(x) - product(y, x) + extra, Math.exp(x) - y];
    return [x - product(y, Math.log(x + eps)) + extra, 1 - product(y, 1 / (x + eps))];
  },
  switched: 'logInput',
  domain: ({ logInput = true }) => [logInput ? -Infinity : 0, Infinity],
  pair: (random, scale, { logInput = true }) => [
    logInput ? Math.min(20, normal(random, Math.min(scale, 4))) : between(random, 0.05, 8),
    chance(random, 0.7) ? below(random, 9) : between(random, 0, 9),
  ],
  options: { full: (random) => chance(random), eps: (random) => pick(random, [1e-8, 1e-4, 0.01]) },
  terms(x, y, { logInput = true, full = false, eps = 1e-8 }) {
    const extra = full && y > 1 ? y * Math.log(y) + y + 2 : 0;
    if (logInput) return [Math.exp(x) + product(y, Math.abs(x)) + extra, Math.exp(x) + y];
    return [x + product(y, 1 + Math.abs(Math.log(x + eps))) + extra, 1 + product(y, 1 / (x + eps))];
  },
  measure: 'terms',
});

/** For each element the place of its variance: all shapes that PyTorch takes, and a number (or one value) for all. */
function variancePlaces(variance: Tensor64, shape: readonly number[]): (i: number) => number {
  const size = sizeOf(shape);
  const rows = shape.length === 0 ? 1 : sizeOf(shape.slice(0, -1));
  if (variance.data.length === size && variance.shape.length === shape.length) return (i) => i;
  if (variance.data.length !== rows) throw new RangeError(`variance [${variance.shape}] of [${shape}]`);
  const last = shape.at(-1) ?? 1;
  return (i) => Math.floor(i / last);
}

interface GaussianElement {
  readonly mean: Element;
  readonly varianceSlope: number;
}

function gaussianElement(r: number, variance: number, { full = false, eps = 1e-6 }: ReferenceOptions): GaussianElement {
  const v = Math.max(variance, eps);
  const extra = full ? 0.5 * Math.log(2 * Math.PI) : 0;
  return {
    mean: [0.5 * (Math.log(v) + (r * r) / v) + extra, r / v],
    varianceSlope: (0.5 * (1 - (r * r) / v)) / v,
  };
}

function gaussianParts({ inputs, options }: { inputs: ReferenceInputs; options: ReferenceOptions }) {
  const { input } = inputs;
  const { variance } = options;
  if (variance === undefined) throw new TypeError('gaussianNll needs a variance');
  const tensor = typeof variance === 'number' ? undefined : variance;
  const place = tensor && variancePlaces(tensor, input.shape);
  const y = targetOf(inputs).data;
  const varianceAt = (i: number): number => (tensor && place ? tensor.data[place(i)]! : (variance as number));
  return { tensor, place, varianceAt, residual: (i: number) => input.data[i]! - y[i]! };
}

/** Adds up what falls on each variance. */
function gather(size: number, place: (i: number) => number, values: ArrayLike<number>): Float64Array {
  const lists = Array.from({ length: size }, (): number[] => []);
  for (let i = 0; i < values.length; i++) lists[place(i)]!.push(values[i]!);
  return Float64Array.from(lists, sumOf);
}

/**
 * Gaussian (torch.nn.functional.gaussian_nll_loss): with v = max(variance, eps) and r = x - y
 * ½ (log v + r²/v), slope r/v; for the variance ½ (1 - r²/v) / v, not masked below eps, as PyTorch clamps outside
 * autograd. `full` adds ½ log 2π. The variance has the input's shape, or a last axis of 1, or lacks the last axis.
 */
function gaussianCompute(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const { input } = inputs;
  const { tensor, place, varianceAt, residual } = gaussianParts({ inputs, options });
  const elements = Array.from(input.data, (_, i) => gaussianElement(residual(i), varianceAt(i), options));
  const result = reduceElements(
    input,
    options,
    elements.map(({ mean }) => mean),
    input.data.map(() => 1),
  );
  if (tensor === undefined || place === undefined) return result;
  const reducer = reducerOf(options, input.shape, input.shape[0] ?? 1);
  const slopes = elements.map(({ varianceSlope }, i) => product(reducer.upstream(i, result.weightSum), varianceSlope));
  const variance = { data: gather(tensor.data.length, place, slopes), shape: tensor.shape };
  return { ...result, grads: { variance } };
}

function drawGaussian(random: Random, shape: readonly number[]): Problem {
  const scale = pick(random, [0.1, 1, 4]);
  const input = { data: fill(sizeOf(shape), () => normal(random, scale)), shape };
  const target = { data: fill(sizeOf(shape), () => normal(random, scale)), shape };
  const shapes = [shape, ...(shape.length === 0 ? [] : [shape.slice(0, -1), [...shape.slice(0, -1), 1]])];
  const own = pick(random, shapes);
  const variance = chance(random, 0.2)
    ? between(random, 0.1, 4)
    : { data: fill(sizeOf(own), () => between(random, 0.1, 4)), shape: own };
  return { inputs: { input, target }, options: { variance } };
}

export const gaussianNll: ReferenceLoss = {
  family: 'element',
  targets: ['dense'],
  domain: () => [-Infinity, Infinity],
  others: [],
  compute: gaussianCompute,
  draw: drawGaussian,
  settings: ['variance'],
  options: { full: (random) => chance(random), eps: (random) => pick(random, [1e-3, 0.5, 1]) },
  targetOptions: {},
  spice: {
    ...elementSpice({ near: (random, y) => y + between(random, -1, 1) * 2 ** -10 }),
    smallVariance(random, problem) {
      const { variance = 0 } = problem.options;
      const small = () => Math.fround(10 ** between(random, -12, 0));
      const changed = typeof variance === 'number' ? small() : { ...variance, data: variance.data.map(small) };
      return { ...withInput(problem, (x) => x), options: { ...problem.options, variance: changed } };
    },
  },
  scales({ inputs, options }) {
    const { full = false, eps = 1e-6 } = options;
    const { tensor, place, varianceAt, residual } = gaussianParts({ inputs, options });
    const terms = Array.from(inputs.input.data, (_, i) => {
      const v = Math.max(varianceAt(i), eps);
      const ratio = residual(i) ** 2 / v;
      return {
        loss: (Math.abs(Math.log(v)) + ratio) / 2 + Number(full),
        grad: Math.abs(residual(i)) / v,
        own: (1 + ratio) / v / 2,
      };
    });
    return {
      loss: Float64Array.from(terms, ({ loss }) => loss),
      grad: Float64Array.from(terms, ({ grad }) => grad),
      ...(tensor &&
        place && {
          grads: {
            variance: gather(
              tensor.data.length,
              place,
              terms.map(({ own }) => own),
            ),
          },
        }),
    };
  },
  kinks({ inputs, options }, reach) {
    const { variance = 0, eps = 1e-6 } = options;
    const none = { grad: new Uint8Array(inputs.input.data.length) };
    if (typeof variance === 'number' || reach === undefined) return none;
    // below eps the variance has a gradient all the same, which no difference of the clamped loss shows
    const clamped = variance.data.map((v) => Math.max(v, eps));
    return { ...none, grads: { variance: flagNear(clamped, () => [eps], reach) } };
  },
  measure: 'terms',
  torchErrorsCount: true,
};
