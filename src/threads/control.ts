// What the threads of an engine share beside its memory: one word to claim chunks by, what there is to do, and a place for the
// sums of each chunk. All of it is written by the thread that calls; the others write what they claimed.
//
// A round is up to ROUND chunks. CLAIM holds its number and which of its chunks nobody has claimed: taking one is a
// compare-and-swap, which fails where the round is another one meanwhile, so that whoever was late claims nothing. Chunks are
// taken from both ends: what lies side by side in memory stays with one thread, whose processor reads ahead into it.

/** Places of the int32 words. */
export const CLAIM = 0;
/** Chunks of the round that are done. */
export const DONE = 1;
/** The thread that calls sleeps until DONE changes, or a helper holds nothing. */
export const WAITING = 2;
/** Threads that wait for CLAIM to change. */
export const SLEEPERS = 3;
/** Nothing more will come. */
export const QUIT = 4;
// what there is to do
export const FIRST = 5; // the round's first chunk
export const SIZE = 6; // samples or elements of a chunk
export const PERIOD = 7; // chunks start anew after so many; 0: never
export const TOTAL = 8; // samples or elements in all
export const KERNEL = 9; // its place among the names of kernels
export const PLAN_AT = 10; // address of the plan
export const ROOM_AT = 11; // address of the scratch of the first helper
export const ROOM_BYTES = 12; // of each
export const HELPERS = 13; // how many have scratch
export const PAGES = 14; // of memory, which a thread may see later than it has grown
export const PARTS_AT = 15; // address of the sums of parts of the round's chunks
export const PARTS = 16; // how many there are
export const CANONICAL = 17; // NaN of gradients become one: 0 no, 1 of elements, 2 of classes
// where there is no plan, a function of some arguments: SIZE and TOTAL are of the one that counts
export const ARITY = 18; // how many
export const COUNTS = 19; // which of them counts, and which is scratch, −1: none
export const SCRATCH = 20;
export const ARGS = 24;
export const STEPS = 40; // what each chunk adds to each
// of each helper
export const READY = 64;
/** It may be writing: set before it looks for a chunk. */
export const HOLDS = READY + 128;
const WORDS = HOLDS + 128;

/** Threads beside the one that calls, at most. */
export const MOST_HELPERS = 127;
/** Bits of CLAIM for the place of a chunk. */
const BITS = 12;
/** Chunks of a round at most. */
export const ROUND = 2 ** BITS - 1;
/** Rounds before their numbers repeat. */
export const NUMBERS = 2 ** (31 - 2 * BITS);

/** A value of CLAIM: the round, the first chunk that is left, and the one behind the last. */
export const claimOf = (round: number, first: number, end: number): number =>
  ((round % NUMBERS) << (2 * BITS)) | (first << BITS) | end;
/** The round of a value of CLAIM. */
export const roundOf = (claim: number): number => claim >>> (2 * BITS);
const firstOf = (claim: number): number => (claim >>> BITS) & ROUND;
const endOf = (claim: number): number => claim & ROUND;
/** Whether there is something left. */
export const leaves = (claim: number): boolean => firstOf(claim) < endOf(claim);

/** A thread takes one part in so many of what is left, so that all end at about the same time. */
const SHARE = 8;

/** Claims chunks, the first or the last ones of those left, and takes each; how many, 0 where the claim is out of date. */
export function take(words: Int32Array, claim: number, last: boolean, each: (chunk: number) => void): number {
  const count = Math.ceil((endOf(claim) - firstOf(claim)) / SHARE);
  const taken = last ? claim - count : claim + (count << BITS);
  if (Atomics.compareExchange(words, CLAIM, claim, taken) !== claim) return 0;
  const first = last ? endOf(claim) - count : firstOf(claim);
  for (let i = 0; i < count; i++) each(first + i);
  return count;
}

/** Sums of each chunk: sum, sideSum, count, weightSum. */
export const SUMS = 4;

/** The views of what is shared. */
export class Control {
  readonly words: Int32Array;
  readonly sums: Float64Array;
  /** Of each chunk: the position of a target out of range, or −1. */
  readonly bad: Int32Array;

  constructor(readonly shared: SharedArrayBuffer) {
    const sums = 4 * WORDS;
    const bad = sums + 8 * SUMS * ROUND;
    this.words = new Int32Array(shared, 0, WORDS);
    this.sums = new Float64Array(shared, sums, SUMS * ROUND);
    this.bad = new Int32Array(shared, bad, ROUND);
  }

  static make(): Control {
    return new Control(new SharedArrayBuffer(4 * WORDS + (8 * SUMS + 4) * ROUND));
  }
}
