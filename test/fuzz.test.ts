/** A short, seeded sample of `npm run fuzz` on the built package: every campaign, in processes of their own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { campaigns } from './fuzz/campaigns/index.ts';
import { settingsOf } from './fuzz/node/arguments.ts';
import { Parent } from './fuzz/node/parent.ts';
import { whole } from './sample.ts';

const { library } = settingsOf([]);

/** Cases of each campaign; those whose cases take long have fewer. */
const samples: Readonly<Record<string, number>> = {
  differential: 100,
  placement: 30,
  memory: 2,
  faults: 25,
  hostile: 400,
};

describe('a sample', () => {
  let parent: Parent | undefined;
  beforeAll(async () => {
    parent = await Parent.start();
  });
  afterAll(() => parent?.remove());

  it.each(Object.keys(campaigns))('%s', async (campaign) => {
    const budget = { seed: 7, runs: Math.ceil((samples[campaign] ?? 300) * (whole ? 1 : 0.06)) };
    const { answer } = await parent!.run({ library, campaign, budget, known: [], exactSums: false, large: false });
    expect(answer.broken).toBeUndefined();
    expect(answer.reports.map(({ message, code }) => `${message}\n${code}`)).toEqual([]);
    expect(answer.counts.cases).toBe(budget.runs);
  });
});
