// Decisions about many labels.

import { readOptions } from '../entries/options.ts';
import type { Classed } from '../entries/samples.ts';
import { internals as lib } from '../index.ts';
import type { EngineBase, Tensor, TensorInput } from '../values/types.ts';
import { kernelsOf } from './kernels.ts';
import { survey } from './survey.ts';

/** Options of `predictLabels`. */
export interface PredictLabelsOptions {
  /** The least probability of a yes: a number, or one for each label of the last axis. Default 0.5. */
  readonly thresholds?: TensorInput | undefined;
  /** Where to compute. Default: where the logits live, or the default engine. */
  readonly engine?: EngineBase | undefined;
}

/** Options of `decodeFactorized`. */
export interface DecodeFactorizedOptions {
  /** Where to compute. Default: where the logits live, or the default engine. */
  readonly engine?: EngineBase | undefined;
}

/** Elements that go through at a time: 128 KiB. */
const BLOCK = 32768;

/**
 * The least float32 whose sigmoid reaches a threshold; NaN, to which nothing compares, where none does. `alike`: on every host,
 * whose own logarithms may differ in their last digit.
 */
function logitOf(threshold: number, alike: boolean): number {
  if (threshold <= 0) return Number.NEGATIVE_INFINITY;
  if (threshold >= 1) return threshold > 1 ? Number.NaN : Number.POSITIVE_INFINITY;
  const exact = alike
    ? lib.logarithm(threshold) - lib.logarithm(1 - threshold)
    : Math.log(threshold) - Math.log1p(-threshold);
  const rounded = Math.fround(exact);
  return rounded >= exact ? rounded : above(rounded);
}

/** The next larger float32. */
function above(value: number): number {
  const bytes = new ArrayBuffer(4);
  const [float, bits] = [new Float32Array(bytes), new Int32Array(bytes)];
  float[0] = value;
  bits[0] = (bits[0] as number) + (value >= 0 ? 1 : -1);
  return float[0];
}

function readThresholds(name: string, thresholds: TensorInput, width: number, alike: boolean): Float32Array {
  const operand = lib.readOperand(thresholds, `${name}: thresholds`);
  const one = operand.shape?.length === 0;
  if (!one) lib.fitExactly(operand, [width], () => 'one per label');
  return Float32Array.from(operand.data as ArrayLike<number>, (value, i) => {
    if (!Number.isNaN(value)) return logitOf(value, alike);
    throw new RangeError(`${name}: thresholds${one ? '' : `[${i}]`} is NaN, expected a number`);
  });
}

function predict(logits: TensorInput, options?: PredictLabelsOptions): Tensor<Uint8Array> {
  const name = 'predictLabels';
  const given = readOptions(name, options, ['thresholds', 'engine']);
  const operand = lib.readOperand(logits, `${name}: logits`, true);
  const shape = operand.shape ?? [operand.length];
  const width = shape.at(-1) ?? 1;
  const runtime = lib.runtimeOf(name, given.engine, [logits]);
  const bounds = readThresholds(name, given.thresholds ?? 0.5, width, runtime.deterministic);
  const data = new Uint8Array(operand.length);
  const values = operand.data as Float32Array;
  const { memory, plan } = runtime;
  const kernel = kernelsOf(runtime).predict;
  const { PLAN } = lib;
  // with one threshold for all, everything is one row
  const row = bounds.length === 1 ? 1 : width;
  const most = Math.max(row, BLOCK - (BLOCK % Math.max(1, row)));
  const size = Math.min(operand.length, most);
  const place = new lib.Place(operand, Float32Array, runtime);
  const align = (bytes: number): number => Math.ceil((bytes + 16) / 64) * 64;
  const [inputBytes, boundBytes] = [align(4 * size), align(4 * bounds.length)];
  memory.withScratch(inputBytes + boundBytes + align(size), (base) => {
    memory.renew();
    plan.clear();
    memory.f32.set(bounds, (base + inputBytes) / 4);
    plan.set(PLAN.scratch, base);
    plan.set(PLAN.parts, base + inputBytes + boundBytes);
    if (bounds.length === 1) plan.setDouble(PLAN.p0, bounds[0] as number);
    else plan.set(PLAN.a, base + inputBytes);
    for (let start = 0; start < operand.length; start += most) {
      const length = Math.min(most, operand.length - start);
      const home = place.home;
      if (home === undefined) memory.f32.set(values.subarray(start, start + length), base / 4);
      plan.set(PLAN.input, home === undefined ? base : home + 4 * start);
      plan.set(PLAN.outer, bounds.length === 1 ? 1 : length / width);
      plan.set(PLAN.middle, bounds.length === 1 ? length : width);
      kernel(plan.address);
      data.set(lib.bytesAt(memory, base + inputBytes + boundBytes, length), start);
    }
  });
  return { data, shape };
}

