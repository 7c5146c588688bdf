/** Losses of several tasks, weighted by learned uncertainties. */
import { tensorOf } from './draws.ts';
import { sizeOf } from './layout.ts';
import { sumOf } from './numeric.ts';
import { between } from './random.ts';
import { reducerOf } from './reduce.ts';
import type { ReferenceInputs, ReferenceLoss, ReferenceOptions, ReferenceResult, Tensor64 } from './types.ts';

function logVariances({ others }: ReferenceInputs): Tensor64 {
  if (others?.s === undefined) throw new TypeError('uncertaintyWeighted needs s');
  return others.s;
}

/** Σ ½ e^(-s) L + ½ s (Kendall, Gal & Cipolla 2018): ∂L ½ e^(-s), ∂s ½ - ½ e^(-s) L. A number; nothing costs 0. */
function compute(inputs: ReferenceInputs, options: ReferenceOptions): ReferenceResult {
  const { data, shape } = inputs.input;
  const s = logVariances(inputs);
  const terms = data.map((loss, i) => 0.5 * Math.exp(-s.data[i]!) * loss + 0.5 * s.data[i]!);
  const up = reducerOf({ ...options, reduction: 'sum' }, [], 1).upstream(0, 1);
  const sum = sumOf(terms);
  return {
    loss: { data: Float64Array.of(sum), shape: [] },
    grad: { data: s.data.map((v) => up * 0.5 * Math.exp(-v)), shape },
    grads: { s: { data: s.data.map((v, i) => up * (0.5 - 0.5 * Math.exp(-v) * data[i]!)), shape: s.shape } },
    sum,
    count: data.length,
    weightSum: 1,
  };
}

export const uncertaintyWeighted: ReferenceLoss = {
  family: 'scalar',
  targets: [],
  domain: () => [-Infinity, Infinity],
  others: ['s'],
  compute,
  draw(random, shape) {
    const length = [sizeOf(shape)];
    const others = { s: tensorOf(random, length, -3, 3) };
    return { inputs: { input: tensorOf(random, length, 0, 4), others }, options: {} };
  },
  settings: [],
  options: {},
  targetOptions: {},
  spice: {
    certain: (random, { inputs, options }) => ({
      inputs: { ...inputs, others: { s: tensorOf(random, inputs.input.shape, -40, 80) } },
      options,
    }),
    nan: (_, { inputs, options }) => ({
      inputs: {
        ...inputs,
        input: { ...inputs.input, data: inputs.input.data.map((v, i) => (i === 0 ? Number.NaN : v)) },
      },
      options,
    }),
    large: (random, { inputs, options }) => ({
      inputs: { ...inputs, input: tensorOf(random, inputs.input.shape, 0, between(random, 1e6, 1e30)) },
      options,
    }),
  },
  scales({ inputs }) {
    const { data } = inputs.input;
    const s = logVariances(inputs).data;
    const parts = data.map((loss, i) => 0.5 * Math.exp(-s[i]!) * Math.abs(loss));
    return {
      loss: Float64Array.of(sumOf(parts.map((part, i) => part + Math.abs(0.5 * s[i]!)))),
      grad: s.map((v) => 0.5 * Math.exp(-v)),
      grads: { s: parts.map((part) => part + 0.5) },
    };
  },
  kinks: ({ inputs }) => ({
    grad: new Uint8Array(inputs.input.data.length),
    grads: { s: new Uint8Array(inputs.input.data.length) },
  }),
  measure: 'terms',
  torchErrorsCount: true,
};
