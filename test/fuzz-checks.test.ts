/** The proof that each check of the fuzzer can fail: it is run on the library with one thing broken at a time. */
import { describe, expect, it } from 'vitest';
import * as lossmith from '../src/index.ts';
import { libraryOf } from './fuzz/api.ts';
import { broken, type Fault, faultsToFind } from './fuzz/broken.ts';
import { campaignOf } from './fuzz/campaigns/index.ts';
import { Context } from './fuzz/context.ts';
import { type Known, type Report, run } from './fuzz/run.ts';

/** Up to this many other findings come before the one that is looked for. */
const MOST_OTHERS = 8;

/** What a campaign finds in a library; the check that is looked for ends the search. */
function look({ campaign, check }: Pick<Fault, 'campaign' | 'check'>, library: object): Report | undefined {
  const known: Known[] = [];
  while (known.length < MOST_OTHERS) {
    const context = new Context(libraryOf(library), { exactSums: false });
    const choice = { ops: ['mse'], tier: 'simd', knows: (_: string, option: string) => option === 'weight' } as const;
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
