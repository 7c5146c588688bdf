// Class indices on their way into linear memory: every kind of array becomes int32, labels become class indices.

import { adviceOnIndex } from '../arguments/advice.ts';
import type { Call } from '../arguments/call.ts';
import { PLAN, type Plan, type Runtime } from '../machine/runtime.ts';
import type { NumericArray } from '../values/types.ts';
import type { Block } from './blocks.ts';
import type { Place, Scratch } from './place.ts';

const DEFAULT_IGNORE = -100;
/** Mapped targets that are ignored. */
const MAPPED_IGNORE = -1;
/** Labels within a range of this size are looked up in an array. */
const DENSE = 65536;

/** Class indices as an operand. */
export class IndexTarget {
  readonly #call: Call;
  readonly #place: Place;
  readonly #reader: IndexReader;
  readonly #runtime: Runtime;
  readonly #scratch: Scratch;
  #part = 0;

  constructor(call: Call, place: Place, runtime: Runtime, scratch: Scratch) {
    this.#call = call;
    this.#place = place;
    this.#reader = indexReader(call, place.operand.data);
    this.#runtime = runtime;
    this.#scratch = scratch;
  }

  /** What the kernel sees of an ignored target. */
  get ignoreIndex(): number {
    return this.#reader.ignoreIndex;
  }

  /** Whether kernels read the targets in their place. */
  get resident(): boolean {
    return this.#reader.direct && this.#place.home !== undefined;
  }

  /** Reserves room for the targets of a block. */
  reserve(samples: number): void {
    if (this.resident) return;
    this.#place.copied = true;
    this.#part = this.#scratch.part(4 * samples);
  }

  /** Points the plan at the targets of a block. */
  bring(plan: Plan, { sample, samples }: Block): void {
    if (this.resident) {
      plan.set(PLAN.indices, (this.#place.home ?? 0) + 4 * sample);
      return;
    }
    const to = this.#scratch.base + this.#part;
    plan.set(PLAN.indices, to);
    this.#reader.read(this.#place.values, this.#runtime.memory.i32, to / 4, sample, samples);
  }

  /** The error for the target at a position. */
  fault(at: number): RangeError {
    return outOfRange(this.#call, this.#place.values, at);
  }
}

/** Copies targets, and says which int32 then marks an ignored one. */
interface IndexReader {
  readonly ignoreIndex: number;
  /** Whether int32 targets need no copy: the kernel can read them as they are. */
  readonly direct: boolean;
  /** Writes the class indices of targets start … start + n − 1; throws where one is no class. */
  read(data: NumericArray, to: Int32Array, at: number, start: number, n: number): void;
}

/** The error for the target at a position that is no class. */
function outOfRange(call: Call, values: NumericArray, at: number): RangeError {
  const { name, labels, middle, ignoreIndex } = call;
  const wanted = labels ? `not one of labels [${labels.slice(0, 20).join(', ')}]` : `outside [0, ${middle})`;
  const hint = adviceOnIndex(call, Number(values[at]), values);
  return new RangeError(
    `${name}: target[${at}] is ${values[at]}, ${wanted} (ignoreIndex ${ignoreIndex ?? DEFAULT_IGNORE})${hint}`,
  );
}

/** The reader for a call's targets, of the type of `data`. */
function indexReader(call: Call, data: NumericArray): IndexReader {
  const { name, middle: classes, labels } = call;
  const ignore = call.ignoreIndex ?? DEFAULT_IGNORE;
  const integer =
    data instanceof Int32Array ||
    data instanceof Int16Array ||
    data instanceof Int8Array ||
    data instanceof Uint8Array ||
    data instanceof Uint8ClampedArray ||
    data instanceof Uint16Array;
  if (integer && !labels && ignore === (ignore | 0)) {
    return {
      ignoreIndex: ignore,
      direct: true,
      read: (values, to, at, start, n) => {
        const numbers = values as Int32Array;
        to.set(start === 0 && n === numbers.length ? numbers : numbers.subarray(start, start + n), at);
      },
    };
  }
  const classOf = labels ? lookUp(labels) : (raw: number): number => (raw >= 0 && raw < classes ? raw : -1);
  return {
    ignoreIndex: MAPPED_IGNORE,
    direct: false,
    read(values, to, at, start, n) {
      for (let i = 0; i < n; i++) {
        const raw = Number(values[start + i]);
        if (raw === ignore) {
          to[at + i] = MAPPED_IGNORE;
          continue;
        }
        if (!Number.isInteger(raw)) {
          throw new RangeError(`${name}: target[${start + i}] is ${raw}, expected an integer (a class index)`);
        }
        const index = classOf(raw);
        if (index < 0) throw outOfRange(call, values, start + i);
        to[at + i] = index;
      }
    },
  };
}

/** From a label to its class, −1 for none. */
function lookUp(labels: readonly number[]): (raw: number) => number {
  const low = labels.reduce((a, b) => Math.min(a, b), 0);
  const span = labels.reduce((a, b) => Math.max(a, b), 0) - low + 1;
  if (span <= DENSE) {
    const table = new Int32Array(span).fill(-1);
    labels.forEach((label, c) => {
      table[label - low] = c;
    });
    return (raw) => table[raw - low] ?? -1;
  }
  const map = new Map(labels.map((label, c) => [label, c]));
  return (raw) => map.get(raw) ?? -1;
}
