import { layoutOf, readRow, writeRow } from './layout.ts';
import { type SoftmaxRow, sigmoid as sigmoidOf, softmaxRow, softplus, sumOf, sumsOfOthers } from './numeric.ts';
import type { ReferenceFunction, ReferenceOptions, ReferenceResult, Tensor64 } from './types.ts';

/** Activations: `loss` is the forward output, `grad` the vector-Jacobian product with gradOutput (default: ones). */
function result(input: Tensor64, output: Float64Array, grad: Float64Array): ReferenceResult {
  const count = output.length;
  const { shape } = input;
  return { loss: { data: output, shape }, grad: { data: grad, shape }, sum: sumOf(output), count, weightSum: count };
}

function upstreamOf(input: Tensor64, { gradOutput = 1 }: ReferenceOptions): Float64Array {
  return typeof gradOutput === 'number' ? new Float64Array(input.data.length).fill(gradOutput) : gradOutput.data;
}

function rowwise(
  forward: (row: SoftmaxRow) => Float64Array,
  backward: (row: SoftmaxRow, g: Float64Array) => Float64Array,
): ReferenceFunction {
  return ({ input }, options) => {
    // a 0-D tensor is a row of one class
    const layout = layoutOf(input.shape.length === 0 ? [1] : input.shape, options.axis);
    const upstream = upstreamOf(input, options);
    const output = new Float64Array(input.data.length);
    const grad = new Float64Array(input.data.length);
    for (let i = 0; i < layout.samples; i++) {
      const row = softmaxRow(readRow(input.data, layout, i));
      writeRow(output, layout, i, forward(row));
      writeRow(grad, layout, i, backward(row, readRow(upstream, layout, i)));
    }
    return result(input, output, grad);
  };
}

function elementwise(forward: (x: number) => number, slope: (x: number) => number): ReferenceFunction {
  return ({ input }, options) => {
    const upstream = upstreamOf(input, options);
    const grad = input.data.map((x, i) => upstream[i]! * slope(x));
    return result(input, input.data.map(forward), grad);
  };
}

/** p_k; vjp p_k (g_k - Σ g p), with g_k (1 - p_k) - Σ_{j≠k} g_j p_j in the bracket (torch.softmax). */
export const softmax = rowwise(
  (row) => row.p.slice(),
  (row, g) => {
    const rest = sumsOfOthers(g.map((v, k) => v * row.p[k]!));
    return g.map((v, k) => row.p[k]! * (v * row.others[k]! - rest[k]!));
  },
);

/** log p_k; vjp g_k - p_k Σ g = g_k (1 - p_k) - p_k Σ_{j≠k} g_j (torch.log_softmax). */
export const logSoftmax = rowwise(
  (row) => row.nll.map((v) => 0 - v),
  (row, g) => {
    const rest = sumsOfOthers(g);
    return g.map((v, k) => v * row.others[k]! - row.p[k]! * rest[k]!);
  },
);

/** σ(x); derivative σ(x) σ(-x), which keeps its digits where 1 - σ(x) would cancel (torch.sigmoid). */
export const sigmoid = elementwise(sigmoidOf, (x) => sigmoidOf(x) * sigmoidOf(-x));

/** -softplus(-x); derivative σ(-x) (torch.nn.functional.logsigmoid). */
export const logSigmoid = elementwise(
  (x) => 0 - softplus(-x),
  (x) => sigmoidOf(-x),
);
