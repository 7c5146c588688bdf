/**
 * Times every workload on every contender and prints error beside speed:
 *
 *   npm run bench -- [--quick] [--filter RE] [--check] [--json FILE] [--speed FILE] [--rounds N] [--time MS]
 *
 * --quick checks all results, but times one workload alone, for a moment; --check exits with 1 where a target ratio is missed;
 * --json writes everything that was measured, --speed the table that the documentation shows: for each loss the ratio of its
 * prepared step to plain JavaScript.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type Case, cases } from './cases.ts';
import { baseline, contenders, steps } from './contenders.ts';
import { allowRelaxedSimd } from './flags.ts';
import { Laboratory, median, type Outcome, speedup } from './measure.ts';
import { native } from './native.ts';
import { gaps } from './table.ts';

/** Errors above these mean a wrong result, not rounding; they fail every run. */
const tolerance = { loss: 1e-5, gradient: 1e-5 };

/** How many times as long as C a prepared step of the losses that are used most may take, at most. */
const nativeTarget = 1.25;

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    filter: { type: 'string', default: '' },
    json: { type: 'string' },
    speed: { type: 'string' },
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

const time = (milliseconds: number): string => {
  if (milliseconds >= 1) return `${milliseconds.toPrecision(3)} ms`;
  return milliseconds >= 1e-3 ? `${(milliseconds * 1e3).toPrecision(3)} µs` : `${(milliseconds * 1e3).toFixed(2)} µs`;
};
const error = (value: number) => (Number.isNaN(value) ? '-' : value.toExponential(1));

/** Columns of times, and of ratios to plain JavaScript. */
const timed = [...contenders.map(({ name }) => name), native];
const compared = ['arrays', 'tensors', 'steps'];

const widths = [34, ...timed.map(() => 9), ...compared.map(() => 14), 12, 18, 18];
const headings = [
  'workload',
  ...timed,
  ...compared.map((name) => `${name}/target`),
  `steps:C/${nativeTarget}`,
  'loss error (JS)',
  'grad error (JS)',
];
const print = (cells: readonly string[]) =>
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' '));

const find = (outcomes: readonly Outcome[], wanted: string): Outcome | undefined =>
  outcomes.find(({ contender, rounds }) => contender === wanted && rounds.length > 0);

/** How many times faster than plain JavaScript, for each column that is compared: what was measured and what is aimed at. */
function ratiosOf({ targets }: Case, outcomes: readonly Outcome[]) {
  const plain = find(outcomes, baseline.name);
  return compared.map((name) => {
    const own = find(outcomes, name);
    return { name, target: targets[name], measured: own && plain && speedup(own, plain) };
  });
}

/** How many times as long as C a prepared step takes. */
function nativeRatio(outcomes: readonly Outcome[]): number | undefined {
  const own = find(outcomes, steps.name);
  const c = find(outcomes, native);
  return own && c && speedup(c, own);
}

/** Whether a workload is a loss of the table; these alone have the target against C. */
const isOfTable = (item: Case): boolean => item.targets.steps !== undefined;

function row(item: Case, outcomes: readonly Outcome[]): string[] {
  const errorsOf = (name: string) => outcomes.find(({ contender }) => contender === name)!.errors;
  const ours = errorsOf(steps.name);
  const plain = errorsOf(baseline.name);
  const c = nativeRatio(outcomes);
  return [
    item.name,
    ...timed.map((name) => {
      const outcome = find(outcomes, name);
      return outcome ? time(median(outcome.rounds)) : '-';
    }),
    ...ratiosOf(item, outcomes).map(({ measured, target }) =>
      measured === undefined ? '-' : `${measured.toFixed(1)}x / ${target ?? '-'}`,
    ),
    c === undefined ? '-' : `${c.toFixed(2)}x`,
    `${error(ours.loss)} (${error(plain.loss)})`,
    `${error(ours.gradient)} (${error(plain.gradient)})`,
  ];
}

/** Wrong results. */
const wrong = (item: Case, outcomes: readonly Outcome[]): string[] =>
  outcomes
    .filter(({ errors }) => errors.loss > tolerance.loss || !(errors.gradient <= tolerance.gradient))
    .map(
      ({ contender, errors }) =>
        `${item.name}: ${contender} is wrong: errors ${error(errors.loss)}, ${error(errors.gradient)}`,
    );

/** Targets that were not reached. */
function misses(item: Case, outcomes: readonly Outcome[]): string[] {
  const lines = ratiosOf(item, outcomes).flatMap(({ name, measured, target }) =>
    measured === undefined || target === undefined || measured >= target
      ? []
      : [`${item.name}, ${name}: ${measured.toFixed(2)}x is below its target of ${target}x`],
  );
  const c = nativeRatio(outcomes);
  if (c === undefined || c <= nativeTarget || !isOfTable(item)) return lines;
  return [...lines, `${item.name}, steps: ${c.toFixed(2)} times as long as C, above the target of ${nativeTarget}`];
}

allowRelaxedSimd();
const faults = gaps();
const chosen = cases.filter((item) => new RegExp(flags.filter).test(item.name));
if (chosen.length === 0) throw new RangeError(`--filter ${flags.filter} matches none of the workloads`);

console.log(`${cpus()[0]?.model.trim()}, Node ${process.versions.node}; ${effort.rounds} rounds of ${effort.time} ms`);
const laboratory = new Laboratory();
const missed: string[] = [];
const measured: { readonly item: Case; readonly outcomes: readonly Outcome[] }[] = [];
try {
  if (laboratory.withoutNative !== undefined) console.log(`Nothing is compared with C: ${laboratory.withoutNative}`);
  print(headings);
  for (const item of faults.length > 0 ? [] : chosen) {
    // the first workload shows that the measuring itself works
    const outcomes = await laboratory.measure(item, contenders, flags.quick && item !== chosen[0] ? undefined : effort);
    print(row(item, outcomes));
    faults.push(...wrong(item, outcomes));
    if (!flags.quick) missed.push(...misses(item, outcomes));
    measured.push({ item, outcomes });
  }
} finally {
  laboratory.close();
}

/** For each loss, on the first of its shapes: how many times faster than plain JavaScript a prepared step is. */
function speedTable(): object {
  const table: Record<string, { readonly shape: readonly number[]; readonly ratio: number }> = {};
  for (const { item, outcomes } of measured.filter(({ item }) => isOfTable(item))) {
    const ratio = ratiosOf(item, outcomes).find(({ name }) => name === steps.name)?.measured;
    if (ratio !== undefined) table[item.operation] ??= { shape: item.shape, ratio: Number(ratio.toPrecision(2)) };
  }
  return table;
}

const writeJson = (file: string, value: object) => writeFileSync(file, `${JSON.stringify(value, undefined, 2)}\n`);

if (flags.json !== undefined) {
  const report = measured.map(({ item, outcomes }) => ({ ...item, ratios: ratiosOf(item, outcomes), outcomes }));
  writeJson(flags.json, { effort, report });
}
if (flags.speed !== undefined) writeJson(flags.speed, speedTable());
if (flags.quick) console.log('quick: the results are checked, the times are no measurement');
if (missed.length > 0) console.log(`\nBelow their targets:\n${missed.map((line) => `  ${line}`).join('\n')}`);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 || (flags.check && missed.length > 0) ? 1 : 0;
