// The best classes of logits.

import { COUNT, readOptions } from '../entries/options.ts';
import { type ClassOptions, readClassed, shapeWith } from '../entries/samples.ts';
import { internals as lib } from '../index.ts';
import type { EngineBase, Tensor, TensorInput } from '../values/types.ts';
import { labelling } from './labelling.ts';
import { survey } from './survey.ts';

/** Options of `argmax` and `topK`. */
export interface ArgmaxOptions extends ClassOptions {
  /** What a sample with NaN becomes. Default -1, with `labels` -100. */
  readonly invalid?: number | undefined;
  /** Where to compute. Default: where the logits live, or the default engine. */
  readonly engine?: EngineBase | undefined;
}

/** What `topK` returns: the class axis has k places, in descending order. */
export interface TopK {
  /** Class indices, or their labels. */
  readonly indices: Tensor<Int32Array>;
  /** The logarithms of their probabilities under the softmax of all classes. */
  readonly logProbs: Tensor;
}

const KNOWN = ['axis', 'labels', 'invalid', 'engine'] as const;

/**
 * The class of the largest logit of each sample; of equal ones the first.
 *
 * @param logits - Logits [N, C], [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C]; [C] for one sample.
 * @param options - `axis` (1; 0 for 1-D), `labels` (values of the result in class order, e.g. [-1, 0, 1]), `invalid` (-1, with labels
 * -100: what a sample with NaN becomes), `engine` (where the logits live, or the default one).
 * @returns An Int32 tensor of the logits' shape without the class axis: class indices, or their labels.
 * @throws RangeError for an axis out of range and for labels of another number than C, or that hold what `invalid` is; TypeError
 * for the wrong kind.
 * @example
 * import { argmax } from 'lossmith/decide';
 * argmax([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]]).data; // => [0, 2]
 * argmax([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]], { labels: [-1, 0, 1] }).data; // => [-1, 1]
 */
export const argmax: (logits: TensorInput, options?: ArgmaxOptions) => Tensor<Int32Array> = /* @__PURE__ */ lib.guard(
  (logits: TensorInput, options?: ArgmaxOptions): Tensor<Int32Array> => {
    const name = 'argmax';
    const given = readOptions(name, options, KNOWN);
    const classed = readClassed(name, 'logits', logits, given);
    const label = labelling(name, classed.labels, given.invalid);
    const data = new Int32Array(lib.sizeOf(classed.shape)).fill(label(-1));
    if (classed.classes > 0) {
      const runtime = lib.runtimeOf(name, given.engine, [logits]);
      survey({
        classed,
        runtime,
        kernel: 'argmax',
        outputs: 1,
        collect: ({ sample, ints }) => data.set(ints(0).map(label), sample),
      });
    }
    return { data, shape: classed.shape };
  },
);

/**
 * The k classes of the largest logits of each sample in descending order, and the logarithms of their probabilities.
 *
 * Of equal logits the first class comes first. A sample with NaN has the index `invalid` and the logarithm NaN in every place.
 *
 * @param logits - Logits [N, C], [N, C, d1…dk], or with `axis: -1` [N, d1…dk, C]; [C] for one sample.
 * @param k - How many, at most C.
 * @param options - `axis` (1; 0 for 1-D), `labels` (values of the result in class order), `invalid` (-1, with labels -100), `engine`.
 * @returns `{ indices, logProbs }`, shaped like the logits with k in place of C.
 * @throws RangeError for k beyond C and for labels of another number than C; TypeError for the wrong kind.
 * @example
 * import { topK } from 'lossmith/decide';
 * const { indices, logProbs } = topK([[2.1, 0.3, -1.0], [0.2, 0.1, 3.3]], 2);
 * indices.data; // => [0, 1, 2, 0]
 * logProbs.data; // => [-0.190908, -1.990908, -0.082328, -3.182328]
 */
export const topK: (logits: TensorInput, k: number, options?: ArgmaxOptions) => TopK = /* @__PURE__ */ lib.guard(
  (logits: TensorInput, k: number, options?: ArgmaxOptions): TopK => {
    const name = 'topK';
    const given = readOptions(name, options, KNOWN);
    const count = lib.readNumber(k, `${name}: k`, COUNT);
    const classed = readClassed(name, 'logits', logits, given);
    const { classes, inner } = classed;
    if (count > classes) throw new RangeError(`${name}: k is ${count}, expected at most ${classes}, the classes`);
    const label = labelling(name, classed.labels, given.invalid);
    const shape = shapeWith(classed, count);
    const indices = new Int32Array(lib.sizeOf(shape));
    const logProbs = new Float32Array(indices.length);
    const runtime = lib.runtimeOf(name, given.engine, [logits]);
    survey({
      classed,
      runtime,
      kernel: 'topK',
      outputs: 2 * count,
      members: count,
      p0: 1,
      collect: ({ sample, samples, ints, floats }) => {
        for (let place = 0; place < count; place++) {
          const [own, logs] = [ints(place), floats(count + place)];
          for (let s = 0; s < samples; s++) {
            const o = Math.floor((sample + s) / inner);
            const to = (o * count + place) * inner + (sample + s - o * inner);
            indices[to] = label(own[s] as number);
            logProbs[to] = logs[s] as number;
          }
        }
      },
    });
    return { indices: { data: indices, shape }, logProbs: { data: logProbs, shape } };
  },
);
