/**
 * An engine that watches its memory: every block (tensor, plan, scratch) lies between guard bytes and starts full of garbage,
 * and a call may change no byte of the whole memory but its plan, its scratch and its `out`.
 */
import { expect } from 'vitest';
import { engineOf } from '../src/api/engine.ts';
import { PLAN_BYTES } from '../src/generated/plan.ts';
import { Runtime } from '../src/machine/runtime.ts';
import type { Tier } from '../src/values/types.ts';
import type { Engine } from './tiers.ts';

/** Bytes in front of a block and behind it; its own length rounded up to them is where the ones behind start. */
const ZONE = 64;
/** Four of these are a NaN, which spreads to the result of whoever reads one. */
const GARBAGE = 0xff;

interface Region {
  readonly start: number;
  readonly bytes: number;
}

/** An engine over guarded memory, and what to look at. */
export class Guarded {
  readonly engine: Engine;
  readonly #runtime: Runtime;
  /** Plans, and the scratch of steps, which a call may write. */
  #work: Region[] = [];
  /** The scratch of the last direct call. */
  #scratch: Region = { start: 0, bytes: 0 };

  constructor(tier: Tier) {
    const runtime = new Runtime({ tier });
    const { memory } = runtime;
    this.#runtime = runtime;
    this.#work.push({ start: runtime.plan.address, bytes: PLAN_BYTES });
    const [allocate, release] = [memory.allocate.bind(memory), memory.release.bind(memory)];
    memory.allocate = (bytes) => {
      const start = allocate(bytes + 2 * ZONE) + ZONE;
      const end = start + Math.ceil(bytes / ZONE) * ZONE;
      this.#bytes().fill(GARBAGE, start - ZONE, end + ZONE);
      return start;
    };
    memory.release = (start, bytes) => {
      this.#checkZones({ start, bytes });
      this.#work = this.#work.filter((region) => region.start !== start);
      release(start - ZONE, bytes + 2 * ZONE);
    };
    memory.withScratch = (bytes, use) => {
      const start = memory.allocate(bytes);
      // with its guard bytes, which were free memory before the call; release looks at them
      this.#scratch = { start: start - ZONE, bytes: Math.ceil(bytes / ZONE) * ZONE + 2 * ZONE };
      try {
        return use(start);
      } finally {
        memory.release(start, bytes);
      }
    };
    this.engine = engineOf(runtime) as Engine; // the same functions, of which the types know less
    // room enough that no call grows the memory: a snapshot then covers all of it
    memory.memory.grow(24);
    memory.renew();
    this.engine.tensor([1]);
  }

  #bytes(): Uint8Array {
    return new Uint8Array(this.#runtime.kernels.memory.buffer);
  }

  #checkZones({ start, bytes }: Region): void {
    const end = start + bytes;
    const memory = this.#bytes();
    const whole = (from: number, to: number) => memory.subarray(from, to).every((byte) => byte === GARBAGE);
    if (!whole(start - ZONE, start)) expect.fail(`the ${ZONE} bytes in front of a block of ${bytes} were written`);
    if (!whole(end, Math.ceil(end / ZONE) * ZONE + ZONE)) expect.fail(`bytes behind a block of ${bytes} were written`);
  }

  /** Lets what `make` allocates, a step's plan and scratch, be written from here on. */
  working<T>(make: () => T): T {
    const { memory } = this.#runtime;
    const allocate = memory.allocate;
    memory.allocate = (bytes) => {
      const start = allocate(bytes);
      this.#work.push({ start, bytes });
      return start;
    };
    try {
      return make();
    } finally {
      memory.allocate = allocate;
    }
  }

  /** Runs a call; only `out` may have changed, beside plans and scratch. */
  watch<T>(what: string, outs: readonly Float32Array[], call: () => T): T {
    const before = this.#bytes().slice();
    this.#scratch = { start: 0, bytes: 0 };
    const result = call();
    const after = this.#bytes();
    expect(after.length, `${what}: memory grew`).toBe(before.length);
    const written = outs.map(({ byteOffset, byteLength }) => ({ start: byteOffset, bytes: byteLength }));
    const seen = after.slice();
    for (const { start, bytes } of [...this.#work, this.#scratch, ...written]) {
      seen.set(before.subarray(start, start + bytes), start);
    }
    if (Buffer.compare(seen, before) !== 0) {
      const at = seen.findIndex((byte, i) => byte !== before[i]);
      const near = written[0] ? ` (out starts at ${written[0].start}, ${written[0].bytes} bytes)` : '';
      expect.fail(`${what}: byte ${at} was written${near}`);
    }
    return result;
  }
}
