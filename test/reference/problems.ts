/** Problems of any loss of the table, with options of every sort. */
import { commonOptions } from './draws.ts';
import { isIgnored } from './elements.ts';
import { layoutOf } from './layout.ts';
import { chance, type Random } from './random.ts';
import type { Problem, ReferenceLoss, TargetKind } from './types.ts';

/** The shape of the loss without reduction. */
export function lossShapeOf(
  { family }: ReferenceLoss,
  { inputs: { input }, options: { axis, per } }: Problem,
): readonly number[] {
  if (family === 'scalar') return [];
  if (family === 'element') return input.shape;
  const { sampleShape, classes } = layoutOf(input.shape, family === 'row' ? -1 : axis);
  if (family !== 'overlap') return sampleShape;
  return per === 'batch' ? [classes] : [...sampleShape.slice(0, 1), classes];
}

/** An ordinary problem with about half of the loss's options, and those that all losses share. */
export function randomProblem(
  random: Random,
  loss: ReferenceLoss,
  shape: readonly number[],
  axis?: number,
  kind?: TargetKind,
): Problem {
  let problem = loss.draw(random, shape, axis, kind);
  for (const change of Object.values(loss.targetOptions)) if (chance(random, 0.4)) problem = change(random, problem);
  const { inputs, options } = problem;
  const drawn = Object.entries(loss.options).filter(() => chance(random));
  const own = Object.fromEntries(drawn.map(([name, draw]) => [name, draw(random, problem)]));
  const given: Problem = { inputs, options: { ...options, ...own } };
  if (loss.family === 'scalar') return given;
  const common = commonOptions(random, lossShapeOf(loss, given));
  // ratios of the whole batch have no batch to divide by
  const sums = given.options.per === 'batch' && common.reduction === 'batchmean';
  return { inputs, options: { ...given.options, ...common, ...(sums && { reduction: 'sum' as const }) } };
}

/** Whether a problem has to be an error: its input has no place in the domain, where it is not ignored. */
export function isRefused({ refuses, domain }: ReferenceLoss, { inputs, options }: Problem): boolean {
  const [low, high] = domain(options);
  const { ignoreValue } = options;
  const targets = inputs.target && 'data' in inputs.target ? inputs.target.data : [];
  const inside = (x: number, i: number): boolean => (x >= low && x <= high) || isIgnored(targets[i]!, ignoreValue);
  return refuses === true && !inputs.input.data.every(inside);
}
