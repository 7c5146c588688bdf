// Linear memory: the only file that makes views over it. Blocks are 64-byte aligned (a cache line), taken first fit from a
// list of free blocks kept in address order, and merged with their free neighbours when they come back, so that a training
// loop that takes and returns the same sizes always gets the same blocks.

const PAGE = 65536;
const ALIGN = 64;
const LARGEST = 65536 * PAGE;
/** Bytes that memory may grow by beyond what is asked for. */
const SLACK = 1 << 18;
/** Scratch up to this size is kept between calls; a larger one is returned after the call. */
const KEPT_SCRATCH = 1 << 20;

const align = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN;

/** Whose views are of a buffer; where threads share a memory, the buffers of it before it grew live on. */
const owners = new WeakMap<ArrayBufferLike, LinearMemory>();

/** The memory of whatever engine that an array is a view of; undefined for all others. */
export const memoryOf = ({ buffer, byteOffset }: ArrayBufferView): LinearMemory | undefined =>
  byteOffset > 0 ? owners.get(buffer) : undefined; // at its very start nothing lies that is an engine's

interface Block {
  start: number;
  bytes: number;
}

export class LinearMemory {
  readonly memory: WebAssembly.Memory;
  readonly #limit: number;
  readonly #free: Block[] = [];
  #end: number;
  #buffer: ArrayBufferLike | undefined;
  /** Views of the whole memory; `renew` makes them anew where memory has grown. */
  f32: Float32Array = new Float32Array(0);
  i32: Int32Array = new Int32Array(0);
  u32: Uint32Array = new Uint32Array(0);
  f64: Float64Array = new Float64Array(0);
  #last: Float32Array = this.f32;
  #scratch: Block = { start: 0, bytes: 0 };
  #used = 0;
  /** What came back while something may still be written to, and whether that is so. */
  readonly #late: Block[] = [];
  #kept: (() => boolean) | undefined;

  /** Takes over a module's memory from `base` on, up to `limit` bytes (whole pages of them) of memory in all. */
  constructor(memory: WebAssembly.Memory, base: number, limit = LARGEST) {
    this.memory = memory;
    this.#end = align(base);
    this.#limit = Math.min(Math.floor(limit / PAGE) * PAGE, LARGEST);
    this.renew();
  }

  /** Bytes of linear memory, used or not. */
  get bytesReserved(): number {
    return this.memory.buffer.byteLength;
  }

  /** Bytes handed out, scratch left out. */
  get bytesInUse(): number {
    return this.#used;
  }

  /**
   * Views die when memory grows (their length becomes 0): every call and every growth renews them where they have. Asking
   * the memory for its buffer costs more than all other checks of a small call together.
   */
  renew(): void {
    if (this.f32.length === 0) this.#view();
  }

