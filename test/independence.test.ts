/** What a sample gets, bit for bit, does not depend on the samples beside it, nor on where a batch is cut. */
import { describe, expect, it } from 'vitest';
import { componentCrossEntropy, crossEntropy, defaultEngine, softmax } from '../src/index.ts';
import type { Tensor } from '../src/values/types.ts';

/** Every ninth sample is sure, every tenth spans far more than the others. */
function inputs(samples: number, classes: number, inner: number): Float32Array {
  let state = 7;
  const random = () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length: samples * classes * inner }, (_, i) => {
    const sample = Math.floor(i / (classes * inner)) * inner + (i % inner);
    const isFirst = Math.floor(i / inner) % classes === 0;
    const wide = sample % 10 === 0 ? 40 : 4;
    return isFirst && sample % 9 === 0 ? 30 + random() : (random() - 0.5) * wide;
  });
}

type Gradient = (x: Tensor, target: Int32Array) => Tensor;
const evenly = (x: Tensor): Float32Array => new Float32Array(x.data.length).fill(1 / (x.shape[1] ?? 1));
const gradients: Record<string, Gradient> = {
  'crossEntropy, indices': (x, target) => crossEntropy(x, target, { reduction: 'sum' }).grad,
  'crossEntropy, smoothed': (x, target) => crossEntropy(x, target, { reduction: 'sum', labelSmoothing: 0.1 }).grad,
  'crossEntropy, probabilities': (x) => crossEntropy(x, { data: evenly(x), shape: x.shape }, { reduction: 'sum' }).grad,
  componentCrossEntropy: (x, target) => {
    const components = [0, 1].map((m) => Array.from({ length: x.shape[1] ?? 0 }, (_, c) => (c >> m) & 1));
    return componentCrossEntropy(x, target, { reduction: 'sum', components, weights: [2, 0.5] }).grad;
  },
  softmax: (x) => softmax(x),
};

describe.each(Object.entries(gradients))('%s', (_, gradient) => {
  it.each([
    [37, 3, 1],
    [37, 4, 1],
    [41, 7, 1],
    [9, 90, 1],
    [9, 100, 1],
    [2, 5, 45],
  ])('[%i, %i, %i]', (samples, classes, inner) => {
    const data = inputs(samples, classes, inner);
    const shape = [samples, classes, inner];
    const targets = Int32Array.from({ length: samples * inner }, (_, i) => i % classes);
    const whole = gradient({ data, shape }, targets).data;
    for (let i = 0; i < samples * inner; i++) {
      const first = Math.floor(i / inner) * classes * inner + (i % inner);
      const own = Float32Array.from({ length: classes }, (_, c) => data[first + c * inner]!);
      const alone = gradient({ data: own, shape: [1, classes, 1] }, targets.slice(i, i + 1)).data;
      const there = own.map((_, c) => whole[first + c * inner]!);
      expect(Buffer.from(there.buffer).equals(Buffer.from(alone.buffer)), `sample ${i}`).toBe(true);
    }
  });

  it('is the same on arrays, which are cut into blocks, and on tensors', () => {
    const [samples, classes, inner] = [3, 21, 4096];
    const data = inputs(samples, classes, inner);
    const targets = Int32Array.from({ length: samples * inner }, (_, i) => i % classes);
    const shape = [samples, classes, inner];
    const x = defaultEngine().from({ data, shape });
    const there = gradient(x, targets).data;
    const here = gradient({ data, shape }, targets).data;
    expect(Buffer.from(Float32Array.from(there).buffer).equals(Buffer.from(here.buffer))).toBe(true);
    x.free();
  });
});
