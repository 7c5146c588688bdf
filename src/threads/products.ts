// The matrix products of heads, that all threads take part in: each takes some rows of the result, or some columns of logits,
// whose sums have an order of their own whoever forms them (assembly/linear).

import type { Kernels } from '../machine/instance.ts';
import * as at from './control.ts';
import type { Rounds } from './rounds.ts';

/** Multiplications of a product that is worth it: some 30 microseconds. */
const SMALLEST = 1 << 20;
/** Scratch of all threads together: a head has most of what it may take in logits. */
const MOST_ROOM = 1 << 19;
/** Parts of a product for each thread, where a part has nothing to prepare. */
const EACH = 4;
/** Rows of a part are a multiple of this, which kernels take at once. */
const TILE = 8;

type Kernel = 'linearLogits' | 'linearInput' | 'linearWeight';

/** How a product is cut. */
interface Cutting {
  readonly args: readonly number[];
  /** What one more row, or column, adds to each argument. */
  readonly steps: readonly number[];
  /** Which argument counts them, and which is scratch. */
  readonly counts: number;
  readonly scratch: number;
  readonly parts: number;
}

export class Products {
  readonly #rounds: Rounds;
  readonly #kernels: Kernels;
  readonly #room: number;

  constructor(kernels: Kernels, rounds: Rounds) {
    this.#rounds = rounds;
    this.#kernels = { ...kernels };
    this.#room = kernels.linearScratch();
  }

  /** The products, spread. */
  get spread(): Pick<Kernels, Kernel> {
    const { linearLogits, linearInput, linearWeight } = this.#kernels;
    return {
      linearLogits: (x, w, b, out, n, c, d, across) => {
        if (n * c * d < SMALLEST) return linearLogits(x, w, b, out, n, c, d, across);
        const args = [x, w, b, out, n, c, d, across];
        const row = 4 * d;
        // by columns, which leaves each part all rows to run along; or by rows, where there are few
        const cut =
          c >= n
            ? { steps: [0, row, b && 4, 4, 0, 0, 0, 0], counts: 5 }
            : { steps: [row, 0, 0, 4 * across, 0, 0, 0, 0], counts: 4 };
        this.#run('linearLogits', { args, ...cut, scratch: -1, parts: EACH * this.#rounds.threads });
      },
      linearInput: (g, w, out, n, c, d, across, first, scratch) => {
        if (n * c * d < SMALLEST) return linearInput(g, w, out, n, c, d, across, first, scratch);
        const args = [g, w, out, n, c, d, across, first, scratch];
        const steps = [4 * across, 0, 4 * d, 0, 0, 0, 0, 0, 0];
        // each part packs the weight for itself
        this.#run('linearInput', { args, steps, counts: 3, scratch: 8, parts: this.#rounds.threads });
      },
      linearWeight: (g, x, out, n, c, d, across, first, scratch) => {
        if (n * c * d < SMALLEST) return linearWeight(g, x, out, n, c, d, across, first, scratch);
        const args = [g, x, out, n, c, d, across, first, scratch];
        const steps = [4, 0, 4 * d, 0, 0, 0, 0, 0, 0];
        this.#run('linearWeight', { args, steps, counts: 4, scratch: 8, parts: this.#rounds.threads });
      },
    };
  }

  #run(name: Kernel, { args, steps, counts, scratch, parts }: Cutting): void {
    const total = args[counts] as number;
    const size = Math.max(TILE, Math.ceil(total / parts / TILE) * TILE);
    const helpers = size >= total ? 0 : this.#rounds.helpersFor(this.#room, MOST_ROOM);
    if (helpers === 0) {
      (this.#kernels[name] as (...all: readonly number[]) => void)(...args);
      return;
    }
    const { words } = this.#rounds.control;
    this.#rounds.describe(this.#rounds.numberOf(name), helpers, this.#room);
    words[at.PLAN_AT] = 0;
    words[at.SIZE] = size;
    words[at.TOTAL] = total;
    words[at.COUNTS] = counts;
    words[at.SCRATCH] = scratch;
    for (const [k, value] of args.entries()) {
      words[at.ARGS + k] = value;
      words[at.STEPS + k] = (steps[k] as number) * size;
    }
    words[at.ARITY] = args.length;
    this.#rounds.run(Math.ceil(total / size), 0, scratch < 0 ? 0 : (args[scratch] as number));
  }
}
