/**
 * The first calls of a process, in every engine:
 *
 *   npm run bench -- --first [--filter RE] [--rounds N] [--docs]
 *
 * The filter is for names of engines, a round is a process (in browsers a page in a browser of its own). --docs puts what was
 * measured into docs/measured.json and docs/speed.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measured, type Options, record } from '../measured.ts';
import { median } from '../median.ts';
import { machine, table } from '../page.ts';
import { time } from '../report.ts';
import type { Answer } from './firstProgram.ts';
import { hosts } from './hosts.ts';

const program = { module: 'firstProgram', place: 'page' } as const;

/** Medians over processes. */
interface Known extends Answer {
  readonly version: string;
  readonly day: string;
  readonly processes: number;
}

function summary(answers: readonly Answer[]): Answer {
  const rounded = (values: readonly number[]): number => Number(median(values).toPrecision(3));
  const groups = answers[0]!.groups.map((_, i) => rounded(answers.map((answer) => answer.groups[i]!)));
  return { first: rounded(answers.map(({ first }) => first)), groups };
}

const range = (group: number): string => (group === 0 ? '2–10' : `${10 * group + 1}–${10 * group + 10}`);

function section(known: Readonly<Record<string, Known>>): string {
  const found = hosts.flatMap(({ name }) => known[name] ?? []);
  const headings = ['calls', '1', ...(found[0]?.groups ?? []).map((_, i) => range(i))];
  const rows = found.map(({ version, first, groups }) => [version, time(first), ...groups.map(time)]);
  const days = found.map(({ day }) => day).sort();
  const processes = found.map((each) => each.processes);
  return [
    '## First calls',
    `\`crossEntropy\` of [32, 10] on plain typed arrays as the first thing that a process (in browsers: a page) does: the first call decodes and compiles the module too. Then a call of each ten: the median, or the mean where the clock is too coarse for single calls. Medians of ${Math.min(...processes)} processes and more. ${machine()}, ${days.at(-1)}.`,
    table(headings, rows),
  ].join('\n\n');
}

/** Measures all engines. */
export async function first(options: Options): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'lossmith-first-'));
  const found: Record<string, Known> = {};
  try {
    for (const host of hosts.filter(({ name }) => new RegExp(options.filter).test(name))) {
      if (host.missing !== undefined) {
        console.log(`left out: ${host.missing}`);
        continue;
      }
      const texts = await host.run(
        program,
        Array.from({ length: options.rounds }, () => ({})),
        folder,
      );
      const result = summary(texts.map((text) => JSON.parse(text) as Answer));
      const day = new Date().toISOString().slice(0, 10);
      found[host.name] = { version: host.version(), day, processes: texts.length, ...result };
      console.log(`${host.name.padEnd(10)} ${[result.first, ...result.groups].map(time).join('  ')}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (options.docs) record('first', { ...measured<Known>('first'), ...found }, section);
  return true;
}
