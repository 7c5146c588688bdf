/**
 * A short, seeded sample of `npm run fuzz` on the built package, and the proof that each of the fuzzer's checks can fail: it
 * is run on the library with one thing broken at a time.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as lossmith from '../src/index.ts';
import { libraryOf } from './fuzz/api.ts';
import { broken, type Fault, faultsToFind } from './fuzz/broken.ts';
import { campaignOf, campaigns } from './fuzz/campaigns/index.ts';
import { Context } from './fuzz/context.ts';
import { settingsOf } from './fuzz/node/arguments.ts';
import { Parent } from './fuzz/node/parent.ts';
import { type Known, type Report, run } from './fuzz/run.ts';

const { library: path } = settingsOf([]);

/** Cases of each campaign; those whose cases take long have fewer. */
const samples: Readonly<Record<string, number>> = {
  differential: 150,
  placement: 60,
  memory: 1,
  faults: 40,
  hostile: 500,
};

describe('a sample', () => {
  let parent: Parent | undefined;
  beforeAll(async () => {
    parent = await Parent.start();
  });
  afterAll(() => parent?.remove());

  it.each(Object.keys(campaigns))('%s', async (campaign) => {
    const budget = { seed: 7, runs: samples[campaign] ?? 300 };
    const { answer } = await parent!.run({
      library: path,
      campaign,
      budget,
      known: [],
      exactSums: false,
      large: false,
    });
    expect(answer.broken).toBeUndefined();
    expect(answer.reports.map(({ message, code }) => `${message}\n${code}`)).toEqual([]);
    expect(answer.counts.cases).toBe(budget.runs);
  });
});

/** Up to this many other findings come before the one that is looked for. */
const MOST_OTHERS = 8;

/** What a campaign finds in a library, the check that is looked for last. */
function look({ campaign, check }: Pick<Fault, 'campaign' | 'check'>, library: object): Report | undefined {
  const known: Known[] = [];
  while (known.length < MOST_OTHERS) {
    const context = new Context(libraryOf(library), { exactSums: false });
    const choice = { ops: ['mse'], tier: 'simd' } as const;
    const found = run(campaignOf(campaign), context, choice, { seed: 3, runs: 300 }, known);
    if (found === undefined || check.test(found.check)) return found;
    known.push(found);
  }
  return undefined;
}

describe('what is broken is found', () => {
  it.each(faultsToFind)('$name', ({ damage, campaign, check }) => {
    const found = look({ campaign, check }, broken(libraryOf(lossmith), damage));
    expect(found?.check).toMatch(check);
    expect(found?.code).toContain("import * as lossmith from 'lossmith';");
  });
});
