/** The proof that each check of the fuzzer can fail: it is run on the library with one thing broken at a time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as lossmith from '../src/index.ts';
import { libraryOf } from './fuzz/api.ts';
import { broken, type Fault, faultsToFind } from './fuzz/broken.ts';
import { campaignOf } from './fuzz/campaigns/index.ts';
import { Context } from './fuzz/context.ts';
import { Finding } from './fuzz/finding.ts';
import { Rejected } from './fuzz/rejected.ts';
import { run } from './fuzz/run.ts';
import { whole } from './sample.ts';

const library = libraryOf(lossmith);
const choice = { ops: ['mse'], tier: 'simd', knows: (_: string, option: string) => option === 'weight' } as const;

/** Up to this many cases until a fault is found; shrinking is left out. */
const MOST_CASES = 1000;

/** The first finding of a check in a library. */
function look({ campaign, check, damage }: Fault): Finding | undefined {
  const { draws, attempt } = campaignOf(campaign);
  const context = new Context(broken(library, damage), { exactSums: false });
  for (const draw of fc.sample(draws(choice), { seed: 3, numRuns: MOST_CASES })) {
    try {
      attempt(draw, context);
    } catch (error) {
      if (error instanceof Finding && check.test(error.check)) return error;
      if (!(error instanceof Finding || error instanceof Rejected)) throw error;
      context.renew();
    }
  }
  return undefined;
}

describe('what is broken is found', () => {
  it.each(faultsToFind)('$name', (fault) => {
    const found = look(fault);
    expect(found?.check).toMatch(fault.check);
    expect(found?.code).toContain("import * as lossmith from 'lossmith';");
  });
});

describe('a finding', () => {
  const [fault] = faultsToFind;
  const campaign = campaignOf(fault!.campaign);
  const attempt = (known: Parameters<typeof run>[4], path?: string, runs = 300) =>
    run(
      campaign,
      new Context(broken(library, fault!.damage), { exactSums: false }),
      choice,
      { seed: 3, runs, path },
      known,
    );

  it('is made simple, comes back by its path, and is reported once', () => {
    const found = attempt([])!;
    expect(found.check).toMatch(fault!.check);
    expect(found.features).toEqual(['mse', 'real', 'ignored none']);
    // five values are the fewest that this fault needs
    expect(found.code).toMatch(/const input = \{ data: Float32Array\.of\((-?[\d.]+, ){4}-?[\d.]+\)/);
    expect(attempt([], found.path)?.draw).toEqual(found.draw);
    // the third case is the first that meets the fault: it is met again in as many
    expect(Number(found.path.split(':')[0])).toBeLessThan(40);
    expect(attempt([found], undefined, whole ? 300 : 40)?.check ?? 'nothing else').not.toMatch(fault!.check);
  });
});
