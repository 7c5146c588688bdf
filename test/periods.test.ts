/** Weights that repeat every few elements: every loss that has them, over several chunks, against its reference. */
import { describe, it } from 'vitest';
import { type FormName, formNames } from './library.ts';
import { expectReference, pick } from './property.ts';
import { drawBroadcastWeight, withInput } from './reference/draws.ts';
import { isRefused, type Problem, references } from './reference/index.ts';
import { type Random, randomFrom } from './reference/random.ts';

/** Kernels sum by chunks of so many elements (assembly/elements/walk.ts). */
const CHUNK = 32768;

const weighted = formNames.filter((op) => references[op].options.weight === drawBroadcastWeight);

/** A problem whose weights are `period` values, of which `zeros` are 0; where they are, the input may hold anything. */
function repeating(random: Random, op: FormName, rows: number, period: number, zeros: number): Problem {
  const { draw, targets } = references[op];
  const drawn = draw(random, [rows, period], undefined, targets[0]);
  const data = Float64Array.from({ length: period }, (_, i) => (i < zeros ? 0 : Math.fround(0.25 + 2 * random())));
  const reduction = pick(random, ['mean', 'sum'] as const);
  const problem = { ...drawn, options: { ...drawn.options, reduction, weight: { data, shape: [period] } } };
  const odd = withInput(problem, (x, i) => (i % period < zeros ? pick(random, [x, Number.NaN, 1e30]) : x));
  return isRefused(references[op], odd) ? problem : odd;
}

describe.each(weighted)('%s', (op: FormName) => {
  const random = randomFrom(11);
  for (const period of [1, 2, 3, 4, 5, 8, 12, 14, 32, 33]) {
    for (const zeros of period > 1 ? [0, 1] : [0]) {
      it(`with weights of ${period} values, ${zeros} of them 0`, () => {
        for (const rows of [1, 5, 67]) expectReference(op, repeating(random, op, rows, period, zeros), 8);
      });
    }
  }

  it('over chunks, the last of which ends amid a vector', () => {
    for (const period of [2, 5]) {
      const rows = Math.ceil((CHUNK + 4097) / period) | 1;
      expectReference(op, repeating(random, op, rows, period, 0), 8);
    }
  });
});
