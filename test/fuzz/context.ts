/** What a campaign works with: the library, its benches, and the counts of what was done. */
import type { Library, TierName } from './api.ts';
import { Bench } from './bench.ts';

/** What was done and held. */
export interface Counts {
  cases: number;
  calls: number;
  /** Results compared with the float64 reference, in numbers. */
  compared: number;
  /** Calls whose error was judged. */
  errors: number;
}

export const noCounts = (): Counts => ({ cases: 0, calls: 0, compared: 0, errors: 0 });

export interface Settings {
  /** Sums must be the same numbers wherever the operands lie. */
  readonly exactSums: boolean;
  /** Collects garbage, where the host can: engines hold address space until then. */
  readonly collect?: (() => void) | undefined;
  /** The modules of the raw ABI by tier, where the host can read them and they have the layout of these sources. */
  readonly modules?: Readonly<Record<string, WebAssembly.Module>> | undefined;
}

/** After so many cases an engine is replaced, so that its memory does not hide what a call takes. */
const CASES_OF_A_BENCH = 100;
const BENCHES_BETWEEN_COLLECTIONS = 200;

export class Context {
  readonly library: Library;
  readonly settings: Settings;
  readonly counts: Counts = noCounts();
  #benches = new Map<TierName, { bench: Bench; uses: number }>();
  #instances = new Map<string, WebAssembly.Instance>();
  #made = 0;

  constructor(library: Library, settings: Settings) {
    this.library = library;
    this.settings = settings;
  }

  /** A bench of a tier: a new one for a large case, whose memory is to be measured. */
  bench(tier: TierName, large = false): Bench {
    const kept = this.#benches.get(tier);
    if (kept && !large && kept.uses < CASES_OF_A_BENCH) {
      kept.uses++;
      return kept.bench;
    }
    kept?.bench.dispose();
    if (++this.#made % BENCHES_BETWEEN_COLLECTIONS === 0) this.settings.collect?.();
    const bench = new Bench(this.library, tier);
    this.#benches.set(tier, { bench, uses: 0 });
    return bench;
  }

  /** An instance of a module of the raw ABI, which one call after the other may use. */
  instance(tier: string, module: WebAssembly.Module): WebAssembly.Instance {
    const kept = this.#instances.get(tier) ?? new WebAssembly.Instance(module);
    this.#instances.set(tier, kept);
    return kept;
  }

  /** Forgets every bench: what a failure left behind must not spoil the next case. */
  renew(): void {
    for (const { bench } of this.#benches.values()) bench.dispose();
    this.#benches.clear();
    this.#instances.clear();
  }
}