  #view(): void {
    const { buffer } = this.memory;
    this.#buffer = buffer;
    owners.set(buffer, this);
    this.f32 = new Float32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
  }

  /**
   * Whether an array is a view of this memory, at whose very start nothing lies that is an engine's. Most arrays have a
   * buffer of their own, which engines make only when it is asked for.
   */
  holds(data: ArrayBufferView): boolean {
    return data.byteOffset > 0 && (data.buffer === this.#buffer || memoryOf(data) === this);
  }

  /** A view of `length` values at an address. */
  view(kind: 'float32', address: number, length: number): Float32Array;
  view(kind: 'int32', address: number, length: number): Int32Array;
  view(kind: 'float32' | 'int32', address: number, length: number): Float32Array | Int32Array;
  view(kind: 'float32' | 'int32', address: number, length: number): Float32Array | Int32Array {
    const { buffer } = this.memory;
    return kind === 'int32' ? new Int32Array(buffer, address, length) : new Float32Array(buffer, address, length);
  }

  /** `length` floats from the `at`th on: the view of the last call, where that was the same. */
  floats(at: number, length: number): Float32Array {
    if (this.#last.length !== length || this.#last.byteOffset !== 4 * at)
      this.#last = this.f32.subarray(at, at + length);
    return this.#last;
  }

  /** Counts what is handed out from here on. */
  startCounting(): void {
    this.#used = 0;
  }

  /** Hands out a block; RangeError naming bytes and limit where there is no room. */
  allocate(bytes: number): number {
    const start = this.take(bytes);
    this.#used += align(bytes);
    return start;
  }

  /** Takes a block back. */
  release(start: number, bytes: number): void {
    this.give(start, bytes);
    this.#used -= align(bytes);
  }

  /** The address of `bytes` of scratch that is there already and stays; undefined where it has to be made. */
  scratchOf(bytes: number): number | undefined {
    const { start, bytes: size } = this.#scratch;
    return bytes <= size && size <= KEPT_SCRATCH ? start : undefined;
  }

  /** Calls `use` with the address of `bytes` of scratch, which nothing else uses meanwhile. */
  withScratch<T>(bytes: number, use: (start: number) => T): T {
    if (this.#scratch.bytes < bytes) {
      this.#dropScratch();
      this.#scratch = { start: this.take(bytes), bytes: align(bytes) };
    }
    const { start } = this.#scratch;
    try {
      return use(start);
    } finally {
      if (this.#scratch.bytes > KEPT_SCRATCH) this.#dropScratch();
    }
  }

  #dropScratch(): void {
    if (this.#scratch.bytes > 0) this.give(this.#scratch.start, this.#scratch.bytes);
    this.#scratch = { start: 0, bytes: 0 };
  }

  /** Hands out a block that is not counted. */
  take(bytes: number): number {
    if (this.#kept) this.#settle();
    const size = align(bytes);
    const index = this.#free.findIndex((block) => block.bytes >= size);
    const block = this.#free[index];
    if (block) {
      const { start } = block;
      block.start += size;
      block.bytes -= size;
      if (block.bytes === 0) this.#free.splice(index, 1);
      return start;
    }
    // a free block at the end of memory need only be lengthened
    const last = this.#free.at(-1);
    const tail = last && last.start + last.bytes === this.#end ? last : undefined;
    const start = tail ? tail.start : this.#end;
    this.#reserve(start + size, bytes);
    if (tail) this.#free.pop();
    this.#end = start + size;
    return start;
  }

  /** Grows memory so that `end` lies inside it. */
  #reserve(end: number, bytes: number): void {
    const have = this.memory.buffer.byteLength;
    if (end <= have) {
      // somebody else may have made a shared memory grow
      if (this.f32.byteLength < end) this.#view();
      return;
    }
    const fail = (): never => {
      throw new RangeError(
        `lossmith: out of memory: ${bytes} bytes asked for, ${have} of at most ${this.#limit} bytes reserved`,
      );
    };
    if (end > this.#limit) fail();
    // grow by a quarter, at most SLACK, so that many small requests do not each renew the views
    const want = Math.min(Math.max(end, have + Math.min(have / 4, SLACK)), this.#limit);
    for (const target of [want, end]) {
      try {
        this.memory.grow(Math.ceil(target / PAGE) - have / PAGE);
        this.#view();
        return;
      } catch {
        // the host has less than asked for: try the bare need, then give up
      }
    }
    fail();
  }

  /** Keeps what comes back as long as `writing` says that it may still be written to. */
  keepWhile(writing: () => boolean): void {
    this.#kept = writing;
  }

  #settle(): void {
    if (this.#kept?.()) return;
    this.#kept = undefined;
    for (const { start, bytes } of this.#late.splice(0)) this.give(start, bytes);
  }

  /** Takes a block back that was not counted. */
  give(start: number, bytes: number): void {
    const size = align(bytes);
    if (size === 0) return;
    if (this.#kept) {
      this.#late.push({ start, bytes });
      return;
    }
    let at = this.#free.findIndex((block) => block.start > start);
    if (at < 0) at = this.#free.length;
    const before = this.#free[at - 1];
    const after = this.#free[at];
    const joinsBefore = before !== undefined && before.start + before.bytes === start;
    const joinsAfter = after !== undefined && start + size === after.start;
    if (joinsBefore) {
      before.bytes += size;
      if (joinsAfter) {
        before.bytes += after.bytes;
        this.#free.splice(at, 1);
      }
    } else if (joinsAfter) {
      after.start = start;
      after.bytes += size;
    } else this.#free.splice(at, 0, { start, bytes: size });
  }
}
