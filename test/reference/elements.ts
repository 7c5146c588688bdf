/** The frame of elementwise losses: weights, ignoring, reduction and what tests need to know, once for all. */
import {
  denseOf,
  drawBroadcastWeight,
  drawElementWeight,
  ignoreValue,
  logitScales,
  multiHot,
  sparseOf,
  spread,
  withInput,
} from './draws.ts';
import { sizeOf } from './layout.ts';
import { product, sumOf } from './numeric.ts';
import { below, between, chance, fill, pick, type Random } from './random.ts';
import { reducerOf } from './reduce.ts';
import {
  type Change,
  isSparse,
  type Measure,
  type OptionDraws,
  type Problem,
  type ReferenceInputs,
  type ReferenceLoss,
  type ReferenceOptions,
  type ReferenceResult,
  type TargetKind,
  type Tensor64,
} from './types.ts';

export type Element = readonly [value: number, slope: number];

/** The options as one element sees them. */
export type ElementOptions = Omit<ReferenceOptions, 'posWeight'> & { readonly posWeight: number };

/** What an elementwise loss says of itself. */
export interface ElementRule {
  /** Value of one element and its derivative with respect to x, without `weight`. */
  readonly at: (x: number, y: number, options: ElementOptions) => Element;
  /** An ordinary input with its target; `scale` is drawn once for a problem. */
  readonly pair: (random: Random, scale: number, options: ReferenceOptions) => readonly [x: number, y: number];
  /** An option that decides what `pair` may draw. */
  readonly switched?: 'logInput' | 'logTarget';
  /** An input that agrees with its target up to little. */
  readonly near?: (random: Random, y: number, options: ReferenceOptions) => number;
  readonly domain?: ReferenceLoss['domain'];
  readonly refuses?: true;
  /** divides: a mean divides by the weights' sum. broadcast: by NumPy's rules, a mean divides by the elements. */
  readonly weight?: 'divides' | 'broadcast';
  readonly posWeight?: true;
  readonly sparse?: true;
  /** Values that may mark a missing target. */
  readonly ignores?: readonly number[];
  readonly options?: OptionDraws;
  /** Inputs at which the gradient jumps, or (`bends`) only the curvature. */
  readonly kinks?: (y: number, options: ReferenceOptions) => readonly number[];
  readonly bends?: (y: number, options: ReferenceOptions) => readonly number[];
  /** Sizes of what value and slope are the difference of; their own if left out. */
  readonly terms?: (x: number, y: number, options: ElementOptions) => Element;
  readonly measure?: Measure;
}

/** The target of an elementwise loss in the input's shape. */
export function targetOf(inputs: ReferenceInputs): Tensor64 {
  const { input, target } = inputs;
  if (target === undefined) throw new TypeError('a target is needed');
  const dense = isSparse(target) ? denseOf(target, input.shape, -1) : target;
  if (dense.data.length !== input.data.length) throw new RangeError('target size');
  return dense;
}

/** Whether a target is the one that marks what is missing. */
export const isIgnored = (y: number, marker: number | undefined): boolean =>
  marker !== undefined && (Number.isNaN(marker) ? Number.isNaN(y) : y === Math.fround(marker));

/** Calls `at` for each element that is not ignored. */
function mapElements<T>(
  { inputs, options }: Problem,
  at: (x: number, y: number, options: ElementOptions, i: number) => T,
): (T | undefined)[] {
  const { input } = inputs;
  const y = targetOf(inputs).data;
  const posWeight = spread(options.posWeight, input.shape);
  return Array.from(input.data, (x, i) =>
    isIgnored(y[i]!, options.ignoreValue) ? undefined : at(x, y[i]!, { ...options, posWeight: posWeight[i]! }, i),
  );
}

/** Elements with their weights applied, and what each adds to the denominator; `undefined` is ignored. */
export function reduceElements(
  input: Tensor64,
  options: ReferenceOptions,
  elements: readonly (Element | undefined)[],
  weights: ArrayLike<number>,
): ReferenceResult {
  const weightSum = sumOf(elements.map((element, i) => (element === undefined ? 0 : weights[i]!)));
  const reducer = reducerOf(options, input.shape, input.shape[0] ?? 1);
  const values = Float64Array.from(elements, (element) => element?.[0] ?? 0);
  const grad = Float64Array.from(elements, (element, i) => product(reducer.upstream(i, weightSum), element?.[1] ?? 0));
  return {
    loss: reducer.loss(values, weightSum),
    grad: { data: grad, shape: input.shape },
    sum: sumOf(values),
    count: elements.filter((element) => element !== undefined).length,
    weightSum,
  };
}

