/**
 * The library beside plain JavaScript in every engine:
 *
 *   npm run bench -- --engines [--filter RE] [--rounds N] [--time MS] [--docs]
 *
 * The filter is for lines of an engine and a workload ('Node 20: mse [64]'). --docs puts what was measured into
 * docs/measured.json, in place of what it replaces there, and the tables of all of it into docs/speed.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measured, type Options, record } from '../measured.ts';
import { machine, table } from '../page.ts';
import { type Host, hosts } from './hosts.ts';
import type { Answer, Reading, Request } from './program.ts';
import { workloads } from './workloads.ts';

const program = { module: 'program', place: 'workers' } as const;

/** What is known of an engine. */
interface Known {
  readonly version: string;
  readonly tier: string;
  readonly day: string;
  readonly readings: Readonly<Record<string, Readonly<Record<string, Reading>>>>;
}

/** A line that says where a call loses, for calls large enough to win. */
function losses(host: string, workload: string, { elements, forms }: Answer): string[] {
  const exponential = !/^mse/.test(workload);
  if (elements < (exponential ? 64 : 256)) return [];
  return Object.entries(forms)
    .filter(([, { ratio }]) => ratio < 0.995)
    .map(
      ([form, { own, plain, ratio }]) =>
        `${host}: ${workload}, ${form}: ${own.toFixed(0)} ns, plain JavaScript ${plain.toFixed(0)} ns (${ratio.toFixed(2)}×)`,
    );
}

const rounded = (reading: Reading): Reading => ({
  own: Number(reading.own.toPrecision(3)),
  plain: Number(reading.plain.toPrecision(3)),
  ratio: Number(reading.ratio.toPrecision(3)),
});

async function measureHost(host: Host, options: Options, folder: string, faults: string[]): Promise<Known | undefined> {
  const names = workloads.map(({ name }) => name);
  const chosen = names.filter((name) => new RegExp(options.filter).test(`${host.name}: ${name}`));
  if (chosen.length === 0) return undefined;
  if (host.missing !== undefined) {
    console.log(`left out: ${host.missing}`);
    return undefined;
  }
  const requests = chosen.map((workload): Request => ({ workload, rounds: options.rounds, time: options.time }));
  const answers = await host.run(program, requests, folder);
  const readings: Record<string, Record<string, Reading>> = {};
  let tier = '';
  for (const [i, text] of answers.entries()) {
    const answer = JSON.parse(text) as Answer | { readonly error: string };
    if ('error' in answer) {
      faults.push(`${host.name}: ${chosen[i]}: ${answer.error}`);
      continue;
    }
    tier = answer.tier;
    faults.push(...answer.faults.map((fault) => `${host.name}: ${fault}`));
    readings[chosen[i]!] = Object.fromEntries(
      Object.entries(answer.forms).map(([form, reading]) => [form, rounded(reading)]),
    );
    const cells = Object.entries(answer.forms).map(
      ([form, { own, ratio }]) => `${form} ${own.toPrecision(3)} ns ${ratio.toFixed(2)}×`,
    );
    console.log(`${host.name}: ${chosen[i]!.padEnd(32)} ${cells.join('   ')}`);
    for (const line of losses(host.name, chosen[i]!, answer)) console.log(`  loses: ${line}`);
  }
  return { version: host.version(), tier, day: new Date().toISOString().slice(0, 10), readings };
}

/** Puts new readings over older ones of the same engine. */
const joined = (before: Known | undefined, now: Known): Known => ({
  ...now,
  readings: { ...before?.readings, ...now.readings },
});

const forms = {
  steps: 'Prepared steps, beside plain JavaScript into a reused gradient:',
  tensors: 'Calls on tensors of an engine, beside the same:',
  arrays:
    'Calls on plain typed arrays that return a new gradient, beside plain JavaScript that makes one too (for gradients of megabytes that is most of the time of both in Bun and the browsers):',
} as const;

function section(known: Readonly<Record<string, Known>>): string {
  const columns = hosts.flatMap(({ name }) => known[name] ?? []);
  const rows = (form: string): string[][] =>
    workloads.flatMap(({ name }) => {
      const cells = columns.map(({ readings }) => readings[name]?.[form]?.ratio);
      if (cells.every((ratio) => ratio === undefined)) return [];
      return [[`\`${name}\``, ...cells.map((ratio) => (ratio === undefined ? '-' : `${ratio.toFixed(1)}×`))]];
    });
  const headings = ['JS / ours', ...columns.map(({ version, tier }) => `${version}, ${tier}`)];
  const days = columns.map(({ day }) => day).sort();
  return [
    '## Other engines',
    `How many times as long plain JavaScript takes, in the same process of the same engine, taking turns: medians of the rounds' quotients. Each workload has a process (in browsers a worker) of its own; the tier is what the engine has. ${machine()}, ${days.at(-1)}.`,
    ...Object.entries(forms).flatMap(([form, text]) => [text, table(headings, rows(form))]),
  ].join('\n\n');
}

/** Measures all engines; false where a result is wrong. */
export async function engines(options: Options): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'lossmith-engines-'));
  const faults: string[] = [];
  const found: Record<string, Known> = {};
  try {
    for (const host of hosts) {
      const known = await measureHost(host, options, folder, faults);
      if (known) found[host.name] = known;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  for (const fault of faults) console.error(fault);
  if (options.docs && faults.length === 0) {
    const before = measured<Known>('engines');
    const all = Object.entries(found).map(([name, now]) => [name, joined(before[name], now)]);
    record('engines', { ...before, ...Object.fromEntries(all) }, section);
  }
  return faults.length === 0;
}
