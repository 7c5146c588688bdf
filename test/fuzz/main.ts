/** `npm run fuzz`: the cases that ever failed, then new ones of every campaign. Ends with 1 where a promise is broken. */
import { writeFileSync } from 'node:fs';
import { campaignOf } from './campaigns/index.ts';
import { type Counts, noCounts } from './context.ts';
import { type Settings, settingsOf, usage } from './node/arguments.ts';
import { Parent } from './node/parent.ts';
import { addEntries, readEntries } from './node/seeds.ts';
import type { Known, Report } from './run.ts';
import { bundleFuzz } from './runtimes/bundle.ts';

/** What a campaign did, and what it found. */
interface Tally {
  readonly counts: Counts;
  readonly reports: Report[];
}

function add(to: Counts, more: Counts): void {
  for (const key of Object.keys(to) as (keyof Counts)[]) to[key] += more[key];
}

/** How to have a finding again. */
const again = ({ campaign, seed, path }: Report): string =>
  path === '' ? '' : `npm run fuzz -- --only ${campaign} --seed ${seed} --path ${path}\n`;

function show(report: Report): void {
  console.log(`\n--- ${report.campaign}: ${report.message}\n${again(report)}${report.code}\n`);
}

const base = ({ library, exactSums, large, tier }: Settings) => ({ library, exactSums, large, tier });

/** Tries the kept cases of a campaign again. */
async function replay(parent: Parent, name: string, settings: Settings): Promise<Tally> {
  const tally: Tally = { counts: noCounts(), reports: [] };
  let draws = readEntries()
    .filter(({ campaign, large }) => campaign === name && (settings.large || !large))
    .map(({ draw }) => draw);
  const budget = { seed: 0, runs: 0 };
  while (draws.length > 0) {
    const { answer, ended } = await parent.run({ ...base(settings), campaign: name, budget, known: [], replay: draws });
    if (answer.broken) throw new Error(answer.broken);
    add(tally.counts, answer.counts);
    tally.reports.push(...answer.reports);
    draws = ended ? draws.slice(ended.index + 1) : [];
  }
  return tally;
}

/** New cases of a campaign until its time is over, each finding once. */
async function explore(parent: Parent, name: string, settings: Settings, seconds: number): Promise<Tally> {
  const tally: Tally = { counts: noCounts(), reports: [] };
  const end = Date.now() + 1000 * seconds;
  const known: Known[] = [];
  for (let seed = settings.seed; ; seed++) {
    const left = end - Date.now();
    const { runs, path } = settings;
    const done = tally.counts.cases;
    if (runs === undefined ? left <= 0 : done >= runs) return tally;
    const budget = {
      seed,
      path,
      runs: runs === undefined ? 1e9 : runs - done,
      ...(runs === undefined && { milliseconds: left }),
    };
    const { answer, ended } = await parent.run({ ...base(settings), campaign: name, budget, known });
    if (answer.broken) throw new Error(answer.broken);
    add(tally.counts, answer.counts);
    for (const report of answer.reports) {
      known.push({ ...report, ends: ended !== undefined });
      tally.reports.push(report);
      show(report);
    }
    if (answer.reports.length === 0) return tally;
  }
}

/** The counts as a table. */
function table(tallies: ReadonlyMap<string, Tally>): string {
  const rows = [...tallies].map(([name, { counts, reports }]) => {
    const { cases, calls, compared, errors } = counts;
    const numbers = [cases, calls, compared, errors, reports.length].map((n) => n.toLocaleString('en'));
    return `| ${[name, ...numbers].join(' | ')} |`;
  });
  return [
    '| campaign | cases | calls | numbers compared | errors judged | findings |',
    '| --- | --: | --: | --: | --: | --: |',
    ...rows,
  ].join('\n');
}

async function main(settings: Settings): Promise<number> {
  if (settings.bundle !== undefined) {
    const { seed, runs = 1000, only, exactSums } = settings;
    writeFileSync(settings.bundle, await bundleFuzz({ host: 'print', plan: { seed, runs, only, exactSums } }));
    return 0;
  }
  const parent = await Parent.start();
  const tallies = new Map<string, Tally>();
  try {
    if (settings.replay && settings.path === undefined) {
      const all: Tally = { counts: noCounts(), reports: [] };
      for (const name of settings.only) {
        const { counts, reports } = await replay(parent, name, settings);
        add(all.counts, counts);
        for (const report of reports) {
          all.reports.push(report);
          show(report);
        }
      }
      tallies.set('kept cases', all);
    }
    const shares = settings.only.reduce((sum, name) => sum + campaignOf(name).share, 0);
    for (const name of settings.only) {
      const tally = await explore(parent, name, settings, (settings.seconds * campaignOf(name).share) / shares);
      tallies.set(name, tally);
      if (settings.save) addEntries(tally.reports, settings.large);
    }
  } finally {
    parent.remove();
  }
  const found = [...tallies.values()].reduce((sum, { reports }) => sum + reports.length, 0);
  console.log(`${settings.report ? '' : `seed ${settings.seed}\n`}${table(tallies)}`);
  return found === 0 ? 0 : 1;
}

/** What is wrong with the flags is said in a line. */
function read(): Settings | undefined {
  try {
    return settingsOf(process.argv.slice(2));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return undefined;
  }
}

const settings = process.argv.includes('--help') ? undefined : read();
if (settings) process.exitCode = await main(settings);
else if (process.argv.includes('--help')) console.log(usage);
else process.exitCode = 2;