/**
 * Which labels apply: 1 where sigmoid(x) ≥ threshold, compared in logits, so that no sigmoid is computed and none is rounded.
 *
 * A threshold of 0 or less always says yes, one above 1 never; NaN logits are a no.
 *
 * @param logits - Logits of any shape; the last axis has the labels.
 * @param options - `thresholds` (0.5; a number, or one per label [L], as `tuneThresholds` returns them), `engine` (where the logits
 * live, or the default one).
 * @returns A Uint8 tensor of the logits' shape, 0 and 1.
 * @throws RangeError for thresholds of another number than labels and for NaN among them; TypeError for the wrong kind.
 * @example
 * import { predictLabels } from 'lossmith/decide';
 * predictLabels([[-1.3863, -0.8473, -0.4055]]).data; // => [0, 0, 0]
 * predictLabels([[-1.3863, -0.8473, -0.4055]], { thresholds: [0.1, 0.5, 0.35] }).data; // => [1, 0, 1]
 */
export const predictLabels: (logits: TensorInput, options?: PredictLabelsOptions) => Tensor<Uint8Array> =
  /* @__PURE__ */ lib.guard(predict);

/**
 * The labels that a factorized model says apply: of each row the round(Z) labels of the largest logits, Z being the expected number
 * of labels. Of equal logits the first is taken; of a row with NaN none; halves round up.
 *
 * @param input - `{ logits, z }`: logits […, L] and z [...] as for `factorizedMultiLabel`.
 * @param options - `engine` (where the logits live, or the default one).
 * @returns A Uint8 tensor of the logits' shape, 0 and 1.
 * @throws RangeError for a z that is NaN and for unequal numbers of rows; TypeError for the wrong kind.
 * @example
 * import { decodeFactorized } from 'lossmith/decide';
 * decodeFactorized({ logits: [[0.3, 2, 1], [1, 0, -1]], z: [1.8, 0.2] }).data; // => [0, 1, 1, 0, 0, 0]
 */
export const decodeFactorized: (
  input: { readonly logits: TensorInput; readonly z: TensorInput },
  options?: DecodeFactorizedOptions,
) => Tensor<Uint8Array> = /* @__PURE__ */ lib.guard(
  (
    input: { readonly logits: TensorInput; readonly z: TensorInput },
    options?: DecodeFactorizedOptions,
  ): Tensor<Uint8Array> => {
    const name = 'decodeFactorized';
    const { engine } = readOptions(name, options, ['engine']);
    if (typeof input !== 'object' || input === null || !('logits' in input) || !('z' in input)) {
      throw new TypeError(`${name}: input is ${lib.describe(input)}, expected an object { logits, z }`);
    }
    const operand = lib.readOperand(input.logits, `${name}: logits`, true);
    const shape = operand.shape ?? [operand.length];
    const width = shape.at(-1);
    if (width === undefined) throw new RangeError(`${name}: logits has shape [], expected […, L]`);
    const rows = shape.slice(0, -1);
    const z = lib.readOperand(input.z, `${name}: z`, true);
    lib.fitExactly(z, rows, () => 'one per row');
    const counts = Array.from(z.data as ArrayLike<number>, (value, i) => {
      if (Number.isNaN(value)) throw new RangeError(`${name}: z[${i}] is NaN, expected a number`);
      return Math.min(width, Math.max(0, Math.floor(value + 0.5)));
    });
    const data = new Uint8Array(operand.length);
    const most = counts.reduce((a, b) => Math.max(a, b), 0);
    if (most === 0) return { data, shape };
    const classed: Classed = {
      operand,
      axis: rows.length,
      outer: counts.length,
      classes: width,
      inner: 1,
      shape: rows,
      labels: undefined,
    };
    const runtime = lib.runtimeOf(name, engine, [input.logits, input.z]);
    survey({
      classed,
      runtime,
      kernel: 'topK',
      outputs: most,
      members: most,
      collect: ({ sample, samples, ints }) => {
        for (let place = 0; place < most; place++) {
          const own = ints(place);
          for (let s = 0; s < samples; s++) {
            const at = own[s] as number;
            if (place < (counts[sample + s] as number) && at >= 0) data[(sample + s) * width + at] = 1;
          }
        }
      },
    });
    return { data, shape };
  },
);
