/** A zero is a zero, whatever its sign: in logits, in targets, in whole rows of them. */
import { describe, expect, it } from 'vitest';
import { createEngine } from '../src/index.ts';
import type { Input, Target } from './calls.ts';
import { mapTensors } from './placement.ts';
import { activationNames, activationOf, lossCases, lossNames, lossOf } from './tiers.ts';

/** Every second float is `zero`. */
const zeroed = <T extends Input | Target>(given: T, zero: number): T =>
  mapTensors(given, (tensor) => {
    const { data, shape } = tensor;
    if (!(data instanceof Float32Array)) return tensor;
    return { data: data.map((each, i) => (i % 2 === 0 ? zero : each)), shape };
  });

/** The arrays of a result; a number is one of one. */
const arraysOf = (value: unknown): Float64Array[] => {
  if (typeof value === 'number') return [Float64Array.of(value)];
  if (value instanceof Float32Array) return [Float64Array.from(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(arraysOf);
};

/** The same but for a sign of 0 and, where a case of a formula begins at 0, the last bits. */
const expectAlike = (name: string, got: unknown, expected: unknown): void => {
  const wanted = arraysOf(expected);
  arraysOf(got).forEach((values, k) => {
    const others = wanted[k]!;
    const scale = Math.max(0, ...others.map(Math.abs).filter(Number.isFinite));
    values.forEach((value, i) => {
      const other = others[i]!;
      if (value === other || (Number.isNaN(value) && Number.isNaN(other))) return;
      if (!(Math.abs(value - other) <= 2 ** -21 * scale)) expect.fail(`${name}: number ${i} is ${value}, not ${other}`);
    });
  });
};

describe('−0 is 0', () => {
  const engine = createEngine();

  it.each(lossNames)('%s', (op) => {
    const loss = lossOf(engine, op);
    let tried = 0;
    for (const { name, op: own, input, target, options } of lossCases) {
      if (own !== op) continue;
      for (const [in1, in2, to1, to2] of [
        [zeroed(input, 0), zeroed(input, -0), target, target],
        [input, input, zeroed(target, 0), zeroed(target, -0)],
      ] as const) {
        const run = (from: Input, to: Target) => {
          try {
            return loss(from, to, options);
          } catch (error) {
            if (error instanceof RangeError) return undefined; // 0 is not in the domain of every target
            throw error;
          }
        };
        const [a, b] = [run(in1, to1), run(in2, to2)];
        expect(a === undefined, name).toBe(b === undefined);
        if (!a || !b) continue;
        expectAlike(name, b, a);
        tried += 1;
      }
    }
    expect(tried).toBeGreaterThan(5);
  });

  it.each(activationNames)('%s', (op) => {
    const run = activationOf(engine, op);
    const values = (zero: number) => ({ data: Float32Array.of(1, zero, -2, zero, zero, 3, zero, zero), shape: [2, 4] });
    expectAlike(op, run(values(-0)), run(values(0)));
  });
});
