/** The flags of `npm run fuzz`. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type TierName, tiers } from '../api.ts';
import { campaignOf, campaigns } from '../campaigns/index.ts';

export const usage = `npm run fuzz -- [--seconds 60] [--seed N] [--runs N] [--path P] [--only a,b] [--library PATH] [--tier T]
               [--exact-sums] [--large] [--save] [--report] [--no-replay] [--bundle FILE]

--seconds    how long new cases are drawn, over all campaigns
--runs       cases of each campaign, instead of a time
--seed       default: the day's date, so that every day tries other cases; --path: one case of a seed
--only       campaigns: ${Object.keys(campaigns).join(', ')}
--library    the build: its index.js (dist/index.js)
--tier       ${tiers.join(', ')}
--exact-sums sums must be the same numbers wherever the operands lie
--large      also shapes that need gigabytes
--save       keep what was found in test/fuzz/seeds.json
--report     print the counts as a table for docs/testing.md
--no-replay  leave out the cases of seeds.json
--bundle     write one ES module that runs the portable campaigns on the package 'lossmith' and prints a report, and end`;

export interface Settings {
  readonly library: string;
  readonly only: readonly string[];
  readonly seed: number;
  readonly path?: string | undefined;
  readonly seconds: number;
  readonly runs?: number | undefined;
  readonly tier?: TierName | undefined;
  readonly exactSums: boolean;
  readonly large: boolean;
  readonly save: boolean;
  readonly report: boolean;
  readonly replay: boolean;
  readonly bundle?: string | undefined;
}

/** 20261121 */
const today = (): number => Number(new Date().toISOString().slice(0, 10).replaceAll('-', ''));

function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isFinite(number) || number < 0) throw new RangeError(`--${name} is ${text}, expected a number`);
  return number;
}

const isTier = (text: string): text is TierName => (tiers as readonly string[]).includes(text);

export function settingsOf(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { type: 'string' },
      seed: { type: 'string' },
      runs: { type: 'string' },
      path: { type: 'string' },
      only: { type: 'string' },
      library: { type: 'string' },
      tier: { type: 'string' },
      'exact-sums': { type: 'boolean', default: false },
      large: { type: 'boolean', default: false },
      save: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      'no-replay': { type: 'boolean', default: false },
      bundle: { type: 'string' },
    },
  });
  const { tier } = values;
  if (tier !== undefined && !isTier(tier))
    throw new RangeError(`--tier is ${tier}, expected one of ${tiers.join(', ')}`);
  const only = values.only?.split(',') ?? Object.keys(campaigns);
  for (const name of only) campaignOf(name);
  return {
    library: values.library ?? fileURLToPath(new URL('../../../dist/index.js', import.meta.url)),
    only,
    seed: numberOf('seed', values.seed) ?? today(),
    path: values.path,
    seconds: numberOf('seconds', values.seconds) ?? 60,
    runs: values.path === undefined ? numberOf('runs', values.runs) : 1,
    tier,
    exactSums: values['exact-sums'],
    large: values.large,
    save: values.save,
    report: values.report,
    replay: !values['no-replay'],
    bundle: values.bundle,
  };
}
