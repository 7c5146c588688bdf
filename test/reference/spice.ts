/** Extreme inputs: what a plain implementation in float32 loses its digits on, or overflows at. */

import { denseOf, withInput } from './draws.ts';
import { layoutOf, readRow, sampleOf } from './layout.ts';
import { topOf } from './numeric.ts';
import { below, between, chance, pick, type Random } from './random.ts';
import { classIndices } from './rows.ts';
import { type Change, isSparse, type Problem } from './types.ts';

const { NEGATIVE_INFINITY: minusInfinity, POSITIVE_INFINITY: infinity, NaN: nan } = Number;

/** Says of each flat element whether its target favours it: the class of the index, or any mass. */
function favoured({ inputs, options }: Problem): (flat: number) => boolean {
  const { input, target } = inputs;
  const layout = layoutOf(input.shape, options.axis);
  if (target === undefined) return () => false;
  const dense = isSparse(target) ? denseOf(target, input.shape, options.axis) : target;
  if (dense.shape.length === input.shape.length) {
    return (flat) => {
      const row = readRow(dense.data, layout, sampleOf(layout, flat));
      return dense.data[flat]! > 0 && dense.data[flat]! >= 0.5 * topOf(row);
    };
  }
  const index = classIndices(dense, layout.classes, options);
  return (flat) => index[sampleOf(layout, flat)] === Math.floor(flat / layout.inner) % layout.classes;
}

/** Something done to one sample; the others stay. */
const inOneSample =
  (value: number, whole: boolean): Change =>
  (random, problem) => {
    const { inputs, options } = problem;
    const layout = layoutOf(inputs.input.shape, options.axis);
    if (inputs.input.data.length === 0) return problem;
    const sample = below(random, layout.samples);
    const k = below(random, layout.classes);
    return withInput(problem, (x, flat) => {
      const here = Math.floor(flat / layout.inner) % layout.classes === k;
      return sampleOf(layout, flat) === sample && (whole || here) ? value : x;
    });
  };

const shifted =
  (offset: number): Change =>
  (_, problem) =>
    withInput(problem, (x) => x + offset);

/** Every sample's favoured classes lead, or trail, by a gap beyond which 1 - p and log p have no digits left. */
function leading(random: Random, problem: Problem, sign: 1 | -1): Problem {
  const leads = favoured(problem);
  const gap = Math.round(between(random, 10, 80));
  const base = pick(random, [0, 100, -4096]);
  return withInput(problem, (_, flat) => base + (leads(flat) ? sign * gap : 0) - below(random, 768) / 256);
}

export const rowSpice: Readonly<Record<string, Change>> = {
  confident: (random, problem) => leading(random, problem, 1),
  wrong: (random, problem) => leading(random, problem, -1),
  masked: (random, problem) => {
    const keeps = favoured(problem);
    return withInput(problem, (x, flat) => (!keeps(flat) && chance(random, 0.3) ? minusInfinity : x));
  },
  maskedTarget: (random, problem) => {
    const wanted = favoured(problem);
    return withInput(problem, (x, flat) => (wanted(flat) && chance(random, 0.3) ? minusInfinity : x));
  },
  ties: (_, problem) => withInput(problem, Math.round),
  equal: (random, problem) => {
    const value = between(random, -5, 5);
    return withInput(problem, () => value);
  },
  wide: (random, problem) => withInput(problem, () => between(random, -104, 104)),
  offset1e6: shifted(1e6),
  offset1e30: shifted(1e30),
  huge: (random, problem) => withInput(problem, () => between(random, -1, 1) * 1e30),
  subnormal: (random, problem) => withInput(problem, () => between(random, -1, 1) * 1e-40),
  nan: inOneSample(nan, false),
  infinite: inOneSample(infinity, false),
  allMasked: inOneSample(minusInfinity, true),
};
