/** Linear memory as a host of the raw ABI fills it: operands among canaries, at addresses and strides of its own choice. */
import { PLAN, PLAN_BYTES } from '../../../src/generated/plan.ts';

const CANARY = 0x5ca1ab1e;
/** The bits of NaN, as float32 and, two of them, as float64. */
const NAN = -1;
const PAGE = 65536;
/** Words between two operands. */
const GAP = 16;

type Field = keyof typeof PLAN;
type Exported = Readonly<Record<string, (...values: readonly number[]) => number>>;

/** Words that kernels may write. */
interface Region {
  readonly at: number;
  readonly words: number;
  /** Only these, counted from the first. */
  readonly only?: ReadonlySet<number>;
}

/** The float64 fields come first. */
const isDouble = (field: Field): boolean => PLAN[field] < PLAN.input;

export class Arena {
  readonly exported: Exported;
  readonly #memory: WebAssembly.Memory;
  readonly #start: number;
  readonly #plan: number;
  #at: number;
  #f32 = new Float32Array(0);
  #f64 = new Float64Array(0);
  #i32 = new Int32Array(0);
  readonly #writable: Region[] = [];
  /** What was put into memory, to be found unchanged. */
  readonly #kept: { readonly name: string; readonly at: number; readonly words: Int32Array }[] = [];

  constructor(instance: WebAssembly.Instance) {
    this.exported = instance.exports as Exported;
    this.#memory = instance.exports.memory as WebAssembly.Memory;
    this.#start = Math.ceil(this.exported.heapBase!() / 64) * 16;
    this.#at = this.#start;
    this.#plan = this.#take(PLAN_BYTES / 4, 0, true);
    this.#i32.fill(0, this.#plan, this.#plan + PLAN_BYTES / 4);
    this.#writable.push({ at: this.#plan, words: PLAN_BYTES / 4 });
  }

  /** Words `offset` behind a line of 64 bytes, all of them canaries. */
  #take(words: number, offset: number, aligned = false): number {
    const at = Math.ceil((this.#at + GAP) / 16) * 16 + (aligned ? 0 : offset);
    const end = at + words + GAP;
    const missing = 4 * end - this.#memory.buffer.byteLength;
    if (missing > 0) this.#memory.grow(Math.ceil(missing / PAGE));
    if (this.#i32.buffer !== this.#memory.buffer) {
      this.#f32 = new Float32Array(this.#memory.buffer);
      this.#f64 = new Float64Array(this.#memory.buffer);
      this.#i32 = new Int32Array(this.#memory.buffer);
    }
    this.#i32.fill(CANARY, this.#at, end);
    this.#at = end;
    return at;
  }

  /** Puts numbers at their places among `words`; its address. */
  put(name: string, values: ArrayLike<number>, places: (i: number) => number, words: number, offset: number): number {
    const at = this.#take(words, offset);
    for (let i = 0; i < values.length; i++) this.#f32[at + places(i)] = values[i]!;
    this.#kept.push({ name, at, words: this.#i32.slice(at, at + words) });
    return 4 * at;
  }

  integers(name: string, values: ArrayLike<number>, offset: number): number {
    const at = this.#take(values.length, offset);
    this.#i32.set(values, at);
    this.#kept.push({ name, at, words: this.#i32.slice(at, at + values.length) });
    return 4 * at;
  }

  /** Room for results: all of its words, or those at places. */
  room(words: number, offset: number, only?: ReadonlySet<number>): number {
    const at = this.#take(words, offset);
    this.#writable.push({ at, words, ...(only && { only }) });
    return 4 * at;
  }

  /** Float64 zeros that a kernel adds to. */
  zeros(length: number): number {
    const at = this.#take(2 * length, 0, true);
    this.#i32.fill(0, at, at + 2 * length);
    this.#writable.push({ at, words: 2 * length });
    return 4 * at;
  }

  /** Full of NaN, which spreads to the results of a kernel that reads what it has not written. */
  scratch(bytes: number): number {
    const words = Math.ceil(bytes / 4);
    const at = this.#take(words, 0, true);
    this.#i32.fill(NAN, at, at + words);
    this.#writable.push({ at, words });
    return 4 * at;
  }

  /** Lets a kernel write over an operand, where its values are. */
  release(name: string, only: ReadonlySet<number>): void {
    const i = this.#kept.findIndex((kept) => kept.name === name);
    for (const { at, words } of this.#kept.splice(i, 1)) this.#writable.push({ at, words: words.length, only });
  }

  floats(address: number, length: number, places: (i: number) => number = (i) => i): Float32Array {
    return Float32Array.from({ length }, (_, i) => this.#f32[address / 4 + places(i)]!);
  }

  doubles(address: number, length: number): Float64Array {
    return this.#f64.slice(address / 8, address / 8 + length);
  }

  set(values: Partial<Readonly<Record<Field, number>>>): void {
    for (const [field, value] of Object.entries(values) as [Field, number][]) {
      if (isDouble(field)) this.#f64[this.#plan / 2 + PLAN[field]] = value;
      else this.#i32[this.#plan + PLAN[field]] = value;
    }
  }

  get(field: Field): number {
    return isDouble(field) ? this.#f64[this.#plan / 2 + PLAN[field]]! : this.#i32[this.#plan + PLAN[field]]!;
  }

  call(name: string): number {
    return this.exported[name]!(4 * this.#plan);
  }

  /** What was written that may not be. */
  damage(): string | undefined {
    for (const { name, at, words } of this.#kept) {
      const i = words.findIndex((word, k) => this.#i32[at + k] !== word);
      if (i >= 0) return `word ${i} of ${name}`;
    }
    const kept = this.#kept.map(({ at, words }): Region => ({ at, words: words.length }));
    const regions = [...this.#writable, ...kept, { at: this.#at, words: 0 }].sort((a, b) => a.at - b.at);
    let from = this.#start;
    for (const region of regions) {
      for (let i = from; i < region.at; i++) {
        if (this.#i32[i] !== CANARY) return `word ${i - region.at} before an operand at ${4 * region.at}`;
      }
      if (region.only) {
        for (let i = 0; i < region.words; i++) {
          if (!region.only.has(i) && this.#i32[region.at + i] !== CANARY) return `word ${i} between results`;
        }
      }
      from = Math.max(from, region.at + region.words);
    }
    return undefined;
  }
}
