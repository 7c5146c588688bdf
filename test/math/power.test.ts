/** Powers, and log1p in float64, against the truth with 77 digits. */
import { beforeAll, describe, expect, it } from 'vitest';
import { randomFrom } from '../reference/random.ts';
import { exactLog1p, exactPow, fixed, ulpsOff } from './exact.ts';
import { type MathModule, mathModules } from './module.ts';

const long = process.env.LOSSMITH_LONG === '1';
const modules: MathModule[] = [];

beforeAll(async () => {
  modules.push(...(await mathModules()));
}, 600_000);

describe('power', () => {
  const bases = Float32Array.from({ length: 4000 }, (_, i) => 2 ** -(randomFrom(i)() * 140)).map((b) => Math.min(1, b));

  it.each([1, 2, 3, 5, 8, 0.5, 1.5, 10, 20, 0.3, 3.7, 123.4])('to %d is within its bound', (g) => {
    const whole = g <= 8 && Number.isInteger(g);
    const short = Number.isInteger(2 * g);
    const exponent = fixed(Math.fround(g));
    for (const module of modules) {
      module.input.set(bases);
      module.run('power', bases.length, g);
      for (const [i, b] of bases.entries()) {
        const got = module.output[i]!;
        const near = b ** g;
        // products of small numbers have fewer digits, and other powers are 0 there
        if (near < 2 ** -125 || (b < 2 ** -126 && !whole)) {
          if (near < 2 ** -125) expect(got, `${b}^${g}`).toBeLessThanOrEqual(2 ** -125);
          continue;
        }
        const k = Math.abs(Math.floor(Math.log2(b)));
        const bound = whole ? g : 2 + g / 2 + (short ? 0 : 0.7 * g * k);
        if (Math.abs(got - near) < 0.9 * bound * near * 2 ** -24) continue;
        const off = ulpsOff(got, exactPow(fixed(b), exponent));
        expect(off, `${b}^${g} is ${got} in the ${module.tier} tier`).toBeLessThanOrEqual(bound);
      }
    }
  });

  it('of 0 and 1, and keeps NaN', () => {
    for (const module of modules) {
      for (const [g, zero] of [
        [0, 1],
        [2, 0],
        [0.5, 0],
        [30, 0],
      ] as const) {
        module.input.set([0, 1, 2 ** -149, 1]);
        module.run('power', 4, g);
        expect([...module.output.subarray(0, 2)], `${module.tier}, ${g}`).toEqual([zero, 1]);
      }
    }
  });
});

describe('log1p in float64', () => {
  it('is within 2 ULP of a float64', () => {
    const random = randomFrom(9);
    const drawn = Array.from({ length: long ? 100_000 : 3000 }, () => 2 ** (random() * 160 - 130));
    for (const q of [...drawn, 2 ** -52, 1, Math.SQRT2 - 1, 2 ** 0.5, 3, 1e300]) {
      const truth = exactLog1p(fixed(q));
      for (const module of modules) {
        const got = module.log1pDouble(q);
        expect(ulpsOff(got, truth, 52n, -1022n), `log1p(${q}) is ${got}`).toBeLessThanOrEqual(2);
      }
    }
  });

  it('is 0 at 0, and keeps Infinity and NaN', () => {
    for (const module of modules) {
      expect([0, Infinity, Number.NaN].map((q) => module.log1pDouble(q))).toEqual([0, Infinity, Number.NaN]);
    }
  });
});
