// Weights of several losses that follow from how they fall: dynamic weight averaging and GradNorm.

import { COUNT, NOT_NEGATIVE, POSITIVE, readOptions, readRow } from '../entries/options.ts';
import { internals as lib } from '../index.ts';
import type { TensorInput } from '../values/types.ts';

/** Weights of tasks that follow their losses. */
export interface TaskWeights {
  /** One per task, 1 at first; they add up to the number of tasks. A new array at each update. */
  readonly weights: Float64Array;
  /**
   * Takes the losses of a step or an epoch, one per task and unweighted (`componentLosses`, say); GradNorm also the norms of each
   * loss's own gradient. Returns the new weights.
   */
  update(losses: TensorInput, norms?: TensorInput): Float64Array;
}

/** Options of `dynamicWeightAverage`. */
export interface DynamicWeightAverageOptions {
  /** The number of losses. */
  readonly tasks: number;
  /** T: the larger, the more alike the weights. Default 2. */
  readonly temperature?: number | undefined;
}

/** Options of `gradNorm`. */
export interface GradNormOptions {
  /** The number of losses. */
  readonly tasks: number;
  /** α: how much more a loss weighs that falls slower. Default 1.5. */
  readonly alpha?: number | undefined;
  /** The step of the weights. Default 0.025. */
  readonly learningRate?: number | undefined;
}

function readTasks(name: string, tasks: unknown): number {
  if (tasks === undefined) throw new TypeError(`${name}: tasks is missing, expected the number of losses`);
  return lib.readNumber(tasks, `${name}: tasks`, COUNT);
}

/** now/before, 1 where both are 0. */
const ratio = (now: number, before: number): number => (now === before ? 1 : now / before);

const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);

/** e^(r/T), the largest as 1; where some are infinite those alone. */
function softened(ratios: Float64Array, temperature: number): Float64Array {
  const top = ratios.reduce((most, r) => Math.max(most, r), -1 / 0);
  if (top === 1 / 0) return ratios.map((r) => Number(r === top));
  return ratios.map((r) => Math.exp((r - top) / temperature));
}

/**
 * Dynamic weight averaging: w_i = K·softmax(r_i/T) with r_i = L_i(t−1)/L_i(t−2), so that the loss that falls slowest weighs most.
 *
 * The weights are 1 until two losses of each task are known. Unlike weights that are minimised along with the model they cannot
 * all go to 0: their sum is K. Source: Liu, Johns & Davison 2019.
 *
 * @param options - `tasks` (K, required), `temperature` (2).
 * @returns `{ weights, update(losses) }`; `update` takes the losses of an epoch, unweighted, and returns the new weights.
 * @throws RangeError for a negative loss or another number of them than tasks; TypeError for the wrong kind.
 * @example
 * import { dynamicWeightAverage } from 'lossmith/decide';
 * const average = dynamicWeightAverage({ tasks: 2 });
 * average.update([1, 1]); // => [1, 1]
 * average.update([0.5, 1]); // => [0.87564…, 1.12435…]
 */
export const dynamicWeightAverage: (options: DynamicWeightAverageOptions) => TaskWeights = /* @__PURE__ */ lib.guard(
  (options: DynamicWeightAverageOptions): TaskWeights => {
    const name = 'dynamicWeightAverage';
    const given = readOptions(name, options, ['tasks', 'temperature']);
    const tasks = readTasks(name, given.tasks);
    const temperature = lib.readNumber(given.temperature ?? 2, `${name}: temperature`, POSITIVE);
    let weights = new Float64Array(tasks).fill(1);
    let before: Float64Array | undefined;
    const update = (losses: TensorInput): Float64Array => {
      const now = readRow(losses, `${name}.update: losses`, NOT_NEGATIVE, tasks, 'one per task');
      if (before) {
        const old = before;
        const shares = softened(
          now.map((loss, i) => ratio(loss, old[i] as number)),
          temperature,
        );
        const by = tasks / sum(shares);
        weights = shares.map((share) => share * by);
      }
      before = now;
      return weights;
    };
    return Object.freeze({
      get weights() {
        return weights;
      },
      update: lib.guard(update),
    });
  },
);

/**
 * GradNorm: weights move so that the weighted gradients of the tasks, at a layer that they share, have norms in the ratio r_i^α,
 * where r_i says how much slower than the others a loss has fallen since the first update.
 *
 * One step minimises Σ |w_i·n_i − mean(w·n)·r_i^α| by gradient descent over w, the targets held fixed; then the weights are scaled to
 * add up to K. Source: Chen et al. 2018.
 *
 * @param options - `tasks` (K, required), `alpha` (1.5), `learningRate` (0.025).
 * @returns `{ weights, update(losses, norms) }`; `update` takes the losses of a step and the norms of their gradients, both
 * unweighted, and returns the new weights.
 * @throws RangeError for negative losses or norms or another number of them than tasks; TypeError for the wrong kind, and for an
 * update without norms.
 * @example
 * import { gradNorm } from 'lossmith/decide';
 * const balance = gradNorm({ tasks: 2 });
 * balance.update([1, 1], [4, 1]); // => [0.93506…, 1.06493…]
 */
export const gradNorm: (options: GradNormOptions) => TaskWeights = /* @__PURE__ */ lib.guard(
  (options: GradNormOptions): TaskWeights => {
    const name = 'gradNorm';
    const given = readOptions(name, options, ['tasks', 'alpha', 'learningRate']);
    const tasks = readTasks(name, given.tasks);
    const alpha = lib.readNumber(given.alpha ?? 1.5, `${name}: alpha`, NOT_NEGATIVE);
    const rate = lib.readNumber(given.learningRate ?? 0.025, `${name}: learningRate`, NOT_NEGATIVE);
    let weights = new Float64Array(tasks).fill(1);
    let first: Float64Array | undefined;
    const update = (losses: TensorInput, norms?: TensorInput): Float64Array => {
      const now = readRow(losses, `${name}.update: losses`, NOT_NEGATIVE, tasks, 'one per task');
      if (norms === undefined) throw new TypeError(`${name}.update: norms is missing, expected one norm per task`);
      const own = readRow(norms, `${name}.update: norms`, NOT_NEGATIVE, tasks, 'one per task');
      first ??= now;
      const start = first;
      const fallen = now.map((loss, i) => ratio(loss, start[i] as number));
      const mean = sum(fallen) / tasks;
      const norm = weights.reduce((total, w, i) => total + w * (own[i] as number), 0) / tasks;
      const moved = weights.map((w, i) => {
        const slower = mean > 0 && mean < 1 / 0 ? (fallen[i] as number) / mean : 1;
        const away = w * (own[i] as number) - norm * slower ** alpha;
        return Math.max(0, w - rate * Math.sign(away) * (own[i] as number));
      });
      const total = sum(moved);
      weights = total > 0 ? moved.map((w) => (w * tasks) / total) : new Float64Array(tasks).fill(1);
      return weights;
    };
    return Object.freeze({
      get weights() {
        return weights;
      },
      update: lib.guard(update),
    });
  },
);
