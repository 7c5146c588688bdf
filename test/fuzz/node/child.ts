/**
 * The process in which cases run, so that one which hangs or ends the process costs no more than itself: it writes each draw
 * down before it tries it.
 */
import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PLAN_BYTES } from '../../../src/generated/plan.ts';
import { libraryOf, type TierName } from '../api.ts';
import { available } from '../available.ts';
import { campaignOf } from '../campaigns/index.ts';
import { Context, type Counts } from '../context.ts';
import { type Budget, type Known, type Report, run, tryDraw } from '../run.ts';

/** What the parent asks for. */
export interface Order {
  readonly library: string;
  readonly campaign: string;
  readonly budget: Budget;
  readonly known: readonly Known[];
  readonly exactSums: boolean;
  readonly large: boolean;
  readonly tier?: TierName | undefined;
  /** Draws to try instead of new ones. */
  readonly replay?: readonly unknown[] | undefined;
  /** A draw to be shown as code instead. */
  readonly show?: unknown;
  /** The file that says what is being tried. */
  readonly state: string;
}

/** What stands in the file while a case runs. */
export interface State {
  readonly at: number;
  readonly draw: unknown;
  /** Which of the draws to be tried again it is. */
  readonly index: number;
  readonly counts: Counts;
}

export interface Answer {
  readonly code?: string;
  readonly reports: readonly Report[];
  readonly counts: Counts;
  /** Where the fuzzer itself failed. */
  readonly broken?: string;
}

/** The modules of a build whose Plans are those of these sources. */
function modulesOf(library: string): Readonly<Record<string, WebAssembly.Module>> {
  const modules: Record<string, WebAssembly.Module> = {};
  for (const tier of ['scalar', 'simd', 'relaxed']) {
    try {
      const module = new WebAssembly.Module(readFileSync(join(dirname(library), 'wasm', `${tier}.wasm`)));
      const { planBytes } = new WebAssembly.Instance(module).exports as { readonly planBytes?: () => number };
      if (planBytes?.() === PLAN_BYTES) modules[tier] = module;
    } catch {
      // another version has no such file, or this runtime no relaxed instructions
    }
  }
  return modules;
}

async function obey(order: Order): Promise<Answer> {
  const library = libraryOf((await import(pathToFileURL(order.library).href)) as object);
  const campaign = campaignOf(order.campaign);
  const { exactSums, large, tier, budget, known, replay } = order;
  const modules = modulesOf(order.library);
  const context = new Context(library, { exactSums, collect: globalThis.gc, modules });
  const file = openSync(order.state, 'w');
  const announce = (draw: unknown, index = 0): void => {
    const state: State = { at: Date.now(), draw, index, counts: context.counts };
    ftruncateSync(file, 0);
    writeSync(file, JSON.stringify(state), 0);
  };
  try {
    if (order.show !== undefined)
      return { code: campaign.show(order.show, context), reports: [], counts: context.counts };
    if (replay) {
      const reports = replay.map((draw, index) => {
        announce(draw, index);
        return tryDraw(campaign, draw, context);
      });
      return { reports: reports.filter((report) => report !== undefined), counts: context.counts };
    }
    const report = run(campaign, context, { ...available(library), tier, large }, budget, known, announce);
    return { reports: report ? [report] : [], counts: context.counts };
  } catch (error) {
    const broken = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { reports: [], counts: context.counts, broken };
  } finally {
    closeSync(file);
  }
}

const answer = await obey(JSON.parse(readFileSync(0, 'utf8')) as Order);
writeSync(1, `${JSON.stringify(answer)}\n`);
