// Class indices on their way into linear memory: every kind of array becomes int32, labels become class indices.

import type { Job } from './check.ts';
import type { NumericArray } from './types.ts';

const DEFAULT_IGNORE = -100;
/** Mapped targets that are ignored. */
const MAPPED_IGNORE = -1;
/** Labels within a range of this size are looked up in an array. */
const DENSE = 65536;

/** Copies targets, and says which int32 then marks an ignored one. */
export interface IndexReader {
  readonly ignoreIndex: number;
  /** Whether int32 targets need no copy: the kernel can read them as they are. */
  readonly direct: boolean;
  /** Writes the class indices of targets start … start + n − 1; throws where one is no class. */
  read(data: NumericArray, to: Int32Array, at: number, start: number, n: number): void;
  /** The error for the target at a position that the kernel found out of range. */
  outOfRange(data: NumericArray, position: number): RangeError;
}

/** The reader for a job's targets, of the type of `data`. */
export function indexReader(job: Job, data: NumericArray): IndexReader {
  const { name, classes, options } = job;
  const ignore = options.ignoreIndex ?? DEFAULT_IGNORE;
  const labels = options.labels;
  const outOfRange = (values: NumericArray, position: number): RangeError => {
    const wanted = labels ? `not one of labels [${labels.join(', ')}]` : `outside [0, ${classes})`;
    return new RangeError(`${name}: target[${position}] is ${values[position]}, ${wanted} (ignoreIndex ${ignore})`);
  };
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
      outOfRange,
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
        if (index < 0) throw outOfRange(values, start + i);
        to[at + i] = index;
      }
    },
    outOfRange,
  };
}

/** From a label to its class, −1 for none. */
function lookUp(labels: readonly number[]): (raw: number) => number {
  const low = labels.reduce((a, b) => Math.min(a, b));
  const span = labels.reduce((a, b) => Math.max(a, b)) - low + 1;
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
