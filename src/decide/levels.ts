// Ordered classes as C − 1 questions "is it above class k?": CORAL and CORN out of bceWithLogits.

import { DEFAULT_IGNORE, IGNORED, type Labels, readClasses, readLabels } from '../entries/classes.ts';
import { COUNT, readFlag, readOptions } from '../entries/options.ts';
import { internals as lib } from '../index.ts';
import type { Tensor, TensorInput } from '../values/types.ts';

/** Options of `ordinalLevels`. */
export interface OrdinalLevelsOptions {
  /** Question k is only asked of samples above class k − 1 (CORN). Default false (CORAL). */
  readonly conditional?: boolean | undefined;
  /** Target values in class order. Default 0 … C-1. */
  readonly labels?: Labels | undefined;
  /** The target value that marks an ignored sample. Default -100. */
  readonly ignoreIndex?: number | undefined;
}

/** Options of `decodeLevels`. */
export interface DecodeLevelsOptions {
  /** The questions were conditional (CORN). Default false (CORAL). */
  readonly conditional?: boolean | undefined;
  /** Values of the result in class order. Default 0 … C-1. */
  readonly labels?: Labels | undefined;
}

/** What marks a question that is not asked. */
const MASKED = -1;
/** What stands for a row with NaN: −1, or this where labels are given. */
const INVALID_LABEL = -100;

/**
 * Ordered classes as levels for `bceWithLogits`: level k of C − 1 is 1 where the class is above k, else 0.
 *
 * CORAL (Cao, Mirjalili & Raschka 2020) is `bceWithLogits` of C − 1 logits on them with `reduction: 'batchmean'`. With
 * `conditional`, level k is −1 (masked) where the class is below k: CORN (Shi, Cao & Raschka 2021) is `bceWithLogits` with
 * `ignoreValue: -1` and `reduction: 'mean'`. Source: coral-pytorch.
 *
 * @param target - Classes of any shape […].
 * @param classes - The number C of classes, 2 or more.
 * @param options - `conditional` (false), `labels` (target values in class order; 0 … C-1), `ignoreIndex` (-100: the levels of such
 * a sample are all −1, so that `ignoreValue: -1` leaves them out).
 * @returns A tensor […, C − 1] of 0, 1 and −1.
 * @throws RangeError for a target that is no class; TypeError for the wrong kind.
 * @example
 * import { bceWithLogits } from 'lossmith';
 * import { ordinalLevels } from 'lossmith/decide';
 * const levels = ordinalLevels([0, 2], 4);
 * levels.data; // => [0, 0, 0, 1, 1, 0]
 * bceWithLogits([[-1, -2, -3], [2, 1, -1]], levels, { reduction: 'batchmean' }).loss; // => 0.621114
 * ordinalLevels([0, 2], 4, { conditional: true }).data; // => [0, -1, -1, 1, 1, 0]
 */
export const ordinalLevels: (target: TensorInput, classes: number, options?: OrdinalLevelsOptions) => Tensor =
  /* @__PURE__ */ lib.guard((target: TensorInput, classes: number, options?: OrdinalLevelsOptions): Tensor => {
    const name = 'ordinalLevels';
    const given = readOptions(name, options, ['conditional', 'labels', 'ignoreIndex']);
    const count = lib.readNumber(classes, `${name}: classes`, {
      takes: 'an integer of 2 or more',
      test: (value) => COUNT.test(value) && value > 1,
    });
    const conditional = readFlag(given.conditional ?? false, `${name}: conditional`);
    const labels = readLabels(given.labels, `${name}: labels`, count);
    const ignore = lib.readNumber(given.ignoreIndex ?? DEFAULT_IGNORE, `${name}: ignoreIndex`, lib.INTEGER);
    const { data, shape } = readClasses(target, `${name}: target`, count, labels, ignore);
    const width = count - 1;
    const levels = new Float32Array(data.length * width);
    for (let i = 0; i < data.length; i++) {
      const own = data[i] as number;
      for (let k = 0; k < width; k++) {
        const masked = own === IGNORED || (conditional && own < k);
        levels[i * width + k] = masked ? MASKED : Number(own > k);
      }
    }
    return { data: levels, shape: [...shape, width] };
  });

/**
 * The classes that logits of C − 1 levels say: how many levels have a probability above ½.
 *
 * CORAL's logits speak for themselves; conditional ones (CORN) are multiplied up, P(y > k) = Π_{j ≤ k} σ(x_j). Levels of CORAL that
 * contradict each other count all the same. A row with NaN becomes −1, or −100 where `labels` are given.
 *
 * @param logits - Logits […, C − 1].
 * @param options - `conditional` (false), `labels` (values of the result in class order; 0 … C-1).
 * @returns An Int32 tensor […]: classes, or their labels.
 * @throws RangeError for logits without an axis and for labels of another number than C; TypeError for the wrong kind.
 * @example
 * import { decodeLevels } from 'lossmith/decide';
 * decodeLevels([[2, 1, -1]]).data; // => [2]
 * decodeLevels([[1, 1, 1]], { conditional: true }).data; // => [2]
 */
export const decodeLevels: (logits: TensorInput, options?: DecodeLevelsOptions) => Tensor<Int32Array> =
  /* @__PURE__ */ lib.guard((logits: TensorInput, options?: DecodeLevelsOptions): Tensor<Int32Array> => {
    const name = 'decodeLevels';
    const given = readOptions(name, options, ['conditional', 'labels']);
    const conditional = readFlag(given.conditional ?? false, `${name}: conditional`);
    const operand = lib.readOperand(logits, `${name}: logits`, true);
    const shape = operand.shape ?? [operand.length];
    const width = shape.at(-1);
    if (width === undefined) throw new RangeError(`${name}: logits [] need an axis of levels, e.g. [3]`);
    const labels = readLabels(given.labels, `${name}: labels`, width + 1);
    const invalid = labels ? INVALID_LABEL : IGNORED;
    if (labels?.includes(invalid)) throw new RangeError(`${name}: labels has ${invalid}, which marks a row with NaN`);
    const rows = shape.slice(0, -1);
    const classes = new Int32Array(lib.sizeOf(rows));
    for (let i = 0; i < classes.length; i++) {
      const index = levelOf(operand.data as ArrayLike<number>, i * width, width, conditional);
      classes[i] = index < 0 ? invalid : (labels?.[index] ?? index);
    }
    return { data: classes, shape: rows };
  });

/** How many levels are above ½; −1 where one is NaN. */
function levelOf(x: ArrayLike<number>, start: number, width: number, conditional: boolean): number {
  let above = 0;
  let odds = 1; // 1/P(y > k)
  for (let k = 0; k < width; k++) {
    const logit = x[start + k] as number;
    if (Number.isNaN(logit)) return IGNORED;
    odds *= 1 + lib.exponential(-logit);
    if (conditional ? odds < 2 : logit > 0) above++;
  }
  return above;
}
