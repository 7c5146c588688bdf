// Every case that scikit-learn computed (test/golden/metrics/make.py): its definitions, its conventions at ties, empty classes
// and 0/0.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CalibrationBin, PrecisionResult } from '../../src/metrics/index.ts';
import * as metrics from '../../src/metrics/index.ts';

type Value = number | string | readonly Value[] | { readonly [key: string]: Value };
interface Case {
  readonly metric: keyof typeof metrics;
  readonly args: Value[];
  readonly options: Readonly<Record<string, Value>>;
  readonly expected: Value;
}

const text = readFileSync(new URL('../golden/metrics/scikit-learn.json', import.meta.url), 'utf8');
const words: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity: 1 / 0, '-Infinity': -1 / 0 };
const cases = JSON.parse(text, (_, value: Value) =>
  typeof value === 'string' ? (words[value] ?? value) : value,
) as Case[];

const functions: Readonly<Record<string, unknown>> = { ...metrics };

const flat = (value: Value): number[] => (Array.isArray(value) ? value.flatMap(flat) : [value as number]);

function near(got: ArrayLike<number>, wanted: readonly number[], digits: number): void {
  expect(got.length).toBe(wanted.length);
  wanted.forEach((value, i) => {
    const own = got[i] as number;
    if (Object.is(own, value) || Math.abs(own - value) <= digits * Math.max(1, Math.abs(value))) return;
    expect.fail(`[${i}] is ${own}, expected ${value}`);
  });
}

/** What a result says, flat. */
function answer(metric: string, result: unknown): ArrayLike<number> {
  if (typeof result === 'number') return [result];
  const { [metric]: value, data } = result as Record<string, unknown>;
  return data === undefined ? [value as number] : (data as Float64Array);
}

describe.each([...new Set(cases.map(({ metric }) => metric))])('%s', (metric) => {
  const own = cases.filter((each) => each.metric === metric);
  const run = functions[metric] as (...args: unknown[]) => unknown;

  it(`is that of scikit-learn in ${own.length} cases`, () => {
    for (const { args, options, expected } of own) {
      const result = run(...args, options);
      const digits = metric === 'negativeLogLikelihood' ? 2e-6 : 1e-12;
      if (metric === 'precisionRecallF1') {
        for (const key of ['precision', 'recall', 'f1'] as const) {
          const value = (result as PrecisionResult)[key];
          const wanted = (expected as Record<string, Value>)[key] as Value;
          near(typeof value === 'number' ? [value] : value.data, flat(wanted), digits);
        }
      } else if (metric === 'calibration') {
        // scikit-learn leaves empty bins out
        const bins = (result as { bins: CalibrationBin[] }).bins.filter(({ count }) => count > 0);
        for (const key of ['accuracy', 'confidence'] as const) {
          near(
            bins.map((bin) => bin[key]),
            flat((expected as Record<string, Value>)[key] as Value),
            digits,
          );
        }
      } else near(answer(metric, result), flat(expected), digits);
    }
  });
});

it('has cases of every metric that scikit-learn has', () => {
  const ours = ['offBy', 'pspAtK', 'psndcgAtK'];
  const missing = Object.keys(metrics).filter((name) => !cases.some(({ metric }) => metric === name));
  expect(missing.sort()).toEqual(ours.sort());
});
