/**
 * Times every workload on every contender and prints error beside speed:
 *
 *   npm run bench -- [--quick] [--filter RE] [--contenders A,B] [--check] [--json FILE] [--docs] [--rounds N] [--time MS]
 *   npm run bench -- --heads [--filter RE] [--docs] [--rounds N]     linear heads (bench/heads)
 *   npm run bench -- --engines [--filter RE] [--docs] [--rounds N] [--time MS]     in every engine (bench/engines)
 *   npm run bench -- --first [--filter RE] [--docs] [--rounds N]     the first calls in every engine (bench/engines/first.ts)
 *   npm run bench -- --threads [as --engines]     two threads beside one (bench/threads.ts)
 *   npm run bench -- --sizes [as --engines]       from small to large, beside C (bench/sizes.ts)
 *
 * --quick checks all results, but times one workload alone, for a moment; --contenders times these columns only; --check exits
 * with 1 where a target ratio is missed; --json writes everything that was measured, --docs the pages docs/speed.json and
 * docs/speed.md.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cases } from './cases.ts';
import { baseline, contenders, steps } from './contenders.ts';
import { allowRelaxedSimd } from './flags.ts';
import { type Effort, Laboratory } from './measure.ts';
import { machine, speedPage, speedTable } from './page.ts';
import {
  compared,
  error,
  errorsOf,
  type Finding,
  misses,
  nativeRatio,
  nativeTarget,
  ratiosOf,
  timed,
  timeOf,
  wrong,
} from './report.ts';
import { gaps } from './table.ts';

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    heads: { type: 'boolean', default: false },
    engines: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
    threads: { type: 'boolean', default: false },
    sizes: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    docs: { type: 'boolean', default: false },
    filter: { type: 'string', default: '' },
    contenders: { type: 'string' },
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

if (flags.heads) {
  allowRelaxedSimd();
  const { heads } = await import('./heads/main.ts');
  const rounds = positive(flags.rounds, 200, 'rounds');
  process.exit((await heads({ filter: flags.filter, rounds, docs: flags.docs })) ? 0 : 1);
}

/** How long and how often a part that has a flag of its own measures, unless flags say. */
const partOptions = (rounds: number, time: number) => ({
  filter: flags.filter,
  docs: flags.docs,
  rounds: positive(flags.rounds, rounds, 'rounds'),
  time: positive(flags.time, time, 'time'),
});

if (flags.engines) {
  const { engines } = await import('./engines/main.ts');
  process.exit((await engines(partOptions(9, 10))) ? 0 : 1);
}
if (flags.first) {
  const { first } = await import('./engines/first.ts');
  process.exit((await first(partOptions(9, 1))) ? 0 : 1);
}
if (flags.threads) {
  const { threads } = await import('./threads.ts');
  process.exit((await threads(partOptions(21, 20))) ? 0 : 1);
}
if (flags.sizes) {
  const { bySize } = await import('./sizes.ts');
  process.exit((await bySize(partOptions(15, 20))) ? 0 : 1);
}

const effort: Effort = {
  rounds: positive(flags.rounds, flags.quick ? 1 : 9, 'rounds'),
  time: positive(flags.time, flags.quick ? 1 : 60, 'time'),
};

/** The columns that are timed. */
function chosenColumns(): readonly string[] {
  const names = flags.contenders?.split(',').map((name) => name.trim()) ?? timed;
  const unknown = names.filter((name) => !timed.includes(name));
  if (unknown.length > 0)
    throw new RangeError(`--contenders: ${unknown.join(', ')}, expected some of ${timed.join(', ')}`);
  return names;
}

const columns = chosenColumns();
const chosen = cases.filter((item) => new RegExp(flags.filter).test(item.name));
if (chosen.length === 0) throw new RangeError(`--filter ${flags.filter} matches none of the workloads`);
if (flags.docs && (flags.quick || chosen.length < cases.length || columns.length < timed.length)) {
  throw new RangeError('--docs: expected all workloads and contenders, timed');
}

const widths = [
  Math.max(...chosen.map(({ name }) => name.length)),
  ...columns.map(() => 9),
  ...compared.map(() => 14),
  12,
  18,
  18,
];
const headings = [
  'workload',
  ...columns,
  ...compared.map((name) => `${name}/target`),
  `steps:C/${nativeTarget}`,
  'loss error (JS)',
  'grad error (JS)',
];
const print = (cells: readonly string[]) =>
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' '));

function row(finding: Finding): string[] {
  const ours = errorsOf(finding, steps.name);
  const plain = errorsOf(finding, baseline.name);
  const c = nativeRatio(finding);
  return [
    finding.item.name,
    ...columns.map((name) => timeOf(finding, name)),
    ...ratiosOf(finding).map(({ measured, target }) =>
      measured === undefined ? '-' : `${measured.toFixed(1)}x / ${target ?? '-'}`,
    ),
    c === undefined ? '-' : `${c.toFixed(2)}x`,
    `${error(ours.loss)} (${error(plain.loss)})`,
    `${error(ours.gradient)} (${error(plain.gradient)})`,
  ];
}

allowRelaxedSimd();
const faults = gaps();
console.log(`${machine()}; ${effort.rounds} rounds of ${effort.time} ms`);
const laboratory = new Laboratory();
const missed: string[] = [];
const findings: Finding[] = [];
try {
  if (laboratory.withoutNative !== undefined) console.log(`Nothing is compared with C: ${laboratory.withoutNative}`);
  print(headings);
  for (const item of faults.length > 0 ? [] : chosen) {
    // the first workload shows that the measuring itself works
    const timing = flags.quick && item !== chosen[0] ? undefined : { ...effort, columns };
    const finding = { item, outcomes: await laboratory.measure(item, contenders, timing) };
    print(row(finding));
    faults.push(...wrong(finding));
    if (!flags.quick) missed.push(...misses(finding));
    findings.push(finding);
  }
} finally {
  laboratory.close();
}

const write = (file: string | URL, text: string) => writeFileSync(file, text);
const writeJson = (file: string | URL, value: object) => write(file, `${JSON.stringify(value, undefined, 2)}\n`);

if (flags.json !== undefined) {
  const report = findings.map((finding) => ({
    ...finding.item,
    ratios: ratiosOf(finding),
    outcomes: finding.outcomes,
  }));
  writeJson(flags.json, { effort, report });
}
if (flags.docs && faults.length === 0) {
  writeJson(new URL('../docs/speed.json', import.meta.url), speedTable(findings));
  write(new URL('../docs/speed.md', import.meta.url), speedPage(findings, effort));
}
if (flags.quick) console.log('quick: the results are checked, the times are no measurement');
if (missed.length > 0) console.log(`\nBelow their targets:\n${missed.map((line) => `  ${line}`).join('\n')}`);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 || (flags.check && missed.length > 0) ? 1 : 0;
