/**
 * Times every workload on every contender and prints error beside speed:
 *
 *   npm run bench -- [--quick] [--filter RE] [--check] [--json FILE] [--rounds N] [--time MS]
 *
 * --quick runs each workload for a moment (do the results agree?); --check exits with 1 where a target ratio is missed.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Case, cases } from './cases.ts';
import { arrays, baseline, contenders, tensors } from './contenders.ts';
import { allowRelaxedSimd } from './flags.ts';
import { Laboratory, type Outcome } from './measure.ts';

/** Errors above these mean a wrong result, not rounding; they fail every run. */
const tolerance = { loss: 1e-5, gradient: 1e-5 };

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    filter: { type: 'string', default: '' },
    json: { type: 'string' },
    rounds: { type: 'string' },
    time: { type: 'string' },
  },
});

function positive(text: string | undefined, standard: number, flag: string): number {
  const value = text === undefined ? standard : Number(text);
  if (value > 0) return value;
  throw new RangeError(`--${flag} ${text}: expected a positive number`);
}

const effort = {
  rounds: positive(flags.rounds, flags.quick ? 1 : 9, 'rounds'),
  time: positive(flags.time, flags.quick ? 1 : 60, 'time'),
};

const time = (microseconds: number): string => {
  if (microseconds >= 1e3) return `${(microseconds / 1e3).toPrecision(3)} ms`;
  return `${microseconds >= 1 ? microseconds.toPrecision(3) : microseconds.toFixed(2)} µs`;
};
const error = (value: number) => (Number.isNaN(value) ? '-' : value.toExponential(1));

const widths = [30, ...contenders.map(() => 10), 15, 15, 18, 18];
const headings = [
  'workload',
  ...contenders.map((contender) => contender.name),
  'arrays/target',
  'tensors/target',
  'loss error (JS)',
  'grad error (JS)',
];
const print = (cells: readonly string[]) =>
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' '));

const outcomeOf = (outcomes: readonly Outcome[], { name }: { name: string }): Outcome =>
  outcomes.find(({ contender }) => contender === name)!;

/** How many times faster than plain JavaScript, on arrays and on tensors: what was measured and what is aimed at. */
const ratiosOf = (item: Case, outcomes: readonly Outcome[]) =>
  [
    { on: arrays, target: item.ratio },
    { on: tensors, target: item.tensorRatio },
  ].map(({ on, target }) => ({
    name: on.name,
    target,
    measured: outcomeOf(outcomes, baseline).ratio / outcomeOf(outcomes, on).ratio,
  }));

function row(item: Case, outcomes: readonly Outcome[]): string[] {
  const ours = outcomeOf(outcomes, arrays);
  const plain = outcomeOf(outcomes, baseline);
  return [
    item.name,
    ...outcomes.map((outcome) => time(outcome.microseconds)),
    ...ratiosOf(item, outcomes).map(({ measured, target }) => `${measured.toFixed(1)}x / ${target ?? '-'}`),
    `${error(ours.lossError)} (${error(plain.lossError)})`,
    `${error(ours.gradientError)} (${error(plain.gradientError)})`,
  ];
}

allowRelaxedSimd();
const chosen = cases.filter((item) => new RegExp(flags.filter).test(item.name));
if (chosen.length === 0) throw new RangeError(`--filter ${flags.filter} matches none of the workloads`);

console.log(`${cpus()[0]?.model.trim()}, Node ${process.versions.node}; ${effort.rounds} rounds of ${effort.time} ms`);
print(headings);
const faults: string[] = [];
const report: object[] = [];
const laboratory = new Laboratory();
try {
  for (const item of chosen) {
    const outcomes = await laboratory.measure(item, contenders, effort);
    print(row(item, outcomes));
    for (const { contender, lossError, gradientError } of outcomes) {
      const lossIsRight = item.target === 'none' || lossError <= tolerance.loss;
      if (!lossIsRight || !(gradientError <= tolerance.gradient)) {
        faults.push(`${item.name}: ${contender} is wrong: errors ${error(lossError)}, ${error(gradientError)}`);
      }
    }
    for (const { name, target, measured } of ratiosOf(item, outcomes)) {
      if (!flags.check || target === undefined || measured >= target) continue;
      faults.push(`${item.name}, ${name}: ${measured.toFixed(2)}x is below its target of ${target}x`);
    }
    report.push({ name: item.name, meaning: item.meaning, ratios: ratiosOf(item, outcomes), outcomes });
  }
} finally {
  laboratory.close();
}

if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify({ effort, report }, undefined, 2)}\n`);
if (flags.quick) console.log('quick: the results are checked, the times are no measurement');
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
