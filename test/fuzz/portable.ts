/** The fuzzer where there is no Node: every campaign that fits, in this process. Imports nothing of a host. */
import { runtimeName } from '../runtimes/probe.ts';
import { libraryOf } from './api.ts';
import { available } from './available.ts';
import { campaigns } from './campaigns/index.ts';
import { Context, type Counts, noCounts } from './context.ts';
import { type Known, run } from './run.ts';

/** What a runtime reports, as JSON. */
export interface PortableReport {
  readonly runtime: string;
  readonly counts: Readonly<Record<string, Counts>>;
  /** Each finding with its code, or what the fuzzer itself met. */
  readonly failures: readonly string[];
}

export interface Plan {
  readonly seed: number;
  /** Cases of each campaign. A number of seconds would not do: in some runtimes the clock stands still during a request. */
  readonly runs: number;
  readonly only?: readonly string[];
  readonly exactSums?: boolean;
}

/** Need hundreds of megabytes and seconds for each case, or the modules as files, which a page or a worker may not have. */
const leftOut: readonly string[] = ['memory', 'abi'];

/** After so many findings a campaign has said enough. */
const MOST_FINDINGS = 20;

/** Runs the campaigns on the library as this runtime loaded it. */
export function fuzz(module: object, { seed, runs, only, exactSums = false }: Plan): PortableReport {
  const failures: string[] = [];
  const library = libraryOf(module);
  const has = available(library);
  const counts: Record<string, Counts> = {};
  for (const campaign of Object.values(campaigns)) {
    if (leftOut.includes(campaign.name) || (only && !only.includes(campaign.name))) continue;
    const total = noCounts();
    counts[campaign.name] = total;
    const known: Known[] = [];
    try {
      while (total.cases < runs && known.length < MOST_FINDINGS) {
        const context = new Context(library, { exactSums });
        const budget = { seed: seed + known.length, runs: runs - total.cases };
        const found = run(campaign, context, has, budget, known);
        for (const key of Object.keys(total) as (keyof Counts)[]) total[key] += context.counts[key];
        context.renew();
        if (found === undefined) break;
        known.push(found);
        failures.push(`${campaign.name}: ${found.message}\n${found.code}`);
      }
    } catch (error) {
      failures.push(`${campaign.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  return { runtime: runtimeName(), counts, failures };
}
