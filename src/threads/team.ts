// What an engine of several threads does with them.

import type { Kernel } from '../machine/instance.ts';
import type { Runtime, Shared, Team } from '../machine/runtime.ts';
import { Plans, SMALLEST } from './plans.ts';
import { Products } from './products.ts';
import { Rounds } from './rounds.ts';
import { share } from './share.ts';

/** Chunks of a block that is copied: 512 KiB, which bounds the scratch; and of one of which only targets and losses are. */
const COPIED = 4;
const LIGHT = 32;

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

  times(values: number, light: boolean): number {
    if (this.#rounds.threads === 1 || values < SMALLEST) return 1;
    return light ? LIGHT : COPIED;
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
