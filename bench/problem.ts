import type { OperationRecord } from '../src/losses/record.ts';
import { logits } from '../test/reference/draws.ts';
import {
  isActivationName,
  isSparse,
  type Problem,
  type ReferenceOptions,
  references,
  type TargetKind,
} from '../test/reference/index.ts';
import { randomFrom } from '../test/reference/random.ts';
import type { Operation } from './cases.ts';

type Condition = (problem: Problem) => boolean;

/** Every row is a distribution without zeros. */
const isDistribution: Condition = ({ inputs: { input, target } }) => {
  if (target === undefined || isSparse(target) || target.data.length !== input.data.length) return true;
  const rows = input.data.length / (input.shape[1] ?? 1);
  const mass = target.data.reduce((sum, value) => sum + value, 0);
  return Math.abs(mass / rows - 1) < 1e-3 && target.data.every((value) => value > 0);
};

/** Where a draw may be of several sorts, the one that is usual. */
const usual: Readonly<Partial<Record<Operation, Condition>>> = {
  crossEntropy: isDistribution,
  jsDiv: isDistribution,
  absKlDiv: isDistribution,
  componentCrossEntropy: ({ options }) => options.components?.length === 2,
  gaussianNll: ({ inputs: { input }, options: { variance } }) =>
    typeof variance === 'object' && variance.data.length === input.data.length,
};

/** Draws come in scales from 0.01 to 30; these are those of a model that is being trained. */
const isOrdinary: Condition = ({ inputs: { input } }) => {
  const { data } = input;
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const deviation = Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
  return deviation > 0.1 && deviation < 6;
};

/** Whether the options that the draw decides have their defaults. */
const hasDefaults =
  ({ options: records }: OperationRecord, settings: readonly (keyof ReferenceOptions)[]): Condition =>
  ({ options }) =>
    settings.every((name) => records[name]?.default === undefined || records[name].default === options[name]);

/** What is drawn for an operation: legal data of that shape. */
export interface Draw {
  readonly record: OperationRecord;
  readonly operation: Operation;
  readonly shape: readonly number[];
  /** Of a loss with several kinds of target. */
  readonly kind?: TargetKind | undefined;
}

const mostSeeds = 500;

/** The data of a workload, always the same: the reference's draw with the first seed whose problem is an ordinary one. */
export function drawProblem({ record, operation, shape, kind }: Draw): Problem {
  if (isActivationName(operation)) return { inputs: { input: activationInput(shape) }, options: {} };
  const { draw, settings } = references[operation];
  const conditions = [isOrdinary, hasDefaults(record, settings), usual[operation] ?? (() => true)];
  for (let seed = 1; seed <= mostSeeds; seed++) {
    const problem = draw(randomFrom(seed), shape, undefined, kind);
    if (conditions.every((holds) => holds(problem))) return problem;
  }
  throw new Error(`${operation}: none of ${mostSeeds} draws is an ordinary problem`);
}

function activationInput(shape: readonly number[]) {
  for (let seed = 1; ; seed++) {
    const input = logits(randomFrom(seed), shape);
    if (isOrdinary({ inputs: { input }, options: {} })) return input;
  }
}
