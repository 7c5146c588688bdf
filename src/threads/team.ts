// What an engine of several threads does with them.

import type { Kernel } from '../machine/instance.ts';
import type { Runtime, Shared, Team } from '../machine/runtime.ts';
import { Plans, SMALLEST } from './plans.ts';
import { Products } from './products.ts';
import { Rounds } from './rounds.ts';
import { share } from './share.ts';

/** Blocks of 2 MiB instead of 128 KiB: a round of chunks for each. */
const TIMES = 16;

export class Helpers implements Team {
  readonly #rounds: Rounds;
  readonly #plans: Plans;

  constructor(runtime: Runtime, module: WebAssembly.Module, count: number) {
    this.#rounds = new Rounds(runtime, module, count);
    this.#plans = new Plans(runtime, this.#rounds);
    Object.assign(runtime.kernels, new Products(runtime.kernels, this.#rounds).spread);
  }

  get threads(): number {
    return this.#rounds.threads;
  }

  get ready(): Promise<void> {
    return this.#rounds.ready;
  }

  times(values: number): number {
    return this.#rounds.threads > 1 && values >= SMALLEST ? TIMES : 1;
  }

  share(bytes: Uint8Array): Uint8Array {
    return share(bytes).bytes;
  }

  spread(name: string, kernel: Kernel, shared: Shared): Kernel {
    return this.#plans.spread(name, kernel, shared);
  }

  dispose(): void {
    this.#rounds.dispose();
  }
}