/** Flags the elements that have one of the points within reach, or within rounding in float32. */
export function flagNear(x: Float64Array, points: (i: number) => readonly number[], reach?: number): Uint8Array {
  const rounding = (v: number, point: number): number => 2 ** -22 * Math.max(Math.abs(v), Math.abs(point));
  return Uint8Array.from(x, (v, i) =>
    Number(points(i).some((point) => Math.abs(v - point) <= (reach ?? rounding(v, point)))),
  );
}

const realLine: ReferenceLoss['domain'] = () => [-Infinity, Infinity];

/** Extreme inputs within the domain. */
export function elementSpice({ domain = realLine, near }: Pick<ElementRule, 'domain' | 'near'>) {
  const replaced =
    (draw: (random: Random) => number): Change =>
    (random, problem) => {
      const [low, high] = domain(problem.options);
      return withInput(problem, () => Math.min(high, Math.max(low, draw(random))));
    };
  /** In one place an end of the domain, or any other value. */
  const inOnePlace =
    (value: (low: number, high: number) => number): Change =>
    (random, problem) => {
      const at = below(random, problem.inputs.input.data.length);
      return withInput(problem, (x, i) => (i === at ? value(...domain(problem.options)) : x));
    };
  const nearly: Change = (random, problem) => {
    const y = targetOf(problem.inputs).data;
    const missing = (i: number): boolean => isIgnored(y[i]!, problem.options.ignoreValue);
    return withInput(problem, (x, i) => (near === undefined || missing(i) ? x : near(random, y[i]!, problem.options)));
  };
  return {
    ...(near !== undefined && { near: nearly }),
    wide: replaced((random) => between(random, -104, 104)),
    huge: replaced((random) => between(random, -1, 1) * 1e30),
    subnormal: replaced((random) => between(random, -1, 1) * 1e-40),
    lowest: inOnePlace((low) => low),
    highest: inOnePlace((_, high) => high),
    nan: inOnePlace(() => Number.NaN),
  } satisfies Record<string, Change>;
}

/** A loss from its rule. */
export function elementLoss(rule: ElementRule): ReferenceLoss {
  const { weight, posWeight, sparse, ignores, switched } = rule;
  const draw = (random: Random, shape: readonly number[], _axis?: number, kind: TargetKind = 'dense'): Problem => {
    const options = { ...(switched && { [switched]: chance(random) }) };
    const scale = pick(random, logitScales);
    const pairs = Array.from({ length: sizeOf(shape) }, () => rule.pair(random, scale, options));
    const input = { data: fill(pairs.length, (i) => pairs[i]![0]), shape };
    const target =
      kind === 'sparse'
        ? sparseOf(random, multiHot(random, shape), -1)
        : { data: fill(pairs.length, (i) => pairs[i]![1]), shape };
    return { inputs: { input, target }, options };
  };
  return {
    family: 'element',
    targets: sparse ? ['dense', 'sparse'] : ['dense'],
    domain: rule.domain ?? realLine,
    ...(rule.refuses && { refuses: rule.refuses }),
    others: [],
    compute(inputs, options) {
      const w = spread(options.weight, inputs.input.shape);
      const elements = mapElements({ inputs, options }, (x, y, own, i): Element => {
        const [value, slope] = rule.at(x, y, own);
        return [product(w[i]!, value), product(w[i]!, slope)];
      });
      return reduceElements(inputs.input, options, elements, weight === 'divides' ? w : w.map(() => 1));
    },
    draw,
    settings: switched === undefined ? [] : [switched],
    options: {
      ...(weight !== undefined && { weight: weight === 'divides' ? drawElementWeight : drawBroadcastWeight }),
      ...(posWeight && { posWeight: drawBroadcastWeight }),
      ...rule.options,
    },
    targetOptions: ignores === undefined ? {} : { ignoreValue: ignoreValue(ignores) },
    spice: elementSpice(rule),
    scales({ inputs, options }) {
      const w = spread(options.weight, inputs.input.shape);
      const terms = mapElements({ inputs, options }, rule.terms ?? rule.at);
      const part = (at: 0 | 1) => Float64Array.from(terms, (term, i) => Math.abs(product(w[i]!, term?.[at] ?? 0)));
      return { loss: part(0), grad: part(1) };
    },
    kinks({ inputs, options }, reach) {
      const y = targetOf(inputs).data;
      const points = (i: number): readonly number[] => [
        ...(rule.kinks?.(y[i]!, options) ?? []),
        ...(reach === undefined ? [] : (rule.bends?.(y[i]!, options) ?? [])),
      ];
      return { grad: flagNear(inputs.input.data, points, reach) };
    },
    measure: rule.measure ?? 'result',
    torchErrorsCount: true,
  };
}
