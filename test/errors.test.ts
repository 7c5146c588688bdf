// Every message that a caller can meet, and that a call which throws changes nothing.

import { afterEach, describe, expect, it } from 'vitest';
import { bceWithLogits, componentCrossEntropy, crossEntropy, mse, softmax, tensor } from '../src/index.ts';
import { floats, parts } from './errors/case.ts';
import { kindsAndShapes } from './errors/kinds.ts';
import { values } from './errors/values.ts';

describe('messages', () => {
  afterEach(() => {
    const { loss, grad } = crossEntropy(tensor([[2.1, 0.3, -1]]), [0]);
    expect(loss).toBeCloseTo(Math.log1p(Math.exp(-1.8) + Math.exp(-3.1)), 6);
    expect(grad.data).toHaveLength(3);
  });
  it.each([...kindsAndShapes, ...values])('$does', ({ run, error, says }) => {
    let thrown: unknown;
    try {
      run();
    } catch (reason) {
      thrown = reason;
    }
    expect(thrown).toBeInstanceOf(error);
    const { message } = thrown as Error;
    if (typeof says === 'string') expect(message).toBe(says);
    else expect(message).toMatch(says);
  });
});

describe('a call that throws', () => {
  it('changes nothing when out is the input', () => {
    const rows = 40000; // several blocks, the bad target in the last
    const logits = tensor(new Float32Array(rows * 3).fill(0.5), [rows, 3]);
    const target = new Int32Array(rows);
    target[rows - 1] = 7;
    expect(() => crossEntropy(logits, target, { out: logits })).toThrow('target[39999] is 7');
    expect(logits.data.every((v) => v === 0.5)).toBe(true);
    const labels = new Float32Array(rows * 3);
    labels[rows * 3 - 1] = 2;
    expect(() => bceWithLogits(logits, tensor(labels, [rows, 3]), { out: logits })).toThrow('target[119999] is 2');
    expect(logits.data.every((v) => v === 0.5)).toBe(true);
  });

  it('refuses an out that overlaps in part, or another argument', () => {
    const memory = new Float32Array(10);
    const input = tensor(memory.subarray(0, 6), [2, 3]);
    expect(() => crossEntropy(input, [0, 1], { out: memory.subarray(2, 8) })).toThrow(
      /crossEntropy: out overlaps logits in part, expected logits itself or other memory/,
    );
    const target = new Float32Array(6);
    expect(() => mse(floats(6), target, { out: target })).toThrow(/mse: out overlaps another argument/);
    const whole = memory.subarray(0, 6);
    expect(crossEntropy(input, [0, 1], { out: whole }).grad.data).toBe(whole);
  });
});

describe('labels of many classes', () => {
  it('are read in one pass', () => {
    const labels = Array.from({ length: 150_000 }, (_, i) => i * 3);
    const logits = tensor(new Float32Array(150_000), [1, 150_000]);
    expect(crossEntropy(logits, [9], { labels }).loss).toBeCloseTo(Math.log(150_000), 5);
  });
});

describe('empty input', () => {
  it('is legal', () => {
    for (const shape of [
      [0, 3],
      [0, 3, 5],
      [4, 3, 0],
    ]) {
      const samples = (shape[0] ?? 0) * (shape[2] ?? 1);
      const { loss, grad, sum, count } = crossEntropy(floats(...shape), new Int32Array(samples));
      expect(loss).toBeNaN();
      expect({ sum, count, size: grad.data.length, shape: grad.shape }).toEqual({ sum: 0, count: 0, size: 0, shape });
      expect(crossEntropy(floats(...shape), new Int32Array(samples), { emptyMean: 'zero' }).loss).toBe(0);
      expect(crossEntropy(floats(...shape), new Int32Array(samples), { reduction: 'sum' }).loss).toBe(0);
      expect(softmax(floats(...shape)).shape).toEqual(shape);
    }
    expect(mse([], []).loss).toBeNaN();
    expect(mse([], [], { reduction: 'none' }).loss.data).toHaveLength(0);
    expect(bceWithLogits([], [], { emptyMean: 'zero' }).loss).toBe(0);
    const none = componentCrossEntropy(floats(0, 4), [], { components: parts, reduction: 'sum' });
    expect([none.loss, ...none.componentLosses.data]).toEqual([0, 0, 0]);
  });

  it('has no class to hit', () => {
    expect(() => crossEntropy(floats(2, 0), [0, 0])).toThrow('crossEntropy: target[0] is 0, outside [0, 0)');
    expect(crossEntropy(floats(2, 0), [-100, -100]).loss).toBeNaN();
  });
});
