/** Runs a campaign in this process: draws, tries, shrinks, and makes the values of what failed as simple as they get. */
import fc from 'fast-check';
import type { Campaign } from './campaigns/campaign.ts';
import type { Context } from './context.ts';
import type { Choice } from './draws.ts';
import { covers, Finding } from './finding.ts';
import { Rejected } from './rejected.ts';
import { simplify } from './simplify.ts';

/** A finding in full, as JSON holds it. */
export interface Report<D = unknown> {
  readonly campaign: string;
  readonly check: string;
  readonly message: string;
  readonly code: string;
  readonly features: readonly string[];
  readonly draw: D;
  readonly seed: number;
  readonly path: string;
}

/** What need not be reported again. `ends`: it ended the process, so it is not tried again either. */
export type Known = Pick<Report, 'campaign' | 'check' | 'features'> & { readonly ends?: boolean };

export interface Budget {
  readonly seed: number;
  readonly runs: number;
  /** Absent where the host's clock stands still. */
  readonly milliseconds?: number | undefined;
  /** Where in the runs of a seed to start: what fast-check calls a path. */
  readonly path?: string | undefined;
}

const outcomeOf = <D>(campaign: Campaign<D>, draw: D, context: Context): Finding | undefined => {
  try {
    campaign.attempt(draw, context);
    return undefined;
  } catch (error) {
    if (error instanceof Rejected) return undefined;
    context.renew();
    if (error instanceof Finding) return error;
    // a fault of the fuzzer itself must not pass for one of the library
    throw new Error(`the fuzzer failed on ${JSON.stringify(draw)}: ${error instanceof Error ? error.stack : error}`);
  }
};

/** Tries one draw. */
export function tryDraw<D>(campaign: Campaign<D>, draw: D, context: Context): Report<D> | undefined {
  const finding = outcomeOf(campaign, draw, context);
  context.counts.cases++;
  return finding && reportOf(campaign, draw, finding, { seed: 0, path: '' });
}

const reportOf = <D>(
  campaign: Campaign<D>,
  draw: D,
  { check, message, code }: Finding,
  { seed, path }: { readonly seed: number; readonly path: string },
): Report<D> => ({
  campaign: campaign.name,
  check,
  message,
  code,
  features: [...campaign.features(draw)],
  draw,
  seed,
  path,
});

/** Runs a campaign until its budget ends or something new is found. `announce` hears each draw before it is tried. */
export function run<D>(
  campaign: Campaign<D>,
  context: Context,
  choice: Choice,
  { seed, runs, milliseconds, path }: Budget,
  known: readonly Known[],
  announce: (draw: D) => void = () => {},
): Report<D> | undefined {
  let check: string | undefined;
  let last: Finding | undefined;
  const deadly = known.filter((each) => each.ends && each.campaign === campaign.name);
  const ends = (draw: D): boolean => {
    const own = campaign.features(draw);
    return deadly.some(({ features }) => features.every((feature) => own.has(feature)));
  };
  const isKnown = (draw: D, finding: Finding): boolean => {
    const own = campaign.features(draw);
    return known.some(
      (each) =>
        each.campaign === campaign.name &&
        each.check === finding.check &&
        covers(each.check, new Set(each.features), own),
    );
  };
  const fails = (draw: D): Finding | undefined => {
    if (ends(draw)) return undefined;
    announce(draw);
    const finding = outcomeOf(campaign, draw, context);
    // while shrinking, another defect is no simpler form of this one
    if (finding === undefined || (check !== undefined && finding.check !== check) || isKnown(draw, finding))
      return undefined;
    check = finding.check;
    last = finding;
    return finding;
  };
  const property = fc.property(campaign.draws(choice), (draw) => {
    context.counts.cases++;
    return fails(draw) === undefined;
  });
  const details = fc.check(property, {
    seed,
    numRuns: runs,
    ...(milliseconds !== undefined && { interruptAfterTimeLimit: milliseconds, markInterruptAsFailure: false }),
    ...(path !== undefined && { path }),
  });
  if (details.errorInstance instanceof Error && last === undefined) throw details.errorInstance;
  if (details.counterexample === null || last === undefined) return undefined;
  const draw = simplify(campaign, details.counterexample[0], (each) => fails(each) !== undefined);
  // the finding of the draw that is reported, not of the last that was tried
  const finding = fails(draw) ?? last;
  return reportOf(campaign, draw, finding, { seed: details.seed, path: details.counterexamplePath ?? '' });
}
