/** Where calls run: an engine of a tier, or the module itself, with canaries in its memory. */
import { type Engine, engineOptions, type Host, type Library, type TierName } from './api.ts';
import { CANARY } from './places.ts';

/** A tensor that nobody may write. */
export interface Canary {
  alive(): boolean;
  free(): void;
}

const CANARY_WORDS = 16;

export class Bench {
  readonly library: Library;
  readonly tier: TierName;
  /** Whose functions are called. */
  readonly host: Host;
  readonly engine: Engine;
  readonly #options: Readonly<Record<string, unknown>>;
  #other: Engine | undefined;

  constructor(library: Library, tier: TierName, more: Readonly<Record<string, unknown>> = {}) {
    this.library = library;
    this.tier = tier;
    this.#options = { ...engineOptions(tier), ...more };
    this.engine = tier === 'module' ? library.defaultEngine() : library.createEngine(this.#options);
    this.host = tier === 'module' ? library : this.engine;
  }

  /** How the code of a printed call makes this bench. */
  get code(): string {
    return this.tier === 'module'
      ? 'const engine = lossmith.defaultEngine();\nconst host = lossmith;'
      : `const engine = lossmith.createEngine(${JSON.stringify(this.#options)});\nconst host = engine;`;
  }

  /** Another engine, whose tensors are copied like arrays. */
  foreign(): Engine {
    this.#other ??= this.library.createEngine();
    return this.#other;
  }

  canary(engine: Engine): Canary {
    const tensor = engine.tensor([CANARY_WORDS], 'int32');
    tensor.data.fill(CANARY);
    return { alive: () => tensor.data.every((word) => word === CANARY), free: () => tensor.free() };
  }

  dispose(): void {
    this.#other?.dispose();
    if (this.tier !== 'module') this.engine.dispose();
  }
}
